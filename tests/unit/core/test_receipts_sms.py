"""Delivery receipts of SMS: every status, prices in doubtful units, and what this version does not know."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import botocore.session
import pytest

from lambdas.core.lifecycle import Status
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt, ReceiptClass, Suppression, UnknownEvent
from lambdas.core.sms_receipts import FAILURE_CLASSES, PRICE_UNIT_FLAG, PROVIDER_STATUSES
from tests.support import golden

DOCUMENTED_STATUSES = {
    "SUCCESSFUL", "DELIVERED", "PENDING", "INVALID", "UNREACHABLE", "UNKNOWN", "BLOCKED", "CARRIER_UNREACHABLE", "SPAM",
    "INVALID_MESSAGE", "CARRIER_BLOCKED", "TTL_EXPIRED", "ACCEPTED", "FAILED", "SENT", "UNROUTABLE", "QUEUED",
    "PROTECT_BLOCKED",
}  # fmt: skip
"""The table of "Messaging events" in the End User Messaging user guide."""


def event(**changes: Any) -> dict[str, Any]:
    """The documented sample of a configuration set with changes; a value of `...` removes the field."""
    document = {**golden.load("sms/topic-successful").event, **changes}
    return {name: value for name, value in document.items() if value is not ...}


def parsed(**changes: Any) -> Receipt:
    """The receipt of the changed sample."""
    (receipt,) = parse_receipts(json.dumps(event(**changes)))
    return receipt


def test_all_three_forms_say_the_same() -> None:
    raw = json.dumps(event(context={"message_id": "spring-0000001", "stack": "dev"}))
    bridged = json.dumps({**golden.load("sms/bus-delivered").event, "detail": json.loads(raw)})
    receipts = [parse_receipts(body) for body in (raw, golden.in_envelope(raw), bridged)]
    assert receipts[0] == receipts[1] == receipts[2]
    assert (receipts[0][0].message_id, receipts[0][0].stack) == ("spring-0000001", "dev")


def test_every_documented_status_is_known() -> None:
    assert PROVIDER_STATUSES.keys() >= DOCUMENTED_STATUSES
    assert FAILURE_CLASSES.keys() == {name for name, status in PROVIDER_STATUSES.items() if status is Status.FAILED}
    retryable = {name for name, kind in FAILURE_CLASSES.items() if kind is ReceiptClass.RETRY}
    assert retryable == {"UNREACHABLE", "UNKNOWN", "CARRIER_UNREACHABLE", "TTL_EXPIRED"}


EVENT_TYPES: list[str] = (
    botocore.session.get_session().get_service_model("pinpoint-sms-voice-v2").shape_for("EventType").metadata["enum"]
)
"""Every type of event that there is, as AWS's own description of the API lists them."""


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_type_of_event_is_a_receipt_of_a_class_or_none_of_ours(event_type: str) -> None:
    kind, _, word = event_type.partition("_")
    if kind in ("VOICE", "ALL") or word == "ALL":
        with pytest.raises(UnknownEvent):
            parsed(eventType=event_type, messageStatus=word)
        return
    receipt = parsed(eventType=event_type, messageStatus=word)
    assert receipt.event.status is PROVIDER_STATUSES[word]
    assert receipt.failure is FAILURE_CLASSES.get(word)
    assert (receipt.event.status is Status.FAILED) == (receipt.failure is not None)


def test_aws_lists_as_many_types_as_are_known_here() -> None:
    assert len(EVENT_TYPES) == 52


@pytest.mark.parametrize("provider_status", ["SUCCESSFUL", "DELIVERED", "UNREACHABLE", "INVALID"])
def test_what_is_not_final_is_sent(provider_status: str) -> None:
    receipt = parsed(messageStatus=provider_status, isFinal=False)
    assert receipt.event.status is Status.SENT
    assert (receipt.event.code, receipt.failure, receipt.suppression) == (None, None, None)
    assert parsed(messageStatus=provider_status, isFinal=...).event.status is PROVIDER_STATUSES[provider_status]


def test_an_invalid_number_is_suppressed_where_the_path_tells_it() -> None:
    told = parsed(messageStatus="INVALID")
    assert (told.destination, told.suppression) == ("+14255550156", Suppression.INVALID)
    assert told.event.flags == {"invalid"}
    untold = parsed(messageStatus="INVALID", destinationPhoneNumber=...)
    assert (untold.failure, untold.suppression) == (ReceiptClass.SUPPRESS, None)
    assert untold.event.flags == frozenset()


@pytest.mark.parametrize("number", ["14255550156", "+14255550156"])
def test_a_number_is_told_in_one_form(number: str) -> None:
    assert parsed(destinationPhoneNumber=number).destination == "+14255550156"


@pytest.mark.parametrize(
    "number", ["", "+", "AMAZON", "+1425555 0156", "+" + "1" * 40, 14255550156, None, ["+14255550156"]]
)
def test_what_is_no_number_is_no_destination(number: object) -> None:
    assert parsed(destinationPhoneNumber=number).destination is None


@pytest.mark.parametrize(
    ("prices", "usd", "flagged"),
    [
        ({"totalMessagePrice": 0.99, "totalCarrierFee": 0}, Decimal("0.99"), False),
        ({"totalMessagePrice": 1, "totalCarrierFee": 0}, None, True),
        ({"totalMessagePrice": 0.6, "totalCarrierFee": 0.4}, None, True),
        ({"totalMessagePrice": 645, "totalCarrierFee": 0}, None, True),
        ({"totalMessagePrice": 2.5, "totalMessageParts": 3}, Decimal("2.5"), False),
        ({"totalMessagePrice": 3, "totalMessageParts": 3}, None, True),
        ({"totalMessagePrice": ..., "totalCarrierFee": 0.003}, None, False),
        ({"totalMessagePrice": None}, None, False),
        ({"totalMessagePrice": 0.00581, "totalCarrierFee": None}, Decimal("0.00581"), False),
    ],
)
def test_a_price_in_another_unit_is_flagged_and_not_booked(
    prices: dict[str, Any], usd: Decimal | None, flagged: bool
) -> None:
    receipt = parsed(**prices)
    assert receipt.event.price_usd == usd
    assert receipt.event.flags == (frozenset({PRICE_UNIT_FLAG}) if flagged else frozenset())


@pytest.mark.parametrize(
    "price", ["NaN", "Infinity", "-1", "1e9999999", "1e99999999999999999999", '"sNaN"', "true", "[]"]
)
def test_a_price_that_is_no_price_is_parked(price: str) -> None:
    body = json.dumps(event(totalMessagePrice=0.12345)).replace("0.12345", price)
    with pytest.raises(UnknownEvent):
        parse_receipts(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"eventType": ...},
        {"eventType": "VOICE_COMPLETED"},
        {"eventType": 7},
        {"messageStatus": "BRAND_NEW"},
        {"messageStatus": ...},
        {"messageStatus": ["DELIVERED"]},
        {"messageId": ...},
        {"messageId": ""},
        {"messageId": 5},
        {"messageId": "x" * 2_000},
        {"messageId": "\ud800"},
        {"eventTimestamp": ...},
        {"eventTimestamp": "1686975103470"},
        {"eventTimestamp": 1.5},
        {"eventTimestamp": True},
        {"eventTimestamp": -1},
        {"eventTimestamp": 10**40},
    ],
)
def test_what_this_version_does_not_know_is_parked(changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        parse_receipts(json.dumps(event(**changes)))


@pytest.mark.parametrize(
    "context", [None, [], "x", 5, {"message_id": 5, "stack": ""}, {"message_id": None}, {"message_id": "a b"}]
)
def test_a_context_that_is_not_ours_names_nothing(context: object) -> None:
    receipt = parsed(context=context)
    assert (receipt.message_id, receipt.stack) == (None, None)
