"""Scales of charts: where a value and a moment lie, round figures for the top, and the moments that get a label."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_TOPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86400 * days for days in (1, 2, 7, 14, 28)),
)
_HEADROOM = 1.05
_ROOM = 3
"""Blank cells between two labels of the time axis, at least."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The y axis from `low` to `top` over `dots` heights, 0 the lowest."""

    low: float
    top: float
    dots: int

    def height(self, value: float) -> int:
        """The dot of a value; what lies outside is drawn at the edge."""
        share = (value - self.low) / (self.top - self.low)
        return max(0, min(self.dots - 1, round(share * (self.dots - 1))))


def scale(values: Iterable[float], dots: int) -> Scale:
    """A scale from 0 (or below where values are) to a round figure that leaves the highest value some headroom."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    bottom = -_round_up(-low * _HEADROOM) if low < 0 else 0.0
    top = _round_up(high * _HEADROOM) if high > 0 else 0.0
    return Scale(bottom, top, dots) if bottom < top else Scale(0.0, 1.0, dots)


def _round_up(value: float) -> float:
    """The next round figure; 0 for a value so small that its power of ten is none (below 1e-323)."""
    size = 10.0 ** math.floor(math.log10(value))
    return size * next(step for step in _TOPS if step * size >= value * (1 - 1e-9) or step == _TOPS[-1])


@dataclass(frozen=True, slots=True)
class Times:
    """The time axis from `start` to `end` (epoch seconds) over `dots`, 0 the oldest."""

    start: float
    end: float
    dots: int

    def place(self, at: float) -> int:
        """The dot of a moment; a moment outside gets one outside."""
        return math.floor((at - self.start) / (self.end - self.start) * (self.dots - 1) + 0.5)

    def moment(self, dot: int) -> float:
        """The moment of a dot."""
        return self.start + (self.end - self.start) * dot / max(1, self.dots - 1)

    def labels(self) -> list[tuple[float, str]]:
        """Round moments with their UTC times, as many as `dots` cells have room for."""
        cells = max(1, self.dots)
        step = next((s for s in _STEPS if self._fits(s, cells)), _STEPS[-1])
        first = math.ceil(self.start / step) * step
        count = max(0, math.floor((self.end - first) / step) + 1)
        return [(first + step * number, _words(first + step * number, step)) for number in range(min(count, cells))]

    def _fits(self, step: int, cells: int) -> bool:
        return (len(_words(self.start, step)) + _ROOM) * (self.end - self.start) <= step * cells


def _words(at: float, step: int) -> str:
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%b %d"
    return datetime.fromtimestamp(at, UTC).strftime(form)
