"""The course of a figure in one row, for cells of tables."""

from __future__ import annotations

from collections.abc import Sequence

from console.view.glyphs import Glyphs


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


def sparkline(values: Sequence[float | None], columns: int, glyphs: Glyphs, *, top: float | None = None) -> str:
    """`values` as `columns` bars between 0 and `top` (the highest value where it is not given).

    What is not known is a blank, zero the lowest bar, and anything above zero is higher than that.
    """
    pooled = pool(values, columns)
    highest = top if top is not None else max((value for value in pooled if value is not None), default=0.0)
    steps = glyphs.pen.steps
    return "".join(" " if value is None else steps[_step(value, highest, len(steps))] for value in pooled)


def _step(value: float, highest: float, steps: int) -> int:
    if value <= 0 or highest <= 0:
        return 0
    return max(1, min(steps - 1, round(value / highest * (steps - 1))))
