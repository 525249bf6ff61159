"""A region with one border: lines inside, its name above, the age of its data below."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Static

from console.ui.content import content_of
from console.view.glyphs import Glyphs
from console.view.segments import Line


class Panel(Static):
    """Shows lines; a panel told the same lines again does nothing."""

    def __init__(self, title: str, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(markup=False, id=id)
        self._glyphs = glyphs
        self._title = title
        self._shown: tuple[tuple[Line, ...], str, Line] | None = None
        self.border_title = content_of([()], glyphs) + title

    def show(self, lines: Sequence[Line], *, note: str = "", badge: Line = ()) -> None:
        """Put `lines` in the panel, `note` beside its title and `badge` in the lower border."""
        wanted = (tuple(lines), note, badge)
        if wanted == self._shown:
            return
        self._shown = wanted
        self.update(content_of(lines, self._glyphs))
        self.border_title = content_of([()], self._glyphs) + (f"{self._title}: {note}" if note else self._title)
        self.border_subtitle = content_of([badge], self._glyphs) if badge else None


class Bar(Static):
    """One line across the screen, without a border."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(markup=False, id=id)
        self._glyphs = glyphs
        self._shown: Line | None = None

    def show(self, line: Line) -> None:
        """Put `line` in the bar."""
        if line != self._shown:
            self._shown = line
            self.update(content_of([line], self._glyphs))
