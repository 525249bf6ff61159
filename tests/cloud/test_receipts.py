"""Receipts of three channels in the function as it is deployed: mixed batches, copies, suppressions, the topic."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.opt_outs import OptOuts
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.content import Content
from lambdas.core.correlation import callback_data
from lambdas.core.email_receipts import TOPIC_VALIDATED
from lambdas.core.lifecycle import Status
from lambdas.core.planned_row import PlannedRow
from localcloud.launch import LocalCloud
from tests.cloud.campaign_client import StackClient
from tests.support import golden

SIX_MINUTES_MS = 360_000


class Mailbox:
    """Rows of one test and receipts about them; `numbers` of recipients are the test's own."""

    def __init__(self, stack: StackClient, unique: str) -> None:
        self.stack = stack
        self.name = unique
        self._functions = stack.client("lambda")
        self._function = stack.outputs.messaging.delivery_processor_function
        self._tracking = TrackingTable(stack.tracking, retention_days=1)

    def message_id(self, row: int) -> str:
        return keys.message(self.name, row)

    def provider_id(self, row: int) -> str:
        return f"provider-{self.name}-{row}"

    def sent(self, row: int, channel: str) -> str:
        """A row whose call the provider has accepted; its message id."""
        now_ms = time.time_ns() // 1_000_000
        planned = PlannedRow(row, "customer", channel, "+12065550100", "US", Content("text"), 1, Decimal("0.005"))
        message_id = self.message_id(row)
        self._tracking.intend(self.name, planned, message_id, "test", now_ms, now_ms * 1_000)
        self._tracking.accepted(message_id, self.provider_id(row), now_ms)
        return message_id

    def row(self, row: int) -> TrackedMessage:
        item = self.stack.tracking.get({"message_id": self.message_id(row)})
        assert item is not None
        return TrackedMessage.from_item(item)

    def statuses(self, *rows: int) -> list[Status]:
        return [self.row(row).state.status for row in rows]

    def suppressed(self, destination: str, channel: Channel) -> str | None:
        """The source of a destination's RECIPIENT item of a channel, None without one."""
        item = self.stack.campaigns.get({"pk": keys.recipient(destination), "sk": keys.recipient_state(channel)})
        return None if item is None else str(item["source"])

    def process(self, bodies: Mapping[str, str], *, age_ms: int = 0) -> set[str]:
        """Invoke the function with one batch; the names of the messages that it leaves in the queue."""
        sent = str(time.time_ns() // 1_000_000 - age_ms)
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": sent}
        records = [
            {"messageId": name, "body": body, "attributes": attributes, "messageAttributes": {}}
            for name, body in bodies.items()
        ]
        answer = self._functions.invoke(FunctionName=self._function, Payload=json.dumps({"Records": records}))
        failures = json.load(answer["Payload"])["batchItemFailures"]
        return {failure["itemIdentifier"] for failure in failures}

    def sms(self, row: int, word: str, *, stack: str = "local", on_bus: bool = False, **fields: Any) -> str:
        event = golden.load("sms/bus-delivered" if on_bus else "sms/topic-successful").event
        detail = event["detail"] if on_bus else event
        detail |= {"messageStatus": word, "messageId": self.provider_id(row), **fields}
        if not on_bus:
            detail["context"] = {"message_id": self.message_id(row), "stack": stack}
        return json.dumps(event)

    def whatsapp(self, *rows: int, word: str, stack: str = "local", code: int | None = None, **fields: Any) -> str:
        event = golden.load("whatsapp/topic-sent").event
        entry = json.loads(event["whatsAppWebhookEntry"])
        (status,) = entry["changes"][0]["value"]["statuses"]
        errors = {} if code is None else {"errors": [{"code": code}]}
        entry["changes"][0]["value"]["statuses"] = [
            status
            | {"status": word, "biz_opaque_callback_data": callback_data(stack, self.message_id(row))}
            | errors
            | fields
            for row in rows
        ]
        return json.dumps(event | {"whatsAppWebhookEntry": json.dumps(entry)})

    def email(self, row: int, name: str, *, stack: str = "local", to: str = "recipient@example.com") -> str:
        event = golden.load(f"email/topic-{name}").event
        tags = {"message_id": [self.message_id(row)], "stack": [stack]}
        event["mail"] |= {"messageId": self.provider_id(row), "tags": tags, "destination": [to]}
        return json.dumps(event)


@pytest.fixture
def mailbox(stack: StackClient, unique: str) -> Mailbox:
    return Mailbox(stack, unique)


@pytest.fixture
def number(unique: str) -> str:
    """A number that no other test writes to."""
    return f"+1999{int(unique[2:], 16) % 10**7:07d}"


@pytest.mark.parametrize(("code", "pauses"), [(131031, True), (131042, True), (368, True), (131026, False)])
def test_a_failure_that_every_other_message_would_share_pauses_the_campaign_once(
    mailbox: Mailbox, code: int, pauses: bool
) -> None:
    campaigns = CampaignTable(mailbox.stack.campaigns)
    meta = {"pk": keys.campaign(mailbox.name), "sk": keys.META, "status": "running", "version": 1}
    assert campaigns.create(meta) is None
    mailbox.sent(0, Channel.WHATSAPP)
    failed = mailbox.whatsapp(0, word="failed", code=code)
    assert mailbox.process({"first": failed, "copy": failed}) == set()
    found = campaigns.meta(mailbox.name)
    assert found is not None
    assert (found["status"], found.get("pause_reason")) == (
        ("paused", "provider_stop") if pauses else ("running", None)
    )
    assert mailbox.statuses(0) == [Status.FAILED]
    mailbox.stack.campaigns.update(meta_key(mailbox.name), "SET #status = :running", {"running": "running"})
    assert mailbox.process({"late copy": failed}) == set()
    resumed = campaigns.meta(mailbox.name)
    assert resumed is not None
    assert resumed["status"] == "running", "an old receipt pauses nothing again"


def test_in_a_mixed_batch_only_the_poison_fails(mailbox: Mailbox, wait_until: Callable[..., Any]) -> None:
    for row, channel in enumerate(
        (Channel.SMS, Channel.SMS, Channel.WHATSAPP, Channel.WHATSAPP, Channel.EMAIL, Channel.EMAIL)
    ):
        mailbox.sent(row, channel)
    on_bus = golden.load("whatsapp/bus-read").event
    on_bus["detail"]["messageId"] = mailbox.provider_id(2)
    poison = {
        "no json": "{",
        "a new status": mailbox.sms(0, "BRAND_NEW"),
        "a new word": mailbox.whatsapp(2, word="brand_new"),
        "a new type": json.dumps({"source": "aws.ses", "detail-type": "Email Folded", "detail": {}}),
    }
    left = mailbox.process(
        {
            "sms": mailbox.sms(0, "DELIVERED"),
            **poison,
            "sms, found by the provider's id": mailbox.sms(1, "UNREACHABLE", on_bus=True),
            "foreign sms": mailbox.sms(1, "DELIVERED", stack="another"),
            "foreign whatsapp": mailbox.whatsapp(3, word="failed", stack="another", code=131026),
            "foreign email": mailbox.email(5, "bounce-permanent", stack="another"),
            "two at once": mailbox.whatsapp(2, 3, word="delivered"),
            "whatsapp, found by the provider's id": json.dumps(on_bus),
            "inbound": golden.load("whatsapp/topic-inbound-image").body,
            "a validated topic": TOPIC_VALIDATED,
            "email": mailbox.email(4, "delivery"),
            "opened": mailbox.email(5, "open"),
            "not yet known": mailbox.email(6, "delivery"),
        }
    )
    assert left == set(poison)
    assert mailbox.statuses(0, 1, 2) == [Status.DELIVERED, Status.FAILED, Status.READ]
    assert mailbox.statuses(3, 4, 5) == [Status.DELIVERED, Status.DELIVERED, Status.READ]
    assert mailbox.row(1).state.code == "UNREACHABLE"
    assert mailbox.row(2).state.provider_id == mailbox.provider_id(2)

    mailbox.sent(6, Channel.EMAIL)
    wait_until(lambda: mailbox.statuses(6) == [Status.DELIVERED], timeout=30, what="the receipt comes again")


def test_what_has_no_row_after_five_minutes_is_let_go(mailbox: Mailbox) -> None:
    bodies = {
        "late": mailbox.whatsapp(0, word="delivered"),
        "complaint": mailbox.email(1, "complaint", to="a@b.example"),
    }
    assert mailbox.process(bodies, age_ms=SIX_MINUTES_MS) == set()
    assert mailbox.suppressed("a@b.example", Channel.EMAIL) is None


def test_copies_cost_no_write(cloud: LocalCloud, mailbox: Mailbox, number: str) -> None:
    address = f"{mailbox.name}@example.com"
    for row, channel in enumerate((Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)):
        mailbox.sent(row, channel)
    told = {
        "sms": mailbox.sms(0, "INVALID", destinationPhoneNumber=number),
        "whatsapp": mailbox.whatsapp(1, word="delivered"),
        "email": mailbox.email(2, "delivery", to=address),
        "complaint": mailbox.email(2, "complaint", to=address),
    }

    def written(bodies: Mapping[str, str]) -> float:
        cloud.control.clear_meters()
        assert mailbox.process(bodies) == set()
        function = mailbox.stack.outputs.messaging.delivery_processor_function
        writes = cloud.control.meters()["writes"]
        return sum((float(write["units"]) for write in writes if write["caller"] == function), 0.0)

    assert written(told) == 3 + 2, "three rows and two destinations"
    again = {f"{name} {copy}": body for name, body in told.items() for copy in range(3)}
    assert written(again) == 0
    assert mailbox.suppressed(number, Channel.SMS) == "invalid"
    assert mailbox.suppressed(address, Channel.EMAIL) == "complaint"


def test_whoever_tells_the_destination_has_it_suppressed_whichever_path_is_first(mailbox: Mailbox, number: str) -> None:
    mailbox.sent(0, Channel.SMS)
    mailbox.sent(1, Channel.WHATSAPP)
    on_bus = golden.load("whatsapp/bus-failed").event
    on_bus["detail"] |= {"messageId": mailbox.provider_id(1), "errors": [{"code": 131050}]}
    assert mailbox.process({"sms": mailbox.sms(0, "INVALID", on_bus=True), "whatsapp": json.dumps(on_bus)}) == set()
    assert mailbox.statuses(0, 1) == [Status.FAILED, Status.FAILED]
    assert mailbox.suppressed(number, Channel.WHATSAPP) is None

    opt_out = mailbox.whatsapp(1, word="failed", code=131050, recipient_id=number.removeprefix("+"))
    assert mailbox.process({"whatsapp": opt_out}) == set()
    assert mailbox.suppressed(number, Channel.WHATSAPP) == "opt_out"
    assert mailbox.suppressed(number, Channel.SMS) is None, "who stops WhatsApp has not stopped SMS"
    blocked = {
        channel: OptOuts(mailbox.stack.campaigns, channel).opted_out({number, "+12065550100"}) for channel in Channel
    }
    assert blocked == {Channel.SMS: set(), Channel.WHATSAPP: {number}, Channel.EMAIL: set()}

    assert mailbox.process({"sms": mailbox.sms(0, "INVALID", destinationPhoneNumber=number)}) == set()
    assert mailbox.suppressed(number, Channel.SMS) == "invalid"
    OptOuts(mailbox.stack.campaigns, Channel.SMS).remember(number)
    assert mailbox.suppressed(number, Channel.SMS) == "invalid", "the first reason stays"


def test_bounces_suppress_and_those_of_others_do_not(mailbox: Mailbox) -> None:
    ours, theirs, full = (f"{word}.{mailbox.name}@example.com" for word in ("ours", "theirs", "full"))
    for row in range(3):
        mailbox.sent(row, Channel.EMAIL)
    bodies = {
        "delivered first": mailbox.email(0, "delivery"),
        "bounced late": mailbox.email(0, "bounce-permanent", to=ours.upper()),
        "foreign": mailbox.email(1, "bounce-permanent", stack="another", to=theirs),
        "transient": mailbox.email(2, "bounce-transient", to=full),
    }
    assert mailbox.process(bodies) == set()
    assert mailbox.statuses(0, 1, 2) == [Status.DELIVERED, Status.SENT, Status.FAILED]
    assert mailbox.row(0).state.flags == {"bounce"}
    assert [mailbox.suppressed(address, Channel.EMAIL) for address in (ours, theirs, full)] == ["bounce", None, None]


def test_a_bounce_of_the_mailbox_simulator_suppresses_nobody(mailbox: Mailbox) -> None:
    address = f"bounce+{mailbox.name}@simulator.amazonses.com"
    mailbox.sent(0, Channel.EMAIL)
    assert mailbox.process({"bounce": mailbox.email(0, "bounce-permanent", to=address)}) == set()
    assert mailbox.row(0).state.flags == {"bounce"}
    assert mailbox.suppressed(address, Channel.EMAIL) is None


def test_an_intent_in_doubt_is_resolved_by_every_channel(mailbox: Mailbox) -> None:
    tracking = TrackingTable(mailbox.stack.tracking, retention_days=1)
    now_ms = time.time_ns() // 1_000_000
    for row, channel in enumerate((Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)):
        planned = PlannedRow(row, "customer", channel, "+12065550100", "US", Content("text"), 1, Decimal("0.005"))
        tracking.intend(mailbox.name, planned, mailbox.message_id(row), "test", now_ms, now_ms * 1_000)
        tracking.in_doubt(mailbox.message_id(row), now_ms)
    bodies = {
        "sms": mailbox.sms(0, "DELIVERED"),
        "whatsapp": mailbox.whatsapp(1, word="failed", code=131026),
        "email": mailbox.email(2, "send"),
    }
    assert mailbox.process(bodies) == set()
    assert mailbox.statuses(0, 1, 2) == [Status.DELIVERED, Status.FAILED, Status.SENT]
    assert all(mailbox.row(row).state.is_accepted for row in range(3))
    assert mailbox.row(1).state.provider_id is None, "no id on the topic is the one that the call returned"


def test_what_a_topic_gets_reaches_the_rows(mailbox: Mailbox, wait_until: Callable[..., Any]) -> None:
    sns = mailbox.stack.client("sns")
    mailbox.sent(0, Channel.WHATSAPP)
    mailbox.sent(1, Channel.EMAIL)
    for body in (mailbox.whatsapp(0, word="read"), mailbox.email(1, "click")):
        sns.publish(TopicArn=mailbox.stack.outputs.messaging.receipts_topic_arn, Message=body)
    wait_until(lambda: mailbox.statuses(0, 1) == [Status.READ, Status.READ], timeout=30)


def test_latency_is_observed_for_the_channel(mailbox: Mailbox, wait_until: Callable[..., Any]) -> None:
    mailbox.sent(0, Channel.WHATSAPP)
    mailbox.sent(1, Channel.EMAIL)
    mailbox.process({"whatsapp": mailbox.whatsapp(0, word="delivered"), "email": mailbox.email(1, "delivery")})
    metrics = mailbox.stack.client("cloudwatch")

    def channels() -> set[str]:
        found = metrics.list_metrics(MetricName="DeliveryLatency")["Metrics"]
        return {each["Value"] for metric in found for each in metric["Dimensions"] if each["Name"] == "Channel"}

    wait_until(lambda: channels() >= {"WHATSAPP", "EMAIL"}, timeout=30)
