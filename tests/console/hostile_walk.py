"""A walk through every screen, menu, file and dialog of a console whose stack is full of hostile texts."""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from console.ui.registry import SCREENS
from tests.console.hostile_texts import BREAKS, EVIL, tags
from tests.console.terminal import Terminal
from tests.console.terminal_grammar import ONCE, copies_of, foreign, text_of

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 200, 50
MENUS = {"y": "esc: back", "a": "esc: back", "e": "esc: back", "?": "esc closes", "o": "esc: back"}
"""Keys that open something on every screen, and what it says; some places lead nowhere, and say so."""
NOWHERE = "nothing here"
DEEPER = {
    "overview": "alarms",
    **{name: f"{name} › " for name in ("alarms", "messages", "campaigns", "queues", "sessions")},
}
"""Where enter leads."""
FILLED = re.compile(r" old|[1-9][0-9,.k]* lines")
"""What stands at the right of the breadcrumbs once rows are there; a frame that is half on the terminal may lack both
them and the word that they are loading."""
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
MOST_READINGS = 2_000


class Walk:
    """One console on a terminal; its texts are those of `corpus(number)`."""

    def __init__(self, directory: Path, number: int) -> None:
        self.number = number
        self.directory = directory
        self.exports = directory / "exports"
        self.exports.mkdir()
        self.seen: set[int] = set()
        self._looked = 0
        self.terminal = Terminal(
            [sys.executable, "-m", "tests.console.made_up_hostile", str(directory), str(number)],
            columns=COLUMNS,
            rows=ROWS,
            environment={"PYTHONPATH": str(ROOT)},
        )
        self._rng = random.Random(number)

    def everywhere(self) -> None:
        """Every screen, and from each every menu, a subject, a filter, a copy and three files."""
        self.terminal.shows("in ALARM")
        for spec in SCREENS:
            self.go(spec.name)
            self.terminal.press("r")
            self.goes_deeper(spec.name)
            self.opens_and_closes(*MENUS)
            self.filters()
            self.copies()
            self.go(spec.name)
        self.go("alarms")
        self.files()

    def go(self, name: str) -> None:
        """A screen by its name."""
        self.terminal.press(":")
        self.terminal.until(lambda text: _typed(text, ":"))
        self.terminal.press(f"{name}\r")
        self.terminal.until(lambda text: not _typed(text, ":") and _is_at(text, name))
        self.look()

    def opens_and_closes(self, *keys: str) -> None:
        """Each key opens something, which escape closes."""
        for key in keys:
            words = MENUS[key]
            nowhere = NOWHERE if key == "o" else words
            if key == "o":
                self.terminal.until(lambda text: NOWHERE not in text)
            self.terminal.press(key)
            self.terminal.until(lambda text, words=words, nowhere=nowhere: words in text or nowhere in text)  # type: ignore[misc]
            if words in self.terminal.text():
                self.terminal.press("\x1b")
                self.terminal.until(lambda text, words=words: words not in text)  # type: ignore[misc]

    def goes_deeper(self, name: str) -> None:
        """Into the second row of a list, where there is one."""
        self.terminal.until(lambda text: "LOADING" not in text)
        if name == "logs" or (name in DEEPER and name != "overview"):
            self.terminal.until(lambda text: FILLED.search(text.splitlines()[1]) is not None)
        if name in DEEPER:
            self.terminal.press("j\r")
            self.terminal.until(lambda text: _is_at(text, DEEPER[name]))
        elif name == "logs":
            self.terminal.press("j\r")
            self.terminal.shows("esc closes")
            self.terminal.press("\x1b")
            self.terminal.until(lambda text: "esc closes" not in text)

    def filters(self) -> None:
        """What somebody pastes into the filter is foreign as well."""
        self.terminal.press("/")
        self.terminal.until(lambda text: _typed(text, "/"))
        pasted = self._rng.choice(BREAKS).replace("\x1b", "").encode("utf-8", "ignore").decode()
        self.terminal.press(f"{PASTE_BEGINS}p{pasted}{PASTE_ENDS}")
        self.terminal.until(lambda text: _typed(text, "/p"))
        self.terminal.press("\x1b")
        self.terminal.until(lambda text: not _typed(text, "/"))

    def copies(self) -> None:
        """Whatever is copied first, and the link."""
        for key in ("j", "l"):
            before = len(copies_of(bytes(self.terminal.written)))
            self.terminal.press("y")
            self.terminal.shows("  l  link to this place")
            self.terminal.press("l" if f"  {key}  " not in self.terminal.text() else key)
            self.terminal.until(lambda text: "  l  link to this place" not in text)
            self.terminal.until(lambda _, before=before: len(copies_of(bytes(self.terminal.written))) > before)  # type: ignore[misc]

    def files(self) -> None:
        """The rows as CSV and JSON, the screen as a picture."""
        for number, key in enumerate(("c", "j", "s"), start=1):
            self.terminal.press("e")
            self.terminal.shows(MENUS["e"])
            self.terminal.press(key)
            self.terminal.until(lambda text: MENUS["e"] not in text)
            self.terminal.until(lambda _, number=number: len(list(self.exports.iterdir())) == number)  # type: ignore[misc]

    def until_all_were_seen(self) -> None:
        """Read rows of messages again and again, the texts first that were on no screen yet."""
        self.go("messages")
        for _ in range(MOST_READINGS):
            self.look()
            left = [place for place in range(self.number) if place not in self.seen]
            if not left:
                return
            self._rng.shuffle(left)
            (self.directory / "wanted").write_text(json.dumps(left))
            before = self.terminal.written.count(b"\x1b[")
            self.terminal.press("r")
            self.terminal.until(lambda _, before=before: self.terminal.written.count(b"\x1b[") > before + ROWS)  # type: ignore[misc]
        raise AssertionError(f"{len(left)} texts were never on the screen, among them {left[:5]}")

    def look(self) -> None:
        """Remember which texts were on the screen."""
        self.seen |= tags(text_of(bytes(self.terminal.written[self._looked :])))
        self._looked = max(0, len(self.terminal.written) - 1_000)

    def is_harmless(self) -> None:
        """No foreign byte was written, nothing was done, copies and files hold text; the console ends when told to."""
        assert not (self.directory / "acted").exists()
        assert self.terminal.process.poll() is None
        self.terminal.press("q")
        assert self.terminal.ended() == 0
        written = bytes(self.terminal.written)
        (self.directory / "written").write_bytes(written)
        found = foreign(written)
        assert not found, found[:3]
        assert [written.count(each) for each in ONCE] == [1, 1]
        copied = copies_of(written)
        assert EVIL not in copied
        assert len(copied) >= 2 * len(SCREENS)
        assert all(character.isprintable() or character in "\n\t" for text in copied for character in text)
        for path in self.exports.iterdir():
            text = path.read_text(encoding="utf-8")
            assert all(character.isprintable() or character in "\r\n\t\xa0" for character in text), path
            if path.suffix == ".svg":
                assert ElementTree.fromstring(text).tag.endswith("svg")
            else:
                assert not any(row.startswith(("=", "@", "+")) for row in text.splitlines())


def _typed(text: str, beginning: str) -> bool:
    """Whether the prompt is open and holds this."""
    return any(row.startswith(beginning) for row in text.splitlines())


def _is_at(text: str, name: str) -> bool:
    rows = text.splitlines()
    return "last messages" in text if name == "overview" else any(f"› {name}" in row for row in rows[:3])
