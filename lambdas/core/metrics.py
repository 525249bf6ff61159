"""The metrics contract: each metric this product emits, once, with its unit, its dimension sets and its meaning.

Emitters, alarms, dashboards and the console take names from here. CloudWatch does not roll dimensions up, so a metric
is emitted under exactly the dimension sets listed (page "Publish custom metrics", section on dimensions).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

NAMESPACE = "AI-CPaaS/Messaging"
STACK = "Stack"
CHANNEL = "Channel"
CODE = "Code"
OPERATION = "Operation"

DimensionSets = tuple[tuple[str, ...], ...]


class Unit(StrEnum):
    """CloudWatch's names of the units used here."""

    COUNT = "Count"
    PER_SECOND = "Count/Second"
    PERCENT = "Percent"
    MILLISECONDS = "Milliseconds"
    SECONDS = "Seconds"
    NONE = "None"


class Metric(NamedTuple):
    """One metric: `dimension_sets` are the exact sets of dimension names under which each datum is published.

    Beside the stack a metric has at most one dimension of its own, and it has few values.
    """

    name: str
    unit: Unit
    dimension_sets: DimensionSets
    meaning: str

    @property
    def own_dimension(self) -> str | None:
        """The dimension beside the stack, of the metrics that have one."""
        return next((name for names in self.dimension_sets for name in names if name != STACK), None)


_PER_STACK = ((STACK,),)
_PER_CHANNEL = ((STACK, CHANNEL),)
_PER_STACK_AND_CODE = ((STACK,), (STACK, CODE))
_PER_STACK_AND_OPERATION = ((STACK,), (STACK, OPERATION))

MESSAGES_SENT = Metric("MessagesSent", Unit.COUNT, _PER_CHANNEL, "messages accepted by the provider")
MESSAGES_PER_SECOND = Metric("MessagesPerSecond", Unit.PER_SECOND, _PER_CHANNEL, "accepted per second, last minute")
UTILIZATION_PERCENT = Metric(
    "UtilizationPercent", Unit.PERCENT, _PER_CHANNEL, "share of the origination identity's rate used in the last minute"
)
DELIVERY_RATE = Metric(
    "DeliveryRate",
    Unit.PERCENT,
    _PER_CHANNEL,
    "delivered of those with a final status that somebody still wanted sent, open day",
)
FAILED_DELIVERIES = Metric(
    "FailedDeliveries", Unit.COUNT, _PER_STACK, "messages refused by the provider or failed by receipt"
)
DELIVERY_LATENCY = Metric("DeliveryLatency", Unit.MILLISECONDS, _PER_CHANNEL, "provider call to the delivered receipt")
THROTTLED_MESSAGES = Metric("ThrottledMessages", Unit.COUNT, _PER_CHANNEL, "provider calls refused by throttling")
AVAILABLE_CAPACITY = Metric(
    "AvailableCapacity", Unit.PERCENT, _PER_CHANNEL, "100 x (1 - slowest lease wait of the last minute / 60 s)"
)
TOKEN_REFILL_RATE = Metric("TokenRefillRate", Unit.PER_SECOND, _PER_CHANNEL, "message parts per second of the identity")
MESSAGE_COST = Metric("MessageCost", Unit.NONE, _PER_CHANNEL, "US dollars charged, by channel")
TOTAL_COST = Metric("TotalCost", Unit.NONE, _PER_STACK, "US dollars charged, all channels")
COST_PER_CUSTOMER = Metric("CostPerCustomer", Unit.NONE, _PER_STACK, "mean US dollars per customer messaged")

FOREIGN_RECEIPTS = Metric(
    "ForeignReceipts", Unit.COUNT, _PER_STACK, "receipts of messages that this stack did not send (shared accounts)"
)
PARKED_EVENTS = Metric(
    "ParkedEvents", Unit.COUNT, _PER_STACK, "receipts and orders of single messages that cannot be read, kept in a DLQ"
)
OTHER_NOTIFICATIONS = Metric(
    "OtherNotifications", Unit.COUNT, _PER_STACK, "inbound messages and notices on the receipts' paths, acknowledged"
)
OVERDUE_RECEIPTS = Metric("OverdueReceipts", Unit.COUNT, _PER_STACK, "open messages without a final receipt after 1 h")
IN_DOUBT = Metric("InDoubt", Unit.COUNT, _PER_STACK, "messages that the provider may have taken, nobody knows yet")
OUTBOX_AGE = Metric(
    "OutboxAge", Unit.SECONDS, _PER_STACK, "since single messages were ordered that were just sent or still wait"
)
CAMPAIGNS_AUTO_PAUSED = Metric(
    "CampaignsAutoPaused", Unit.COUNT, _PER_STACK, "campaigns that the platform itself has paused"
)
PUMPING_BLOCKED = Metric(
    "PumpingBlocked", Unit.COUNT, _PER_STACK, "single messages that were held back because they look like SMS pumping"
)

FALLBACK_LEGS = Metric("FallbackLegs", Unit.COUNT, _PER_STACK, "retries and messages on a next channel, decided")
DOUBLE_DELIVERIES = Metric(
    "DoubleDeliveries", Unit.COUNT, _PER_STACK, "messages that arrived although another leg had arrived before"
)

SESSION_CREATION_LATENCY = Metric(
    "SessionCreationLatency", Unit.MILLISECONDS, _PER_STACK, "answering a speaker's connection that opens a session"
)
LISTENER_JOIN_LATENCY = Metric(
    "ListenerJoinLatency", Unit.MILLISECONDS, _PER_STACK, "answering a listener's connection that joins a session"
)
BROADCAST_LATENCY = Metric(
    "BroadcastLatency", Unit.MILLISECONDS, _PER_STACK, "a broadcast's arrival to its last listener's answer"
)
ACTIVE_SESSIONS = Metric("ActiveSessions", Unit.COUNT, _PER_STACK, "sessions that are open")
TOTAL_LISTENERS = Metric("TotalListeners", Unit.COUNT, _PER_STACK, "listeners of all open sessions")
CONNECTION_ERRORS = Metric(
    "ConnectionErrors", Unit.COUNT, _PER_STACK_AND_CODE, "connections and messages refused, by the code they are told"
)
RATE_LIMIT_EXCEEDED = Metric(
    "RateLimitExceeded", Unit.COUNT, _PER_STACK_AND_OPERATION, "what a caller asked for more often than is allowed"
)

SESSIONS: tuple[Metric, ...] = (
    SESSION_CREATION_LATENCY,
    LISTENER_JOIN_LATENCY,
    BROADCAST_LATENCY,
    ACTIVE_SESSIONS,
    TOTAL_LISTENERS,
    CONNECTION_ERRORS,
    RATE_LIMIT_EXCEEDED,
)
"""What a stack with sessions publishes."""

MESSAGES: tuple[Metric, ...] = (
    MESSAGES_SENT,
    MESSAGES_PER_SECOND,
    UTILIZATION_PERCENT,
    DELIVERY_RATE,
    FAILED_DELIVERIES,
    DELIVERY_LATENCY,
    THROTTLED_MESSAGES,
    AVAILABLE_CAPACITY,
    TOKEN_REFILL_RATE,
    MESSAGE_COST,
    TOTAL_COST,
    COST_PER_CUSTOMER,
    FOREIGN_RECEIPTS,
    PARKED_EVENTS,
    OTHER_NOTIFICATIONS,
    OVERDUE_RECEIPTS,
    IN_DOUBT,
    OUTBOX_AGE,
    CAMPAIGNS_AUTO_PAUSED,
    PUMPING_BLOCKED,
    FALLBACK_LEGS,
    DOUBLE_DELIVERIES,
)
"""What every stack publishes."""

CATALOGUE = (*MESSAGES, *SESSIONS)

MAX_VALUES_PER_METRIC = 100
"""Values of one metric in one embedded-metric line (CloudWatch embedded metric format specification)."""


class Datum(NamedTuple):
    """One observation; `within` is the value of the metric's own dimension, given exactly where it has one."""

    metric: Metric
    value: float
    within: str | None = None


def emf_lines(data: Iterable[Datum], *, stack: str, at_ms: int) -> list[str]:
    """Embedded-metric-format lines for `data`, keys in a stable order.

    One line holds what has the same dimensions with the same values, up to 100 values of a metric; raises `ValueError`
    for a datum that does not fit its metric's dimensions.
    """
    grouped: dict[tuple[DimensionSets, str | None], dict[Metric, list[float]]] = {}
    for datum in data:
        if (datum.within is not None) != (datum.metric.own_dimension is not None):
            raise ValueError(f"{datum.metric.name}: {datum.within!r} does not fit {datum.metric.dimension_sets}")
        group = grouped.setdefault((datum.metric.dimension_sets, datum.within), {})
        group.setdefault(datum.metric, []).append(datum.value)
    lines = []
    for (dimension_sets, within), metrics in grouped.items():
        own = next(iter(metrics)).own_dimension
        dimensions = {STACK: stack} if own is None or within is None else {STACK: stack, own: within}
        while metrics:
            batch = {metric: values[:MAX_VALUES_PER_METRIC] for metric, values in metrics.items()}
            lines.append(_emf_line(batch, dimension_sets, dimensions, at_ms))
            metrics = {
                metric: values[MAX_VALUES_PER_METRIC:]
                for metric, values in metrics.items()
                if len(values) > MAX_VALUES_PER_METRIC
            }
    return lines


def _emf_line(
    metrics: Mapping[Metric, list[float]],
    dimension_sets: DimensionSets,
    dimensions: Mapping[str, str],
    at_ms: int,
) -> str:
    document: dict[str, object] = {
        "_aws": {
            "Timestamp": at_ms,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(names) for names in dimension_sets],
                    "Metrics": [{"Name": metric.name, "Unit": metric.unit.value} for metric in metrics],
                }
            ],
        },
        **dimensions,
        **{metric.name: values if len(values) > 1 else values[0] for metric, values in metrics.items()},
    }
    return json.dumps(document, separators=(",", ":"))
