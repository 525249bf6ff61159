"""One log line whole, over the lines that it is one of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.telemetry import LogLine
from console.ui.choices import Choice, Copyable
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.screens.help import TextScreen
from console.ui.screens.menu import MenuScreen
from console.view.logs import whole_lines
from console.view.segments import line


class LogLineScreen(TextScreen):
    """All of a line, JSON laid out; `y` copies it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy_line", "copy")]

    def __init__(self, item: LogLine, copies: Sequence[Copyable], desk: Desk) -> None:
        super().__init__("log line", whole_lines(item, desk.glyphs), desk.glyphs)
        self._copies = copies
        self._desk = desk

    def on_mount(self) -> None:
        """What can be done here."""
        self.query_one("#text").border_subtitle = content_of([line("y copies, esc closes")], self._desk.glyphs)

    def action_copy_line(self) -> None:
        """What can be copied."""
        choices = [Choice(each.key, each.title, "", partial(self._copy, each)) for each in self._copies]
        self._desk.ask(MenuScreen("copy", choices, self._desk.glyphs), _run)

    def _copy(self, each: Copyable) -> None:
        self._desk.copy(each.title, each.text())


def _run(choice: Choice | None) -> None:
    if choice is not None:
        choice.run()
