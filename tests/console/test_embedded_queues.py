"""Dead letters of a real queue: seen, explained, moved back until the counters are right, and not lost on the way."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from textual.widgets import Input

from console.exit_codes import ExitCode
from console.services.connect import Options, connect
from console.services.embedded import Ready
from console.ui.screens.redrive import RedriveScreen
from tests.cloud.campaign_client import StackClient
from tests.console.processes import CONSOLE, answer, command, until
from tests.console.screens import application, first_data, opened, press, shows
from tests.console.screens import until as screen_until

RECIPIENTS = 12
POISON = (
    "no json, from +14254147755",
    json.dumps({"source": "aws.ses", "detail-type": "Email Folded", "detail": {}}),
    json.dumps({"eventType": "TEXT_BRAND_NEW", "messageStatus": "BRAND_NEW", "messageId": "m", "isFinal": True}),
)
"""Not JSON, an event of an unknown type, a status that AWS does not have."""


class Receipts:
    """The queue of receipts with its consumer switched off, so that what comes in stays or is set aside."""

    def __init__(self, stack: StackClient) -> None:
        self.url = stack.outputs.messaging.receipts_queue_url
        self.dead_url = stack.outputs.messaging.receipts_dead_letter_queue_url
        self.sqs = stack.client("sqs")
        self._functions = stack.client("lambda")
        name = stack.outputs.messaging.delivery_processor_function
        (mapping,) = self._functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        self._mapping = mapping["UUID"]

    def consumed(self, on: bool) -> None:
        """Switch the consumer on or off, and wait until it is so."""
        self._functions.update_event_source_mapping(UUID=self._mapping, Enabled=on)
        state = "Enabled" if on else "Disabled"
        until(
            lambda: self._functions.get_event_source_mapping(UUID=self._mapping)["State"] == state,
            f"the mapping is {state}",
        )

    def count(self, url: str) -> int:
        """Messages of a queue, visible and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def set_aside(self) -> None:
        """Receive everything, as a consumer that always fails does, until SQS has moved it to the dead-letter queue."""
        receive = partial(self.sqs.receive_message, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0)
        while receive(QueueUrl=self.url).get("Messages"):
            pass


@pytest.fixture
def receipts(stack: StackClient) -> Iterator[Receipts]:
    queues = Receipts(stack)
    until(lambda: queues.count(queues.url) == 0, "what came before is taken")
    queues.consumed(False)
    yield queues
    queues.consumed(True)
    queues.sqs.purge_queue(QueueUrl=queues.dead_url)


def test_redriving_restores_the_counters_and_leaves_the_poison(
    cloud: Ready, stack: StackClient, receipts: Receipts
) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    campaign_id = answer("campaign", "send", "--recipients", str(RECIPIENTS), "--tps", "20", *where)["campaign_id"]
    until(lambda: stack.show(campaign_id)["status"] == "completed", "the campaign is completed")
    until(lambda: receipts.count(receipts.url) == 4 * RECIPIENTS, "two receipts by two paths for each message")
    for body in POISON:
        receipts.sqs.send_message(QueueUrl=receipts.url, MessageBody=body)
    receipts.set_aside()
    assert stack.show(campaign_id)["results"]["delivered"] == 0

    (state,) = [each for each in answer("queues", *where) if each["name"] == "receipts"]
    assert (state["waiting"], state["dead_letter_queue"]["waiting"]) == (0, 4 * RECIPIENTS + len(POISON))
    table = command("queues", *where).stdout
    assert any(row.split()[0] == "receipts" and str(4 * RECIPIENTS + len(POISON)) in row for row in table.splitlines())

    seen = answer("queues", "peek", "receipts", "--limit", "100", *where)["messages"]
    assert len(seen) == 4 * RECIPIENTS + len(POISON)
    unreadable = [each for each in seen if not each["readable"]]
    assert len(unreadable) == len(POISON)
    assert all(each["receive_count"] >= 6 and "cannot be read" in each["reason"] for each in unreadable)
    assert receipts.count(receipts.dead_url) == 4 * RECIPIENTS + len(POISON), "a look consumes nothing"
    shown = command("queues", "peek", state["dead_letter_queue"]["queue"], "--limit", "100", *where)
    assert "Email Folded" in shown.stdout
    assert "+14254147755" not in shown.stdout

    rehearsed = answer("queues", "redrive", "receipts", "--reason", "READABLE now", "--dry-run", *where)
    assert rehearsed["would_move"] == 4 * RECIPIENTS
    assert receipts.count(receipts.url) == 0
    receipts.consumed(True)
    moved = answer("queues", "redrive", "receipts", "--reason", "readable now", "--rate", "200", *where)
    assert (moved["moved"], moved["left"], moved["remaining"]) == (4 * RECIPIENTS, len(POISON), len(POISON))
    until(lambda: bool(stack.show(campaign_id)["settled"]), "each message has its receipt")
    results = stack.show(campaign_id)["results"]
    assert results["delivered"] + results["total_failed"] == RECIPIENTS
    assert receipts.count(receipts.dead_url) == len(POISON)


def test_ctrl_c_in_the_middle_loses_nothing_and_says_what_is_left(cloud: Ready, receipts: Receipts) -> None:
    bodies = {json.dumps({"number": number}) for number in range(40)}
    for body in bodies:
        receipts.sqs.send_message(QueueUrl=receipts.dead_url, MessageBody=body)
    redrive = ("queues", "redrive", "receipts", "--endpoint-url", cloud.endpoint_url)
    process = subprocess.Popen(
        [*CONSOLE, *redrive, "--rate", "4"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "moved 4 of about 40" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    moved = int(out.split()[0])
    assert 4 <= moved < 40
    assert f"interrupted: {moved} were moved, about {40 - moved} are left in receipts-dlq" in err
    assert (receipts.count(receipts.url), receipts.count(receipts.dead_url)) == (moved, 40 - moved)

    assert answer(*redrive, "--rate", "100")["moved"] == 40 - moved
    found: set[str] = set()
    while messages := receipts.sqs.receive_message(
        QueueUrl=receipts.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
    ).get("Messages"):
        for message in messages:
            found.add(message["Body"])
            assert int(message["MessageAttributes"]["first_seen_ms"]["StringValue"]) < time.time_ns() // 1_000_000
            receipts.sqs.delete_message(QueueUrl=receipts.url, ReceiptHandle=message["ReceiptHandle"])
    assert found == bodies


def test_a_message_of_the_queues_whole_size_comes_back_as_it_was(cloud: Ready, receipts: Receipts) -> None:
    attributes = receipts.sqs.get_queue_attributes(QueueUrl=receipts.url, AttributeNames=["MaximumMessageSize"])
    largest = int(attributes["Attributes"]["MaximumMessageSize"])
    refused: Any = receipts.sqs.exceptions.ClientError
    with pytest.raises(refused):
        receipts.sqs.send_message(QueueUrl=receipts.url, MessageBody="x" * (largest + 1))
    receipts.sqs.send_message(QueueUrl=receipts.dead_url, MessageBody="x" * largest)
    assert answer("queues", "redrive", "receipts", "--endpoint-url", cloud.endpoint_url)["moved"] == 1
    (message,) = receipts.sqs.receive_message(QueueUrl=receipts.url, MessageAttributeNames=["All"])["Messages"]
    assert len(message["Body"]) == largest
    assert "MessageAttributes" not in message
    receipts.sqs.delete_message(QueueUrl=receipts.url, ReceiptHandle=message["ReceiptHandle"])


def test_what_cannot_be_redriven_is_refused_in_a_sentence(cloud: Ready) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    refused = command("queues", "redrive", "campaign-counters", *where)
    assert (refused.returncode, refused.stdout) == (ExitCode.CANNOT, "")
    assert "positions in a stream" in refused.stderr
    unknown = command("queues", "peek", "nothing", *where)
    assert unknown.returncode == ExitCode.CANNOT
    assert "give one of " in unknown.stderr
    assert "outbox" in unknown.stderr


def test_on_the_screen_a_receipt_is_put_back_and_its_message_arrives(
    cloud: Ready, stack: StackClient, receipts: Receipts
) -> None:
    receipts.sqs.purge_queue(QueueUrl=receipts.url)
    message_id = stack.send_message("sms", phone="+14254147755")
    until(lambda: receipts.count(receipts.url) > 1, "the receipts wait")
    receipts.set_aside()
    receipts.sqs.send_message(QueueUrl=receipts.dead_url, MessageBody=POISON[0])

    async def body() -> None:
        options = Options(endpoint_url=cloud.endpoint_url)
        app = application(partial(connect, options))
        async with app.run_test(size=(120, 40)) as pilot:
            await first_data(pilot)
            await press(pilot, "colon", *f"messages {message_id}", "enter")
            await shows(pilot, "it waits for a receipt")
            await shows(pilot, "the provider has accepted it")
            await shows(pilot, "+1******7755")
            await press(pilot, "colon", *"queues receipts", "enter")
            await shows(pilot, "not JSON", "readable now")
            receipts.consumed(True)
            await press(pilot, "a", "v")
            await opened(pilot, RedriveScreen)
            app.screen.query_one("#reason", Input).value = "readable now"
            await press(pilot, "enter")
            await shows(pilot, "would go to receipts, 1 would stay")
            await press(pilot, *"redrive", "enter")
            await shows(pilot, "moved from receipts-dlq to receipts")
            await press(pilot, "enter")
            await screen_until(pilot, lambda: not isinstance(app.screen, RedriveScreen))
            await press(pilot, "escape")
            await shows(pilot, "receipt: it has arrived")

    asyncio.run(body())
    assert receipts.count(receipts.dead_url) == 1
