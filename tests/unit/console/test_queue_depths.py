"""Depths of queues over canned answers: what holds messages is asked how old they are, and nothing else is."""

from __future__ import annotations

from typing import Any, cast

from console.queues import Depth, StackQueue
from console.sources.clients import Clients
from console.sources.queues import QueueDepths

FULL, EMPTY, DEAD = "https://sqs/1/full", "https://sqs/1/empty", "https://sqs/1/dead"
WAITING = {FULL: "3", EMPTY: "0", DEAD: "0"}


class Aws:
    """SQS and CloudWatch in one; `metrics` are the queues whose age was asked for."""

    def __init__(self) -> None:
        self.metrics: list[str] = []

    def client(self, service: str) -> Any:
        return self

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": WAITING[QueueUrl]}}

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        self.metrics += [query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in MetricDataQueries]
        return {"MetricDataResults": [{"Id": query["Id"], "Values": [42.0, 7.0]} for query in MetricDataQueries]}


def test_only_queues_that_hold_messages_are_asked_for_their_age() -> None:
    aws = Aws()
    depths = QueueDepths(cast(Clients, aws), now=lambda: 1_000_000.0)
    full, empty = depths.read([StackQueue("full", FULL, DEAD), StackQueue("empty", EMPTY, "")])
    assert (full.depth, full.dead_letters) == (Depth(3, 0, 0, 42.0), Depth(0, 0, 0, None))
    assert (empty.depth, empty.dead_letters) == (Depth(0, 0, 0, None), None)
    assert aws.metrics == ["full"]


def test_without_messages_cloudwatch_is_not_asked() -> None:
    aws = Aws()
    QueueDepths(cast(Clients, aws), now=lambda: 1_000_000.0).read([StackQueue("empty", EMPTY, DEAD)])
    assert aws.metrics == []
