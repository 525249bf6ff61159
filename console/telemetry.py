"""What monitoring tells of a stack: alarms in detail, metric series, log lines, deployments, resources, AWS's bill.

Frozen values with safe text, as in `console/domain.py`; times are epoch seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from console.domain import Alarm, AlarmState, Message

Comparison = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
"""CloudWatch's comparison operators of alarms on a fixed threshold (PutMetricAlarm, API reference)."""
MAX_POINTS = 1_440
"""Points of a series at most: a day by the minute."""
_CHILD = re.compile(r'\b(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*"?(?P<name>[^")]+)"?\s*\)')
"""A child in a composite alarm's rule, as `ALARM("name")` or `OK(arn)` (PutCompositeAlarm, API reference)."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """What a metric alarm watches, and from where on it is in ALARM.

    `metric` is the sentence for people (`Errors, Sum of 60 s`), `dimensions` those of the metric (of an expression:
    of all its metrics together), `queries` the `MetricDataQueries` that draw it, as JSON text: the one that returns
    data is what the alarm compares.
    """

    metric: str
    namespace: str
    dimensions: Mapping[str, str]
    threshold: float
    comparison: Comparison
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str
    queries: str

    @property
    def window_seconds(self) -> int:
        """How far back one evaluation looks."""
        return self.period_seconds * self.evaluation_periods

    def periods(self, start: float, end: float) -> range:
        """The starts (epoch seconds) of the periods between two moments; of a span of more than `MAX_POINTS` periods
        those at its end."""
        first = math.floor(start / self.period_seconds) * self.period_seconds
        return range(first, max(first, math.ceil(end)), self.period_seconds)[-MAX_POINTS:]

    def breaches(self, value: float) -> bool:
        """Whether a datapoint counts against the alarm."""
        return {
            "GreaterThanThreshold": value > self.threshold,
            "GreaterThanOrEqualToThreshold": value >= self.threshold,
            "LessThanThreshold": value < self.threshold,
            "LessThanOrEqualToThreshold": value <= self.threshold,
        }[self.comparison]


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """One change of an alarm's state."""

    at: float
    old: AlarmState | None
    new: AlarmState
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmDetail:
    """One alarm with its rule and history (newest first).

    An alarm without a fixed threshold (composite, anomaly band) has no `rule` but an `expression`.
    """

    alarm: Alarm
    arn: str
    rule: AlarmRule | None
    expression: str
    history: tuple[AlarmChange, ...]

    @property
    def children(self) -> tuple[str, ...]:
        """Names of the alarms that a composite alarm looks at, which its expression names alone or within ARNs."""
        names = (found["name"].strip().rpartition(":alarm:")[2] for found in _CHILD.finditer(self.expression))
        return tuple(dict.fromkeys(names))

    @property
    def last_rise(self) -> float | None:
        """When it last went up, None where the history knows of no such time."""
        return next((change.at for change in self.history if change.new is AlarmState.ALARM), None)


@dataclass(frozen=True, slots=True)
class Series:
    """One metric over time: (epoch second, value) from old to new, one point per `period_seconds`.

    A period without data has None: a gap, not zero.
    """

    label: str
    period_seconds: int
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one log group; `level` is DEBUG, INFO, WARNING, ERROR or empty where the line names none.

    `message` is what people read in a row, `raw` the line as it was written, numbers masked.
    """

    id: str
    at: float
    group: str
    stream: str
    level: str
    message: str
    raw: str = ""

    @property
    def function(self) -> str:
        """The short name of the group's function, its last part."""
        return self.group.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of one group, oldest first; `cursor` leads to what follows, None at the end of what was asked for."""

    lines: tuple[LogLine, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One thing that a deployment changed: a function's code, or the outputs of a component."""

    at: float
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack as AWS's tagging service lists it."""

    arn: str
    service: str
    kind: str
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue as people may see it: why it is there, and its body with numbers masked."""

    id: str
    sent_at: float
    received: int
    reason: str
    body: str


@dataclass(frozen=True, slots=True)
class Bill:
    """Cost Explorer's answer for this UTC month in US dollars: by day (YYYY-MM-DD) and by service.

    `as_of` is when AWS was asked: it is asked at most twice a day, because each question costs a cent. `scope` says in
    words whose money it is.
    """

    as_of: float
    scope: str
    by_day: Mapping[str, float]
    by_service: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MessageSearch:
    """Which messages are wanted: exactly one of the three fields is given."""

    campaign_id: str = ""
    customer_id: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some of the messages asked for, newest first; `cursor` leads to older ones, None at the end.

    `total` is how many there are in all, where that is known.
    """

    messages: tuple[Message, ...]
    cursor: str | None
    total: int | None = None
