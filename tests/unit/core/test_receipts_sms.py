"""Delivery receipts: AWS's documented samples, every status, and bodies nobody documented."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.lifecycle import Status
from lambdas.core.receipts import (
    FAILURE_CLASSES,
    PRICE_UNIT_FLAG,
    PROVIDER_STATUSES,
    ReceiptClass,
    UnknownEvent,
    parse_receipt,
)

CONFIGURATION_SET_SAMPLE = """
{"eventType":"TEXT_SUCCESSFUL","eventVersion":"1.0","eventTimestamp":1686975103470,"isFinal":true,
 "originationPhoneNumber":"+12065550152","destinationPhoneNumber":"+14255550156","isInternationalSend":false,
 "mcc":"310","mnc":"800","messageId":"862a8790-60c0-4430-9b2b-658bdexample","messageRequestTimestamp":1686975103170,
 "messageEncoding":"GSM","messageType":"PROMOTIONAL","messageStatus":"SUCCESSFUL",
 "messageStatusDescription":"Message has been accepted by phone carrier","context":{"account":"bar"},
 "totalMessageParts":1,"totalMessagePrice":0.09582,"totalCarrierFee":0.0}
"""
"""End User Messaging user guide, "Messaging events"."""

EVENTBRIDGE_SAMPLE = """
{"version":"0","id":"15226fe5-c283-a862-e5e5-0a29ad450fd9","detail-type":"Text Message Delivery Status Updated",
 "source":"aws.sms-voice","account":"123456789123","time":"2024-10-16T17:21:40Z","region":"eu-west-2","resources":[],
 "detail":{"eventType":"TEXT_DELIVERED","eventVersion":"1.0","eventTimestamp":1729099299998,"isFinal":true,
  "originationPhoneNumber":"+18445550123","isoCountryCode":"US","mcc":"310","mnc":"800",
  "carrierName":"T-mobile USA Inc.",
  "messageId":"9539975a-e71f-45f3-b496-8d98dc098a77","messageRequestTimestamp":1729099297243,"messageEncoding":"GSM",
  "messageType":"PROMOTIONAL","messageStatus":"DELIVERED",
  "messageStatusDescription":"Message has been accepted by phone",
  "totalMessageParts":1,"totalMessagePrice":0.00581,"totalCarrierFee":0.003}}
"""
"""EventBridge reference, "AWS End User Messaging SMS events"."""

DOCUMENTED_STATUSES = {
    "SUCCESSFUL", "DELIVERED", "PENDING", "INVALID", "UNREACHABLE", "UNKNOWN", "BLOCKED", "CARRIER_UNREACHABLE", "SPAM",
    "INVALID_MESSAGE", "CARRIER_BLOCKED", "TTL_EXPIRED", "ACCEPTED", "FAILED", "SENT", "UNROUTABLE", "QUEUED",
    "PROTECT_BLOCKED",
}  # fmt: skip


def event(**changes: Any) -> dict[str, Any]:
    """The documented sample with changes; a value of `...` removes the field."""
    document = {**json.loads(CONFIGURATION_SET_SAMPLE), **changes}
    return {name: value for name, value in document.items() if value is not ...}


def envelope(message: str) -> str:
    """A notification of SNS as its HTTP/SQS page shows it."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
            "Message": message,
            "Timestamp": "2012-05-02T00:54:06.655Z",
            "SignatureVersion": "1",
        }
    )


def test_the_configuration_set_sample_says_delivered_and_charged() -> None:
    receipt = parse_receipt(CONFIGURATION_SET_SAMPLE)
    assert receipt.provider_id == receipt.event.provider_id == "862a8790-60c0-4430-9b2b-658bdexample"
    assert (receipt.message_id, receipt.stack) == (None, None)
    assert receipt.event.status is Status.DELIVERED
    assert receipt.event.at_ms == 1_686_975_103_470
    assert receipt.event.price_usd == Decimal("0.09582")
    assert (receipt.event.code, receipt.event.flags) == (None, frozenset())


def test_the_eventbridge_sample_adds_the_carrier_s_fee() -> None:
    receipt = parse_receipt(EVENTBRIDGE_SAMPLE)
    assert receipt.provider_id == "9539975a-e71f-45f3-b496-8d98dc098a77"
    assert receipt.event.status is Status.DELIVERED
    assert receipt.event.at_ms == 1_729_099_299_998
    assert receipt.event.price_usd == Decimal("0.00881")


def test_all_three_forms_say_the_same() -> None:
    raw = json.dumps(event(context={"message_id": "spring-0000001", "stack": "dev"}))
    bridged = json.dumps(
        {
            "source": "aws.sms-voice",
            "detail-type": "Text Message Delivery Status Updated",
            "detail": json.loads(raw),
        }
    )
    receipts = [parse_receipt(body) for body in (raw, envelope(raw), bridged)]
    assert receipts[0] == receipts[1] == receipts[2]
    assert (receipts[0].message_id, receipts[0].stack) == ("spring-0000001", "dev")


def test_every_documented_status_is_known() -> None:
    assert PROVIDER_STATUSES.keys() >= DOCUMENTED_STATUSES
    assert FAILURE_CLASSES.keys() == {name for name, status in PROVIDER_STATUSES.items() if status is Status.FAILED}
    retryable = {name for name, kind in FAILURE_CLASSES.items() if kind is ReceiptClass.RETRY}
    assert retryable == {"UNREACHABLE", "UNKNOWN", "CARRIER_UNREACHABLE", "TTL_EXPIRED"}


@pytest.mark.parametrize("provider_status", sorted(PROVIDER_STATUSES))
def test_each_status_becomes_ours(provider_status: str) -> None:
    receipt = parse_receipt(json.dumps(event(eventType=f"TEXT_{provider_status}", messageStatus=provider_status)))
    assert receipt.event.status is PROVIDER_STATUSES[provider_status]
    assert receipt.event.code == (provider_status if receipt.event.status is Status.FAILED else None)


@pytest.mark.parametrize("provider_status", ["SUCCESSFUL", "DELIVERED"])
def test_good_news_that_is_not_final_is_sent(provider_status: str) -> None:
    document = event(messageStatus=provider_status, isFinal=False)
    assert parse_receipt(json.dumps(document)).event.status is Status.SENT
    assert parse_receipt(json.dumps(event(messageStatus=provider_status, isFinal=...))).event.status is Status.DELIVERED


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
    receipt = parse_receipt(json.dumps(event(**prices)))
    assert receipt.event.price_usd == usd
    assert receipt.event.flags == (frozenset({PRICE_UNIT_FLAG}) if flagged else frozenset())


@pytest.mark.parametrize(
    "price", ["NaN", "Infinity", "-1", "1e9999999", "1e99999999999999999999", '"sNaN"', "true", "[]"]
)
def test_a_price_that_is_no_price_is_parked(price: str) -> None:
    body = CONFIGURATION_SET_SAMPLE.replace("0.09582", price)
    with pytest.raises(UnknownEvent):
        parse_receipt(body)


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
        parse_receipt(json.dumps(event(**changes)))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "[" * 100_000,
        '{"Type":"Notification","Message":"not json"}',
        '{"Type":"Notification","Message":"[1]"}',
        '{"source":"aws.ses","detail-type":"Email Sent","detail":{}}',
        '{"source":"aws.sms-voice","detail-type":"Registration Status Change","detail":{}}',
        '{"source":"aws.sms-voice","detail-type":"Text Message Delivery Status Updated","detail":"x"}',
        '{"source":"aws.sms-voice","detail-type":["Text Message Delivery Status Updated"],"detail":{}}',
        '{"a":' + "9" * 5_000 + "}",
    ],
)
def test_garbage_is_parked(body: str) -> None:
    with pytest.raises(UnknownEvent):
        parse_receipt(body)


@pytest.mark.parametrize("context", [None, [], "x", 5, {"message_id": 5, "stack": ""}, {"message_id": None}])
def test_a_context_that_is_not_ours_names_nothing(context: object) -> None:
    receipt = parse_receipt(json.dumps(event(context=context)))
    assert (receipt.message_id, receipt.stack) == (None, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(json.loads(CONFIGURATION_SET_SAMPLE))


@given(st.text() | json_values.map(json.dumps))
def test_any_text_parses_or_is_parked(body: str) -> None:
    try:
        receipt = parse_receipt(body)
    except UnknownEvent:
        return
    assert receipt.provider_id


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4), st.sampled_from(["raw", "sns", "bridge"]))
def test_a_sample_with_any_fields_replaced_parses_or_is_parked(changes: dict[str, Any], form: str) -> None:
    body = json.dumps({**json.loads(CONFIGURATION_SET_SAMPLE), **changes})
    if form == "sns":
        body = envelope(body)
    elif form == "bridge":
        body = json.dumps({**json.loads(EVENTBRIDGE_SAMPLE), "detail": json.loads(body)})
    try:
        receipt = parse_receipt(body)
    except UnknownEvent:
        return
    assert isinstance(receipt.event.at_ms, int)
    assert receipt.event.price_usd is None or receipt.event.price_usd >= 0
