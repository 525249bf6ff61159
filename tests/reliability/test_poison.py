"""Poison in every slot of a batch, in every queue: only it fails, and it is parked, never dropped.

The consumers of people's data run in this process on the deployed tables, a batch at a time; then poison takes the way
through the deployed mappings into each dead-letter queue.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from components.queue import MAX_MESSAGE_BYTES
from lambdas.core.channels import Channel
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient, message_order
from tests.cloud.stage import receipt
from tests.support.own_function import environment_of, imported
from tests.support.queue_records import record

RECEIPTS, ORDERS = 100, 10
"""Records of one invocation of the processor and of the sender."""
SMOOTH = CarrierProfile(seed=5, latency_ms=(5, 20), receipt_delay_ms=(20, 100))
POISON = {
    "not JSON": "{",
    "not an object": "[1]",
    "nested too deep": "[" * 100_000,
    "an unknown type": json.dumps({"eventType": "VOICE_COMPLETED", "messageId": "p"}),
    "an unknown event of the bus": json.dumps(
        {"source": "aws.sms-voice", "detail-type": "Something New", "detail": {}}
    ),
    "an order without an id": json.dumps({**message_order(Channel.SMS), "message_id": None}),
    "empty": " ",
}


def environment(cloud: LocalCloud, stack: StackClient, function: str) -> dict[str, str]:
    """The deployed function's, with an account to be in."""
    return environment_of(stack.client("lambda"), function) | {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": cloud.access_key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key,
    }


@pytest.fixture(scope="module")
def processor(cloud: LocalCloud, stack: StackClient) -> Iterator[ModuleType]:
    """The delivery processor in this process."""
    with imported(
        "delivery_processor", environment(cloud, stack, stack.outputs.messaging.delivery_processor_function)
    ) as module:
        yield module


def failed(answer: dict[str, Any]) -> set[str]:
    """The queue ids that stay in the queue."""
    return {item["itemIdentifier"] for item in answer["batchItemFailures"]}


def intend(stack: StackClient, message_ids: list[str]) -> None:
    """Rows of messages that have been called, as a sender leaves them."""
    now_ms = time.time_ns() // 1_000_000
    for message_id in message_ids:
        row = {
            "message_id": message_id, "customer_id": "1", "campaign_id": "", "channel": "sms", "status": "sending",
            "history": {"sending": now_ms}, "timestamp": now_ms, "version": 1, "cost_estimate": 0,
        }  # fmt: skip
        stack.tracking.put_new(row, "message_id")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("poison", POISON)
def test_poison_in_each_slot_of_a_batch_of_receipts(
    stack: StackClient, processor: ModuleType, unique: str, poison: str
) -> None:
    ids = [f"{unique}-{number}" for number in range(RECEIPTS)]
    intend(stack, ids)
    now_ms = time.time_ns() // 1_000_000
    receipts = [json.dumps(receipt(message_id, "DELIVERED", now_ms)) for message_id in ids]
    for slot in range(RECEIPTS):
        records = [record(f"q{number}", body) for number, body in enumerate(receipts)]
        records[slot] = record(f"q{slot}", POISON[poison])
        assert failed(processor.handler({"Records": records}, None)) == {f"q{slot}"}
    statuses = [row["status"] for row in stack.tracking.batch_get({"message_id": each} for each in ids)]
    assert statuses == ["delivered"] * RECEIPTS


@pytest.mark.timeout(300)
def test_a_row_that_cannot_be_read_fails_its_own_receipts_alone(
    stack: StackClient, processor: ModuleType, unique: str
) -> None:
    now_ms = time.time_ns() // 1_000_000
    for broken in range(0, RECEIPTS, 9):
        ids = [f"{unique}-{broken}-{number}" for number in range(RECEIPTS)]
        intend(stack, [each for each in ids if each != ids[broken]])
        stack.tracking.put_new({"message_id": ids[broken], "customer_id": "1", "timestamp": 1}, "message_id")
        records = [record(each, json.dumps(receipt(each, "DELIVERED", now_ms))) for each in ids]
        assert failed(processor.handler({"Records": records}, None)) == {ids[broken]}
        rows = stack.tracking.batch_get({"message_id": each} for each in ids)
        assert [row["status"] for row in rows if row["message_id"] != ids[broken]] == ["delivered"] * (RECEIPTS - 1)


def padded(body: dict[str, Any], size: int) -> str:
    """The body as JSON of exactly `size` bytes."""
    text = json.dumps({**body, "padding": ""})
    return text.replace('"padding": ""', f'"padding": "{"x" * (size - len(text))}"')


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES - 100, MAX_MESSAGE_BYTES - 1, MAX_MESSAGE_BYTES])
def test_one_that_is_too_large_to_come_again_fails_alone(
    stack: StackClient, processor: ModuleType, unique: str, size: int
) -> None:
    """A receipt without a match yet is put back with an attribute: with it, the largest is too large for the queue."""
    now_ms = time.time_ns() // 1_000_000
    known = [f"{unique}-{number}" for number in range(5)]
    intend(stack, known)
    bodies = [json.dumps(receipt(each, "DELIVERED", now_ms)) for each in known]
    early = [json.dumps(receipt(f"{unique}-early-{number}", "DELIVERED", now_ms)) for number in range(3)]
    large = padded(receipt(f"{unique}-large", "DELIVERED", now_ms), size)
    assert len(large) == size
    records = [record(f"q{number}", body) for number, body in enumerate([*bodies, large, *early])]
    expected = {"q5"} if size > MAX_MESSAGE_BYTES - 64 else set()
    assert failed(processor.handler({"Records": records}, None)) == expected


@pytest.mark.timeout(300)
def test_poison_in_each_slot_of_a_batch_of_orders(cloud: LocalCloud, stack: StackClient) -> None:
    cloud.control.set_carrier_profile(SMOOTH)
    function = stack.outputs.outbox.message_sender_function
    with imported("message_sender", environment(cloud, stack, function)) as sender:
        for slot, poison in zip(range(ORDERS), [*POISON.values(), *POISON.values()], strict=False):
            ids = [f"m-{uuid.uuid4().hex[:16]}" for _ in range(ORDERS)]
            orders = [json.dumps(message_order(Channel.EMAIL, message_id=each)) for each in ids]
            records = [record(f"q{number}", body) for number, body in enumerate(orders)]
            records[slot] = record(f"q{slot}", poison)
            answer = sender.handler({"Records": records}, SimpleNamespace(aws_request_id="poison"))
            assert failed(answer) == {f"q{slot}"}
            rows = stack.tracking.batch_get({"message_id": each} for each in ids)
            assert {row["message_id"] for row in rows} == {*ids} - {ids[slot]}


@dataclass(frozen=True, slots=True)
class Source:
    """A queue and where its poison ends."""

    name: str
    url: str
    dead_letters: str


def sources(stack: StackClient) -> list[Source]:
    """Every queue of the stack that a function consumes, but that of the sweeper's ticks, which say nothing: any of
    them is one."""
    urls = {
        name.removesuffix("_queue_url"): url
        for section in (stack.outputs.messaging, stack.outputs.outbox, stack.outputs.campaigns)
        for name in section.__dataclass_fields__
        if name.endswith("_queue_url") and (url := getattr(section, name))
    }
    return [
        Source(name, url, urls[f"{name}_dead_letter"])
        for name, url in sorted(urls.items())
        if not name.endswith("_dead_letter") and f"{name}_dead_letter" in urls and name != "sweep"
    ]


@contextmanager
def impatient(sqs: Any, some: list[Source]) -> Iterator[None]:
    """Queues that show a failed message again after a second and set it aside after two tries."""
    names = ["VisibilityTimeout", "RedrivePolicy"]
    before = {
        each.url: sqs.get_queue_attributes(QueueUrl=each.url, AttributeNames=names)["Attributes"] for each in some
    }
    for each in some:
        policy = {**json.loads(before[each.url]["RedrivePolicy"]), "maxReceiveCount": 2}
        attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(policy)}
        sqs.set_queue_attributes(QueueUrl=each.url, Attributes=attributes)
    try:
        yield
    finally:
        for each in some:
            sqs.set_queue_attributes(QueueUrl=each.url, Attributes=before[each.url])


@pytest.mark.timeout(400)
def test_poison_ends_whole_in_the_dead_letter_queue_of_each_queue(
    stack: StackClient, unique: str, wait_until: Callable[..., Any]
) -> None:
    sqs = stack.client("sqs")
    some = sources(stack)
    assert len(some) >= 6, "receipts, outbox, plans and a work queue for each channel"
    put = {each.name: f"{{ {unique} {each.name}" for each in some}
    found: dict[str, list[str]] = {each.name: [] for each in some}

    def parked() -> bool:
        for each in some:
            answer = sqs.receive_message(QueueUrl=each.dead_letters, MaxNumberOfMessages=10, VisibilityTimeout=300)
            for message in answer.get("Messages", ()):
                if unique in message["Body"]:
                    found[each.name].append(message["Body"])
                    sqs.delete_message(QueueUrl=each.dead_letters, ReceiptHandle=message["ReceiptHandle"])
        return all(found.values())

    with impatient(sqs, some):
        for each in some:
            sqs.send_message(QueueUrl=each.url, MessageBody=put[each.name])
        wait_until(parked, timeout=240, what=lambda: f"parked: {found}")
    assert found == {name: [body] for name, body in put.items()}
