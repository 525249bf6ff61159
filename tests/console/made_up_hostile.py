"""The console over a stack full of hostile texts, as a program: made_up_hostile.py DIRECTORY NUMBER-OF-TEXTS."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from console.ui.app import ConsoleApp
from console.view.glyphs import glyphs_for
from tests.console.hostile_stack import Texts, hostile_connection
from tests.console.hostile_texts import corpus


def main(directory: Path, number: int) -> None:
    os.environ["XDG_CACHE_HOME"] = str(directory / "cache")
    texts, wanted = corpus(number), directory / "wanted"
    connection = hostile_connection(Texts(texts, wanted), Texts(texts, wanted), directory / "acted")
    app = ConsoleApp(
        "the made-up stack", lambda progress: connection, glyphs=glyphs_for(sys.stdout.encoding), allow_actions=True
    )
    app.directory = directory / "exports"
    app.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
