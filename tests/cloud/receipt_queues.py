"""Queues that get receipts: by a rule on the default event bus, or by a topic."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.config import Config

from localcloud.launch import LocalCloud

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
"""For clients whose refusals are counted."""


@contextlib.contextmanager
def rule(cloud: LocalCloud, name: str, queue_arn: str, source: str) -> Iterator[None]:
    """A rule that sends every event of `source` to the queue."""
    events = cloud.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn}])
    yield
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


@contextlib.contextmanager
def topic(cloud: LocalCloud, name: str, queue_arn: str, policy: dict[str, Any] | None) -> Iterator[str]:
    """A topic with the queue behind it (raw delivery) and the given policy statement; its ARN."""
    sns = cloud.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    if policy is not None:
        document = {"Version": "2012-10-17", "Statement": [{**policy, "Resource": arn}]}
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document))
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    yield str(arn)
    sns.delete_topic(TopicArn=arn)


def gather(
    drain: Callable[[str], list[dict[str, Any]]], wait_until: Callable[[Callable[[], bool]], Any], url: str, count: int
) -> list[dict[str, Any]]:
    """The messages of a queue, once `count` of them or more have come."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        found.extend(drain(url))
        return len(found) >= count

    wait_until(enough)
    return found


def allow(service: str, **condition: Any) -> dict[str, Any]:
    """A topic policy's statement that lets a service publish."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish"}
    return {**statement, "Condition": condition} if condition else statement
