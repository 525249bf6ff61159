"""SQS as functions use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lambdas.core.queue_messages import FIRST_SEEN, MAX_BATCH, MAX_BATCH_BYTES

ATTRIBUTE_BYTES = 64
"""What the two attributes of a postponed message take: name, type and the 13 digits of a time, each (SQS developer
guide, "Message quotas")."""
SLOT_SINCE = "slot_since_ms"
"""Attribute of a postponed message: since when it has lacked a slot (epoch)."""
FIRST_RETRY_S = 5
LAST_RETRY_S = 60


class PostponedMessage(NamedTuple):
    """A message that comes again after `delay_s`; `first_seen_ms` (epoch) tells how long it has been coming.

    `slot_since_ms` is given where it comes again for want of a slot. `group` is its customer's, as of `Queue.send`.
    """

    body: str
    first_seen_ms: int
    delay_s: int
    slot_since_ms: int | None = None
    group: str | None = None

    def entry(self) -> dict[str, Any]:
        """As SendMessageBatch takes it."""
        times = {FIRST_SEEN: self.first_seen_ms, SLOT_SINCE: self.slot_since_ms}
        return {
            "MessageBody": self.body,
            "DelaySeconds": self.delay_s,
            "MessageAttributes": {
                name: {"DataType": "Number", "StringValue": str(at_ms)}
                for name, at_ms in times.items()
                if at_ms is not None
            },
            **({"MessageGroupId": self.group} if self.group else {}),
        }


class Queue:
    """One queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0, group: str | None = None) -> None:
        """Put one message; SQS keeps one group's backlog from delaying others (developer guide, "Amazon SQS fair
        queues")."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps(body, separators=(",", ":")),
            DelaySeconds=delay_s,
            **({"MessageGroupId": group} if group else {}),
        )

    def send_all(self, bodies: Sequence[str], *, delay_s: int = 0) -> None:
        """Put many messages; raises RuntimeError if the queue refused one."""
        self._send_batches([{"MessageBody": body, "DelaySeconds": delay_s} for body in bodies])

    def send_later(self, body: str, delay_s: int) -> None:
        """Put one message that comes after `delay_s`."""
        self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_s)

    def send_again(self, messages: Sequence[PostponedMessage]) -> None:
        """Put messages back for later, each with the times that it has been waiting since as attributes."""
        self._send_batches([message.entry() for message in messages])

    def _send_batches(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for batch in batches(entries):
            answer = self._client.send_message_batch(
                QueueUrl=self._url, Entries=[{"Id": str(number), **entry} for number, entry in enumerate(batch)]
            )
            if answer.get("Failed"):
                raise RuntimeError(f"the queue refused {len(answer['Failed'])} messages: {answer['Failed'][0]['Code']}")

    def hold(self, receipt_handle: str, seconds: int) -> None:
        """Keep a received message invisible for `seconds` from now."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def fits_again(body: str) -> bool:
    """Whether a message can be postponed: with the attribute that this takes, the largest are too large for a queue."""
    return len(body.encode()) + ATTRIBUTE_BYTES <= MAX_BATCH_BYTES


def first_seen_ms(record: Mapping[str, Any]) -> int:
    """When the message of an event's record was first put into the queue, however often it was postponed (epoch)."""
    attribute = record.get("messageAttributes", {}).get(FIRST_SEEN)
    return int(float(attribute["stringValue"] if attribute else record["attributes"]["SentTimestamp"]))


def wanted_ms(record: Mapping[str, Any], now_ms: int) -> int:
    """Since when a message has waited for nothing but a slot (epoch): from now on if it came back for another."""
    attributes = record.get("messageAttributes", {})
    if SLOT_SINCE in attributes:
        return int(float(attributes[SLOT_SINCE]["stringValue"]))
    return now_ms if FIRST_SEEN in attributes else int(record["attributes"]["SentTimestamp"])


def was_postponed(record: Mapping[str, Any]) -> bool:
    """Whether the message of an event's record has been put back for later before."""
    return FIRST_SEEN in record.get("messageAttributes", {})


def retry_delay_s(record: Mapping[str, Any]) -> int:
    """How long a message that has failed stays away: five seconds, twice as long each time, at most a minute."""
    received = int(record["attributes"].get("ApproximateReceiveCount", "1"))
    return min(LAST_RETRY_S, FIRST_RETRY_S << min(received - 1, 10))


def batches(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Entries in order, as many to a batch as SendMessageBatch takes in number and in bytes."""
    batch: list[Mapping[str, Any]] = []
    room = MAX_BATCH_BYTES
    for entry in entries:
        size = len(entry["MessageBody"].encode()) + ATTRIBUTE_BYTES
        if batch and (len(batch) == MAX_BATCH or size > room):
            yield batch
            batch, room = [], MAX_BATCH_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch


def batch_failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """The answer that keeps exactly these messages in the queue (partial batch response)."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
