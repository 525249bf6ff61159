"""Batches that SQS takes: ten entries, and no more bytes than one message may have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters.queues import PostponedMessage, Queue, fits_again
from lambdas.core.queue_messages import MAX_BATCH, MAX_BATCH_BYTES


class Client:
    """SendMessageBatch with its bounds."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert QueueUrl == "url"
        assert 1 <= len(Entries) <= MAX_BATCH
        assert sum(map(size, Entries)) <= MAX_BATCH_BYTES
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.batches.append(Entries)
        return {}


def size(entry: dict[str, Any]) -> int:
    """Bytes of an entry as SQS counts them: body, and name, type and value of each attribute."""
    attributes = entry.get("MessageAttributes", {})
    return len(entry["MessageBody"].encode()) + sum(
        len(f"{name}{value['DataType']}{value['StringValue']}") for name, value in attributes.items()
    )


@given(st.lists(st.integers(1, MAX_BATCH_BYTES).filter(lambda length: fits_again("x" * length)), max_size=25))
def test_postponed_messages_of_any_size_come_through_in_order(sizes: list[int]) -> None:
    client = Client()
    messages = [PostponedMessage("x" * length, 9_999_999_999_999, 5, 9_999_999_999_999, "c-1") for length in sizes]
    Queue(client, "url").send_again(messages)
    sent = [entry["MessageBody"] for batch in client.batches for entry in batch]
    assert list(map(len, sent)) == sizes


def test_small_messages_fill_their_batches() -> None:
    client = Client()
    Queue(client, "url").send_all(["x"] * 25)
    assert [len(batch) for batch in client.batches] == [10, 10, 5]


@pytest.mark.parametrize(("length", "fits"), [(MAX_BATCH_BYTES - 64, True), (MAX_BATCH_BYTES - 62, False)])
def test_the_largest_messages_do_not_fit_with_the_attributes_of_a_postponed_one(length: int, fits: bool) -> None:
    assert fits_again("x" * length) is fits
    assert fits_again("\u00e9" * (length // 2)) is fits, "bytes count, not characters"
