"""SQS as functions use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_BATCH = 10
"""Entries of one SendMessageBatch (API reference)."""


@dataclass(frozen=True, slots=True)
class PostponedMessage:
    """A message that comes again after `delay_s`; `first_seen_ms` (epoch) tells how long it has been coming."""

    body: str
    first_seen_ms: int
    delay_s: int


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

    def send_all(self, bodies: Sequence[str]) -> None:
        """Put many messages; raises RuntimeError if the queue refused one."""
        self._send_batches([{"MessageBody": body} for body in bodies])

    def send_again(self, messages: Sequence[PostponedMessage]) -> None:
        """Put messages back for later, each with the time it was first seen (epoch ms) as an attribute."""
        self._send_batches(
            [
                {
                    "MessageBody": message.body,
                    "DelaySeconds": message.delay_s,
                    "MessageAttributes": {
                        "first_seen_ms": {"DataType": "Number", "StringValue": str(message.first_seen_ms)}
                    },
                }
                for message in messages
            ]
        )

    def _send_batches(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(entries), MAX_BATCH):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), **entry} for number, entry in enumerate(entries[start : start + MAX_BATCH])
                ],
            )
            if answer.get("Failed"):
                raise RuntimeError(f"the queue refused {len(answer['Failed'])} messages: {answer['Failed'][0]['Code']}")

    def hold(self, receipt_handle: str, seconds: int) -> None:
        """Keep a received message invisible for `seconds` from now."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def batch_failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """The answer that keeps exactly these messages in the queue (partial batch response)."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
