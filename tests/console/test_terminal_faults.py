"""Bad days on a real terminal: the login that the banner names, and an end that no hanging call holds up."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.terminal import Terminal

ENTERS_ITS_SCREEN, LEAVES_ITS_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
"""The alternate screen of xterm (control sequences, "DECSET 1049")."""
PROGRAM = "tests.console.made_up_faults"
ROOT = Path(__file__).parents[2]
LOGIN = """#!/bin/sh
echo "asked: aws $*" | tee "{asked}"
printf 'press enter in the browser: '
read answer
: > "{faults}"
exit {code}
"""


class Foul:
    """A console over weather that `turn` changes, with an `aws` on its path that ends what is wrong."""

    def __init__(self, directory: Path, faults: str = "") -> None:
        self.faults, self.asked = directory / "faults", directory / "asked"
        self.faults.write_text(faults)
        self._programs = directory / "bin"
        self._programs.mkdir()
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        self.terminal = Terminal(
            [sys.executable, "-m", PROGRAM, str(self.faults)],
            columns=120,
            rows=30,
            environment={"PATH": path, "PYTHONPATH": str(ROOT)},
        )

    def turn(self, faults: str) -> None:
        """These faults from now on."""
        self.faults.write_text(faults)

    def install(self, text: str) -> None:
        """Put an `aws` on the path."""
        program = self._programs / "aws"
        program.write_text(text)
        program.chmod(0o755)

    def login(self, code: int = 0) -> str:
        """An `aws` that asks something, then makes the credentials good."""
        return LOGIN.format(asked=self.asked, faults=self.faults, code=code)


@pytest.fixture
def foul(tmp_path: Path) -> Iterator[Foul]:
    """Closed at the end."""
    opened = Foul(tmp_path)
    yield opened
    opened.terminal.close()


def expired(foul: Foul) -> Terminal:
    """The console with data on its screen and credentials that have run out."""
    terminal = foul.terminal
    terminal.shows("LIVE")
    foul.turn("expired")
    terminal.press("r")
    terminal.shows("4 of 4 feeds STALE")
    text = terminal.shows("aws sso login --profile work  (L runs it)")
    assert "receipts-dlq" in text
    return terminal


def reads_after_the_login(foul: Foul) -> None:
    """The profile's login was run once, and the console reads again."""
    foul.terminal.shows("LIVE", "receipts-dlq")
    assert foul.asked.read_text() == "asked: aws sso login --profile work\n"
    foul.terminal.press("q")
    assert foul.terminal.ended() == 0


def test_l_logs_in_on_this_terminal_and_reads_again(foul: Foul) -> None:
    foul.install(foul.login())
    terminal = expired(foul)
    terminal.press("L")
    terminal.shows("press enter in the browser:")
    before, _, lent = bytes(terminal.written).rpartition(LEAVES_ITS_SCREEN)
    assert ENTERS_ITS_SCREEN in before
    assert b"asked: aws sso login --profile work" in lent
    assert ENTERS_ITS_SCREEN not in lent
    terminal.press("\r")
    terminal.shows("logged in")
    reads_after_the_login(foul)


def test_l_logs_in_where_the_credentials_had_expired_before_the_start(tmp_path: Path) -> None:
    foul = Foul(tmp_path, "expired")
    try:
        terminal = foul.terminal
        terminal.shows("aws sso login --profile work", "L runs it and tries again")
        foul.install(foul.login())
        terminal.press("L")
        terminal.shows("press enter in the browser:")
        terminal.press("\r")
        reads_after_the_login(foul)
    finally:
        foul.terminal.close()


def test_a_login_that_fails_is_told_and_the_data_stay(foul: Foul) -> None:
    foul.install("#!/bin/sh\nexit 7\n")
    terminal = expired(foul)
    terminal.press("L")
    text = terminal.shows("aws ended with exit code 7")
    assert "receipts-dlq" in text
    foul.install("#!/no/such/interpreter\n")
    terminal.press("L")
    terminal.shows("aws cannot be run")
    terminal.press("q")
    assert terminal.ended() == 0


FEEDS = 6
"""That the overview reads."""


def threads(terminal: Terminal) -> int:
    """Those of the process: its own, and one for each call that is out."""
    return len(list(Path(f"/proc/{terminal.process.pid}/task").iterdir()))


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_quitting_waits_for_no_hanging_call(foul: Foul, key: str) -> None:
    terminal = foul.terminal
    terminal.shows("LIVE")
    quiet = threads(terminal)

    def out(calls: int) -> None:
        terminal.until(lambda _: threads(terminal) == quiet + calls)

    foul.turn("slow")
    terminal.press("r")
    out(FEEDS)
    places = (":messages campaign=one\r", ":messages campaign=two\r", ":messages three\r", ":messages four\r")
    for number, typed in enumerate(places, start=1):
        terminal.press(typed)
        out(FEEDS + number)
    terminal.press(key)
    assert terminal.ended() == 0
