"""The inside of a chart: curves as dots in cells, over a threshold, a shaded stretch of time and uprights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from console.telemetry import Series
from console.view.axes import Scale, Times
from console.view.pens import Pen
from console.view.segments import Line, Role, Segment

GAP_PERIODS = 1.5
"""Points further apart than this many periods are not joined: what lies between is not known."""


class Stroke(NamedTuple):
    """All points of one dot column: the first and last value, the lowest and highest; `joined` to the one before."""

    place: int
    first: float
    last: float
    low: float
    high: float
    joined: bool


def strokes(series: Series, times: Times) -> list[Stroke]:
    """The points of `series` within `times` by dot column: a spike of one point survives, and so does a dip."""
    found: list[Stroke] = []
    before: float | None = None
    for at, value in series.points:
        if value is None or not times.start <= at <= times.end:
            before = None
            continue
        place = times.place(at)
        if found and found[-1].place == place:
            last = found[-1]
            found[-1] = last._replace(last=value, low=min(last.low, value), high=max(last.high, value))
        else:
            joined = before is not None and at - before <= GAP_PERIODS * series.period_seconds
            found.append(Stroke(place, value, value, value, value, joined))
        before = at
    return found


class Upright(NamedTuple):
    """One dot column of a line: lowest and highest dot, and the lowest and highest value that they stand for."""

    place: int
    bottom: int
    top: int
    low: float
    high: float


def uprights(drawn: Sequence[Stroke], scale: Scale) -> Iterator[Upright]:
    """The dots of a line through `drawn`, left to right, with those that join one stroke to the next."""
    before: Stroke | None = None
    for stroke in drawn:
        bottom, top = scale.height(stroke.low), scale.height(stroke.high)
        if before is not None and stroke.joined:
            reached = scale.height(before.last)
            steps = stroke.place - before.place
            for step in range(1, steps):
                value = before.last + (stroke.first - before.last) * step / steps
                level = scale.height(value)
                yield Upright(before.place + step, min(reached, level), max(reached, level), value, value)
                reached = level
            bottom, top = min(bottom, reached), max(top, reached)
        yield Upright(stroke.place, bottom, top, stroke.low, stroke.high)
        before = stroke


class Plot:
    """Cells of one plot, by column and by height from the bottom; it is drawn into, then read as lines."""

    def __init__(self, columns: int, rows: int, pen: Pen) -> None:
        self._rows = rows
        self._pen = pen
        self._masks = _masks(pen)
        self._bits = [[0] * rows for _ in range(columns)]
        self._roles = [[Role.PLAIN] * rows for _ in range(columns)]
        self._under = [(" ", Role.PLAIN, False)] * columns
        self._dashed = [-1] * columns

    def draw(self, dots: Iterable[Upright], role: Role) -> None:
        """Set dots; a cell takes the role of the last that touched it."""
        across, up = self._pen.across, self._pen.up
        for place, bottom, top, _, _ in dots:
            masks = self._masks[place % across]
            bits = self._bits[place // across]
            first, last = bottom // up, top // up
            if first == last:
                bits[first] |= masks[bottom - first * up][top - first * up]
            else:
                bits[first] |= masks[bottom - first * up][-1]
                for level in range(first + 1, last):
                    bits[level] |= masks[0][-1]
                bits[last] |= masks[0][top - last * up]
            self._roles[place // across][first : last + 1] = [role] * (last + 1 - first)

    def dash(self, height: int, first: int, last: int) -> None:
        """Draw a limit at this dot from one column to another, wherever no line is."""
        for column in range(max(0, first), min(len(self._dashed), last + 1)):
            self._dashed[column] = height // self._pen.up

    def shade(self, first: int, last: int) -> None:
        """Set these columns off from the rest."""
        for column in range(max(0, first), min(len(self._under), last + 1)):
            text, role, _ = self._under[column]
            self._under[column] = (text, role, True)

    def stand(self, column: int, text: str, role: Role) -> None:
        """Stand `text` in every empty cell of a column."""
        if 0 <= column < len(self._under):
            self._under[column] = (text, role, self._under[column][2])

    def lines(self) -> list[Line]:
        """All rows, the topmost first."""
        bits, roles = list(zip(*self._bits, strict=True)), list(zip(*self._roles, strict=True))
        return [self._line(bits[level], roles[level], level) for level in range(self._rows - 1, -1, -1)]

    def _line(self, row: Sequence[int], roles: Sequence[Role], level: int) -> Line:
        cells = self._pen.cells
        pieces: list[Segment] = []
        run, role, shade = "", Role.PLAIN, False
        for bits, drawn, (text, under, shaded), dashed in zip(row, roles, self._under, self._dashed, strict=True):
            if bits:
                text, under = cells[bits], drawn
            elif dashed == level and text == " ":
                text, under = self._pen.dashed, Role.TARGET
            if under is not role or shaded is not shade:
                pieces.append(Segment(run, role, shade=shade))
                run, role, shade = "", under, shaded
            run += text
        pieces.append(Segment(run, role, shade=shade))
        return tuple(piece for piece in pieces if piece.text)


@lru_cache(maxsize=8)
def _masks(pen: Pen) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Bits of a cell by dot column, lowest and highest dot."""
    return tuple(
        tuple(tuple(sum(column[low : high + 1]) for high in range(pen.up)) for low in range(pen.up))
        for column in pen.bits
    )
