"""Figures side by side as upright bars, one for each day of a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, Segment, cut, line, pad


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure; None where there is none yet. `label` stands below, where there is room for it."""

    value: float | None
    label: str
    role: Role = Role.ACHIEVED


def bars(figures: Sequence[Bar], *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The bars in `rows` with their labels in the last; all from 0 to the highest of them.

    What is above 0 shows at least the lowest step, what is not known nothing. Bars are as wide as there is room.
    """
    if not figures or rows < 2:
        return []
    each = max(1, min(6, columns // len(figures)))
    wide = max(1, each - 1)
    top = max((bar.value for bar in figures if bar.value is not None), default=0.0)
    steps = glyphs.pen.steps
    heights = [_height(bar.value, top, (rows - 1) * len(steps)) for bar in figures]
    lines = []
    for row in range(rows - 2, -1, -1):
        pieces = [
            Segment(_cell(height - row * len(steps), steps) * wide + " " * (each - wide), bar.role)
            for bar, height in zip(figures, heights, strict=True)
        ]
        lines.append(cut(tuple(pieces), columns))
    return [*lines, cut(line((_labels(figures, each), Role.MUTED)), columns)]


def _height(value: float | None, top: float, most: int) -> int:
    if value is None or value <= 0 or top <= 0:
        return 0
    return max(1, round(value / top * most))


def _cell(height: int, steps: str) -> str:
    """The character of a bar that is `height` steps above the foot of this row."""
    return " " if height <= 0 else steps[min(height, len(steps)) - 1]


def _labels(figures: Sequence[Bar], each: int) -> str:
    """Those that fit between each other, from the first on."""
    text = ""
    for place, bar in enumerate(figures):
        if len(text) <= place * each:
            text = pad(text, place * each) + bar.label + " "
    return text
