"""Tables as lines: which columns there is room for, how wide each is, the header and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, Segment, pad, pad_left, pad_tail
from console.view.table import STATES, Column, Table

T = TypeVar("T")

GAP = 2
"""Cells between two columns."""
WIDE_CELLS = 24
"""Cells of a column without a width of its own where all columns are shown."""


def layout(columns: Sequence[Column[T]], cells: int) -> list[tuple[Column[T], int]]:
    """The columns that a table of `cells` shows, each with its width: those without one share what is left.

    Where that is too little for one of them, columns with a need give way, those that need most first.
    """
    kept = [column for column in columns if column.need <= cells]
    while True:
        widths = _shared(kept, cells)
        given = {column.name: width for column, width in widths}
        most = max((column.need for column in kept), default=0)
        if not most or all(given.get(column.name, 0) >= column.least for column in kept):
            return widths
        kept.remove(next(column for column in kept if column.need == most))


def layout_all(columns: Sequence[Column[T]], cells: int, chosen: int) -> list[tuple[Column[T], int]]:
    """All of `columns`, whatever they need, as many as fit: the first, and beside it those around number `chosen`.

    Those without a width get their least, and share what is left where the last column is reached.
    """
    if not columns:
        return []
    ready = [replace(column, least=column.least or WIDE_CELLS, need=0) for column in columns]
    widths = [column.width or column.least for column in ready]
    first = 1
    while first < chosen and widths[0] + sum(GAP + width for width in widths[first : chosen + 1]) > cells:
        first += 1
    last, used = first, widths[0]
    while last < len(ready) and used + GAP + widths[last] <= cells:
        used += GAP + widths[last]
        last += 1
    return _shared([ready[0], *ready[first:last]], cells)


def _shared(kept: Sequence[Column[T]], cells: int) -> list[tuple[Column[T], int]]:
    fixed = sum(column.width for column in kept) + GAP * max(0, len(kept) - 1)
    left, shares = max(0, cells - fixed), sum(column.share for column in kept if column.width == 0)
    widths: list[tuple[Column[T], int]] = []
    for column in kept:
        width = column.width
        if width == 0:
            width = -(-left * column.share // shares)
            left, shares = left - width, shares - column.share
        if width > 0:
            widths.append((column, width))
    return widths


def header(columns: Sequence[tuple[Column[T], int]], sort: str, descending: bool, chosen: str, glyphs: Glyphs) -> Line:
    """The names of the columns; an arrow where the table is sorted, reversed the column that keys act on."""
    segments: list[Segment] = []
    for number, (column, width) in enumerate(columns):
        arrow = (glyphs.down if descending else glyphs.up) if column.name == sort else ""
        name = f"{column.name.upper()}{arrow}"
        text = pad_left(name, width) if column.right else pad(name, width)
        segments.append(Segment(text, Role.STRONG if column.name == sort else Role.MUTED, column.name == chosen))
        if number < len(columns) - 1:
            segments.append(Segment(" " * GAP, Role.MUTED))
    return tuple(segments)


def row(table: Table[T], item: T, columns: Sequence[tuple[Column[T], int]]) -> Line:
    """One row; a cell that changed just now is underlined by its role CHANGED, but no colour of a state gives way."""
    marks = table.marks(item)
    segments: list[Segment] = []
    for number, (column, width) in enumerate(columns):
        cell = table.drawn(column, item)
        fill = pad_left if column.right else pad_tail if column.tail else pad
        text = fill(cell.text, width)
        marked = column.name in marks and cell.role not in STATES
        segments.append(Segment(text, Role.CHANGED if marked else cell.role, cell.badge))
        if number < len(columns) - 1:
            segments.append(Segment(" " * GAP))
    return tuple(segments)
