"""A screen that is one table: filter, sort, copy and export come with it; a screen of its own only says of what."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from console.domain import Fetched, Overview
from console.places import Place
from console.ui.choices import Copyable
from console.ui.desk import Desk
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.help import TextScreen
from console.ui.widgets.panel import Panel
from console.ui.widgets.virtual_table import VirtualTable
from console.view import format as fmt
from console.view.columns import NAMES, require_columns
from console.view.export import Sheet, json_of, sheet_of
from console.view.overview import freshness, problem_lines
from console.view.segments import Line
from console.view.table import Kind, Table

T = TypeVar("T")


class TableScreen(ConsoleScreen, Generic[T]):
    """Rows of one `kind`, from one feed; on wide terminals the item under the cursor stands beside them."""

    kind: Kind[T]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "widen", "all columns, or those for which there is room", show=False)
    ]

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self.table: Table[T] = Table(self.kind, desk.look())
        self._feed: Fetched[Sequence[T]] = Fetched()
        self._widened = False
        if sort := place.params.get("sort"):
            self.table.order(sort.removeprefix("-"), descending=sort.startswith("-"))
        if wanted := place.params.get("filter"):
            self.table.narrow(wanted)

    @abstractmethod
    def feed(self, overview: Overview) -> Fetched[Sequence[T]]:
        """Where the rows come from."""

    @abstractmethod
    def details(self, item: T) -> Sequence[Line]:
        """All that is known of an item, for the panel beside the rows."""

    def subject_of(self, item: T) -> str:
        """The subject of the place that enter opens; empty where there is none."""
        return ""

    def empty(self) -> str:
        """What stands where rows would be."""
        return "nothing here"

    def body(self) -> ComposeResult:
        """Table and details."""
        with Horizontal(id="rows"):
            yield VirtualTable(self.table, self.desk.glyphs, empty=self.empty())
            yield Panel(self.kind.name, self.desk.glyphs, id="details")
        yield Panel("trouble", self.desk.glyphs, id="trouble")

    def opened(self) -> None:
        """The keys go to the rows."""
        self._show_columns()
        self.focus_body()

    def action_widen(self) -> None:
        """All columns, or again those that were there before."""
        self._widened = not self._widened
        self._show_columns()

    def choose_columns(self, names: Sequence[str]) -> bool:
        """Show these columns wherever this kind of rows is shown; without any those for which there is room."""
        if self.kind.name not in NAMES:
            return False
        self.desk.columns[self.kind.name] = require_columns(self.kind.name, self.kind.names, names)
        self._widened = False
        self._show_columns()
        return True

    def _show_columns(self) -> None:
        self.rows.show_columns(self.kind.names if self._widened else self.desk.columns.get(self.kind.name, ()))

    def focus_body(self) -> None:
        """The rows take the keys."""
        self.rows.focus()

    @property
    def rows(self) -> VirtualTable[T]:
        """The table's widget."""
        return self.query_one("#table", VirtualTable)

    @property
    def item(self) -> T | None:
        """What is under the cursor."""
        return self.rows.item

    def draw(self, overview: Overview) -> None:
        """Rows, the item beside them, and the trouble where nothing could be read."""
        self.table.look = self.desk.look()
        feed = self._feed = self.feed(overview)
        if feed.value is not None:
            self.table.put(feed.value)
        self.rows.empty = "no row passes the filter" if self.table.filter and self.table.total else self.empty()
        if feed.value is None:
            self.rows.empty = "nothing was read yet" if feed.error else f"{self.desk.glyphs.loading} LOADING"
        elif self.table.arranging:
            self.rows.empty = f"{self.desk.glyphs.loading} FILTERING"
        self.rows.update_rows()
        trouble = self.query_one("#trouble", Panel)
        trouble.set_class(feed.error is not None, "-shown")
        if feed.error is not None:
            badge = freshness(feed, overview.taken_at, self.desk.glyphs)
            trouble.show(problem_lines(feed, overview.taken_at, self.desk.glyphs), badge=badge)
        self.draw_details()

    def draw_details(self) -> None:
        """The item under the cursor, where there is room for it."""
        panel = self.query_one("#details", Panel)
        item = self.item
        panel.set_class(item is not None, "-filled")
        if item is not None and panel.display:
            panel.show(self._details(item, panel.size.width))

    def _details(self, item: T, columns: int) -> Sequence[Line]:
        try:
            return self.details(item)
        except Exception as error:
            return [self.broken(error, columns)]

    def flaw(self) -> Exception | None:
        """A cell that the table could not show."""
        return self.rows.table.flaw

    def on_virtual_table_moved(self, event: VirtualTable.Moved) -> None:
        """Another item."""
        self.draw_details()

    def on_virtual_table_arranged(self, event: VirtualTable.Arranged) -> None:
        """Many rows were filtered or sorted."""
        self.again()

    def on_virtual_table_sorted(self, event: VirtualTable.Sorted) -> None:
        """The order belongs to the place."""
        sort = f"-{self.table.sort}" if self.table.descending else self.table.sort
        self.place = self.place.having(sort=sort)
        self.again()

    def on_virtual_table_chosen(self, event: VirtualTable.Chosen) -> None:
        """Enter: the item's own place, or all that is known of it."""
        item = self.item
        if item is None:
            return
        if subject := self.subject_of(item):
            self.desk.go(Place(self.place.screen, subject))
        elif lines := self._details(item, self.size.width):
            self.desk.ask(TextScreen(self.kind.name, lines, self.desk.glyphs), lambda _: None)

    def narrow(self, text: str) -> bool:
        """Only the rows that pass."""
        self.table.narrow(text)
        self.place = self.place.having(filter=text.strip())
        self.rows.update_rows()
        return True

    def note(self) -> str:
        """Filter, how many rows, and how old they are."""
        shown, total = len(self.table.shown), self.table.total
        count = fmt.count(total) if shown == total else f"{fmt.count(shown)} of {fmt.count(total)}"
        chip = f"/{self.table.filter.text}  " if self.table.filter else ""
        feed = self._feed
        if self.table.arranging:
            count = f"{self.desk.glyphs.loading} {fmt.count(total)}"
        age = "" if feed.at is None else f"  {fmt.age(feed.age(self.desk.clock.now()))} old"
        return f"{chip}{count}{age}"

    def copies(self) -> Sequence[Copyable]:
        """The cell, the row, the item as JSON, its ARN and command."""
        item, column = self.item, self.rows.column
        if item is None:
            return ()
        table, kind = self.table, self.kind
        texts = table.texts(item, kind.columns)
        found = [
            Copyable("r", "row", lambda: "\t".join(texts)),
            Copyable("j", "JSON", lambda: json_of(item)),
        ]
        if column is not None:
            found.insert(0, Copyable("c", f"cell {column.name}", lambda: table.texts(item, [column])[0].strip()))
        if kind.arn is not None and (arn := kind.arn(item, self.desk.stack)):
            found.append(Copyable("a", "ARN", lambda: arn))
        if kind.command is not None and (words := kind.command(item, self.desk.stack)):
            found.append(Copyable("i", "command", lambda: shlex.join(words)))
        return found

    def sheet(self) -> Sheet | None:
        """What the table shows."""
        return sheet_of(self.table)
