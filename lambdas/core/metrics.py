"""The metrics contract: each metric this product emits, once, with its unit, its dimension sets and its meaning.

Emitters, alarms, dashboards and the console take names from here. CloudWatch does not roll dimensions up, so a metric
is emitted under exactly the dimension sets listed (page "Publish custom metrics", section on dimensions).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "AI-CPaaS/Messaging"
STACK = "Stack"
CHANNEL = "Channel"


class Unit(StrEnum):
    """CloudWatch's names of the units used here."""

    COUNT = "Count"
    PER_SECOND = "Count/Second"
    PERCENT = "Percent"
    MILLISECONDS = "Milliseconds"
    SECONDS = "Seconds"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `dimension_sets` are the exact sets of dimension names under which each datum is published."""

    name: str
    unit: Unit
    dimension_sets: tuple[tuple[str, ...], ...]
    meaning: str


_PER_STACK = ((STACK,),)
_PER_CHANNEL = ((STACK, CHANNEL),)

MESSAGES_SENT = Metric("MessagesSent", Unit.COUNT, _PER_CHANNEL, "messages accepted by the provider")
MESSAGES_PER_SECOND = Metric("MessagesPerSecond", Unit.PER_SECOND, _PER_CHANNEL, "accepted per second, last minute")
UTILIZATION_PERCENT = Metric(
    "UtilizationPercent", Unit.PERCENT, _PER_CHANNEL, "share of the origination identity's rate used in the last minute"
)
DELIVERY_RATE = Metric("DeliveryRate", Unit.PERCENT, _PER_CHANNEL, "delivered of those with a final status, open day")
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

CATALOGUE: tuple[Metric, ...] = (
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

MAX_VALUES_PER_METRIC = 100
"""Values of one metric in one embedded-metric line (CloudWatch embedded metric format specification)."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One observation; `channel` is given exactly where the metric has that dimension."""

    metric: Metric
    value: float
    channel: str | None = None


def emf_lines(data: Iterable[Datum], *, stack: str, at_ms: int) -> list[str]:
    """Embedded-metric-format lines for `data`: one line per dimension set and 100 values, keys in a stable order."""
    grouped: dict[str | None, dict[Metric, list[float]]] = {}
    for datum in data:
        if (datum.channel is not None) != any(CHANNEL in names for names in datum.metric.dimension_sets):
            raise ValueError(
                f"{datum.metric.name}: channel {datum.channel!r} does not fit {datum.metric.dimension_sets}"
            )
        grouped.setdefault(datum.channel, {}).setdefault(datum.metric, []).append(datum.value)
    lines = []
    for channel, metrics in grouped.items():
        dimensions = {STACK: stack} if channel is None else {STACK: stack, CHANNEL: channel}
        while metrics:
            batch = {metric: values[:MAX_VALUES_PER_METRIC] for metric, values in metrics.items()}
            lines.append(_emf_line(batch, dimensions, at_ms))
            metrics = {
                metric: values[MAX_VALUES_PER_METRIC:]
                for metric, values in metrics.items()
                if len(values) > MAX_VALUES_PER_METRIC
            }
    return lines


def _emf_line(metrics: Mapping[Metric, list[float]], dimensions: Mapping[str, str], at_ms: int) -> str:
    document: dict[str, object] = {
        "_aws": {
            "Timestamp": at_ms,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(dimensions)],
                    "Metrics": [{"Name": metric.name, "Unit": metric.unit.value} for metric in metrics],
                }
            ],
        },
        **dimensions,
        **{metric.name: values if len(values) > 1 else values[0] for metric, values in metrics.items()},
    }
    return json.dumps(document, separators=(",", ":"))
