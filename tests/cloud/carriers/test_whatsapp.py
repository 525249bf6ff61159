"""WhatsApp messages that are sent and what becomes of them, as an unmodified boto3 client sees them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.core.channels import Channel
from localcloud.carrier_whatsapp_account import BUSINESS_ACCOUNT_ID
from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues
from tests.cloud.carriers.chats import ORDINARY, WORKS, send_chat, templated, text
from tests.cloud.carriers.refusals import code_and_status

FAILS = "+14254147167"
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))
Drain = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Receipts:
    """URLs of the queues that get receipts by either path."""

    by_event: str
    by_topic: str


@pytest.fixture
def receipts(
    bare_cloud: LocalCloud, chat: Any, unique: str, make_queue: Callable[..., tuple[str, str]]
) -> Iterator[Receipts]:
    (events, events_arn), (notes, notes_arn) = make_queue(), make_queue()
    policy = receipt_queues.allow("social-messaging.amazonaws.com")
    with (
        receipt_queues.rule(bare_cloud, unique, events_arn, "aws.social-messaging"),
        receipt_queues.topic(bare_cloud, unique, notes_arn, policy) as topic,
    ):
        _destination(chat, topic)
        yield Receipts(events, notes)
        _destination(chat)


def _destination(chat: Any, *topics: str) -> None:
    chat.put_whatsapp_business_account_event_destinations(
        id=BUSINESS_ACCOUNT_ID, eventDestinations=[{"eventDestinationArn": topic} for topic in topics]
    )


def _status(note: dict[str, Any]) -> dict[str, Any]:
    (change,) = json.loads(note["whatsAppWebhookEntry"])["changes"]
    (status,) = change["value"]["statuses"]
    return dict(status)


def test_one_message_comes_back_by_both_paths(
    chat: Any, greeting: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5), read_rate=1.0))
    sent = send_chat(chat, templated(greeting, biz_opaque_callback_data="local/m-1"))
    events = receipt_queues.gather(drain, wait_until, receipts.by_event, 3)
    notes = receipt_queues.gather(drain, wait_until, receipts.by_topic, 3)
    account = chat.get_linked_whatsapp_business_account(id=BUSINESS_ACCOUNT_ID)["account"]
    (number,) = account["phoneNumbers"]
    assert [event["detail-type"] for event in events] == [
        "WhatsApp Message Sent",
        "WhatsApp Message Delivered",
        "WhatsApp Message Read",
    ]
    for event, status in zip(events, ("sent", "delivered", "read"), strict=True):
        assert (event["source"], event["resources"]) == ("aws.social-messaging", [])
        detail = event["detail"]
        assert detail.pop("eventTimestamp").isdecimal()
        assert detail == {
            "wabaId": account["wabaId"],
            "originationPhoneNumber": number["phoneNumber"].removeprefix("+"),
            "originationPhoneNumberId": number["metaPhoneNumberId"],
            "messageId": sent,
            "status": status,
        }
    assert [_status(note)["status"] for note in notes] == ["sent", "delivered", "read"]
    note = notes[0]
    assert note.keys() == {
        "context",
        "whatsAppWebhookEntry",
        "aws_account_id",
        "message_timestamp",
        "messageId",
    }
    assert note["context"] == {
        "MetaWabaIds": [{"wabaId": account["wabaId"], "arn": account["arn"]}],
        "MetaPhoneNumberIds": [{"metaPhoneNumberId": number["metaPhoneNumberId"], "arn": number["arn"]}],
    }
    entry = json.loads(note["whatsAppWebhookEntry"])
    first = _status(note)
    assert first.pop("id").startswith("wamid.")
    assert first.pop("timestamp").isdecimal()
    assert first == {
        "status": "sent",
        "recipient_id": ORDINARY.removeprefix("+"),
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"},
        "biz_opaque_callback_data": "local/m-1",
    }
    assert entry["id"] == account["wabaId"]
    assert entry["changes"][0]["value"]["metadata"] == {
        "display_phone_number": number["phoneNumber"].removeprefix("+"),
        "phone_number_id": number["metaPhoneNumberId"],
    }
    assert len({_status(each)["id"] for each in notes}) == 1


@pytest.mark.parametrize("ids", ["own", "message"])
def test_a_notification_has_an_id_of_its_own_or_the_messages(
    ids: str,
    chat: Any,
    greeting: str,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(1, 5), notification_id=ids))
    sent = send_chat(chat, templated(greeting))
    notes = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    found = [note["messageId"] for note in notes]
    assert (found == [sent, sent]) is (ids == "message")
    assert (len({sent, *found}) == 3) is (ids == "own")


@pytest.mark.parametrize(
    ("message", "code", "title"),
    [
        (templated("no_such_template", WORKS), 132001, "Template name does not exist in the translation"),
        (text(ORDINARY), 131047, "Re-engagement message"),
        (text(FAILS), 131026, "Message undeliverable"),
    ],
)
def test_what_meta_does_not_deliver_is_accepted_and_fails(
    message: dict[str, Any],
    code: int,
    title: str,
    chat: Any,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    send_chat(chat, message)
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail-type"] == "WhatsApp Message Failed"
    assert event["detail"]["errors"] == [{"code": code, "title": title, "message": title}]
    (note,) = wait_until(lambda: drain(receipts.by_topic))
    status = _status(note)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", code)
    assert "pricing" not in status


def test_a_template_wants_its_parameters(
    chat: Any, greeting: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    message = templated(greeting, WORKS)
    del message["template"]["components"]
    send_chat(chat, message)
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail"]["errors"][0]["code"] == 132000


@pytest.mark.parametrize(
    ("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("PENDING", 132001), ("REJECTED", 132001)]
)
def test_a_template_that_meta_does_not_let_pass_fails(
    status: str,
    code: int,
    chat: Any,
    greeting: str,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    carrier_control.set_template_status(BUSINESS_ACCOUNT_ID, greeting, status)
    listed = chat.list_whatsapp_message_templates(id=BUSINESS_ACCOUNT_ID)["templates"]
    assert [each["templateStatus"] for each in listed if each["templateName"] == greeting] == [status]
    answer = chat.get_whatsapp_message_template(
        id=BUSINESS_ACCOUNT_ID, templateName=greeting, templateLanguageCode="en_US"
    )
    assert json.loads(answer["template"])["status"] == status
    send_chat(chat, templated(greeting, WORKS))
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail"]["errors"][0]["code"] == code


def test_a_simulator_number_takes_what_the_profile_would_lose(
    chat: Any, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 1), failure_rate=1.0))
    send_chat(chat, text(WORKS))
    seen = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    assert {_status(each)["status"] for each in seen} == {"sent", "delivered"}
    assert _status(seen[0])["pricing"]["billable"] is False


def test_statuses_follow_the_seeded_profile(
    chat: Any, greeting: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    profile = CarrierProfile(
        seed=7,
        latency_ms=(0, 0),
        receipt_delay_ms=(0, 5),
        failure_rate=0.4,
        failure_mix={"131026": 2, "131049": 1, "131050": 1, "UNREACHABLE": 50},
        duplicate_rate=0.3,
        lost_rate=0.1,
        read_rate=0.5,
    )
    carrier_control.set_carrier_profile(profile)
    count = 60
    expected: Counter[str] = Counter()
    for n in range(1, count + 1):
        end = fate(profile, n, channel=Channel.WHATSAPP)
        arrives = end.final_status == "DELIVERED"
        expected["sent"] += arrives
        if not end.lost:
            expected["delivered" if arrives else end.final_status] += 1 + end.duplicated
            expected["read"] += end.read_after is not None
    assert {"131026", "131049", "read", "delivered"} <= expected.keys()
    for _ in range(count):
        send_chat(chat, templated(greeting))
    seen: Counter[str] = Counter()

    def all_seen() -> bool:
        for note in drain(receipts.by_topic):
            status = _status(note)
            seen[str(status["errors"][0]["code"]) if "errors" in status else status["status"]] += 1
        return seen.total() >= expected.total()

    wait_until(all_seen)
    assert seen == +expected


def test_a_status_may_come_before_the_one_it_follows(
    chat: Any, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 200), reorder_rate=1.0))
    send_chat(chat, text())
    notes = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    assert [_status(note)["status"] for note in notes] == ["delivered", "sent"]


def test_refusals_follow_the_seeded_profile(chat: Any, greeting: str, carrier_control: ControlClient) -> None:
    profile = CarrierProfile(seed=3, latency_ms=(0, 0), throttle_rate=0.3, error_rate=0.2)
    carrier_control.set_carrier_profile(profile)
    outcomes = []
    for _ in range(40):
        try:
            send_chat(chat, templated(greeting))
            outcomes.append("accepted")
        except chat.exceptions.ThrottledRequestException:
            outcomes.append("throttle")
        except chat.exceptions.InternalServiceException:
            outcomes.append("error")
    assert outcomes == [verdict(profile, n, Channel.WHATSAPP).refusal or "accepted" for n in range(1, 41)]
    names = {
        "throttle": "ThrottledRequestException",
        "error": "InternalServiceException",
        "accepted": "accepted",
    }
    calls = carrier_control.carrier_calls()
    assert [call.outcome for call in calls] == [names[outcome] for outcome in outcomes]
    assert {call.channel for call in calls} == {"whatsapp"}


def test_an_outage_of_one_channel_leaves_the_others(
    bare_cloud: LocalCloud, chat: Any, greeting: str, carrier_control: ControlClient
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(channels={"whatsapp": {"outage": True}}))
    assert code_and_status(lambda: send_chat(chat, templated(greeting))) == ("InternalServiceException", 500)
    sms = bare_cloud.client("pinpoint-sms-voice-v2")
    number = sms.request_phone_number(
        IsoCountryCode="US", MessageType="TRANSACTIONAL", NumberCapabilities=["SMS"], NumberType="SIMULATOR"
    )
    sms.send_text_message(DestinationPhoneNumber=WORKS, OriginationIdentity=number["PhoneNumber"], MessageBody="x")
    sms.release_phone_number(PhoneNumberId=number["PhoneNumberId"])
    assert [(call.channel, call.outcome) for call in carrier_control.carrier_calls()] == [
        ("whatsapp", "InternalServiceException"),
        ("sms", "accepted"),
    ]


def test_a_path_that_is_closed_carries_nothing(
    chat: Any, greeting: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 1), paths=("sns",)))
    send_chat(chat, templated(greeting))
    receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    assert drain(receipts.by_event) == []


@pytest.mark.parametrize(
    "policy",
    [
        receipt_queues.allow("sms-voice.amazonaws.com"),
        receipt_queues.allow("social-messaging.amazonaws.com", StringEquals={"aws:SourceAccount": "111122223333"}),
    ],
)
def test_a_topic_that_keeps_the_service_out_gets_nothing(
    policy: dict[str, Any],
    bare_cloud: LocalCloud,
    chat: Any,
    greeting: str,
    unique: str,
    make_queue: Any,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 1)))
    closed, closed_arn = make_queue()
    with receipt_queues.topic(bare_cloud, f"{unique}-closed", closed_arn, policy) as topic:
        _destination(chat, topic)
        send_chat(chat, templated(greeting))
        receipt_queues.gather(drain, wait_until, receipts.by_event, 2)
        assert drain(closed) == []
