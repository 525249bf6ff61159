"""SQS as functions use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_BATCH = 10
"""Entries of one SendMessageBatch (API reference)."""


class Queue:
    """One queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """Put one message."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=json.dumps(body, separators=(",", ":")), DelaySeconds=delay_s
        )

    def send_all(self, bodies: Sequence[str], *, delay_s: int = 0) -> None:
        """Put many messages; raises RuntimeError if the queue refused one."""
        for start in range(0, len(bodies), MAX_BATCH):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_s}
                    for number, body in enumerate(bodies[start : start + MAX_BATCH])
                ],
            )
            if answer.get("Failed"):
                raise RuntimeError(f"the queue refused {len(answer['Failed'])} messages: {answer['Failed'][0]['Code']}")

    def hold(self, receipt_handle: str, seconds: int) -> None:
        """Keep a received message invisible for `seconds` from now."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )

    def depth(self) -> int:
        """Messages waiting and under way, approximately."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(names))
        return sum(int(answer["Attributes"].get(name, 0)) for name in names)


def batch_failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """The answer that keeps exactly these messages in the queue (partial batch response)."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
