"""Queues, topics and rules, read back as they were asked for."""

from __future__ import annotations

import json

import pytest

from tests.cloud.provisioning import ALLOW, Cloud, tags


def test_queue_with_its_policies(aws: Cloud) -> None:
    policy = json.dumps(
        {**ALLOW, "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    )
    dead = aws.create("aws:sqs/queue:Queue", name="dead", messageRetentionSeconds=1_209_600)
    redrive = {"deadLetterTargetArn": dead.outputs["arn"], "maxReceiveCount": 5}
    queue = aws.create(
        "aws:sqs/queue:Queue",
        name="work",
        visibilityTimeoutSeconds=90,
        delaySeconds=1,
        receiveWaitTimeSeconds=20,
        maxMessageSize=1024,
        redrivePolicy=json.dumps(redrive),
        kmsMasterKeyId="alias/aws/sqs",
        kmsDataKeyReusePeriodSeconds=300,
        tags={"team": "x"},
    )
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [queue.outputs["arn"]]}
    aws.create("aws:sqs/queuePolicy:QueuePolicy", queueUrl=queue.id, policy=policy)
    aws.create("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", queueUrl=dead.id, redriveAllowPolicy=json.dumps(allow))
    sqs = aws.client("sqs")
    read = sqs.get_queue_attributes(QueueUrl=queue.outputs["url"], AttributeNames=["All"])["Attributes"]
    assert {
        "VisibilityTimeout": "90",
        "DelaySeconds": "1",
        "ReceiveMessageWaitTimeSeconds": "20",
        "MaximumMessageSize": "1024",
        "KmsMasterKeyId": "alias/aws/sqs",
        "KmsDataKeyReusePeriodSeconds": "300",
        "QueueArn": queue.outputs["arn"],
    }.items() <= read.items()
    assert json.loads(read["RedrivePolicy"]) == redrive
    assert json.loads(read["Policy"]) == json.loads(policy)
    other = sqs.get_queue_attributes(QueueUrl=dead.id, AttributeNames=["All"])["Attributes"]
    assert other["MessageRetentionPeriod"] == "1209600"
    assert json.loads(other["RedriveAllowPolicy"]) == allow
    assert sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == {"team": "x"}
    fifo = aws.create("aws:sqs/queue:Queue", fifoQueue=True, contentBasedDeduplication=True)
    read = sqs.get_queue_attributes(QueueUrl=fifo.id, AttributeNames=["All"])["Attributes"]
    assert (read["FifoQueue"], read["ContentBasedDeduplication"]) == ("true", "true")
    plain = aws.create("aws:sqs/queue:Queue")
    aws.create("aws:sqs/redrivePolicy:RedrivePolicy", queueUrl=plain.id, redrivePolicy=json.dumps(redrive))
    read = sqs.get_queue_attributes(QueueUrl=plain.id, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(read["RedrivePolicy"]) == redrive


def test_topic_policy_and_raw_subscription(aws: Cloud) -> None:
    topic = aws.create(
        "aws:sns/topic:Topic", name="news", displayName="News", kmsMasterKeyId="alias/aws/sns", tags={"team": "x"}
    )
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic.outputs["arn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws.create("aws:sns/topicPolicy:TopicPolicy", arn=topic.id, policy=policy)
    queue = aws.create("aws:sqs/queue:Queue")
    subscription = aws.create(
        "aws:sns/topicSubscription:TopicSubscription",
        topic=topic.id,
        protocol="sqs",
        endpoint=queue.outputs["arn"],
        rawMessageDelivery=True,
        filterPolicy=json.dumps({"kind": ["a"]}),
        redrivePolicy=json.dumps({"deadLetterTargetArn": queue.outputs["arn"]}),
    )
    sns = aws.client("sns")
    read = sns.get_topic_attributes(TopicArn=topic.outputs["arn"])["Attributes"]
    assert (read["DisplayName"], read["KmsMasterKeyId"]) == ("News", "alias/aws/sns")
    assert json.loads(read["Policy"]) == policy
    assert tags(sns.list_tags_for_resource(ResourceArn=topic.id)["Tags"]) == {"team": "x"}
    read = sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert (read["RawMessageDelivery"], read["Endpoint"]) == ("true", queue.outputs["arn"])
    assert json.loads(read["FilterPolicy"]) == {"kind": ["a"]}


@pytest.mark.parametrize("bus_name", [None, "orders"])
def test_rule_and_target(aws: Cloud, bus_name: str | None) -> None:
    bus = {"eventBusName": aws.create("aws:cloudwatch/eventBus:EventBus", name=bus_name).id} if bus_name else {}
    queue = aws.create("aws:sqs/queue:Queue").outputs["arn"]
    pattern = json.dumps({"source": ["shop"]})
    rule = aws.create(
        "aws:cloudwatch/eventRule:EventRule", eventPattern=pattern, description="d", tags={"team": "x"}, **bus
    )
    name = rule.outputs["name"]
    target = aws.create(
        "aws:cloudwatch/eventTarget:EventTarget",
        rule=name,
        arn=queue,
        inputTransformer={"inputPaths": {"id": "$.id"}, "inputTemplate": '{"id": <id>}'},
        retryPolicy={"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 300},
        deadLetterConfig={"arn": queue},
        **bus,
    )
    events = aws.client("events")
    where = {"EventBusName": bus_name} if bus_name else {}
    read = events.describe_rule(Name=name, **where)
    assert (read["EventPattern"], read["Description"], read["State"]) == (pattern, "d", "ENABLED")
    assert read["Arn"] == rule.outputs["arn"]
    (read,) = events.list_targets_by_rule(Rule=name, **where)["Targets"]
    assert (read["Id"], read["Arn"], read["DeadLetterConfig"]) == (target.outputs["targetId"], queue, {"Arn": queue})
    assert read["InputTransformer"] == {"InputPathsMap": {"id": "$.id"}, "InputTemplate": '{"id": <id>}'}
    assert read["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 300}


def test_scheduled_rules_and_their_state(aws: Cloud) -> None:
    events = aws.client("events")
    for inputs, state in (({"isEnabled": False}, "DISABLED"), ({"state": "DISABLED"}, "DISABLED"), ({}, "ENABLED")):
        rule = aws.create("aws:cloudwatch/eventRule:EventRule", scheduleExpression="rate(1 minute)", **inputs)
        read = events.describe_rule(Name=rule.id)
        assert (read["ScheduleExpression"], read["State"]) == ("rate(1 minute)", state)
