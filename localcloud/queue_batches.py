"""Batches of a queue: its messages received, put into an event and deleted, as a mapping's poller does on AWS.

Only to be called on the host's event loop, where every API call that changes queues runs too.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import lambda_svc, sqs

Mapping = dict[str, Any]
Message = dict[str, Any]

DEFAULT_QUEUE_CONCURRENCY = 5
_BATCH_WITHOUT_WINDOW = 10
"""Largest SQS batch of a mapping without a batching window."""


def most_at_a_time(mapping: Mapping, queue: dict[str, Any]) -> int:
    """How many invocations of a mapping may run at the same time; one for a FIFO queue."""
    if queue.get("is_fifo"):
        return 1
    return int((mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or DEFAULT_QUEUE_CONCURRENCY)


def receive(mapping: Mapping, queue: dict[str, Any], idle_seconds: float) -> tuple[list[Message], float]:
    """A batch, or none and the seconds until its window is over (`idle_seconds` for an empty queue).

    Received messages become invisible.
    """
    sqs._expire_retained(queue)
    for message in queue["messages"]:
        sqs._ensure_msg_fields(message)
    if _has_exhausted(queue):
        sqs._dlq_sweep(queue)
    window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    size = int(mapping.get("BatchSize", _BATCH_WITHOUT_WINDOW))
    size = size if window else min(size, _BATCH_WITHOUT_WINDOW)
    now = time.time()
    visible = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
    if not visible:
        return [], idle_seconds
    left = min(visible) + window - now
    if len(visible) < size and left > 0:
        return [], left
    visibility = int(queue["attributes"].get("VisibilityTimeout", "30"))
    return sqs._collect_msgs(queue, size, visibility), 0.0


def _has_exhausted(queue: dict[str, Any]) -> bool:
    """Whether a message has to go to the dead-letter queue.

    The sweep makes a new list, in which a message that another thread appends meanwhile (an alarm's action) would be
    missing, so it runs only when there is something to sweep.
    """
    policy = queue["attributes"].get("RedrivePolicy")
    if not policy:
        return False
    most, now = int(json.loads(policy).get("maxReceiveCount", 0)), time.time()
    return any(message["receive_count"] >= most and message["visible_at"] <= now for message in queue["messages"])


def delete(queue: dict[str, Any], handles: list[tuple[Message, str]]) -> None:
    """Remove messages whose receipt handle is still the one they were received with."""
    gone = {id(message) for message, handle in handles if message["receipt_handle"] == handle}
    messages = queue["messages"]
    for index in range(len(messages) - 1, -1, -1):  # in place: an append from another thread moves no index
        if id(messages[index]) in gone:
            del messages[index]


def queue_record(message: Message, arn: str, account: str, region: str) -> dict[str, Any]:
    """One entry of an SQS event (Lambda developer guide, "Example Amazon SQS message event")."""
    first = message.get("first_receive_at") or time.time()
    attributes = {
        "ApproximateReceiveCount": str(message["receive_count"]),
        "SentTimestamp": str(int(message["sent_at"] * 1000)),
        "SenderId": (message.get("sys") or {}).get("SenderId", account),
        "ApproximateFirstReceiveTimestamp": str(int(first * 1000)),
    }
    optional = {
        "AWSTraceHeader": (message.get("sys") or {}).get("AWSTraceHeader"),
        "MessageGroupId": message.get("group_id"),
        "MessageDeduplicationId": message.get("dedup_id"),
        "SequenceNumber": message.get("seq"),
    }
    attributes |= {name: str(value) for name, value in optional.items() if value}
    return {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": attributes,
        "messageAttributes": lambda_svc._sqs_message_attributes_to_camel_case(message.get("message_attributes", {})),
        "md5OfBody": message["md5_body"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }
