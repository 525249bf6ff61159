"""A runbook on the screen: the page that an alarm names, with this stack's names in its commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from console.domain import Overview
from console.places import Place
from console.services.runbooks import INDEX, Runbook, filled, linked_pages, read_runbook
from console.ui.choices import Choice, Copyable
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.view.markdown import markdown_lines
from console.view.segments import Line, Role, line

MARGIN = 2
KEYS = "123456789"


class RunbookScreen(ConsoleScreen):
    """The page of the place's subject, the index where there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "a page on", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "a page back", show=False),
        Binding("home,g", "edge(0)", "beginning", show=False),
        Binding("end,G", "edge(1)", "end", show=False),
    ]

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self.runbook: Runbook = read_runbook(place.subject or INDEX)
        self._drawn = 0

    def body(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="runbook", can_focus=False):
            yield Static(markup=False, id="page")

    def draw(self, overview: Overview) -> None:
        """The page at the present width."""
        cells = self.query_one("#runbook").scrollable_content_region.width - MARGIN
        if cells > 0 and cells != self._drawn:
            self._drawn = cells
            self.query_one("#page", Static).update(content_of(self._lines(cells), self.desk.glyphs))

    def _lines(self, cells: int) -> list[Line]:
        page = self.runbook
        if page.text:
            return markdown_lines(filled(page.text, self.desk.connection.outputs.to_variables()), cells)
        if not page.where:
            return [line("this alarm names no runbook")]
        return [
            line(("the page is not on this machine", Role.WARN)),
            line(("it is at ", Role.MUTED), (page.where, Role.ACCENT)),
            line(("y copies that; start the console beside the repository to read it here", Role.MUTED)),
        ]

    def note(self) -> str:
        """Where the page is."""
        return self.runbook.where

    def copies(self) -> Sequence[Copyable]:
        """Its path or address, and the page."""
        page = self.runbook
        found = [Copyable("p", "path or address", lambda: page.where)]
        return [*found, Copyable("m", "page (Markdown)", lambda: page.text)] if page.text else found

    def jumps(self) -> Sequence[Choice]:
        """The pages that this one names, and the index of all."""
        pages = [page for page in linked_pages(self.runbook.text) if page not in (INDEX, self.runbook.name)]
        found = [self._leading(key, page, "") for key, page in zip(KEYS, pages, strict=False)]
        return [*found, self._leading("i", INDEX, "the index of all runbooks")]

    def _leading(self, key: str, page: str, detail: str) -> Choice:
        return Choice(key, page, detail, lambda: self.desk.go(Place("runbooks", page)))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#runbook").scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by what the screen holds."""
        region = self.query_one("#runbook")
        region.scroll_relative(y=pages * max(1, region.size.height - 2), animate=False)

    def action_edge(self, last: int) -> None:
        """Scroll to an end."""
        region = self.query_one("#runbook")
        if last:
            region.scroll_end(animate=False)
        else:
            region.scroll_home(animate=False)
