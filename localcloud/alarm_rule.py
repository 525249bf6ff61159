"""CloudWatch's alarm rule, pure: an alarm, the data points of its evaluation range and a time give a state.

Sources: CloudWatch user guide, "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data" (its two
tables and the section on premature transitions) and "Percentile-based alarms and low data samples".
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from localcloud.metric_statistics import check_statistic, percentile_rank
from localcloud.metric_store import MetricKey

STEP_SECONDS = 60.0
"""A standard-resolution alarm is evaluated once a minute, one of a shorter period once per period."""
EXTRA_PERIODS = 2
"""Periods retrieved beyond EvaluationPeriods: the guide's example retrieves 5 for 3 and publishes no other figure."""


class UnsupportedAlarm(ValueError):
    """An alarm that cannot be evaluated here; the message says why and what can be."""


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """TreatMissingData."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One entry of an alarm's or a request's queries: a metric's statistic or an expression over the others."""

    id: str
    key: MetricKey | None = None
    statistic: str = "Average"
    period: float = 60.0
    unit: str | None = None
    expression: str | None = None
    return_data: bool = True


@dataclass(frozen=True, slots=True)
class Alarm:
    """What an evaluation needs of a metric alarm; `period` in seconds, `state` the one it is in now."""

    name: str
    queries: tuple[MetricQuery, ...]
    comparison: str
    threshold: float
    period: float
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    missing: Missing = Missing.MISSING
    state: State = State.INSUFFICIENT_DATA
    ignore_low_samples: bool = False

    @property
    def result(self) -> MetricQuery:
        """The query whose values are compared with the threshold."""
        return next(query for query in self.queries if query.return_data)

    @property
    def step(self) -> float:
        """Seconds between two evaluations."""
        return min(self.period, STEP_SECONDS)

    @property
    def keys(self) -> tuple[MetricKey, ...]:
        """Every metric that the alarm reads."""
        return tuple(query.key for query in self.queries if query.key is not None)


@dataclass(frozen=True, slots=True)
class Datapoint:
    """One period of the evaluation range; `value` is None where nothing was published. `start` in epoch seconds."""

    start: float
    value: float | None
    samples: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The state an alarm should be in, and AWS's two accounts of why; `reason_data` is a JSON document."""

    state: State
    reason: str
    reason_data: str


def alarm_from_api(description: Mapping[str, Any]) -> Alarm:
    """The alarm of a PutMetricAlarm request or a DescribeAlarms entry; raises `UnsupportedAlarm`."""
    name = str(description.get("AlarmName", ""))
    comparison = str(description.get("ComparisonOperator"))
    if comparison not in _COMPARISONS:
        raise UnsupportedAlarm(
            f"alarm {name}: the embedded cloud does not evaluate {comparison} (anomaly detection); "
            f"use a threshold with one of {', '.join(_COMPARISONS)}"
        )
    queries = _queries(name, description)
    returned = [query for query in queries if query.return_data]
    if len(returned) != 1:
        raise UnsupportedAlarm(f"alarm {name}: exactly one entry of Metrics must have ReturnData true")
    periods = {query.period for query in queries if query.key is not None}
    if len(periods) != 1:
        raise UnsupportedAlarm(f"alarm {name}: all metrics of an alarm need the same Period, here {sorted(periods)}")
    evaluation_periods = int(description.get("EvaluationPeriods") or 1)
    datapoints = int(description.get("DatapointsToAlarm") or evaluation_periods)
    if not 1 <= datapoints <= evaluation_periods:
        raise UnsupportedAlarm(
            f"alarm {name}: DatapointsToAlarm {datapoints} is not within 1 to EvaluationPeriods {evaluation_periods}"
        )
    return Alarm(
        name=name,
        queries=queries,
        comparison=comparison,
        threshold=float(description.get("Threshold") or 0.0),
        period=periods.pop(),
        evaluation_periods=evaluation_periods,
        datapoints_to_alarm=datapoints,
        missing=_missing(description, queries),
        state=State(description.get("StateValue") or State.INSUFFICIENT_DATA),
        ignore_low_samples=description.get("EvaluateLowSampleCountPercentile") == "ignore",
    )


def _missing(description: Mapping[str, Any], queries: Sequence[MetricQuery]) -> Missing:
    policy = Missing(description.get("TreatMissingData") or Missing.MISSING)
    dynamodb = any(query.key is not None and query.key.namespace == "AWS/DynamoDB" for query in queries)
    # Alarms over AWS/DynamoDB ignore missing data unless told otherwise (user guide, same page).
    return Missing.IGNORE if dynamodb and policy is Missing.MISSING else policy


def _queries(name: str, description: Mapping[str, Any]) -> tuple[MetricQuery, ...]:
    entries = description.get("Metrics")
    if entries:
        return tuple(query_from_api(entry) for entry in entries)
    if not description.get("Namespace") or not description.get("MetricName"):
        raise UnsupportedAlarm(f"alarm {name}: it names neither a metric nor Metrics")
    statistic = description.get("ExtendedStatistic") or description.get("Statistic") or "Average"
    stat = {
        "Metric": {key: description.get(key) for key in ("Namespace", "MetricName", "Dimensions")},
        "Stat": statistic,
        "Period": description.get("Period") or 60,
        "Unit": description.get("Unit"),
    }
    return (query_from_api({"Id": "m1", "MetricStat": stat}),)


def query_from_api(entry: Mapping[str, Any]) -> MetricQuery:
    """The query of a MetricDataQuery structure; raises `ValueError` for a statistic that is not computed here."""
    returned = entry.get("ReturnData", True) is not False
    stat = entry.get("MetricStat")
    if not stat:
        return MetricQuery(str(entry.get("Id")), expression=str(entry.get("Expression") or ""), return_data=returned)
    metric = stat.get("Metric") or {}
    dimensions = {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions") or ()}
    statistic = str(stat.get("Stat") or "Average")
    check_statistic(statistic)
    return MetricQuery(
        id=str(entry.get("Id")),
        key=MetricKey.of(str(metric.get("Namespace")), str(metric.get("MetricName")), dimensions),
        statistic=statistic,
        period=float(stat.get("Period") or 60),
        unit=stat.get("Unit") or None,
        return_data=returned,
    )


def range_end(alarm: Alarm, now: float) -> float:
    """Where the newest complete evaluation step ends: evaluations see whole steps only, so they do not flap."""
    return math.floor(now / alarm.step) * alarm.step


def period_starts(alarm: Alarm, now: float) -> list[float]:
    """The starts of the periods in the evaluation range, oldest first.

    A range reaches `EXTRA_PERIODS` further back than the alarm's own periods, as AWS's does, to bridge a late datum.
    An alarm over one period whose policy gives missing data a meaning looks at that period alone: there, "more than 50
    in 10 minutes" is over when ten minutes have passed. (AWS, which keeps its range to itself, may take longer.)
    """
    periods = alarm.evaluation_periods
    if periods > 1 or alarm.missing in (Missing.MISSING, Missing.IGNORE):
        periods += EXTRA_PERIODS
    end = range_end(alarm, now)
    return [end - (index + 1) * alarm.period for index in reversed(range(periods))]


def evaluate(alarm: Alarm, series: Sequence[Datapoint], now: float) -> Decision:
    """The state of `alarm` given the data points of its evaluation range, oldest first."""
    breaches, _ = _COMPARISONS[alarm.comparison]
    real = [point for point in series if point.value is not None]
    wanted = alarm.evaluation_periods
    used = real[-wanted:]
    filled = max(wanted - len(real), 0)
    breaching = sum(point.value is not None and breaches(point.value, alarm.threshold) for point in used)
    state = alarm.state if _too_few_samples(alarm, used) else _state(alarm, series, len(used), breaching, filled)
    return Decision(state, _reason(alarm, state, used, filled), _reason_data(alarm, used, now))


def _state(alarm: Alarm, series: Sequence[Datapoint], used: int, breaching: int, filled: int) -> State:
    needed = alarm.datapoints_to_alarm
    if alarm.missing is Missing.BREACHING:
        breaching += filled
    if breaching >= needed:
        return State.ALARM
    undecided = filled > 0 and breaching == used and alarm.missing in (Missing.MISSING, Missing.IGNORE)
    if not undecided:
        return State.OK
    # Only breaching points or none at all, and fewer than the alarm needs.
    if alarm.missing is Missing.IGNORE:
        return alarm.state
    ages = [age for age, point in enumerate(reversed(series), start=1) if point.value is not None]
    return State.ALARM if ages and ages[-1] >= needed else State.INSUFFICIENT_DATA


def _too_few_samples(alarm: Alarm, used: Sequence[Datapoint]) -> bool:
    statistic = alarm.result.statistic
    if not alarm.ignore_low_samples or alarm.result.key is None or not statistic.startswith("p"):
        return False
    share = percentile_rank(statistic) / 100.0
    rare = 1.0 - share if share >= 0.5 else share
    return rare > 0 and sum(point.samples for point in used) < 10.0 / rare


def _reason(alarm: Alarm, state: State, used: Sequence[Datapoint], filled: int) -> str:
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_plural(filled, 'datapoint')} {_was(filled)} unknown."
    if not used:
        none = f"no datapoints were received for {_plural(alarm.evaluation_periods, 'period')}"
        return f"Threshold Crossed: {none}{_treated(alarm, filled, ' and ')}."
    breaches, words = _COMPARISONS[alarm.comparison]
    named = [
        point
        for point in reversed(used)
        if point.value is not None and breaches(point.value, alarm.threshold) is (state is State.ALARM)
    ]
    before = State.OK if state is State.ALARM else State.ALARM
    needed = alarm.datapoints_to_alarm
    minimum = needed if state is State.ALARM else alarm.evaluation_periods - needed + 1
    ending = f" (minimum {_plural(minimum, 'datapoint')} for {before} -> {state} transition)."
    if not named:
        return f"Threshold Crossed:{_treated(alarm, filled, ' ')}{ending}"
    values = ", ".join(f"{point.value} ({_short_time(point.start)})" for point in named)
    return (
        f"Threshold Crossed: {len(named)} out of the last {len(used)} datapoints [{values}] "
        f"{_was(len(named))}{'' if state is State.ALARM else ' not'} {words} the threshold ({alarm.threshold})"
        f"{_treated(alarm, filled, ' and ')}{ending}"
    )


def _treated(alarm: Alarm, filled: int, join: str) -> str:
    treatment = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}.get(alarm.missing)
    if not filled or treatment is None:
        return ""
    return f"{join}{_plural(filled, 'missing datapoint')} {_was(filled)} treated as [{treatment}]"


def _reason_data(alarm: Alarm, used: Sequence[Datapoint], now: float) -> str:
    data: dict[str, Any] = {"version": "1.0", "queryDate": _long_time(now)}
    if used:
        data["startDate"] = _long_time(used[0].start)
    if alarm.result.key is not None:
        data["statistic"] = alarm.result.statistic
    data["period"] = int(alarm.period)
    data["recentDatapoints"] = [point.value for point in used]
    data["threshold"] = alarm.threshold
    data["evaluatedDatapoints"] = [
        {"timestamp": _long_time(point.start), "sampleCount": point.samples, "value": point.value}
        for point in reversed(used)
    ]
    return json.dumps(data, separators=(",", ":"))


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _short_time(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%d/%m/%y %H:%M:%S")


def _long_time(at: float) -> str:
    moment = datetime.fromtimestamp(at, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
