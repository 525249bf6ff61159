"""The AWS/* metrics that alarms and dashboards name, taken from what the emulator holds and does.

Queues and tables are sampled once per minute of the cloud's clock, everything else is counted as it happens. Lengths
of time that really pass (a function's duration, a request's latency) are reported as they are, whatever the speed of
the clock; what waits while the clock jumps is older by the jump.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.metric_store import KEEP_SECONDS, MetricKey, MetricStore

SAMPLE_SECONDS = 60
"""AWS/SQS and AWS/DynamoDB publish once a minute."""

_FUNCTION = (frozenset({"FunctionName"}),)
_QUEUE = (frozenset({"QueueName"}),)
_TABLE = frozenset({"TableName"})
_TABLE_AND_INDEX = (_TABLE, frozenset({"TableName", "GlobalSecondaryIndexName"}))
_OPERATION = (frozenset({"TableName", "Operation"}),)
_API = (frozenset({"ApiId"}),)
_SOCKET_API = (*_API, frozenset({"ApiId", "Stage"}))
_RULE = (frozenset({"RuleName"}), frozenset({"RuleName", "EventBusName"}))
_TOPIC = (frozenset({"TopicName"}),)

SOURCES: Mapping[tuple[str, str], tuple[frozenset[str], ...]] = {
    **{("AWS/Lambda", name): _FUNCTION for name in ("Invocations", "Errors", "Throttles", "Duration", "IteratorAge")},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): _QUEUE,
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): _QUEUE,
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): _QUEUE,
    ("AWS/DynamoDB", "ReadThrottleEvents"): _TABLE_AND_INDEX,
    ("AWS/DynamoDB", "WriteThrottleEvents"): _TABLE_AND_INDEX,
    ("AWS/DynamoDB", "SystemErrors"): _OPERATION,
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): (_TABLE,),
    **{("AWS/ApiGateway", name): _API for name in ("Count", "4xx", "5xx", "Latency")},
    **{("AWS/ApiGateway", name): _SOCKET_API for name in ("ConnectCount", "MessageCount", "IntegrationLatency")},
    **{("AWS/ApiGateway", name): _SOCKET_API for name in ("ClientError", "ExecutionError", "IntegrationError")},
    **{("AWS/Events", name): _RULE for name in ("Invocations", "FailedInvocations", "InvocationsSentToDlq")},
    ("AWS/SNS", "NumberOfMessagesPublished"): _TOPIC,
    ("AWS/SNS", "NumberOfNotificationsDelivered"): _TOPIC,
    ("AWS/SNS", "NumberOfNotificationsFailed"): _TOPIC,
}
"""Namespace and metric to the dimension sets under which the embedded cloud publishes it."""

NEVER = frozenset(["ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"])
"""Events that never happen to an emulated table. AWS publishes nothing where these are 0; here an alarm sees the 0."""

_AGES = frozenset(["ApproximateAgeOfOldestMessage", "IteratorAge"])
_MILLISECONDS = frozenset(["Duration", "IntegrationLatency", "IteratorAge", "Latency"])


class Publish(Protocol):
    """Publishes one value of an AWS metric at the present moment."""

    def __call__(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Behind:
    """A function at work on a stream batch whose last record was written at `written` (wall time, epoch seconds)."""

    function_name: str
    written: float


class ServiceSampler:
    """Samples gauges; minutes that the clock has skipped get the value found at their end, ages rise towards it.

    `queues` lists the emulator's queues, `behind` the stream batches in work; `jumped_since(wall time)` is by how many
    seconds the clock was moved on since then.
    """

    def __init__(
        self,
        store: MetricStore,
        queues: Callable[[], Iterable[Mapping[str, Any]]],
        behind: Callable[[], Iterable[Behind]] = tuple,
        *,
        jumped_since: Callable[[float], float] = lambda _: 0.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._queues = queues
        self._behind = behind
        self._jumped_since = jumped_since
        self._wall = wall
        self._minute = -1
        self._sampled: dict[MetricKey, int] = {}

    def sample(self, keys: Iterable[MetricKey], now: float) -> None:
        """Bring every gauge up to `now` (the cloud's time, seconds since the epoch); `keys` are those of alarms."""
        minute = math.floor(now / SAMPLE_SECONDS)
        never = [key for key in keys if key.namespace == "AWS/DynamoDB" and key.name in NEVER]
        new = [key for key in keys if key.namespace == "AWS/SQS" and key not in self._sampled]
        if minute == self._minute and not new and all(key in self._sampled for key in never):
            return
        self._minute = minute
        gauges = dict.fromkeys(never, 0.0)
        for queue in self._queues():
            gauges |= self._of_queue(queue)
        for batch in self._behind():
            age = 1_000 * self._age(batch.written)
            key = MetricKey.of("AWS/Lambda", "IteratorAge", {"FunctionName": batch.function_name})
            gauges[key] = max(age, gauges.get(key, 0.0))
        for key, value in gauges.items():
            self._fill(key, minute, value)

    def age_of_record(self, written: float) -> float:
        """Milliseconds since a stream record was written."""
        return 1_000 * self._age(written)

    def _fill(self, key: MetricKey, minute: int, value: float) -> None:
        oldest = minute - KEEP_SECONDS // SAMPLE_SECONDS
        first = max(self._sampled.get(key, minute - 1) + 1, oldest)
        per_minute = SAMPLE_SECONDS * (1_000 if key.name in _MILLISECONDS else 1)
        for at in range(first, minute + 1):
            then = max(0.0, value - (minute - at) * per_minute) if key.name in _AGES else value
            self._store.put_values(key, at * SAMPLE_SECONDS, [then], unit=unit_of(key.name))
        self._sampled[key] = minute

    def _of_queue(self, queue: Mapping[str, Any]) -> dict[MetricKey, float]:
        now = self._wall()
        messages = list(queue["messages"])
        waiting = [message for message in messages if message["visible_at"] <= now]
        in_flight = [message for message in messages if message["visible_at"] > now and message["receive_count"] > 0]
        values = {
            "ApproximateNumberOfMessagesVisible": float(len(waiting)),
            "ApproximateNumberOfMessagesNotVisible": float(len(in_flight)),
            "ApproximateAgeOfOldestMessage": max((self._age(message["sent_at"]) for message in messages), default=0.0),
        }
        dimensions = {"QueueName": str(queue["name"])}
        return {MetricKey.of("AWS/SQS", name, dimensions): value for name, value in values.items()}

    def _age(self, since: float) -> float:
        return max(0.0, self._wall() - since) + self._jumped_since(since)


def unit_of(name: str) -> str:
    """CloudWatch's unit of a metric in `SOURCES`."""
    if name in _MILLISECONDS:
        return "Milliseconds"
    return "Seconds" if name == "ApproximateAgeOfOldestMessage" else "Count"


def count_invocation(publish: Publish, function: str, *, duration_ms: float, failed: bool) -> None:
    """Publish what AWS/Lambda does for one invocation that ran."""
    values = {"Invocations": 1.0, "Errors": float(failed), "Throttles": 0.0, "Duration": duration_ms}
    for name, value in values.items():
        publish("AWS/Lambda", name, {"FunctionName": function}, value)


def count_throttle(publish: Publish, function: str) -> None:
    """Publish what AWS/Lambda does for one that was refused; it counts as no invocation."""
    publish("AWS/Lambda", "Throttles", {"FunctionName": function}, 1.0)


def count_request(publish: Publish, api_id: str, *, status: int, latency_ms: float) -> None:
    """Publish what AWS/ApiGateway does for one request to an HTTP API."""
    values = {"Count": 1.0, "4xx": float(400 <= status < 500), "5xx": float(status >= 500), "Latency": latency_ms}
    for name, value in values.items():
        publish("AWS/ApiGateway", name, {"ApiId": api_id}, value)


def count_on_sockets(publish: Publish, api_id: str, stage: str, **values: float) -> None:
    """Publish values of AWS/ApiGateway for a WebSocket API, with and without its stage as dimension."""
    for name, value in values.items():
        publish("AWS/ApiGateway", name, {"ApiId": api_id}, value)
        publish("AWS/ApiGateway", name, {"ApiId": api_id, "Stage": stage}, value)


def count_integration(publish: Publish, api_id: str, stage: str, *, status: int | None, latency_ms: float) -> None:
    """Publish what AWS/ApiGateway does for one call of a WebSocket API's integration; no status: it gave no answer.

    API Gateway developer guide, "Monitor WebSocket API execution with CloudWatch metrics".
    """
    count_on_sockets(
        publish,
        api_id,
        stage,
        IntegrationError=float(status is not None and status >= 400),
        ExecutionError=float(status is None),
        IntegrationLatency=latency_ms,
    )


def count_rule_invocation(publish: Publish, rule: Mapping[str, Any], *, failed: bool, set_aside: bool) -> None:
    """Publish what AWS/Events does for one delivery of a rule; a rule of the default bus has no bus as dimension."""
    dimensions = {"RuleName": str(rule["Name"])}
    bus = str(rule.get("EventBusName") or "default")
    if bus != "default":
        dimensions["EventBusName"] = bus
    values = {"Invocations": 1.0, "FailedInvocations": float(failed), "InvocationsSentToDlq": float(set_aside)}
    for name, value in values.items():
        publish("AWS/Events", name, dimensions, value)


def count_published(publish: Publish, topic: str) -> None:
    """Publish what AWS/SNS does for one message that a topic took."""
    publish("AWS/SNS", "NumberOfMessagesPublished", {"TopicName": topic}, 1.0)


def count_notification(publish: Publish, topic: str, *, failed: bool) -> None:
    """Publish what AWS/SNS does for one message on its way to one subscriber."""
    values = {"NumberOfNotificationsDelivered": float(not failed), "NumberOfNotificationsFailed": float(failed)}
    for name, value in values.items():
        publish("AWS/SNS", name, {"TopicName": topic}, value)


def count_write_units(publish: Publish, table: str, units: float) -> None:
    """Publish what AWS/DynamoDB does for the units that one write consumed, those of its indexes included."""
    publish("AWS/DynamoDB", "ConsumedWriteCapacityUnits", {"TableName": table}, units)
