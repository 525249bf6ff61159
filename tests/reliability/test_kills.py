"""SIGKILL at every call to AWS that a worker, and the sender of single messages, makes: the stack recovers by itself.

Each victim is the deployed code in a process of its own, on the deployed tables and queues. The calls are counted as
they leave the process, so whatever a function does comes to its turn without being named here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.opt_outs import OptOuts
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import Status
from lambdas.core.work import WorkToken
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient, destination
from tests.support.own_function import environment_of

ROOT = Path(__file__).resolve().parents[2]
ROWS = 6
OPTED_OUT = ROWS - 1
"""The last recipient of each campaign opts out once it is planned."""
TPS = 20
AT_ONCE = 3
MOST_CALLS = 80
"""More calls than a victim makes, of which those it does not reach are left out."""
PROFILE = CarrierProfile(seed=41, latency_ms=(10, 30), receipt_delay_ms=(50, 400))


@dataclass(frozen=True, slots=True)
class Message:
    """A queue message under way to a victim."""

    body: str
    handle: str
    record: dict[str, Any]


class Victims:
    """Makes processes of one function that die at a given call."""

    def __init__(self, cloud: LocalCloud, stack: StackClient, module: str, function: str) -> None:
        self._module = module
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "AWS_DEFAULT_REGION": cloud.region,
            "AWS_ACCESS_KEY_ID": cloud.access_key_id,
            "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key,
            **environment_of(stack.client("lambda"), function),
        }

    def run(self, message: Message, fatal: int, when: str) -> int | None:
        """None if the process died at that call; else how many calls it made in all."""
        ended = subprocess.run(
            [sys.executable, "-m", "tests.support.doomed", self._module, str(fatal), when],
            input=json.dumps({"Records": [message.record]}),
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if ended.returncode == -signal.SIGKILL:
            return None
        assert ended.returncode == 0, ended.stderr
        return int(ended.stdout.rsplit(maxsplit=1)[-1])


@contextmanager
def no_consumer(stack: StackClient, function: str) -> Iterator[None]:
    """The function's mappings off: its queues' messages are the test's to take."""
    functions = stack.client("lambda")
    mappings = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert mappings
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        for mapping in mappings:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


class Inbox:
    """Messages of one queue by what they are about."""

    def __init__(self, stack: StackClient, url: str, subject: Callable[[str], str]) -> None:
        self._sqs = stack.client("sqs")
        self._url = url
        asked = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._arn = str(asked["Attributes"]["QueueArn"])
        self._subject = subject
        self._found: dict[str, Message] = {}
        self._taken: set[str] = set()
        self.surplus: list[Message] = []
        """What came about a subject beside the message that was taken."""
        self._lock = threading.Lock()

    def take(self, subject: str) -> Message:
        """The first message about `subject`, waited for; one taker at a time, who keeps what the others wait for."""
        with self._lock:
            return self._take(subject)

    def _take(self, subject: str) -> Message:
        deadline = time.monotonic() + 60
        while subject not in self._found:
            assert time.monotonic() < deadline, f"no message about {subject}"
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"]
            )
            for message in answer.get("Messages", ()):
                record = {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "messageAttributes": {},
                    "eventSourceARN": self._arn,
                }
                found = Message(message["Body"], message["ReceiptHandle"], record)
                name = self._subject(message["Body"])
                if name in self._taken or self._found.setdefault(name, found) is not found:
                    self.surplus.append(found)
        self._taken.add(subject)
        return self._found.pop(subject)

    def show_again(self, messages: Sequence[Message]) -> None:
        """Let the messages of the dead come again at once, as their visibility time-out would in minutes."""
        for message in messages:
            self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=message.handle, VisibilityTimeout=0)


def killed_at_each_call(run: Callable[[int, str], int | None]) -> Counter[str]:
    """Run victims at call after call, before and after it, until they reach the end; how many died each way."""
    deaths: Counter[str] = Counter()
    reached = MOST_CALLS

    def one(point: tuple[int, str]) -> None:
        nonlocal reached
        fatal, when = point
        if fatal > reached:
            return
        calls = run(fatal, when)
        if calls is None:
            deaths[when] += 1
        else:
            reached = min(reached, max(fatal, calls))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, product(range(1, MOST_CALLS), ("before", "after"))))
    assert reached < MOST_CALLS - 1, "the last victims lived to the end"
    return deaths


def calls_by_message(cloud: LocalCloud) -> Counter[str]:
    """How often the carrier was called for each message."""
    return Counter(call.context["message_id"] for call in cloud.control.carrier_calls())


@pytest.mark.timeout(900)
def test_a_worker_killed_at_every_call(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Callable[..., Any]
) -> None:
    cloud.control.set_carrier_profile(PROFILE)
    worker = stack.outputs.campaigns.sms_worker_function
    victims = Victims(cloud, stack, "campaign_worker", worker)
    inbox = Inbox(stack, stack.outputs.campaigns.sms_work_queue_url, lambda body: WorkToken.from_json(body).campaign_id)
    campaigns: list[str] = []

    def killed(fatal: int, when: str) -> int | None:
        opts_out = destination(Channel.SMS, 9_000 + 2 * fatal + (when == "after"))
        numbers = [*(destination(Channel.SMS, 7_000 + row) for row in range(OPTED_OUT)), opts_out]
        users = [{"customer_id": "c", "selected_channel": "sms", **number} for number in numbers]
        campaign_id = stack.send_campaign(ROWS, TPS, key=f"{unique}-{fatal}-{when}", eligible_users=users)
        campaigns.append(campaign_id)
        token = inbox.take(campaign_id)
        OptOuts(stack.campaigns, Channel.SMS).remember(opts_out["phone"])
        return victims.run(token, fatal, when)

    with no_consumer(stack, worker):
        deaths = killed_at_each_call(killed)
        # Tokens that the sweeper has put for the dead meanwhile.
        inbox.show_again(inbox.surplus)
    assert min(deaths.values()) > 3 * ROWS, "intent, call and record of each row at least"

    def unfinished() -> list[str]:
        return [name for name in campaigns if stack.show(name)["status"] != "completed"]

    wait_until(lambda: not unfinished(), timeout=300, what=lambda: f"these end: {unfinished()}")
    called = calls_by_message(cloud)

    def open_rows() -> list[str]:
        return [
            row.message_id
            for name in campaigns
            for row in stack.rows(name, ROWS)
            if row.state.status is not Status.DELIVERED and called[row.message_id]
        ]

    wait_until(lambda: not open_rows(), timeout=60, what=lambda: f"receipts resolve {open_rows()}")
    for name in campaigns:
        rows = {row.message_id: row.state.status for row in stack.rows(name, ROWS)}
        meta = stack.campaigns.get(meta_key(name)) or {}
        assert (meta["done_rows"], meta["suppressed"], meta["reserved"]) == (ROWS, 1, 0)
        assert meta["spent"] <= meta["cap"]
        assert len(rows) == ROWS - 1
        for row in range(ROWS - 1):
            message_id = keys.message(name, row)
            assert (rows[message_id], called[message_id]) in {(Status.DELIVERED, 1), (Status.IN_DOUBT, 0)}, message_id
        assert not called[keys.message(name, OPTED_OUT)]


@pytest.mark.timeout(900)
def test_the_sender_of_single_messages_killed_at_every_call(
    cloud: LocalCloud, stack: StackClient, wait_until: Callable[..., Any]
) -> None:
    cloud.control.set_carrier_profile(PROFILE)
    function = stack.outputs.outbox.message_sender_function
    victims = Victims(cloud, stack, "message_sender", function)
    inbox = Inbox(stack, stack.outputs.outbox.outbox_queue_url, lambda body: str(json.loads(body)["message_id"]))
    messages: dict[str, Message] = {}

    def killed(fatal: int, when: str) -> int | None:
        # Always the same number: many neighbours within minutes are what the guard against pumping stops.
        message_id = stack.send_message(Channel.SMS, **destination(Channel.SMS, 8_000))
        messages[message_id] = inbox.take(message_id)
        return victims.run(messages[message_id], fatal, when)

    with no_consumer(stack, function):
        deaths = killed_at_each_call(killed)
        assert min(deaths.values()) >= 5, "opt-out, budget, lease, intent, call, record"
        # Until then an intent may be at work: nobody can know that its process is gone.
        time.sleep(INTENT_LIFE_MS / 1_000)
        inbox.show_again(list(messages.values()))

    def statuses() -> dict[str, Status]:
        rows = stack.tracking.batch_get(({"message_id": name} for name in messages), consistent=True)
        return {row["message_id"]: Status(row["status"]) for row in rows}

    def unsettled() -> list[str]:
        found, called = statuses(), calls_by_message(cloud)
        return [
            name
            for name in messages
            if (found.get(name), called[name]) not in {(Status.DELIVERED, 1), (Status.IN_DOUBT, 0)}
        ]

    wait_until(lambda: not unsettled(), timeout=120, what=lambda: f"one call and one end for {unsettled()}")
