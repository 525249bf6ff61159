"""Charts of metrics: curves with their last values, a threshold with its number, and what else explains an alarm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from console.telemetry import Series
from console.text import fit
from console.view import format as fmt
from console.view.axes import Scale, Times, scale
from console.view.glyphs import Glyphs
from console.view.plot import Plot, Upright, strokes, uprights
from console.view.segments import Line, Role, Segment, cut, line, pad, pad_left, spread, width

ROLES = (Role.ACHIEVED, Role.THIRD, Role.FOURTH, Role.TARGET)
"""Of the curves, in their order."""
ROWS_OF_CAPTION, ROWS_OF_TIMES, ROWS_OF_AXIS = 6, 4, 7
"""A chart of at least so many rows has a caption, times below, and an axis between plot and times."""
COLUMNS_OF_GUTTERS = 30
NAME_CELLS = 12
_ZEROS = re.compile(r"\.0+(?!\d)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `at` (epoch seconds), such as a deployment."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """What a chart shows between `start` and `end` (epoch seconds).

    `threshold` is one value, or a limit that moves: each of its values holds until the next. Points that `breaches`
    says count against the alarm are drawn in its colour; `window` is what its last evaluation looked at; `figure`
    writes a value with its unit.
    """

    curves: tuple[Series, ...]
    start: float
    end: float
    threshold: float | Series | None = None
    breaches: Callable[[float], bool] | None = None
    window: tuple[float, float] | None = None
    cursor: float | None = None
    marks: tuple[Mark, ...] = ()
    figure: Callable[[float | None], str] = fmt.si
    caption: bool = True


def chart(spec: ChartSpec, *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """`rows` lines of `columns` cells: caption, plot between its figures, time axis; what has no room is left out."""
    if columns <= 0 or rows <= 0 or spec.end <= spec.start:
        return [line(" " * max(0, columns)) for _ in range(max(0, rows))]
    spec = replace(spec, curves=tuple(_within(curve, spec) for curve in spec.curves))
    captioned = spec.caption and rows >= ROWS_OF_CAPTION
    below = (rows >= ROWS_OF_TIMES) + (rows >= ROWS_OF_AXIS)
    frame = _Frame.of(spec, columns, rows - captioned - below, glyphs)
    lines = [_filled(caption(spec, columns), columns)] if captioned else []
    lines += frame.body(spec)
    if below == 2:
        lines.append(frame.axis(spec))
    if below:
        lines.append(frame.times_row())
    return lines


def moment_at(spec: ChartSpec, column: int, *, columns: int, rows: int, glyphs: Glyphs) -> float | None:
    """The moment that a column of the drawn chart stands for, None beside the plot."""
    if columns <= 0 or rows <= 0 or spec.end <= spec.start:
        return None
    frame = _Frame.of(spec, columns, rows, glyphs)
    place = column - frame.left
    return frame.times.moment(place * glyphs.pen.across) if 0 <= place < frame.plot else None


def _within(curve: Series, spec: ChartSpec) -> Series:
    return replace(curve, points=tuple(point for point in curve.points if spec.start <= point[0] <= spec.end))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Sizes and scales of one drawing: `left` and `right` are the cells of the gutters, 0 where there are none."""

    columns: int
    rows: int
    left: int
    right: int
    scale: Scale
    times: Times
    glyphs: Glyphs

    @classmethod
    def of(cls, spec: ChartSpec, columns: int, rows: int, glyphs: Glyphs) -> _Frame:
        """Measure what stands beside the plot."""
        values = [value for curve in spec.curves for _, value in curve.points if value is not None]
        values += [value for _, value in _limits(spec) if value is not None]
        heights = scale(values, rows * glyphs.pen.up)
        left = right = 0
        if columns >= COLUMNS_OF_GUTTERS:
            left = max(len(_figure(spec, heights.top)), len(_figure(spec, heights.low))) + 1
            right = max((cell_len(words) for _, words, _ in _ends(spec, heights, glyphs)), default=-1) + 1
        plot = max(1, columns - left - right)
        return cls(columns, rows, left, right, heights, Times(spec.start, spec.end, plot * glyphs.pen.across), glyphs)

    @property
    def plot(self) -> int:
        """Cells of the plot from left to right."""
        return self.times.dots // self.glyphs.pen.across

    def body(self, spec: ChartSpec) -> list[Line]:
        """The plot with its figures on both sides."""
        tags = _placed(_ends(spec, self.scale, self.glyphs), self.rows) if self.right else {}
        edges = (
            {0: _figure(spec, self.scale.top), self.rows - 1: _figure(spec, self.scale.low)} if self.rows > 1 else {}
        )
        lines = []
        for row, cells in enumerate(self._plotted(spec).lines()):
            label = f"{pad_left(edges.get(row, ''), self.left - 1)}{self.glyphs.pen.upright}" if self.left else ""
            words, role = tags.get(row, ("", Role.PLAIN))
            end = f" {pad(words, self.right - 1)}" if self.right else ""
            lines.append(line((label, Role.MUTED), *cells, (end, role)))
        return lines

    def _plotted(self, spec: ChartSpec) -> Plot:
        pen = self.glyphs.pen
        plot = Plot(self.plot, self.rows, pen)
        for mark in spec.marks:
            plot.stand(self._column(mark.at), pen.mark_line, Role.ACCENT)
        if spec.cursor is not None:
            plot.stand(self._column(spec.cursor), pen.cursor, Role.STRONG)
        if spec.window is not None:
            plot.shade(*(self._column(at) for at in spec.window))
        self._dash(plot, spec)
        curves = [list(uprights(strokes(curve, self.times), self.scale)) for curve in spec.curves[: len(ROLES)]]
        for role, dots in reversed([*zip(ROLES, curves, strict=False)]):
            plot.draw(dots, role)
        for dots in curves:
            plot.draw(self._breaching(dots, spec), Role.ALARM)
        return plot

    def _dash(self, plot: Plot, spec: ChartSpec) -> None:
        limits = _limits(spec)
        ends = [*(at for at, _ in limits[1:]), spec.end]
        for (at, value), until in zip(limits, ends, strict=False):
            if value is not None:
                plot.dash(self.scale.height(value), self._column(at), self._column(until))

    def _breaching(self, dots: Iterable[Upright], spec: ChartSpec) -> Iterator[Upright]:
        """What of a line counts against the alarm, and no more of it than lies on that side of the threshold."""
        if spec.breaches is None:
            return
        for each in dots:
            high, low = spec.breaches(each.high), spec.breaches(each.low)
            if not high and not low:
                continue
            threshold = spec.threshold if isinstance(spec.threshold, float | int) else None
            limit = each.bottom if threshold is None else self.scale.height(threshold)
            if threshold is not None and low and each.low <= threshold:
                yield each._replace(top=max(each.bottom, min(each.top, limit)))
            else:
                yield each._replace(bottom=min(each.top, max(each.bottom, limit)))

    def _column(self, at: float) -> int:
        return self.times.place(at) // self.glyphs.pen.across

    def axis(self, spec: ChartSpec) -> Line:
        """The line under the plot: ticks at the labels, the alarm's window heavy, a glyph at each mark."""
        pen = self.glyphs.pen
        cells = [(pen.axis, Role.MUTED)] * self.plot
        for at, _ in self._labels():
            cells[min(self.plot - 1, self._column(at))] = (pen.tick, Role.MUTED)
        if spec.window is not None:
            first, last = (self._column(at) for at in spec.window)
            for column in range(max(0, first), min(self.plot, last + 1)):
                cells[column] = (pen.window, Role.STRONG)
        for mark in spec.marks:
            if 0 <= self._column(mark.at) < self.plot:
                cells[self._column(mark.at)] = (pen.mark, Role.ACCENT)
        corner = (f"{' ' * (self.left - 1)}{pen.corner}", Role.MUTED) if self.left else ""
        return line(corner, *_runs(cells), " " * self.right)

    def times_row(self) -> Line:
        """The labels of the time axis, each under its moment."""
        text = ""
        for at, words in self._labels():
            place = max(0, min(self.plot - len(words), self._column(at) - len(words) // 2))
            if place >= len(text) + bool(text) and len(words) <= self.plot:
                text = f"{text:<{place}}{words}"
        return line((pad(f"{' ' * self.left}{text}", self.columns), Role.MUTED))

    def _labels(self) -> list[tuple[float, str]]:
        return Times(self.times.start, self.times.end, self.plot).labels()


def caption(spec: ChartSpec, columns: int) -> Line:
    """What the curves are with their lowest and highest value, or what they were at the cursor; then the length.

    Names give way to figures.
    """
    right = line((fmt.span(spec.end - spec.start), Role.MUTED))
    before = "" if spec.cursor is None else f"{fmt.clock(spec.cursor)}  "
    happened = [mark.words for mark in spec.marks if _near(mark.at, spec)]
    figures = [_told(curve, spec) for curve in spec.curves[: len(ROLES)]]
    taken = width(right) + 1 + len(before) + sum(len(words) + 3 for words in figures)
    room = max(NAME_CELLS, (columns - taken) // max(1, len(figures)))
    pieces: list[Segment] = [Segment(before, Role.STRONG)]
    for role, curve, words in zip(ROLES, spec.curves, figures, strict=False):
        pieces += [Segment(f"{fit(curve.label, room)} ", role), Segment(f"{words}  ", Role.MUTED)]
    pieces += [Segment(f"{words}  ", Role.ACCENT) for words in happened]
    return spread(tuple(pieces), right, columns) if width(right) < columns // 2 else cut(tuple(pieces), columns)


def _told(curve: Series, spec: ChartSpec) -> str:
    if spec.cursor is not None:
        return spec.figure(value_at(curve, spec.cursor))
    known = [value for _, value in curve.points if value is not None]
    return f"min {spec.figure(min(known))} max {spec.figure(max(known))}" if known else "no data"


def _near(at: float, spec: ChartSpec) -> bool:
    return spec.cursor is not None and abs(at - spec.cursor) <= (spec.end - spec.start) / 100


def value_at(series: Series, at: float) -> float | None:
    """The value of the point nearest to a moment, None where the nearest is more than a period away or not known."""
    nearest = min(series.points, key=lambda point: abs(point[0] - at), default=None)
    return nearest[1] if nearest is not None and abs(nearest[0] - at) <= series.period_seconds else None


def _limits(spec: ChartSpec) -> Sequence[tuple[float, float | None]]:
    """The threshold as (from when on, value) within the chart."""
    if isinstance(spec.threshold, Series):
        return _within(spec.threshold, spec).points
    return () if spec.threshold is None else ((spec.start, spec.threshold),)


def _figure(spec: ChartSpec, value: float) -> str:
    """Of the axis: without the zeros that only say how exact a value is."""
    return "0" if value == 0 else _ZEROS.sub("", spec.figure(value))


def _ends(spec: ChartSpec, heights: Scale, glyphs: Glyphs) -> list[tuple[int, str, Role]]:
    """What stands at the right end: (height in dots, words, role) of each curve's last value and of the threshold."""
    ends = []
    for role, curve in zip(ROLES, spec.curves, strict=False):
        last = next((value for _, value in reversed(curve.points) if value is not None), None)
        if last is not None:
            name = f" {pad(curve.label, NAME_CELLS).rstrip()}" if len(spec.curves) > 1 else ""
            loud = spec.breaches is not None and spec.breaches(last)
            ends.append((heights.height(last), f"{spec.figure(last)}{name}", Role.ALARM if loud else role))
    limit = next((value for _, value in reversed(_limits(spec)) if value is not None), None)
    if limit is not None:
        words = f"{glyphs.pen.dashed}{_figure(spec, limit)}"
        ends.append((heights.height(limit), words, Role.TARGET))
    return [(height // glyphs.pen.up, words, role) for height, words, role in ends]


def _placed(ends: Sequence[tuple[int, str, Role]], rows: int) -> dict[int, tuple[str, Role]]:
    """Each at its row, or at the nearest row that is free; what finds none is left out."""
    placed: dict[int, tuple[str, Role]] = {}
    for level, words, role in ends:
        wanted = rows - 1 - level
        free = (row for row in range(rows) if row not in placed)
        nearest = min(free, key=lambda row: (abs(row - wanted), row), default=None)
        if nearest is not None:
            placed[nearest] = (words, role)
    return placed


def _runs(cells: Iterable[tuple[str, Role]]) -> list[Segment]:
    pieces: list[Segment] = []
    for text, role in cells:
        if pieces and pieces[-1].role is role:
            pieces[-1] = Segment(pieces[-1].text + text, role)
        else:
            pieces.append(Segment(text, role))
    return pieces


def _filled(left: Line, columns: int) -> Line:
    return (*left, Segment(" " * max(0, columns - width(left))))
