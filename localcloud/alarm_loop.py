"""The alarm evaluator: applies the pure rule to every alarm as the cloud's clock passes its steps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from localcloud import metric_math
from localcloud.alarm_rule import (
    Alarm,
    Datapoint,
    Decision,
    Missing,
    State,
    UnsupportedAlarm,
    alarm_from_api,
    evaluate,
    period_starts,
    range_end,
)
from localcloud.metric_store import MetricKey, MetricStore

log = logging.getLogger(__name__)

HOLD_SECONDS = 10.0
"""The cloud's seconds for which a state set by hand stands; AWS: "only until the next alarm comparison occurs"."""
FASTEST_TICK = 0.1
SLOWEST_TICK = 1.0


class Clock(Protocol):
    """The cloud's clock, see `localcloud.clock.Clock`: `offset()` is its lead over wall time in seconds."""

    def now(self) -> float: ...

    def offset(self) -> float: ...

    def jumped_since(self, wall: float) -> float: ...


class AlarmBook(Protocol):
    """Where alarms live: `read` gives DescribeAlarms entries by name, `apply` moves one to its decided state."""

    def read(self) -> Mapping[str, dict[str, Any]]: ...

    def apply(self, name: str, decision: Decision) -> None: ...


@dataclass(slots=True)
class _Known:
    source: dict[str, Any]
    alarm: Alarm | None
    seen: tuple[float, int] = (-1.0, -1)


class AlarmLoop:
    """Evaluates alarms in a thread of its own.

    An alarm is looked at when one of its steps has ended or one of its metrics has got data, so that a tick over idle
    alarms costs next to nothing. `before(keys, now)` is called ahead of each round to sample gauges. `lock` guards what
    is known of the alarms; it is free while one is moved, which may take as long as its actions do.

    Unlike on AWS, an alarm that takes missing data as breaching is not judged by the time before it existed: there a
    new heartbeat alarm is up until the first beat, here a stack starts quiet.
    """

    def __init__(
        self,
        *,
        store: MetricStore,
        clock: Clock,
        speed: float,
        alarms: AlarmBook,
        before: Callable[[frozenset[MetricKey], float], None],
    ) -> None:
        self.lock = threading.Lock()
        self._rounds = threading.Lock()
        self._store = store
        self._clock = clock
        self._tick_seconds = min(max(15.0 / speed, FASTEST_TICK), SLOWEST_TICK)
        self._alarms = alarms
        self._before = before
        self._known: dict[str, _Known] = {}
        self._held_until: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin evaluating; a second call does nothing."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="alarm-loop", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
            self._thread = None

    def hold(self, name: str) -> None:
        """Leave an alarm alone for `HOLD_SECONDS`: somebody has set its state by hand."""
        with self.lock:
            self._held_until[name] = self._clock.now() + HOLD_SECONDS
            known = self._known.get(name)
            if known is not None:
                known.seen = (-1.0, -1)

    def evaluate_all(self) -> dict[str, str]:
        """Evaluate every alarm now, due or not; the states by name afterwards (held ones keep theirs)."""
        self.round(everything=True)
        return {name: str(entry["StateValue"]) for name, entry in self._alarms.read().items()}

    def round(self, *, everything: bool = False) -> None:
        """One pass over the alarms; passes follow one another."""
        with self._rounds:
            now = self._clock.now()
            with self.lock:
                watched = {name: entry.alarm for name, entry in self._refresh().items() if entry.alarm is not None}
            self._before(frozenset(key for alarm in watched.values() for key in alarm.keys), now)
            for name, alarm in watched.items():
                source = self._due(name, alarm, now, everything)
                if source is None:
                    continue
                try:
                    self._settle(alarm, source, now)
                except Exception:
                    # One alarm must not keep the others from being looked at.
                    log.exception("alarm %s could not be evaluated or its actions failed", name)

    def _due(self, name: str, alarm: Alarm, now: float, everything: bool) -> dict[str, Any] | None:
        with self.lock:
            entry = self._known[name]
            if now < self._held_until.get(name, now):
                return None
            self._held_until.pop(name, None)
            mark = (range_end(alarm, now), self._store.version(alarm.keys))
            if not everything and mark == entry.seen:
                return None
            entry.seen = mark
            return entry.source

    def _run(self) -> None:
        while not self._stop.wait(self._tick_seconds):
            try:
                self.round()
            except Exception:
                log.exception("the alarms could not be evaluated; the next round tries again")

    def _refresh(self) -> dict[str, _Known]:
        known: dict[str, _Known] = {}
        for name, source in self._alarms.read().items():
            entry = self._known.get(name)
            if entry is None or entry.source is not source:
                entry = _Known(source, _parsed(source))
            known[name] = entry
        now = self._clock.now()
        self._known, self._since = known, {name: self._since.get(name, now) for name in known}
        return known

    def _settle(self, alarm: Alarm, source: Mapping[str, Any], now: float) -> None:
        alarm = replace(alarm, state=State(source["StateValue"]))
        try:
            series = datapoints(alarm, self._store, now)
        except metric_math.MetricMathError as error:
            log.warning("alarm %s keeps its state: %s", alarm.name, error)
            return
        too_new = now - self._since[alarm.name] < alarm.evaluation_periods * alarm.period
        if too_new and alarm.missing is Missing.BREACHING and not any(point.samples for point in series):
            return
        decision = evaluate(alarm, series, now)
        if decision.state is not alarm.state:
            self._alarms.apply(alarm.name, decision)


def _parsed(source: Mapping[str, Any]) -> Alarm | None:
    try:
        return alarm_from_api(source)
    except (UnsupportedAlarm, ValueError) as error:
        log.warning("an alarm is not evaluated: %s", error)
        return None


def datapoints(alarm: Alarm, store: MetricStore, now: float) -> list[Datapoint]:
    """The evaluation range of `alarm` out of `store`, oldest first; raises `MetricMathError`."""
    starts = period_starts(alarm, now)
    samples: dict[float, float] = {}
    metrics: dict[str, metric_math.Series] = {}
    for query in alarm.queries:
        if query.key is None:
            continue
        series = metrics.setdefault(query.id, {})
        for start in starts:
            found = store.value(query.key, query.statistic, start, start + alarm.period, query.unit)
            if found is not None:
                series[start] = found[0]
                samples[start] = samples.get(start, 0.0) + found[1]
    values = metrics.get(alarm.result.id)
    if values is None:
        values = expression_series(alarm, metrics, starts)
    return [Datapoint(start, values.get(start), samples.get(start, 0.0)) for start in starts]


def expression_series(
    alarm: Alarm, metrics: Mapping[str, metric_math.Series], starts: list[float]
) -> metric_math.Series:
    """The one series of a math alarm; raises `MetricMathError`."""
    expressions = {query.id: query.expression for query in alarm.queries if query.expression is not None}
    request = metric_math.Request(metrics, expressions, starts, alarm.period)
    found = metric_math.evaluate(str(alarm.result.expression), request)
    if len(found) != 1:
        raise metric_math.MetricMathError(
            f"the expression {alarm.result.expression!r} yields {len(found)} time series; an alarm needs exactly one"
        )
    return found[0]
