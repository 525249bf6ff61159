"""SQS as the console uses it: depths of queues, and a dead-letter queue whose messages are read, put back or moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.letter_reasons import RULE_ATTRIBUTES
from console.queues import Depth, Letter, QueueState, StackQueue, physical_name
from console.sources.clients import Clients
from console.text import safe_line
from lambdas.core.queue_messages import FIRST_SEEN, MAX_BATCH, MAX_BATCH_BYTES

HOLD_SECONDS = 120
"""How long a message that is read stays away from other readers, unless it is put back before."""
WAIT_SECONDS = 1
"""A receive that waits asks all servers of the queue, one that does not only some (SQS developer guide, "Short and long
polling")."""
MAX_ATTRIBUTES = 10
"""Attributes of one message (SQS developer guide, "Message quotas")."""
AGE_WINDOW = timedelta(minutes=10)
_WAITING, _IN_FLIGHT, _DELAYED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class QueueDepths:
    """Reads how full the stack's queues are: three figures of SQS for each, the age of the oldest from CloudWatch.

    SQS itself tells no age; reading messages for it would count as receiving them. `now` is the epoch second.
    """

    def __init__(self, clients: Clients, now: Callable[[], float] = time.time) -> None:
        self._clients = clients
        self._now = now

    def read(self, queues: Sequence[StackQueue]) -> list[QueueState]:
        """The state of each queue; ages may be a minute or two old, and are absent where a queue was long unused.

        Only queues that hold messages are asked about, because CloudWatch bills each metric.
        """
        urls = [url for queue in queues for url in (queue.url, queue.dead_letters_url) if url]
        depths = {url: self._depth(url) for url in urls}
        filled = [url for url, depth in depths.items() if depth.waiting or depth.in_flight or depth.delayed]
        ages = self._ages(filled) if filled else {}
        depths |= {url: replace(depths[url], oldest_seconds=ages.get(url)) for url in filled}
        return [QueueState(each, depths.get(each.url), depths.get(each.dead_letters_url)) for each in queues]

    def _depth(self, url: str) -> Depth:
        answer = self._clients.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=[_WAITING, _IN_FLIGHT, _DELAYED]
        )
        counts = {name: int(value) for name, value in answer.get("Attributes", {}).items()}
        waiting, in_flight, delayed = (counts.get(name, 0) for name in (_WAITING, _IN_FLIGHT, _DELAYED))
        return Depth(waiting, in_flight, delayed, None)

    def _ages(self, urls: Sequence[str]) -> dict[str, float]:
        """Seconds by queue: the latest minute of `ApproximateAgeOfOldestMessage` of these queues in one call."""
        end = datetime.fromtimestamp(self._now(), UTC)
        queries = [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": "ApproximateAgeOfOldestMessage",
                        "Dimensions": [{"Name": "QueueName", "Value": physical_name(url)}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
            for number, url in enumerate(urls)
        ]
        answer = self._clients.client("cloudwatch").get_metric_data(
            MetricDataQueries=queries, StartTime=end - AGE_WINDOW, EndTime=end, ScanBy="TimestampDescending"
        )
        found = {each["Id"]: each.get("Values") or [] for each in answer.get("MetricDataResults", [])}
        return {url: float(values[0]) for number, url in enumerate(urls) if (values := found.get(f"q{number}"))}


class SqsLetters:
    """One dead-letter queue and the queue its messages came from."""

    def __init__(self, clients: Clients, queue: StackQueue) -> None:
        self._clients = clients
        self._queue = queue
        self._largest: int | None = None

    def waiting(self) -> int:
        """About how many messages lie in the dead-letter queue."""
        answer = self._clients.client("sqs").get_queue_attributes(
            QueueUrl=self._queue.dead_letters_url, AttributeNames=[_WAITING]
        )
        return int(answer["Attributes"][_WAITING])

    def receive(self, most: int) -> list[Letter]:
        """Up to ten messages, held back from others for `HOLD_SECONDS`; empty when none is visible."""
        answer = self._clients.client("sqs").receive_message(
            QueueUrl=self._queue.dead_letters_url,
            MaxNumberOfMessages=min(most, MAX_BATCH),
            VisibilityTimeout=HOLD_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        return [_letter(message) for message in answer.get("Messages") or []]

    def release(self, letters: Sequence[Letter]) -> None:
        """Make messages visible again at once; what is not held any more is visible already."""
        for batch in _by_ten(letters):
            entries = [
                {"Id": str(number), "ReceiptHandle": each.handle, "VisibilityTimeout": 0}
                for number, each in enumerate(batch)
            ]
            self._clients.client("sqs").change_message_visibility_batch(
                QueueUrl=self._queue.dead_letters_url, Entries=entries
            )

    def send(self, letters: Sequence[Letter]) -> tuple[dict[str, str], dict[str, str]]:
        """Put messages into the queue they came from: their new ids there and the codes of those that it refused, by
        their old ids."""
        sent: dict[str, str] = {}
        refused: dict[str, str] = {}
        for batch in _fitting([(each, self._entry(each)) for each in letters]):
            entries = [{"Id": str(number), **entry} for number, (_, entry) in enumerate(batch)]
            answer = self._clients.client("sqs").send_message_batch(QueueUrl=self._queue.url, Entries=entries)
            sent |= {batch[int(each["Id"])][0].id: str(each["MessageId"]) for each in answer.get("Successful") or []}
            refused |= {
                batch[int(each["Id"])][0].id: safe_line(each.get("Code"), 60) for each in answer.get("Failed") or []
            }
        return sent, refused

    def delete(self, letters: Sequence[Letter]) -> None:
        """Take messages off the dead-letter queue; raises `ConsoleError` when SQS refuses one, which then stays."""
        for batch in _by_ten(letters):
            answer = self._clients.client("sqs").delete_message_batch(
                QueueUrl=self._queue.dead_letters_url,
                Entries=[{"Id": str(number), "ReceiptHandle": each.handle} for number, each in enumerate(batch)],
            )
            if answer.get("Failed"):
                code = safe_line(answer["Failed"][0].get("Code"), 60)
                raise ConsoleError(
                    ProblemKind.UNEXPECTED,
                    f"{len(answer['Failed'])} messages were put back and could not be deleted ({code})",
                    "they are in both queues; redriven again they do no harm, consumers know what they have done",
                )

    def _entry(self, letter: Letter) -> dict[str, Any]:
        """What goes back: without EventBridge's notes about its failure, with the time at which it was first sent.

        A message put anew would otherwise count as new: an order without a time of its own could be sent days late.
        """
        kept = {name: value for name, value in letter.attributes.items() if name not in RULE_ATTRIBUTES}
        noted = {**kept, FIRST_SEEN: {"DataType": "Number", "StringValue": str(letter.sent_ms)}, **kept}
        fits = len(noted) <= MAX_ATTRIBUTES and _size(letter.body, noted) <= self._largest_message()
        attributes = noted if fits else kept
        return {"MessageBody": letter.body, **({"MessageAttributes": attributes} if attributes else {})}

    def _largest_message(self) -> int:
        if self._largest is None:
            answer = self._clients.client("sqs").get_queue_attributes(
                QueueUrl=self._queue.url, AttributeNames=["MaximumMessageSize"]
            )
            self._largest = int(answer["Attributes"]["MaximumMessageSize"])
        return self._largest


def _letter(message: Mapping[str, Any]) -> Letter:
    system = message.get("Attributes", {})
    attributes = {
        str(name): {key: each for key, each in value.items() if key in ("DataType", "StringValue", "BinaryValue")}
        for name, value in (message.get("MessageAttributes") or {}).items()
    }
    return Letter(
        id=str(message["MessageId"]),
        body=str(message["Body"]),
        sent_ms=int(system.get("SentTimestamp", 0)),
        received=int(system.get("ApproximateReceiveCount", 1)),
        handle=str(message["ReceiptHandle"]),
        attributes=attributes,
    )


def _size(body: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of a message as SQS counts them: body, names, types and values of attributes."""
    return len(body.encode()) + sum(
        len(name.encode())
        + sum(len(each if isinstance(each, bytes) else str(each).encode()) for each in value.values())
        for name, value in attributes.items()
    )


def _by_ten(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    for start in range(0, len(letters), MAX_BATCH):
        yield letters[start : start + MAX_BATCH]


def _fitting(entries: Sequence[tuple[Letter, dict[str, Any]]]) -> Iterator[list[tuple[Letter, dict[str, Any]]]]:
    """Entries in order, as many to a batch as SendMessageBatch takes in number and in bytes."""
    batch: list[tuple[Letter, dict[str, Any]]] = []
    room = MAX_BATCH_BYTES
    for letter, entry in entries:
        size = _size(letter.body, entry.get("MessageAttributes", {}))
        if batch and (len(batch) == MAX_BATCH or size > room):
            yield batch
            batch, room = [], MAX_BATCH_BYTES
        batch.append((letter, entry))
        room -= size
    if batch:
        yield batch
