"""Gauges and counts of AWS's services, from a made-up emulator state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from localcloud import service_metrics
from localcloud.metric_store import MetricKey, MetricStore
from localcloud.service_metrics import SOURCES, Behind, ServiceSampler

NOON = 1_780_000_020.0
"""A time of the cloud's clock, at the start of a minute."""


class World:
    """One queue and one stream reader; the wall stands at NOON, jumps are what the test says."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.messages: list[dict[str, Any]] = []
        self.batches: list[Behind] = []
        self.jumped = 0.0
        self.sampler = ServiceSampler(
            self.store,
            lambda: [{"name": "work", "messages": self.messages}],
            lambda: self.batches,
            jumped_since=lambda _: self.jumped,
            wall=lambda: NOON,
        )

    def put(self, *, age: float = 0.0, in_flight: bool = False) -> None:
        visible_at = NOON + 30 if in_flight else NOON
        self.messages.append({"sent_at": NOON - age, "visible_at": visible_at, "receive_count": int(in_flight)})

    def values(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> list[float]:
        key = MetricKey.of(namespace, name, dimensions)
        points = self.store.points(key, "Maximum", NOON - 3600, NOON + 7200, 60)
        return [point.value for point in points]

    def queue(self, name: str) -> list[float]:
        return self.values("AWS/SQS", name, {"QueueName": "work"})


def test_a_queue_is_sampled_without_being_asked_for() -> None:
    world = World()
    world.put(age=70)
    world.put(age=5, in_flight=True)
    world.sampler.sample([], NOON)
    world.sampler.sample([], NOON + 59)
    assert world.queue("ApproximateNumberOfMessagesVisible") == [1]
    assert world.queue("ApproximateNumberOfMessagesNotVisible") == [1]
    assert world.queue("ApproximateAgeOfOldestMessage") == [70]


def test_what_waits_while_the_clock_jumps_ages_minute_by_minute() -> None:
    world = World()
    world.sampler.sample([], NOON)
    world.put(age=10)
    world.jumped = 240
    world.sampler.sample([], NOON + 240)
    assert world.queue("ApproximateAgeOfOldestMessage") == [0, 70, 130, 190, 250]
    assert world.queue("ApproximateNumberOfMessagesVisible") == [0, 1, 1, 1, 1]


def test_a_batch_that_a_function_does_not_get_done_ages_too() -> None:
    world = World()
    reader = {"FunctionName": "counters"}
    world.sampler.sample([], NOON)
    assert world.values("AWS/Lambda", "IteratorAge", reader) == []
    world.batches = [Behind("counters", NOON - 2)]
    world.sampler.sample([], NOON + 60)
    world.jumped = 120
    world.sampler.sample([], NOON + 180)
    assert world.values("AWS/Lambda", "IteratorAge", reader) == [2_000, 62_000, 122_000]
    world.batches = []
    world.sampler.sample([], NOON + 240)
    assert len(world.values("AWS/Lambda", "IteratorAge", reader)) == 3


def test_what_never_happens_to_a_table_is_0_where_an_alarm_looks() -> None:
    world = World()
    index = {"TableName": "tracking", "GlobalSecondaryIndexName": "customer-index"}
    world.sampler.sample([MetricKey.of("AWS/DynamoDB", "WriteThrottleEvents", index)], NOON)
    assert world.values("AWS/DynamoDB", "WriteThrottleEvents", index) == [0]


def published(count: Any, *args: Any, **kwargs: Any) -> dict[tuple[str, str, frozenset[tuple[str, str]]], float]:
    found = {}

    def publish(namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        found[namespace, name, frozenset(dimensions.items())] = value

    count(publish, *args, **kwargs)
    return found


@pytest.mark.parametrize(
    ("status", "client", "server"), [(200, 0, 0), (202, 0, 0), (403, 1, 0), (429, 1, 0), (500, 0, 1), (503, 0, 1)]
)
def test_a_request_counts_by_its_status(status: int, client: int, server: int) -> None:
    found = published(service_metrics.count_request, "api", status=status, latency_ms=12.5)
    by_name = {name: value for (_, name, _), value in found.items()}
    assert by_name == {"Count": 1, "4xx": client, "5xx": server, "Latency": 12.5}


@pytest.mark.parametrize(
    ("rule", "dimensions"),
    [
        ({"Name": "r", "EventBusName": "default"}, {("RuleName", "r")}),
        ({"Name": "r"}, {("RuleName", "r")}),
        ({"Name": "r", "EventBusName": "b"}, {("RuleName", "r"), ("EventBusName", "b")}),
    ],
)
def test_a_rule_of_a_custom_bus_has_the_bus_as_dimension(
    rule: dict[str, str], dimensions: set[tuple[str, str]]
) -> None:
    found = published(service_metrics.count_rule_invocation, rule, failed=True, set_aside=False)
    assert {key[2] for key in found} == {frozenset(dimensions)}
    assert {key[1]: value for key, value in found.items()} == {
        "Invocations": 1,
        "FailedInvocations": 1,
        "InvocationsSentToDlq": 0,
    }


def test_everything_that_is_counted_has_its_place_among_the_sources() -> None:
    counted = [
        published(service_metrics.count_invocation, "f", duration_ms=1.0, failed=True),
        published(service_metrics.count_throttle, "f"),
        published(service_metrics.count_request, "a", status=200, latency_ms=1.0),
        published(
            service_metrics.count_rule_invocation, {"Name": "r", "EventBusName": "b"}, failed=False, set_aside=False
        ),
        published(service_metrics.count_published, "t"),
        published(service_metrics.count_notification, "t", failed=True),
        published(service_metrics.count_write_units, "t", 2.0),
    ]
    for found in counted:
        for namespace, name, dimensions in found:
            assert frozenset(key for key, _ in dimensions) in SOURCES[namespace, name]
