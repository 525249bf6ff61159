"""The console over a made-up stack as a program of its own, for tests on a real terminal: made_up.py ENVIRONMENT."""

from __future__ import annotations

import os
import sys

from console.domain import Alarm, AlarmState
from console.sources.fake import FakeStack
from console.text import safe
from console.ui.app import ConsoleApp
from console.ui.themes import set_theme
from console.view.glyphs import glyphs_for
from console.view.palette import chosen

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x07\x1b[6n\x9b31m[/nope][@click=app.quit]x[/]\u202e\u200bend"


def main(environment: str) -> None:
    stack = FakeStack(environment=environment)
    name = safe(HOSTILE)
    stack.alarm_list += (Alarm(name, AlarmState.ALARM, "critical", None, name, name, name),)
    app = ConsoleApp(
        "the made-up stack",
        lambda progress: stack.connection(),
        glyphs=glyphs_for(sys.stdout.encoding, os.environ.get("TERM", "")),
        allow_actions=True,
    )
    set_theme(app, chosen(None, os.environ))
    app.run()


if __name__ == "__main__":
    main(sys.argv[1])
