"""EventBridge delivers where the target's policy lets it, and parks the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.launch import LocalCloud

MakeQueue = Callable[..., tuple[str, str]]


@pytest.fixture
def rule(bare_cloud: LocalCloud, unique: str) -> Iterator[Callable[..., str]]:
    """Makes a rule for events of source `unique` with the given targets; returns its ARN."""
    events = bare_cloud.client("events")
    targets: list[str] = []

    def make(*given: dict[str, Any]) -> str:
        arn = events.put_rule(Name=unique, EventPattern=json.dumps({"source": [unique]}))["RuleArn"]
        answer = events.put_targets(Rule=unique, Targets=list(given))
        assert answer["FailedEntryCount"] == 0
        targets.extend(target["Id"] for target in given)
        return str(arn)

    yield make
    events.remove_targets(Rule=unique, Ids=targets)
    events.delete_rule(Name=unique)


@pytest.fixture
def put(bare_cloud: LocalCloud, unique: str) -> Callable[[int], None]:
    events = bare_cloud.client("events")

    def put_event(n: int) -> None:
        entry = {"Source": unique, "DetailType": "test", "Detail": json.dumps({"n": n})}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    return put_event


def _set_policy(cloud: LocalCloud, url: str, statements: list[dict[str, Any]]) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def test_a_queue_without_a_policy_gets_nothing_and_the_event_is_parked(
    bare_cloud: LocalCloud, make_queue: MakeQueue, rule: Any, put: Any, drain: Any
) -> None:
    closed, closed_arn = make_queue()
    parked, parked_arn = make_queue()
    beside, beside_arn = make_queue()
    _set_policy(bare_cloud, closed, [])
    rule(
        {"Id": "closed", "Arn": closed_arn, "DeadLetterConfig": {"Arn": parked_arn}},
        {"Id": "beside", "Arn": beside_arn, "InputPath": "$.detail"},
    )
    put(1)
    assert drain(closed) == []
    assert [event["detail"] for event in drain(parked)] == [{"n": 1}]
    assert drain(beside) == [{"n": 1}]


def test_a_policys_conditions_are_asked(
    bare_cloud: LocalCloud, make_queue: MakeQueue, rule: Any, put: Any, drain: Any
) -> None:
    url, arn = make_queue()
    rule_arn = rule({"Id": "queue", "Arn": arn})
    allow: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    plain = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    _set_policy(bare_cloud, url, [{**allow, "Condition": {"ArnEquals": {"aws:SourceArn": f"{rule_arn}-not"}}}])
    put(1)
    assert drain(url) == []
    _set_policy(bare_cloud, url, [{**allow, "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}}}, plain])
    put(2)
    assert [event["detail"] for event in drain(url)] == [{"n": 2}]


def test_a_queue_that_is_gone_parks_its_events(
    bare_cloud: LocalCloud, make_queue: MakeQueue, rule: Any, put: Any, drain: Any
) -> None:
    parked, parked_arn = make_queue()
    missing = f"{parked_arn}-missing"
    rule({"Id": "gone", "Arn": missing, "DeadLetterConfig": {"Arn": parked_arn}})
    put(3)
    assert [event["detail"] for event in drain(parked)] == [{"n": 3}]
