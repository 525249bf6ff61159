"""The way of receipts in memory: what the delivery processor and the counters do, without tables and queues."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from lambdas.core.counting import CounterKey, RowChange, RowImage, batch_marker, deltas
from lambdas.core.folding import group_by_message
from lambdas.core.lifecycle import Counts, MessageState, Status, StatusEvent, fold
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt
from tests.support.receipt_storm import ESTIMATE_USD, Arrival, Own, Story, body_of

BATCH = 100
"""Receipts that the processor gets at once."""

ANSWERS = {
    Own.ACCEPTED: lambda story: StatusEvent(Status.SENT, story.called_ms, provider_id=story.provider_id),
    Own.REFUSED: lambda story: StatusEvent(Status.FAILED, story.called_ms, code="ValidationException"),
    Own.IN_DOUBT: lambda story: StatusEvent(Status.IN_DOUBT, story.called_ms),
}
"""What the sender writes about its call."""


class ReceiptPipeline:
    """Rows, the provider's index, the stream of changes and the counters made of it."""

    def __init__(self) -> None:
        self.rows: dict[str, RowImage] = {}
        self.counters: dict[CounterKey, Counts] = defaultdict(Counts)
        self.parsed = 0
        self._by_provider_id: dict[str, str] = {}
        self._stream: list[RowChange] = []
        self._markers: set[str] = set()
        self._sequence = 0

    def intend(self, story: Story) -> None:
        """Put the row of a message about to be sent."""
        state = MessageState(Status.SENDING, {Status.SENDING: story.called_ms})
        image = RowImage(story.campaign_id, story.channel.value, story.called_ms, ESTIMATE_USD, state)
        self._changed(story.message_id, None, image)

    def answer(self, story: Story) -> None:
        """Record what the call was answered."""
        self._fold(story.message_id, [ANSWERS[story.own](story)])

    def receive(self, bodies: Iterable[str]) -> list[str]:
        """Process one batch of queue messages; returns those whose messages are not known yet."""
        matched, unmatched = [], []
        for body in bodies:
            for receipt in parse_receipts(body):
                self.parsed += 1
                message_id = self._message_id(receipt)
                if message_id in self.rows:
                    matched.append((body, message_id, receipt))
                else:
                    unmatched.append(body)
        for message_id, group in group_by_message(matched).items():
            self._fold(message_id, group.events)
        return unmatched

    def count(self, rnd: random.Random) -> None:
        """Sum the stream in batches of any size, a tenth of them delivered twice."""
        while self._stream:
            size = rnd.randint(1, 500)
            batch, self._stream = self._stream[:size], self._stream[size:]
            for _ in range(rnd.choice((1,) * 9 + (2,))):
                self._add(batch)

    def _add(self, batch: Sequence[RowChange]) -> None:
        marker = batch_marker(batch)
        if marker in self._markers:
            return
        self._markers.add(marker)
        for key, delta in deltas(batch).items():
            self.counters[key] += delta.counts

    def _message_id(self, receipt: Receipt) -> str:
        return receipt.message_id or self._by_provider_id.get(receipt.provider_id, "")

    def _fold(self, message_id: str, events: Sequence[StatusEvent]) -> None:
        before = self.rows[message_id]
        after = fold(before.state, events)
        if after != before.state:
            image = RowImage(before.campaign_id, before.channel, before.created_ms, before.estimate_usd, after)
            self._changed(message_id, before, image)

    def _changed(self, message_id: str, before: RowImage | None, after: RowImage) -> None:
        self._sequence += 1
        self.rows[message_id] = after
        self._stream.append(RowChange(str(self._sequence), before, after))
        if after.state.provider_id is not None:
            self._by_provider_id[after.state.provider_id] = message_id


def play(some: Sequence[Story], order: Sequence[Arrival], rnd: random.Random) -> tuple[ReceiptPipeline, list[str]]:
    """Let everything happen in that order, a batch of `BATCH` arrivals at a time, and what could not be matched come
    again until nothing moves any more; the pipeline and the queue messages nobody knows."""
    pipeline = ReceiptPipeline()
    for story in some:
        pipeline.intend(story)
    waiting: list[str] = []
    for start in range(0, len(order), BATCH):
        bodies = []
        for number, index in order[start : start + BATCH]:
            if index < 0:
                pipeline.answer(some[number])
            else:
                bodies.append(body_of(some[number], some[number].told[index]))
        waiting += pipeline.receive(bodies)
        pipeline.count(rnd)
    while waiting:
        left = pipeline.receive(waiting)
        if len(left) == len(waiting):
            break
        waiting = left
    pipeline.count(rnd)
    return pipeline, waiting


def counted(counts: Counts) -> dict[str, int]:
    """The whole numbers of a counter, zeros left out, for comparison with what a story must come to."""
    names = ("sent", "delivered", "failed", "refused", "unwanted", "passed_on", "in_doubt", "delivery_ms_sum")
    return {name: value for name in names if (value := getattr(counts, name))}


def cost(counts: Counts) -> Decimal:
    """The money of a counter, without the zeros that sums of decimals carry."""
    return counts.cost_usd.normalize()
