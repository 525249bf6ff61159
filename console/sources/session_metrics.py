"""Metrics of sessions out of CloudWatch: what is asked, and what the answers come to."""

from __future__ import annotations

from collections.abc import Mapping

from console.sessions.state import Percentiles, SessionGauges, SessionHour
from console.sources.metric_queries import MINUTE, Query, Values
from console.telemetry import Series
from lambdas.core.metrics import (
    ACTIVE_SESSIONS,
    BROADCAST_LATENCY,
    CODE,
    CONNECTION_ERRORS,
    LISTENER_JOIN_LATENCY,
    OPERATION,
    RATE_LIMIT_EXCEEDED,
    SESSION_CREATION_LATENCY,
    TOTAL_LISTENERS,
)
from lambdas.core.session_errors import SessionError
from lambdas.core.session_limits import Operation

HOUR = 3600
FIVE_MINUTES = 300
STATISTICS = ("p50", "p95", "p99")

GAUGES = (
    Query("active", ACTIVE_SESSIONS, "Maximum", MINUTE),
    Query("listeners", TOTAL_LISTENERS, "Maximum", MINUTE),
    Query("refused", CONNECTION_ERRORS, "Sum", MINUTE),
)
LATENCIES = {"creation": SESSION_CREATION_LATENCY, "join": LISTENER_JOIN_LATENCY, "broadcast": BROADCAST_LATENCY}
HOURLY = (
    *(
        Query(f"{name}_{statistic}", metric, statistic, FIVE_MINUTES)
        for name, metric in LATENCIES.items()
        for statistic in STATISTICS
    ),
    *(
        Query(f"code_{code.lower()}", CONNECTION_ERRORS, "Sum", FIVE_MINUTES, (CODE, code.value))
        for code in SessionError
    ),
    *(Query(f"operation_{name}", RATE_LIMIT_EXCEEDED, "Sum", FIVE_MINUTES, (OPERATION, name)) for name in Operation),
)


def hour_before(end: float) -> int:
    """The beginning of the five minutes in which the hour before `end` begins: all periods fit into it."""
    return int((end - HOUR) // FIVE_MINUTES * FIVE_MINUTES)


def gauges_of(values: Mapping[str, Values], end: float) -> SessionGauges:
    """A point for each minute, a gap where nothing was published."""
    grid = range(hour_before(end), int(end), MINUTE)

    def series(name: str, label: str) -> Series:
        return Series(label, MINUTE, tuple((float(at), values[name].get(at)) for at in grid))

    return SessionGauges(series("active", "sessions"), series("listeners", "listeners"), series("refused", "refused"))


def hour_of(values: Mapping[str, Values]) -> SessionHour:
    """Latest latencies, and sums of the hour above nothing."""
    creation, join, broadcast = (_latest(values, name) for name in LATENCIES)
    return SessionHour(
        creation,
        join,
        broadcast,
        refused={code.value: total for code in SessionError if (total := _sum(values[f"code_{code.lower()}"]))},
        limited={name.value: total for name in Operation if (total := _sum(values[f"operation_{name}"]))},
    )


def _latest(values: Mapping[str, Values], name: str) -> Percentiles:
    found = [values[f"{name}_{statistic}"] for statistic in STATISTICS]
    at = max((moment for each in found for moment in each), default=None)
    return Percentiles() if at is None else Percentiles(float(at), *(each.get(at) for each in found))


def _sum(values: Values) -> int:
    return round(sum(values.values()))
