"""EventBridge and SNS deliver where the target's policy lets them, park the rest, and count all of it."""

from __future__ import annotations

import datetime
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
    (message,) = bare_cloud.client("sqs").receive_message(
        QueueUrl=parked, VisibilityTimeout=0, MessageAttributeNames=["All"]
    )["Messages"]
    notes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (notes["TARGET_ARN"], notes["ERROR_CODE"]) == (missing, "NO_RESOURCE")
    assert notes["RULE_ARN"].rpartition(":")[2].startswith("rule/")
    assert [event["detail"] for event in drain(parked)] == [{"n": 3}]


def _sums(cloud: LocalCloud, namespace: str, dimension: str, value: str) -> dict[str, float]:
    """Sum of every metric of `namespace` under exactly this dimension."""
    cloudwatch = cloud.client("cloudwatch")
    dimensions = [{"Name": dimension, "Value": value}]
    names = {
        metric["MetricName"]
        for metric in cloudwatch.list_metrics(Namespace=namespace, Dimensions=dimensions)["Metrics"]
    }
    now = datetime.datetime.now(datetime.UTC)
    sums = {}
    for name in names:
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=dimensions,
            Period=3600,
            StartTime=now - datetime.timedelta(hours=3),
            EndTime=now + datetime.timedelta(minutes=1),
            Statistics=["Sum"],
        )["Datapoints"]
        sums[name] = sum(point["Sum"] for point in points)
    return sums


def test_a_rules_deliveries_are_counted(
    bare_cloud: LocalCloud, unique: str, make_queue: MakeQueue, rule: Any, put: Any
) -> None:
    closed, closed_arn = make_queue()
    _, parked_arn = make_queue()
    _set_policy(bare_cloud, closed, [])
    rule(
        {"Id": "closed", "Arn": closed_arn, "DeadLetterConfig": {"Arn": parked_arn}}, {"Id": "open", "Arn": parked_arn}
    )
    put(1)
    expected = {"Invocations": 2, "FailedInvocations": 1, "InvocationsSentToDlq": 1}
    assert _sums(bare_cloud, "AWS/Events", "RuleName", unique) == expected


def test_what_a_subscriber_refuses_goes_to_the_subscriptions_dead_letter_queue(
    bare_cloud: LocalCloud, unique: str, make_queue: MakeQueue, drain: Any
) -> None:
    sns = bare_cloud.client("sns")
    closed, closed_arn = make_queue()
    parked, parked_arn = make_queue()
    beside, beside_arn = make_queue()
    _set_policy(bare_cloud, closed, [])
    topic = sns.create_topic(Name=unique)["TopicArn"]
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": parked_arn}), "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=closed_arn, Attributes=redrive)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=beside_arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message='{"n": 4}')
    assert (drain(closed), drain(parked), drain(beside)) == ([], [{"n": 4}], [{"n": 4}])
    assert _sums(bare_cloud, "AWS/SNS", "TopicName", unique) == {
        "NumberOfMessagesPublished": 1,
        "NumberOfNotificationsDelivered": 1,
        "NumberOfNotificationsFailed": 1,
    }
    sns.delete_topic(TopicArn=topic)
