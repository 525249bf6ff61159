"""SQS queues and SNS topics."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.monitor import Created
from localcloud.provision.fit import Inputs, text
from localcloud.provision.task import Provisioner, Task

_QUEUE_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "policy": "Policy",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
}
_TOPIC_ATTRIBUTES = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
    "signatureVersion": "SignatureVersion",
}
_SUBSCRIPTION_ATTRIBUTES = {
    "rawMessageDelivery": "RawMessageDelivery",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "redrivePolicy": "RedrivePolicy",
    "deliveryPolicy": "DeliveryPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _attributes(inputs: Inputs, names: Mapping[str, str]) -> dict[str, str]:
    return {attribute: text(inputs[key]) for key, attribute in names.items() if key in inputs}


def queue(task: Task) -> Created:
    """A queue with all its attributes."""
    attributes = _attributes(task.inputs, _QUEUE_ATTRIBUTES)
    name = task.named(longest=80)
    if task.inputs.get("fifoQueue"):
        attributes["FifoQueue"] = "true"
        name = name if name.endswith(".fifo") else f"{name[:75]}.fifo"
    url = task.call("sqs", "create_queue", QueueName=name, Attributes=attributes or None)["QueueUrl"]
    arn = task.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Created(url, {"name": name, "url": url, "arn": arn})


def _queue_attribute(key: str, attribute: str) -> Provisioner:
    """A provisioner for an attribute that is a resource of its own."""

    def create(task: Task) -> Created:
        url = task.inputs["queueUrl"]
        task.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={attribute: text(task.inputs[key])})
        return Created(url, {})

    return create


def topic(task: Task) -> Created:
    """A topic with all its attributes."""
    attributes = _attributes(task.inputs, _TOPIC_ATTRIBUTES)
    name = task.named(longest=256)
    if task.inputs.get("fifoTopic"):
        attributes["FifoTopic"] = "true"
        name = name if name.endswith(".fifo") else f"{name[:251]}.fifo"
    arn = task.call("sns", "create_topic", Name=name, Attributes=attributes or None)["TopicArn"]
    return Created(arn, {"name": name, "arn": arn, "owner": task.account_id})


def topic_policy(task: Task) -> Created:
    """The resource policy of a topic."""
    arn = task.inputs["arn"]
    policy = text(task.inputs["policy"])
    task.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Created(arn, {"owner": task.account_id})


def topic_subscription(task: Task) -> Created:
    """A subscription of a queue, function or address to a topic."""
    arn = task.call(
        "sns",
        "subscribe",
        {"TopicArn": "topic"},
        Attributes=_attributes(task.inputs, _SUBSCRIPTION_ATTRIBUTES) or None,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Created(arn, {"arn": arn, "ownerId": task.account_id, "pendingConfirmation": False})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:sqs/queue:Queue": queue,
    "aws:sqs/queuePolicy:QueuePolicy": _queue_attribute("policy", "Policy"),
    "aws:sqs/redrivePolicy:RedrivePolicy": _queue_attribute("redrivePolicy", "RedrivePolicy"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _queue_attribute("redriveAllowPolicy", "RedriveAllowPolicy"),
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": topic_subscription,
}
