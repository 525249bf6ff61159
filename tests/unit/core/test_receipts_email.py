"""Delivery receipts of email: SES's event types, bounces by type and subtype, flags that suppress."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from lambdas.core.email_receipts import BOUNCE_CLASSES, FAILURE_CLASSES, TOPIC_VALIDATED
from lambdas.core.lifecycle import Status
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt, ReceiptClass, Suppression, UnknownEvent
from tests.support import golden


def event(name: str, section: str = "mail", **changes: Any) -> dict[str, Any]:
    """A documented event with changes in one of its objects; a value of `...` removes the field."""
    document = copy.deepcopy(golden.load(f"email/topic-{name}").event)
    fields = {**document[section], **changes}
    return {**document, section: {key: value for key, value in fields.items() if value is not ...}}


def parsed(name: str, section: str = "mail", **changes: Any) -> Receipt:
    """The receipt of the changed event."""
    (receipt,) = parse_receipts(json.dumps(event(name, section, **changes)))
    return receipt


def bounce(bounce_type: object, subtype: object) -> Receipt:
    """The receipt of a bounce of this type."""
    return parsed("bounce-permanent", "bounce", bounceType=bounce_type, bounceSubType=subtype)


def test_our_ids_come_back_as_tags() -> None:
    tags = {"message_id": ["spring-0000001"], "stack": ["dev"]}
    receipt = parsed("delivery", tags=tags)
    assert (receipt.message_id, receipt.stack) == ("spring-0000001", "dev")


@pytest.mark.parametrize(
    "tags", [..., None, [], "x", {"message_id": "spring-1"}, {"message_id": []}, {"message_id": [5]}]
)
def test_tags_that_are_not_ours_name_nothing(tags: object) -> None:
    receipt = parsed("delivery", tags=tags)
    assert (receipt.message_id, receipt.stack) == (None, None)


@pytest.mark.parametrize("code", sorted(code for code in FAILURE_CLASSES if code.split("/")[0] in BOUNCE_CLASSES))
def test_each_kind_of_bounce_has_its_class(code: str) -> None:
    receipt = bounce(*code.split("/"))
    assert receipt.event.status is Status.FAILED
    assert (receipt.event.code, receipt.failure) == (code, FAILURE_CLASSES[code])
    suppressed = FAILURE_CLASSES[code] is ReceiptClass.SUPPRESS
    assert (receipt.suppression is Suppression.BOUNCE) == suppressed == code.startswith("Permanent/")
    assert receipt.event.flags == ({"bounce"} if suppressed else frozenset())


@pytest.mark.parametrize(
    ("bounce_type", "failure"),
    [
        ("Permanent", ReceiptClass.SUPPRESS),
        ("Transient", ReceiptClass.RETRY),
        ("Undetermined", ReceiptClass.FAIL_OVER),
    ],
)
def test_a_new_subtype_goes_by_its_type(bounce_type: str, failure: ReceiptClass) -> None:
    assert bounce(bounce_type, "BrandNew").event.code == f"{bounce_type}/BrandNew"
    assert bounce(bounce_type, "BrandNew").failure is failure
    assert bounce(bounce_type, "someone@example.com").event.code == bounce_type
    assert bounce(bounce_type, None).failure is failure


def test_a_complaint_is_a_flag_and_no_status() -> None:
    receipt = parsed("complaint")
    assert (receipt.event.status, receipt.event.code, receipt.failure) == (Status.SENT, None, None)
    assert (receipt.suppression, receipt.event.flags) == (Suppression.COMPLAINT, frozenset({"complaint"}))
    assert parsed("complaint", "complaint", complaintFeedbackType=...).suppression is Suppression.COMPLAINT


def test_a_complaint_taken_back_is_none() -> None:
    receipt = parsed("complaint", "complaint", complaintFeedbackType="not-spam")
    assert (receipt.suppression, receipt.event.flags) == (None, frozenset())


def test_what_ses_held_back_for_an_older_complaint_has_failed() -> None:
    receipt = parsed("complaint", "complaint", complaintSubType="OnAccountSuppressionList")
    assert (receipt.event.status, receipt.failure) == (Status.FAILED, ReceiptClass.SUPPRESS)
    assert receipt.suppression is Suppression.COMPLAINT


def test_only_an_unsubscription_from_everything_is_an_opt_out() -> None:
    assert parsed("subscription").suppression is Suppression.OPT_OUT
    kept = parsed("subscription", "subscription", newTopicPreferences={"unsubscribeAll": False})
    assert (kept.suppression, kept.event.status) == (None, Status.SENT)


def test_the_address_is_the_one_we_wrote_to() -> None:
    """A bounce names the mailbox that bounced: with a forwarder another one than the recipient's."""
    forwarded = {"bouncedRecipients": [{"emailAddress": "elsewhere@example.net"}]}
    assert parsed("bounce-permanent", "bounce", **forwarded).destination == "recipient@example.com"


def test_of_several_recipients_only_those_concerned_are_told() -> None:
    several = ["a@example.com", "b@example.com", "c@example.com"]
    document = event("bounce-permanent", destination=several)
    document["bounce"]["bouncedRecipients"] = [{"emailAddress": "B@example.com"}, {"emailAddress": "c@example.com"}]
    assert [receipt.destination for receipt in parse_receipts(json.dumps(document))] == several[1:]
    sent = event("send", destination=several)
    assert [receipt.destination for receipt in parse_receipts(json.dumps(sent))] == several


@pytest.mark.parametrize(
    "text", ["Recipient@Example.COM", " recipient@example.com ", "Re Cipient <recipient@example.com>"]
)
def test_an_address_is_told_in_one_form(text: str) -> None:
    assert parsed("delivery", destination=[text]).destination == "recipient@example.com"


def test_the_path_does_not_matter() -> None:
    document = event("bounce-permanent", tags={"message_id": ["spring-0000001"], "stack": ["dev"]})
    on_bus = golden.load("email/bus-bounce-permanent").event | {"detail": document}
    assert parse_receipts(json.dumps(on_bus)) == parse_receipts(json.dumps(document))


def test_the_validation_of_a_topic_is_no_receipt() -> None:
    assert parse_receipts(TOPIC_VALIDATED) == []
    assert parse_receipts(golden.in_envelope(TOPIC_VALIDATED)) == []


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("mail", {"messageId": ...}),
        ("mail", {"messageId": 5}),
        ("bounce", {"timestamp": ...}),
        ("bounce", {"timestamp": "yesterday"}),
        ("bounce", {"timestamp": "2017-08-05T00:41:02"}),
        ("bounce", {"timestamp": 1_501_893_662_669}),
        ("bounce", {"timestamp": "0001-01-01T00:00:00+23:59"}),
        ("bounce", {"bounceType": ...}),
        ("bounce", {"bounceType": "Odd"}),
        ("bounce", {"bounceType": ["Permanent"]}),
    ],
)
def test_what_this_version_does_not_know_is_parked(section: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        parse_receipts(json.dumps(event("bounce-permanent", section, **changes)))


@pytest.mark.parametrize("destination", [..., [], ["nobody"], [5], "recipient@example.com", None])
def test_an_event_about_nobody_is_parked(destination: object) -> None:
    with pytest.raises(UnknownEvent):
        parse_receipts(json.dumps(event("send", destination=destination)))
    told = parsed("complaint", destination=destination)
    assert told.destination == "recipient@example.com", "the complaint tells whose it is"


@pytest.mark.parametrize("event_type", [..., None, 5, [], "BrandNew", "Rendering"])
def test_a_type_that_is_new_is_parked(event_type: object) -> None:
    document = golden.load("email/topic-send").event | {"eventType": event_type}
    with pytest.raises(UnknownEvent):
        parse_receipts(json.dumps({name: value for name, value in document.items() if value is not ...}))
