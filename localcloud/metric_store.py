"""Metric data by exact identity, in bounded memory, and their statistics over any stretch of time."""

from __future__ import annotations

import bisect
import itertools
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from localcloud.metric_statistics import STATISTICS, Summary

FINE_SECONDS = 900
"""Age up to which data keep a resolution of one second (CloudWatch: 3 hours for high-resolution metrics)."""
COARSE_STEP = 60
"""Resolution of older data in seconds, as of CloudWatch's standard metrics."""
KEEP_SECONDS = 24 * 3600 + 3600
"""Age at which data go: no alarm may look back further than one day (PutMetricAlarm, EvaluationPeriods x Period)."""
MAX_SERIES = 5_000
MAX_DISTINCT = 200
"""Distinct values that one slot keeps apart; beyond it, values are merged at two significant digits."""


@dataclass(frozen=True, slots=True, order=True)
class MetricKey:
    """A metric's identity: CloudWatch treats every distinct set of dimensions as a metric of its own."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str] | None = None) -> MetricKey:
        """The key of a metric whose dimensions come in any order."""
        return cls(namespace, name, tuple(sorted((dimensions or {}).items())))


@dataclass(frozen=True, slots=True)
class Point:
    """One period's value, stamped with the period's start in seconds since the epoch."""

    start: float
    value: float
    samples: float


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight line between a reader's time and the store's: `stored_at` belongs to `read_at`, at `speed`."""

    read_at: float = 0.0
    stored_at: float = 0.0
    speed: float = 1.0

    def stored(self, time: float) -> float:
        """The store's time of a reader's."""
        return self.stored_at + (time - self.read_at) * self.speed

    def read(self, time: float) -> float:
        """The reader's time of one of the store's."""
        return self.read_at + (time - self.stored_at) / self.speed


@dataclass(slots=True)
class _Slot:
    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: dict[float, float] | None = field(default_factory=dict)

    def merge(self, count: float, total: float, low: float, high: float, values: Mapping[float, float] | None) -> None:
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)
        if values is None:
            self.values = None
        elif self.values is not None:
            _add_weights(self.values, values)
            if len(self.values) > MAX_DISTINCT:
                coarse: dict[float, float] = {}
                for value, weight in self.values.items():
                    _add_weights(coarse, {_two_digits(value): weight})
                self.values = coarse


def _add_weights(into: dict[float, float], values: Mapping[float, float]) -> None:
    for value, weight in values.items():
        into[value] = into.get(value, 0.0) + weight


def _two_digits(value: float) -> float:
    return float(f"{value:.1e}")


class _Series:
    """One metric in one unit: slots of a second, merged into minutes once they are old; starts ascend."""

    __slots__ = ("slots", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.slots: list[_Slot] = []

    def slot(self, start: int) -> _Slot:
        index = bisect.bisect_left(self.starts, start)
        if index == len(self.starts) or self.starts[index] != start:
            self.starts.insert(index, start)
            self.slots.insert(index, _Slot())
        return self.slots[index]

    def between(self, start: float, end: float) -> Iterator[tuple[int, _Slot]]:
        first = bisect.bisect_left(self.starts, start)
        last = bisect.bisect_left(self.starts, end)
        return zip(self.starts[first:last], self.slots[first:last], strict=True)

    def compact(self, newest: float) -> None:
        """Merge what is older than the fine horizon into minutes and drop what is too old to be asked for."""
        border = math.floor((newest - FINE_SECONDS) / COARSE_STEP) * COARSE_STEP
        old = bisect.bisect_left(self.starts, border)
        merged = _Series()
        for start, slot in zip(self.starts[:old], self.slots[:old], strict=True):
            if start >= newest - KEEP_SECONDS:
                minute = merged.slot(start // COARSE_STEP * COARSE_STEP)
                minute.merge(slot.count, slot.total, slot.low, slot.high, slot.values)
        self.starts = merged.starts + self.starts[old:]
        self.slots = merged.slots + self.slots[old:]


class MetricStore:
    """Every metric published in one region; safe to use from several threads.

    Timestamps are seconds since the epoch on one axis of the caller's choice. `version` grows with each write, so that
    a reader can tell that nothing has changed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[MetricKey, dict[str, _Series]] = {}
        self._versions: dict[MetricKey, int] = {}
        self._writes = 0
        self.refused = 0

    def put_values(
        self,
        key: MetricKey,
        timestamp: float,
        values: Sequence[float],
        *,
        counts: Sequence[float] | None = None,
        unit: str = "None",
    ) -> None:
        """Store `values`, each seen once or as often as `counts` says."""
        weights: dict[float, float] = {}
        for value, weight in zip(values, counts or itertools.repeat(1.0), strict=False):
            if weight > 0:
                weights[value] = weights.get(value, 0.0) + weight
        if weights:
            total = math.fsum(value * weight for value, weight in weights.items())
            self._merge(key, timestamp, unit, sum(weights.values()), total, min(weights), max(weights), weights)

    def put_statistics(
        self,
        key: MetricKey,
        timestamp: float,
        *,
        count: float,
        total: float,
        low: float,
        high: float,
        unit: str = "None",
    ) -> None:
        """Store a statistic set; percentiles remain possible only if it stands for one repeated value."""
        if count > 0:
            single = math.isclose(low, high) and math.isclose(total, low * count, abs_tol=1e-12)
            self._merge(key, timestamp, unit, count, total, low, high, {low: count} if single else None)

    def _merge(
        self,
        key: MetricKey,
        timestamp: float,
        unit: str,
        count: float,
        total: float,
        low: float,
        high: float,
        values: Mapping[float, float] | None,
    ) -> None:
        with self._lock:
            units = self._series.get(key)
            if units is None:
                if len(self._series) >= MAX_SERIES:
                    self.refused += 1
                    return
                units = self._series[key] = {}
            series = units.setdefault(unit, _Series())
            series.slot(math.floor(timestamp)).merge(count, total, low, high, values)
            self._writes += 1
            self._versions[key] = self._writes
            if len(series.starts) > FINE_SECONDS + KEEP_SECONDS // COARSE_STEP + 500 or self._writes % 500 == 0:
                series.compact(series.starts[-1])

    def version(self, keys: Iterable[MetricKey]) -> int:
        """A number that changes whenever one of `keys` gets data."""
        with self._lock:
            return max((self._versions.get(key, 0) for key in keys), default=0)

    def metrics(self) -> list[MetricKey]:
        """Every metric, sorted."""
        with self._lock:
            return sorted(self._series)

    def units(self, key: MetricKey) -> tuple[str, ...]:
        """The units a metric was published in, oldest first."""
        with self._lock:
            return tuple(self._series.get(key, ()))

    def value(
        self, key: MetricKey, statistic: str, start: float, end: float, unit: str | None = None
    ) -> tuple[float, float] | None:
        """The statistic of all data of `start` <= time < `end`, and how many samples it stands on; None without data.

        Without `unit`, data of all units count together.
        """
        with self._lock:
            found = [slot for series in self._of(key, unit) for _, slot in series.between(start, end)]
            summary = _summed(found, statistic)
        value = None if summary is None else summary.statistic(statistic)
        return None if summary is None or value is None else (value, summary.count)

    def points(
        self,
        key: MetricKey,
        statistic: str,
        start: float,
        end: float,
        period: float,
        *,
        unit: str | None = None,
        axis: Axis | None = None,
    ) -> list[Point]:
        """One point per period with data, ascending; periods begin at multiples of `period`, the first holds `start`.

        `start`, `end` and the answer are on the reader's side of `axis` (by default the store's own).
        """
        axis = axis or Axis()
        first = math.floor(start / period) * period
        grouped: dict[float, list[_Slot]] = {}
        with self._lock:
            for series in self._of(key, unit):
                for at, slot in series.between(axis.stored(first), axis.stored(end)):
                    grouped.setdefault(math.floor(axis.read(at) / period) * period, []).append(slot)
            summaries = {begin: _summed(slots, statistic) for begin, slots in sorted(grouped.items())}
        points = []
        for begin, summary in summaries.items():
            value = None if summary is None else summary.statistic(statistic)
            if summary is not None and value is not None:
                points.append(Point(begin, value, summary.count))
        return points

    def _of(self, key: MetricKey, unit: str | None) -> list[_Series]:
        units = self._series.get(key, {})
        return list(units.values()) if unit is None else [units[unit]] if unit in units else []

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._series.clear()
            self._versions.clear()


def _summed(slots: Sequence[_Slot], statistic: str) -> Summary | None:
    if not slots:
        return None
    values: dict[float, float] | None = None
    # Single values are only worth adding up for a percentile.
    if statistic not in STATISTICS and all(slot.values is not None for slot in slots):
        values = {}
        for slot in slots:
            _add_weights(values, slot.values or {})
    return Summary(
        count=sum(slot.count for slot in slots),
        total=math.fsum(slot.total for slot in slots),
        low=min(slot.low for slot in slots),
        high=max(slot.high for slot in slots),
        values=values,
    )
