"""Lines of the view as strips of cells, for widgets that draw whole rows many times a minute."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment as Cells
from rich.style import Style as CellStyle
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from console.ui.content import style_of
from console.view.glyphs import Glyphs, shown
from console.view.segments import Line, Role, Segment


class Strips:
    """Draws lines on the background of one widget; half the work of a `Content`, which is wrapped and measured.

    Styles are kept until `forget`, which the widget calls when its style or the theme has changed.
    """

    def __init__(self, widget: Widget, glyphs: Glyphs) -> None:
        self._widget = widget
        self._glyphs = glyphs
        self._styles: dict[tuple[str, Role, bool, bool], CellStyle] = {}

    def forget(self) -> None:
        """Resolve styles anew."""
        self._styles.clear()

    def draw(self, lines: Sequence[Line], columns: int, component: str = "") -> list[Strip]:
        """A strip of exactly `columns` cells for each line, in the style of a component class where one is named."""
        blank = self._base(component).rich_style
        return [
            Strip([self._cells(each, component) for each in line]).adjust_cell_length(columns, blank) for line in lines
        ]

    def _base(self, component: str) -> Style:
        return self._widget.get_visual_style(component) if component else self._widget.visual_style

    def _cells(self, segment: Segment, component: str) -> Cells:
        kind = (component, segment.role, segment.badge, segment.shade)
        if kind not in self._styles:
            named = Style.parse(style_of(segment), self._widget.app.theme_variables)
            self._styles[kind] = (self._base(component) + named).rich_style
        return Cells(shown(segment.text, self._glyphs), self._styles[kind])
