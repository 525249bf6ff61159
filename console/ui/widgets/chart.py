"""A chart that is panned, zoomed and read with keys or the mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.ui.content import content_of
from console.ui.strips import Strips
from console.view.chart import ChartSpec, chart, moment_at
from console.view.glyphs import Glyphs
from console.view.segments import line
from console.view.timespan import Timespan

_PAN, _ZOOM = Binding.Group("pan", compact=True), Binding.Group("zoom", compact=True)


class Chart(Widget, can_focus=True):
    """Draws a `ChartSpec` over the stretch of time that the reader has chosen.

    Whoever shows it hands in the data with `show`, and reads more when told `Moved`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "pan(-1)", "earlier", key_display="[", group=_PAN),
        Binding("right_square_bracket", "pan(1)", "later", key_display="]", group=_PAN),
        Binding("plus,equals_sign", "zoom(-1)", "zoom in", key_display="+", group=_ZOOM),
        Binding("minus", "zoom(1)", "zoom out", key_display="-", group=_ZOOM),
        Binding("0", "live", "live"),
        Binding("left", "cursor(-1)", "read the value before the cursor", show=False),
        Binding("right", "cursor(1)", "read the value after the cursor", show=False),
        Binding("backspace", "clear_cursor", "put the cursor away", show=False),
    ]

    @dataclass
    class Moved(Message):
        """Another stretch of time is wanted."""

        chart: Chart
        timespan: Timespan

        @property
        def control(self) -> Chart:
            """The chart that was moved."""
            return self.chart

    def __init__(self, title: str, glyphs: Glyphs, *, id: str, timespan: Timespan | None = None) -> None:
        super().__init__(id=id)
        self.timespan = timespan or Timespan()
        self._title = title
        self._glyphs = glyphs
        self._spec: ChartSpec | None = None
        self._now = 0.0
        self._cursor: float | None = None
        self._pinned = False
        self._strips = Strips(self, glyphs)
        self._drawn: list[Strip] | None = None
        self._drawn_for = self.size
        self.border_title = content_of([line(title)], glyphs)

    def show(self, spec: ChartSpec, now: float, *, note: str = "") -> None:
        """Draw this data, `note` beside the title; what `spec` has of time and cursor gives way to the reader's own."""
        self._spec, self._now = spec, now
        self.border_title = content_of([line(f"{self._title}: {note}" if note else self._title)], self._glyphs)
        self._name_span()
        self._again()

    def _name_span(self) -> None:
        self.border_subtitle = content_of([line(self.timespan.words(self._now))], self._glyphs)

    def _wanted(self, spec: ChartSpec) -> ChartSpec:
        start, end = self.timespan.bounds(self._now)
        return replace(spec, start=start, end=end, cursor=self._cursor)

    def render_line(self, y: int) -> Strip:
        """One row of the chart at the widget's present size."""
        if self._drawn is None or self._drawn_for != self.size:
            self._drawn, self._drawn_for = self._draw(), self.size
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width, self.visual_style.rich_style)

    def _draw(self) -> list[Strip]:
        if self._spec is None:
            return []
        width, height = self.size
        lines = chart(self._wanted(self._spec), columns=width, rows=height, glyphs=self._glyphs)
        return self._strips.draw(lines, width)

    def _again(self) -> None:
        self._drawn = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._strips.forget()
        self._drawn = None

    def action_pan(self, steps: int) -> None:
        """Move by half of what is shown."""
        self._move(self.timespan.panned(steps, self._now))

    def action_zoom(self, steps: int) -> None:
        """Show more or less time."""
        self._move(self.timespan.zoomed(steps, self._now))

    def action_live(self) -> None:
        """Follow the present."""
        self._move(self.timespan.following())

    def _move(self, timespan: Timespan) -> None:
        if timespan == self.timespan:
            return
        self.timespan = timespan
        self._name_span()
        self._again()
        self.post_message(self.Moved(self, timespan))

    def action_cursor(self, steps: int) -> None:
        """Move the cursor by a point of the first curve, at least by a column; it begins at the newest."""
        start, end = self.timespan.bounds(self._now)
        curves = self._spec.curves if self._spec is not None else ()
        period = curves[0].period_seconds if curves else 0
        step = max(period, (end - start) / max(1, self.size.width))
        at = end if self._cursor is None else self._cursor + steps * step
        self._point_at(max(start, min(end, at)), pinned=True)

    def action_clear_cursor(self) -> None:
        """Read no value."""
        self._point_at(None, pinned=False)

    def _point_at(self, at: float | None, *, pinned: bool) -> None:
        self._pinned = pinned
        if at != self._cursor:
            self._cursor = at
            self._again()

    def _moment(self, event: events.MouseEvent) -> float | None:
        offset = event.get_content_offset(self)
        if offset is None or self._spec is None:
            return None
        width, height = self.size
        return moment_at(self._wanted(self._spec), offset.x, columns=width, rows=height, glyphs=self._glyphs)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The cursor follows the mouse, unless a click or key has set it."""
        if not self._pinned:
            self._point_at(self._moment(event), pinned=False)

    def on_click(self, event: events.Click) -> None:
        """A click sets the cursor, a click beside the plot puts it away."""
        at = self._moment(event)
        self._point_at(at, pinned=at is not None)

    def on_leave(self) -> None:
        """The mouse has left."""
        if not self._pinned:
            self._point_at(None, pinned=False)
