"""A table of any length: only the rows on the screen are ever made, and only those that changed are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from console.ui.strips import Strips
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line
from console.view.table import Column, Table
from console.view.table_lines import GAP, header, layout, layout_all, row

T = TypeVar("T")

WHEEL_ROWS = 3
BREATH_SECONDS = 0.001
"""Between two steps of arranging many rows: time for the keys that came meanwhile."""


class VirtualTable(ScrollView, Generic[T], can_focus=True):
    """Shows a `Table`; the row under the cursor stays under it by its id while rows come and go.

    `Chosen` is posted by enter and by a click on the row under the cursor. `names` are the columns asked for by hand,
    in that order and whether they fit or not; without any those are shown for which there is room.
    """

    class Chosen(Message):
        """The row under the cursor was asked for."""

        def __init__(self, item: object) -> None:
            super().__init__()
            self.item = item

    class Moved(Message):
        """Another row is under the cursor."""

    class Sorted(Message):
        """The order of the rows was changed by hand."""

    class Arranged(Message):
        """Filter and order of many rows are done."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor", "table--header"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", key_display="enter"),
        Binding("down,j", "move(1)", "next row", show=False),
        Binding("up,k", "move(-1)", "row before", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "a page on", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "a page back", show=False),
        Binding("home,g", "edge(0)", "first row", show=False),
        Binding("end,G", "edge(1)", "last row", show=False),
        Binding("right", "column(1)", "next column", show=False),
        Binding("left", "column(-1)", "column before", show=False),
        Binding("s", "sort", "sort by the column, again: the other way", show=False),
    ]

    def __init__(self, table: Table[T], glyphs: Glyphs, *, empty: str = "nothing here", id: str = "table") -> None:
        super().__init__(id=id)
        self.table = table
        self.empty = empty
        self._glyphs = glyphs
        self._cursor = 0
        self._kept: str | None = None
        self._column = 0
        self.names: tuple[str, ...] = ()
        self._strips = Strips(self, glyphs)
        self._drawn: dict[int, tuple[object, Strip]] = {}
        self._steps: Timer | None = None

    @property
    def item(self) -> T | None:
        """What is under the cursor."""
        shown = self.table.shown
        return shown[self._cursor] if self._cursor < len(shown) else None

    @property
    def column(self) -> Column[T] | None:
        """The column that sorting and copying a cell act on."""
        columns = self._available()
        return columns[min(self._column, len(columns) - 1)] if columns else None

    def update_rows(self) -> None:
        """Draw again what is different since the last time; call it after each change of the table."""
        if self.table.arranging and self._steps is not None:
            self._steps.resume()
        shown = self.table.shown
        if self._kept is not None and (self.item is None or self.table.kind.id(self.item) != self._kept):
            place = self.table.place_of(self._kept)
            self._cursor = self._cursor if place is None else place
        self._cursor = max(0, min(self._cursor, len(shown) - 1))
        self._keep()
        size = Size(self.container_size.width, len(shown) + 1)
        if size.height != self.virtual_size.height:
            self.virtual_size = size
            self.refresh()
            return
        for y in range(self.size.height):
            known = self._drawn.get(y)
            if known is None or known[0] != self._state(y)[0]:
                self.refresh(Region(0, y, self.size.width, 1))

    def _proceed(self) -> None:
        self.table.proceed()
        if not self.table.arranging and self._steps is not None:
            self._steps.pause()
            self.update_rows()
            self.post_message(self.Arranged())

    def show_table(self, table: Table[Any]) -> None:
        """Show other rows; the cursor stays at its place among them."""
        self.table = table
        self._kept = None
        self.update_rows()

    def select(self, key: str) -> None:
        """Put the cursor on the row of that id, where it is shown."""
        place = self.table.place_of(key)
        if place is not None:
            self.go_to(place)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the names of the columns, then rows."""
        state, content, style = self._state(y)
        known = self._drawn.get(y)
        if known is not None and known[0] == state:
            return known[1]
        (strip,) = self._strips.draw([content], self._width, style)
        self._drawn[y] = (state, strip)
        return strip

    def _state(self, y: int) -> tuple[object, Line, str]:
        """What line `y` shows: its cells, and the class of its style; equal states look the same."""
        width = self._width
        if y == 0:
            chosen = self.column if self.has_focus else None
            names = header(
                self._columns(), self.table.sort, self.table.descending, chosen.name if chosen else "", self._glyphs
            )
            return (width, names, "header"), names, "table--header"
        place = int(self.scroll_offset.y) + y - 1
        shown = self.table.shown
        if place >= len(shown):
            words = line((self.empty, Role.MUTED)) if not shown and y == 1 else ()
            return (width, words, ""), words, ""
        cells = row(self.table, shown[place], self._columns())
        style = "table--cursor" if place == self._cursor else ""
        return (width, cells, style, self.has_focus), cells, style

    def show_columns(self, names: Sequence[str]) -> None:
        """Show these columns; without any those for which there is room. The chosen one stays so."""
        chosen = self.column
        self.names = tuple(names)
        places = [column.name for column in self._available()]
        self._column = places.index(chosen.name) if chosen is not None and chosen.name in places else 0
        self.update_rows()

    def _available(self) -> list[Column[T]]:
        """What the arrows go through: the columns asked for, or those that are on the screen."""
        if self.names:
            return [self.table.kind.column(name) for name in self.names if name in self.table.kind.names]
        return [column for column, _ in self._columns()]

    def _columns(self) -> list[tuple[Column[T], int]]:
        if self.names:
            return layout_all(self._available(), self.cells, self._column)
        return layout(self.table.kind.columns, self.cells)

    @property
    def cells(self) -> int:
        """Cells for columns: none touches the scrollbar."""
        return self._width - bool(self.show_vertical_scrollbar)

    @property
    def _width(self) -> int:
        """Cells of a row: the scrollbar stands beside it."""
        return self.scrollable_content_region.width

    def notify_style_update(self) -> None:
        """A new theme: nothing that was drawn holds any more."""
        super().notify_style_update()
        self._strips.forget()
        self._drawn.clear()

    def on_mount(self) -> None:
        """The steps in which many rows are arranged.

        An interval, because Textual leaves out beats that are late: of a timer with one beat none would be left.
        """
        self._steps = self.set_interval(BREATH_SECONDS, self._proceed, pause=not self.table.arranging)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are as wide as the widget."""
        self._drawn.clear()
        self.virtual_size = Size(event.size.width, len(self.table.shown) + 1)
        self._show_cursor()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Scrolling draws other rows."""
        super().watch_scroll_y(old, new)
        self._drawn.clear()

    def _keep(self) -> None:
        item = self.item
        key = None if item is None else self.table.kind.id(item)
        if key != self._kept:
            self._kept = key
            self.post_message(self.Moved())

    @property
    def place(self) -> int:
        """Where the cursor is among the rows shown."""
        return self._cursor

    def go_to(self, place: int) -> None:
        """Put the cursor on the row at that place."""
        self._cursor = max(0, min(place, len(self.table.shown) - 1))
        self._keep()
        self._show_cursor()
        self.update_rows()

    def _show_cursor(self) -> None:
        rows = max(1, self.size.height - 1)
        top = int(self.scroll_offset.y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + rows:
            self.scroll_to(y=self._cursor - rows + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        """On a name: sort by it. On a row: put the cursor there; on the cursor: open it."""
        if event.y == 0:
            self._click_header(event.x)
            return
        place = int(self.scroll_offset.y) + event.y - 1
        if place < len(self.table.shown):
            if place == self._cursor:
                self.action_choose()
            else:
                self.go_to(place)

    def _click_header(self, x: int) -> None:
        left = 0
        available = [column.name for column in self._available()]
        for column, width in self._columns():
            if left <= x < left + width:
                self._column = available.index(column.name)
                self.action_sort()
                return
            left += width + GAP

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the view, not the cursor."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y + WHEEL_ROWS, animate=False)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the view, not the cursor."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y - WHEEL_ROWS, animate=False)

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        item = self.item
        if item is not None:
            self.post_message(self.Chosen(item))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.go_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what the screen holds."""
        self.go_to(self._cursor + pages * max(1, self.size.height - 2))

    def action_edge(self, last: int) -> None:
        """Move the cursor to an end."""
        self.go_to(len(self.table.shown) - 1 if last else 0)

    def action_column(self, step: int) -> None:
        """Choose the column that sorting and copying act on."""
        self._column = max(0, min(self._column + step, len(self._available()) - 1))
        self.update_rows()

    def action_sort(self) -> None:
        """Sort by the chosen column; again turns the order round."""
        column = self.column
        if column is not None:
            again = column.name == self.table.sort
            self.table.order(column.name, descending=again and not self.table.descending)
            self.update_rows()
            self.post_message(self.Sorted())
