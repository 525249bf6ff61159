"""Metrics on their way into the store: brought to the cloud's time, and refused where AWS refuses them.

The store lives on the cloud's clock, which runs `speed` times as fast as wall time and can be moved forward.
Functions and clients speak wall time: their timestamps are mapped on the way in (something published 2 s ago is
2 x speed seconds old) and back on the way out, so that a chart's axis is wall time and what an alarm reads has aged
with the clock. An alarm's period of 300 s passes in 300 / speed real seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from localcloud import emf, service_metrics
from localcloud.alarm_loop import Clock
from localcloud.metric_store import Axis, MetricKey, MetricStore

log = logging.getLogger(__name__)

FUTURE_SECONDS = 2 * 3600
PAST_SECONDS = 14 * 24 * 3600
"""Timestamps outside these are refused (PutMetricData, and the embedded metric format's documentation)."""

LARGEST_VALUE = 2.0**360
"""The largest magnitude of a value (MetricDatum, API reference); sums of such values stay finite."""


class Invocation(Protocol):
    """A finished invocation, see `localcloud.invocations.Invocation`."""

    @property
    def function_name(self) -> str: ...

    @property
    def duration_ms(self) -> float: ...

    @property
    def error(self) -> bool: ...


class MetricIntake:
    """Takes metrics from log lines, from what services count and from PutMetricData."""

    def __init__(self, *, store: MetricStore, clock: Clock, speed: float) -> None:
        self.embedded_data = 0
        self.embedded_errors = 0
        self._store = store
        self._clock = clock
        self._speed = speed
        self._counting = threading.Lock()

    def on_log_events(self, group: str, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Take the embedded metrics out of log events (`timestamp` in ms, `message`); wrong ones are counted."""
        for event in events:
            found = emf.extract(str(event.get("message", "")))
            for datum in found.data:
                key = MetricKey(datum.namespace, datum.name, datum.dimensions)
                self._put(key, datum.timestamp_ms / 1000.0, datum.values, unit=datum.unit)
            if found.data or found.errors:
                with self._counting:
                    self.embedded_data += len(found.data)
                    self.embedded_errors += len(found.errors)
            for error in found.errors:
                log.warning("log group %s, stream %s: embedded metrics are ignored: %s", group, stream, error)

    def on_invocation(self, invocation: Invocation) -> None:
        """Count one finished invocation of a function in AWS/Lambda."""
        service_metrics.count_invocation(
            self.publish, invocation.function_name, duration_ms=invocation.duration_ms, failed=invocation.error
        )

    def on_write_units(self, table: str, units: float) -> None:
        """Count the write units that one request to a table consumed."""
        service_metrics.count_write_units(self.publish, table, units)

    def publish(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        """Publish one value of an AWS metric at the present moment."""
        self._put(MetricKey.of(namespace, name, dimensions), time.time(), [value], unit=service_metrics.unit_of(name))

    def store_datum(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        timestamp: float,
        unit: str,
        value: float | None,
        values: Sequence[float] | None,
        counts: Sequence[float] | None,
        statistics: Mapping[str, float] | None,
    ) -> None:
        """Take one datum of PutMetricData, as ministack's function of this name is given it."""
        key = MetricKey.of(namespace, name, dimensions)
        if statistics is None:
            self._put(key, timestamp, [value or 0.0] if values is None else values, counts=counts, unit=unit)
            return
        count, total, low, high = (
            float(statistics.get(part, 0.0)) for part in ("SampleCount", "Sum", "Minimum", "Maximum")
        )
        if self._acceptable(key, timestamp, (count, total, low, high)):
            at = self.axis().stored(timestamp)
            self._store.put_statistics(key, at, count=count, total=total, low=low, high=high, unit=unit)

    def record_metric(
        self,
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        """Take one value that ministack itself records, at the present moment."""
        self._put(MetricKey.of(namespace, metric_name, dimensions), time.time(), [float(value)], unit=unit)

    def axis(self) -> Axis:
        """Wall time, which readers and writers speak, beside the store's time."""
        offset = self._clock.offset()
        now = self._clock.now()
        if self._speed == 1.0:
            # Two clocks read one after the other differ by microseconds; whole tenths keep periods' edges sharp.
            return Axis(read_at=0.0, stored_at=round(offset, 1))
        return Axis(read_at=now - offset, stored_at=now, speed=self._speed)

    def _put(
        self,
        key: MetricKey,
        wall: float,
        values: Sequence[float],
        *,
        counts: Sequence[float] | None = None,
        unit: str = "None",
    ) -> None:
        if self._acceptable(key, wall, (*values, *(counts or ()))):
            self._store.put_values(key, self.axis().stored(wall), values, counts=counts, unit=unit)

    def _acceptable(self, key: MetricKey, wall: float, numbers: Sequence[float]) -> bool:
        age = time.time() - wall
        if -FUTURE_SECONDS <= age <= PAST_SECONDS and all(abs(number) <= LARGEST_VALUE for number in numbers):
            return True
        log.warning(
            "%s %s: a datum is refused: values must be within 2^360, timestamps within 2 weeks back, 2 hours ahead",
            key.namespace,
            key.name,
        )
        return False
