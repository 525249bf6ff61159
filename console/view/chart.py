"""Charts of cells: a braille line with a dashed threshold, max-pooled, and a progress bar."""

from __future__ import annotations

from collections.abc import Sequence

from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, Segment

_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille cell by column and by height from the bottom (Unicode block "Braille Patterns")."""
_BRAILLE = 0x2800


def pool(values: Sequence[float | None], columns: int) -> list[float | None]:
    """`values` in exactly `columns`, newest right: each column the highest of its share, so that a spike survives."""
    if columns <= 0:
        return []
    if len(values) <= columns:
        return [None] * (columns - len(values)) + list(values)
    pooled: list[float | None] = []
    for column in range(columns):
        share = values[column * len(values) // columns : (column + 1) * len(values) // columns]
        known = [value for value in share if value is not None]
        pooled.append(max(known) if known else None)
    return pooled


def scale_top(values: Sequence[float | None], threshold: float) -> float:
    """Top of the y axis, which starts at 0: a tenth above the highest value or threshold."""
    highest = max([threshold, *(value for value in values if value is not None)], default=0.0)
    return highest * 1.1 if highest > 0 else 1.0


def line_chart(
    values: Sequence[float | None], threshold: float, *, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """`rows` lines of `columns` cells: the values as a line with gaps, the threshold dashed where the line is not."""
    if columns <= 0 or rows <= 0:
        return []
    across, up = (1, 1) if glyphs.ascii_only else (2, 4)
    pooled = pool(values, columns * across)
    top = scale_top(pooled, threshold)
    heights = [None if value is None else _height(value, top, rows * up) for value in pooled]
    cells = [[0] * columns for _ in range(rows)]
    before: int | None = None
    for place, height in enumerate(heights):
        if height is not None:
            low, high = sorted((height if before is None else before, height))
            for dot in range(low, high + 1):
                row, level = rows - 1 - dot // up, dot % up
                cells[row][place // across] |= 1 if glyphs.ascii_only else _DOTS[place % across][level]
        before = height
    dashed = rows - 1 - _height(threshold, top, rows * up) // up if threshold > 0 else -1
    return [_cells(cells[row], row == dashed, glyphs) for row in range(rows)]


def _height(value: float, top: float, dots: int) -> int:
    return max(0, min(dots - 1, round(value / top * (dots - 1))))


def _cells(bits: Sequence[int], dashed: bool, glyphs: Glyphs) -> Line:
    pieces: list[Segment] = []
    for value in bits:
        if value:
            text, role = ("*" if glyphs.ascii_only else chr(_BRAILLE + value)), Role.ACHIEVED
        else:
            text, role = (glyphs.target, Role.TARGET) if dashed else (" ", Role.PLAIN)
        if pieces and pieces[-1].role is role:
            pieces[-1] = Segment(pieces[-1].text + text, role)
        else:
            pieces.append(Segment(text, role))
    return tuple(pieces)


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
