"""The few AWS/* metrics that alarms name, taken from the emulator's own state.

Queues and tables are sampled once per minute of the cloud's clock, functions are counted as they run. Lengths of time
that really pass (a message's age, a function's duration) are reported as they are, whatever the speed of the clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.metric_store import KEEP_SECONDS, MetricKey, MetricStore

SAMPLE_SECONDS = 60
"""AWS/SQS and AWS/DynamoDB publish once a minute."""

TABLE_ZEROES = frozenset(["ThrottledRequests", "ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"])
"""Events that never happen to an emulated table. AWS publishes nothing where these are 0; here an alarm sees the 0."""

Publish = Callable[[MetricKey, float, str], None]


class ServiceSampler:
    """Samples gauges of queues and tables; minutes that the clock has skipped get the value found at its end."""

    def __init__(
        self,
        store: MetricStore,
        queues: Callable[[], Iterable[Mapping[str, Any]]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._queues = queues
        self._wall = wall
        self._sampled: dict[MetricKey, int] = {}

    def sample(self, keys: Iterable[MetricKey], now: float) -> None:
        """Bring every gauge among `keys` up to `now` (the cloud's time, seconds since the epoch)."""
        minute = math.floor(now / SAMPLE_SECONDS)
        due = [key for key in keys if self._sampled.get(key, -1) < minute and _is_gauge(key)]
        if not due:
            return
        queues = {str(queue["name"]): queue for queue in self._queues()}
        for key in due:
            value = self._value(key, queues)
            if value is None:
                continue
            oldest = minute - KEEP_SECONDS // SAMPLE_SECONDS
            first = max(self._sampled.get(key, minute - 1) + 1, oldest)
            for at in range(first, minute + 1):
                self._store.put_values(key, at * SAMPLE_SECONDS, [value], unit=_unit(key))
            self._sampled[key] = minute

    def _value(self, key: MetricKey, queues: Mapping[str, Mapping[str, Any]]) -> float | None:
        if key.namespace == "AWS/DynamoDB":
            return 0.0
        queue = queues.get(dict(key.dimensions).get("QueueName", ""))
        if queue is None:
            return None
        now = self._wall()
        messages = list(queue["messages"])
        if key.name == "ApproximateAgeOfOldestMessage":
            return max((now - message["sent_at"] for message in messages), default=0.0)
        in_flight = key.name == "ApproximateNumberOfMessagesNotVisible"
        return float(
            sum(
                message["receive_count"] > 0 if in_flight else True
                for message in messages
                if (message["visible_at"] > now) is in_flight
            )
        )


def _is_gauge(key: MetricKey) -> bool:
    if key.namespace == "AWS/SQS":
        return key.name in (
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateAgeOfOldestMessage",
        )
    return key.namespace == "AWS/DynamoDB" and key.name in TABLE_ZEROES


def _unit(key: MetricKey) -> str:
    return "Seconds" if key.name == "ApproximateAgeOfOldestMessage" else "Count"


def count_invocation(publish: Publish, function: str, *, duration_ms: float, failed: bool) -> None:
    """Publish what AWS/Lambda does for one invocation that ran."""
    publish(_function_key("Invocations", function), 1.0, "Count")
    publish(_function_key("Errors", function), float(failed), "Count")
    publish(_function_key("Throttles", function), 0.0, "Count")
    publish(_function_key("Duration", function), duration_ms, "Milliseconds")


def count_throttle(publish: Publish, function: str) -> None:
    """Publish what AWS/Lambda does for one that was refused; it counts as no invocation."""
    publish(_function_key("Throttles", function), 1.0, "Count")


def _function_key(name: str, function: str) -> MetricKey:
    return MetricKey.of("AWS/Lambda", name, {"FunctionName": function})
