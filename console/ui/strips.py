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
        self._styles: dict[tuple[Role, bool, bool], CellStyle] = {}

    def forget(self) -> None:
        """Resolve styles anew."""
        self._styles.clear()

    def draw(self, lines: Sequence[Line], columns: int) -> list[Strip]:
        """A strip of exactly `columns` cells for each line."""
        return [
            Strip([self._cells(each) for each in line]).adjust_cell_length(
                columns, self._widget.visual_style.rich_style
            )
            for line in lines
        ]

    def _cells(self, segment: Segment) -> Cells:
        kind = (segment.role, segment.badge, segment.shade)
        if kind not in self._styles:
            named = Style.parse(style_of(segment), self._widget.app.theme_variables)
            self._styles[kind] = (self._widget.visual_style + named).rich_style
        return Cells(shown(segment.text, self._glyphs), self._styles[kind])
