"""The WhatsApp carrier as an unmodified boto3 client sees it."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.core.channels import Channel
from localcloud.carrier_whatsapp_account import BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID
from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues
from tests.cloud.carriers.refusals import code_and_status

WORKS = "+14254147755"
FAILS = "+14254147167"
ORDINARY = "+12065550142"
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))
TEMPLATE = {
    "name": "greeting",
    "language": "en_US",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["Ada"]]}}],
}

Drain = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def chat(bare_cloud: LocalCloud) -> Any:
    return bare_cloud.client("socialmessaging", config=receipt_queues.ONE_ATTEMPT)


@pytest.fixture
def template(chat: Any, unique: str) -> Iterator[str]:
    """Name of a template with one parameter."""
    name = unique.replace("-", "_")
    chat.create_whatsapp_message_template(
        id=BUSINESS_ACCOUNT_ID, templateDefinition=json.dumps({**TEMPLATE, "name": name})
    )
    yield name
    chat.delete_whatsapp_message_template(id=BUSINESS_ACCOUNT_ID, templateName=name)


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


def _templated(name: str, to: str = ORDINARY, **more: Any) -> dict[str, Any]:
    body = {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}
    use = {"name": name, "language": {"code": "en_US"}, "components": [body]}
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": use, **more}


def _text(to: str = WORKS, body: str = "hello") -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


def _call(message: object) -> dict[str, Any]:
    return {
        "originationPhoneNumberId": PHONE_NUMBER_ID,
        "metaApiVersion": "v20.0",
        "message": json.dumps(message),
    }


def _send(chat: Any, message: object, **change: Any) -> str:
    return str(chat.send_whatsapp_message(**{**_call(message), **change})["messageId"])


def _status(note: dict[str, Any]) -> dict[str, Any]:
    (change,) = json.loads(note["whatsAppWebhookEntry"])["changes"]
    (status,) = change["value"]["statuses"]
    return dict(status)


def test_one_message_comes_back_by_both_paths(
    chat: Any, template: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5), read_rate=1.0))
    sent = _send(chat, _templated(template, biz_opaque_callback_data="local/m-1"))
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
    template: str,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(1, 5), notification_id=ids))
    sent = _send(chat, _templated(template))
    notes = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    found = [note["messageId"] for note in notes]
    assert (found == [sent, sent]) is (ids == "message")
    assert (len({sent, *found}) == 3) is (ids == "own")


@pytest.mark.parametrize(
    ("message", "code", "title"),
    [
        (_templated("no_such_template", WORKS), 132001, "Template name does not exist in the translation"),
        (_text(ORDINARY), 131047, "Re-engagement message"),
        (_text(FAILS), 131026, "Message undeliverable"),
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
    _send(chat, message)
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail-type"] == "WhatsApp Message Failed"
    assert event["detail"]["errors"] == [{"code": code, "title": title, "message": title}]
    (note,) = wait_until(lambda: drain(receipts.by_topic))
    status = _status(note)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", code)
    assert "pricing" not in status


def test_a_template_wants_its_parameters(
    chat: Any, template: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    message = _templated(template, WORKS)
    del message["template"]["components"]
    _send(chat, message)
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail"]["errors"][0]["code"] == 132000


@pytest.mark.parametrize(
    ("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("PENDING", 132001), ("REJECTED", 132001)]
)
def test_a_template_that_meta_does_not_let_pass_fails(
    status: str,
    code: int,
    chat: Any,
    template: str,
    receipts: Receipts,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    carrier_control.set_template_status(BUSINESS_ACCOUNT_ID, template, status)
    listed = chat.list_whatsapp_message_templates(id=BUSINESS_ACCOUNT_ID)["templates"]
    assert [each["templateStatus"] for each in listed if each["templateName"] == template] == [status]
    answer = chat.get_whatsapp_message_template(
        id=BUSINESS_ACCOUNT_ID, templateName=template, templateLanguageCode="en_US"
    )
    assert json.loads(answer["template"])["status"] == status
    _send(chat, _templated(template, WORKS))
    (event,) = wait_until(lambda: drain(receipts.by_event))
    assert event["detail"]["errors"][0]["code"] == code


def test_a_simulator_number_takes_what_the_profile_would_lose(
    chat: Any, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 1), failure_rate=1.0))
    _send(chat, _text(WORKS))
    seen = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    assert {_status(each)["status"] for each in seen} == {"sent", "delivered"}
    assert _status(seen[0])["pricing"]["billable"] is False


def test_statuses_follow_the_seeded_profile(
    chat: Any, template: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
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
        _send(chat, _templated(template))
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
    _send(chat, _text())
    notes = receipt_queues.gather(drain, wait_until, receipts.by_topic, 2)
    assert [_status(note)["status"] for note in notes] == ["delivered", "sent"]


def test_refusals_follow_the_seeded_profile(chat: Any, template: str, carrier_control: ControlClient) -> None:
    profile = CarrierProfile(seed=3, latency_ms=(0, 0), throttle_rate=0.3, error_rate=0.2)
    carrier_control.set_carrier_profile(profile)
    outcomes = []
    for _ in range(40):
        try:
            _send(chat, _templated(template))
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
    bare_cloud: LocalCloud, chat: Any, template: str, carrier_control: ControlClient
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(channels={"whatsapp": {"outage": True}}))
    assert code_and_status(lambda: _send(chat, _templated(template))) == ("InternalServiceException", 500)
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
    chat: Any, template: str, receipts: Receipts, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 1), paths=("sns",)))
    _send(chat, _templated(template))
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
    template: str,
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
        _send(chat, _templated(template))
        receipt_queues.gather(drain, wait_until, receipts.by_event, 2)
        assert drain(closed) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"metaApiVersion": "20"}, "ValidationException"),
        ({"originationPhoneNumberId": "not-an-id"}, "ValidationException"),
        ({"message": b"x" * 2_048_001}, "ValidationException"),
        ({"originationPhoneNumberId": f"phone-number-id-{0:032x}"}, "ResourceNotFoundException"),
        ({"message": b"{"}, "InvalidParametersException"),
        ({"message": b"[]"}, "InvalidParametersException"),
        ({"message": json.dumps({**_text(), "messaging_product": "sms"})}, "InvalidParametersException"),
        ({"message": json.dumps({**_text(), "to": "nobody"})}, "InvalidParametersException"),
        ({"message": json.dumps({**_text(), "type": "telegram"})}, "InvalidParametersException"),
        ({"message": json.dumps({**_text(), "type": "image"})}, "InvalidParametersException"),
        ({"message": json.dumps(_text(body="x" * 4097))}, "InvalidParametersException"),
        ({"message": json.dumps({**_text(), "biz_opaque_callback_data": "x" * 513})}, "InvalidParametersException"),
        ({"message": json.dumps(_templated(""))}, "InvalidParametersException"),
        (
            {"message": json.dumps({**_templated("x"), "template": {"name": "x", "language": "en_US"}})},
            "InvalidParametersException",
        ),
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, Any], code: str, chat: Any, carrier_control: ControlClient) -> None:
    status = 404 if code == "ResourceNotFoundException" else 400
    assert code_and_status(lambda: chat.send_whatsapp_message(**{**_call(_text()), **change})) == (code, status)


def test_a_number_is_named_by_id_or_arn(chat: Any, carrier_control: ControlClient) -> None:
    found = chat.get_linked_whatsapp_business_account_phone_number(id=PHONE_NUMBER_ID)
    arn = found["phoneNumber"]["arn"]
    hexadecimal = PHONE_NUMBER_ID.removeprefix("phone-number-id-")
    assert arn == f"arn:aws:social-messaging:us-east-1:123456789012:phone-number-id/{hexadecimal}"
    assert found["linkedWhatsAppBusinessAccountId"] == BUSINESS_ACCOUNT_ID
    sent = _send(chat, {**_text(), "biz_opaque_callback_data": "local/m-2"}, originationPhoneNumberId=arn)
    (call,) = carrier_control.carrier_calls()
    assert (call.message_id, call.destination, call.parts) == (sent, WORKS, 1)
    assert call.context == {
        "biz_opaque_callback_data": "local/m-2",
        "stack": "local",
        "message_id": "m-2",
    }


def test_the_account_is_linked_from_the_start(chat: Any) -> None:
    (account,) = chat.list_linked_whatsapp_business_accounts()["linkedAccounts"]
    assert (account["id"], account["registrationStatus"], account["eventDestinations"]) == (
        BUSINESS_ACCOUNT_ID,
        "COMPLETE",
        [],
    )
    chat.tag_resource(resourceArn=account["arn"], tags=[{"key": "team", "value": "x"}, {"key": "gone", "value": "y"}])
    chat.untag_resource(resourceArn=account["arn"], tagKeys=["gone"])
    assert chat.list_tags_for_resource(resourceArn=account["arn"])["tags"] == [{"key": "team", "value": "x"}]
    missing = functools.partial(chat.get_linked_whatsapp_business_account, id=f"waba-{0:032x}")
    assert code_and_status(missing) == ("ResourceNotFoundException", 404)


def test_templates_can_be_made_listed_read_and_deleted(chat: Any, template: str) -> None:
    waba = BUSINESS_ACCOUNT_ID
    german = {**TEMPLATE, "name": template, "language": "de"}
    made = chat.create_whatsapp_message_template(id=waba, templateDefinition=json.dumps(german))
    assert (made["templateStatus"], made["category"]) == ("APPROVED", "UTILITY")
    again = functools.partial(chat.create_whatsapp_message_template, id=waba, templateDefinition=json.dumps(german))
    assert code_and_status(again) == ("InvalidParametersException", 400)
    first = chat.list_whatsapp_message_templates(id=waba, maxResults=1)
    rest = chat.list_whatsapp_message_templates(id=waba, nextToken=first["nextToken"])
    summaries = [*first["templates"], *rest["templates"]]
    assert {(each["templateLanguage"], each["templateStatus"]) for each in summaries} == {
        ("en_US", "APPROVED"),
        ("de", "APPROVED"),
    }
    by_id = json.loads(chat.get_whatsapp_message_template(id=waba, metaTemplateId=made["metaTemplateId"])["template"])
    by_name = chat.get_whatsapp_message_template(id=waba, templateName=template, templateLanguageCode="de")
    assert by_id == json.loads(by_name["template"])
    assert by_id["components"] == german["components"]
    chat.delete_whatsapp_message_template(id=waba, templateName=template, metaTemplateId=made["metaTemplateId"])
    (left,) = chat.list_whatsapp_message_templates(id=waba)["templates"]
    assert left["templateLanguage"] == "en_US"
    gone = functools.partial(chat.get_whatsapp_message_template, id=waba, metaTemplateId=made["metaTemplateId"])
    assert code_and_status(gone) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Has Spaces"},
        {"language": ""},
        {"category": "NEWS"},
        {"components": []},
        {"components": [{"type": "FOOTER", "text": "x"}]},
    ],
)
def test_a_template_meta_would_refuse_is_refused(change: dict[str, Any], chat: Any) -> None:
    definition = json.dumps({**TEMPLATE, **change})
    create = functools.partial(
        chat.create_whatsapp_message_template, id=BUSINESS_ACCOUNT_ID, templateDefinition=definition
    )
    assert code_and_status(create) == ("InvalidParametersException", 400)


def test_an_operation_that_is_not_simulated_says_so(chat: Any) -> None:
    with pytest.raises(chat.exceptions.ValidationException, match="does not simulate ListWhatsAppFlows"):
        chat.list_whatsapp_flows(id=BUSINESS_ACCOUNT_ID)


def test_a_role_may_send_from_the_numbers_it_is_granted(
    carrier_control: ControlClient, bare_cloud: LocalCloud, deploy_function: Any
) -> None:
    source = """
import boto3
def handler(event, context):
    chat = boto3.client("socialmessaging")
    try:
        return chat.send_whatsapp_message(**event)["messageId"]
    except chat.exceptions.AccessDeniedException as error:
        return error.response["Error"]["Message"]
"""
    prefix = "arn:aws:social-messaging:us-east-1:123456789012:phone-number-id"
    own = PHONE_NUMBER_ID.removeprefix("phone-number-id-")
    grant = {"Effect": "Allow", "Action": "social-messaging:SendWhatsAppMessage"}
    call = _call(_text())
    functions = bare_cloud.client("lambda")

    def answer(name: str) -> str:
        return str(json.load(functions.invoke(FunctionName=name, Payload=json.dumps(call))["Payload"]))

    refused = answer(deploy_function(source, statements=[{**grant, "Resource": f"{prefix}/{0:032x}"}]))
    assert "is not authorized to perform: social-messaging:SendWhatsAppMessage" in refused
    message_id = answer(deploy_function(source, statements=[{**grant, "Resource": f"{prefix}/{own}"}]))
    assert [call.message_id for call in carrier_control.carrier_calls()] == [message_id]
