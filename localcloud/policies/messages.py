"""Rules for queues and topics."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import Registration, Unknown
from localcloud.iam_documents import refuses_plain_http
from localcloud.policies.rule import Fault, Rule, lacks
from localcloud.view import View

_DEAD_LETTER_PROPERTIES = ("redrivePolicy", "deadLetterConfig", "destinationConfig")
"""Where a dead-letter queue is named: by queues and subscriptions, by targets and functions, by mappings."""

UNREDELIVERED = frozenset({"email", "email-json", "sms", "application"})
"""Protocols for which a dead-letter queue is of no use: people, not programs, miss these (SNS developer guide)."""


def _queues_encrypted(view: View) -> Iterator[Fault]:
    for queue in view.of(types.QUEUE):
        if lacks(queue.inputs.get("kmsMasterKeyId")):
            yield Fault(queue.urn, "is not encrypted with the stack's key; set kms_master_key_id")


def _queues_have_dead_letters(view: View) -> Iterator[Fault]:
    for queue in view.of(types.QUEUE):
        if lacks(queue.inputs.get("redrivePolicy")) and not view.pointed_by_any(queue, *_DEAD_LETTER_PROPERTIES):
            yield Fault(
                queue.urn,
                "has no dead-letter queue and is none: a message that cannot be processed comes back until it "
                "expires; set redrive_policy",
            )


def _tls_only(view: View, type_: str, policy_type: str, name: str, action: str) -> Iterator[Fault]:
    for item in view.of(type_):
        policies = view.pointing(item, policy_type, name)
        documents = [policy.inputs.get("policy") for policy in policies]
        if not any(isinstance(each, Unknown) or refuses_plain_http(each) for each in documents):
            yield Fault(item.urn, f"accepts {action} without TLS; deny what comes with aws:SecureTransport false")


def _queues_tls(view: View) -> Iterator[Fault]:
    return _tls_only(view, types.QUEUE, types.QUEUE_POLICY, "queueUrl", "requests")


def _topics_tls(view: View) -> Iterator[Fault]:
    return _tls_only(view, types.TOPIC, types.TOPIC_POLICY, "arn", "publishers")


def _topics_encrypted(view: View) -> Iterator[Fault]:
    for topic in view.of(types.TOPIC):
        if lacks(topic.inputs.get("kmsMasterKeyId")):
            yield Fault(topic.urn, "is not encrypted with the stack's key; set kms_master_key_id")


def _subscriptions_have_dead_letters(view: View) -> Iterator[Fault]:
    for item in view.of(types.TOPIC_SUBSCRIPTION):
        protocol = item.inputs.get("protocol")
        if protocol not in UNREDELIVERED and lacks(item.inputs.get("redrivePolicy")):
            yield Fault(item.urn, "drops what it cannot deliver; set redrive_policy to a dead-letter queue")


def _visibility(view: View) -> Iterator[Fault]:
    for mapping in view.of(types.EVENT_SOURCE_MAPPING):
        queue = view.pointed(mapping, "eventSourceArn", types.QUEUE)
        function = view.pointed(mapping, "functionName", types.FUNCTION)
        if queue is None or function is None:
            continue
        hidden, needed = _seconds(queue, "visibilityTimeoutSeconds", 30), 6 * _seconds(function, "timeout", 3)
        if hidden < needed:
            yield Fault(
                queue.urn,
                f"shows a message again after {hidden} s while {function.name} may still be at it; six times the "
                f"function's time-out are {needed} s: set visibility_timeout_seconds",
            )


def _seconds(item: Registration, name: str, default: int) -> int:
    value = item.inputs.get(name, default)
    return value if isinstance(value, int) else default


RULES = (
    Rule(
        "queue-encrypted",
        "A queue is encrypted with a customer-managed key.",
        _queues_encrypted,
        cdk_nag="AwsSolutions-SQS2",
    ),
    Rule(
        "queue-dead-letters",
        "A queue has a dead-letter queue or is one.",
        _queues_have_dead_letters,
        cdk_nag="AwsSolutions-SQS3",
    ),
    Rule("queue-tls", "A queue refuses requests without TLS.", _queues_tls, cdk_nag="AwsSolutions-SQS4"),
    Rule(
        "queue-visibility",
        "A queue hides a message for at least six times its function's time-out.",
        _visibility,
    ),
    Rule(
        "topic-encrypted",
        "A topic is encrypted with a customer-managed key.",
        _topics_encrypted,
        cdk_nag="AwsSolutions-SNS2",
    ),
    Rule("topic-tls", "A topic refuses publishers without TLS.", _topics_tls, cdk_nag="AwsSolutions-SNS3"),
    Rule(
        "subscription-dead-letters",
        "A subscription of a program has a dead-letter queue.",
        _subscriptions_have_dead_letters,
    ),
)
