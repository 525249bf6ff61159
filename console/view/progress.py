"""How far something has come, as a bar of cells."""

from __future__ import annotations

from collections.abc import Sequence

from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, Segment


def progress_bar(shares: Sequence[tuple[float, Role]], columns: int, glyphs: Glyphs) -> Line:
    """A bar of `columns` cells: each (share of 1, role) in turn, the rest empty; a share above 0 shows a cell."""
    pieces: list[Segment] = []
    left = columns
    for share, role in shares:
        cells = min(left, max(1, round(share * columns)) if share > 0 else 0)
        if share < 1 and cells == columns:
            cells -= 1
        if cells > 0:
            pieces.append(Segment(glyphs.full * cells, role))
            left -= cells
    if left > 0:
        pieces.append(Segment(glyphs.empty * left, Role.MUTED))
    return tuple(pieces)
