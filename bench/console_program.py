"""`python -m bench.console_program SIDE [hang]`: the console over a made-up stack on this terminal, ours or plain.

With `hang` every call hangs from the second beat on. The stack runs a campaign of 20 messages a second.
"""

from __future__ import annotations

import sys

from bench.console_peer import PlainConsole
from console.campaigns import make_request
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp

HANG_SECONDS = 6.0
GOOD_CALLS = 8


class SlowingStack(FakeStack):
    """Hangs once it has been asked for a while."""

    def __init__(self, *, hang: bool) -> None:
        super().__init__()
        self._left = GOOD_CALLS if hang else 1_000_000

    def _ask(self, call: str) -> None:
        self._left -= 1
        if self._left < 0:
            self.delay = HANG_SECONDS
        super()._ask(call)


def main(side: str, *, hang: bool) -> None:
    """Run it until it is left."""
    stack = SlowingStack(hang=hang)
    stack.send(make_request(5_000, 20.0))
    if side == "plain":
        PlainConsole(stack).run()
    else:
        ConsoleApp("bench", lambda progress: stack.connection()).run()


if __name__ == "__main__":
    main(sys.argv[1], hang="hang" in sys.argv[2:])
