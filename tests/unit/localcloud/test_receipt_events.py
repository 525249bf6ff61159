"""Delivery events: the two shapes, against AWS's own samples."""

from __future__ import annotations

import pytest

from localcloud.receipts import AcceptedMessage, configuration_set_event, event_bridge_detail, matches

MESSAGE = AcceptedMessage(
    message_id="9539975a-e71f-45f3-b496-8d98dc098a77",
    destination="+14254147755",
    origination="+18445550123",
    body_encoding="GSM",
    parts=1,
    message_type="PROMOTIONAL",
    accepted_at=1729099297.243,
    context={"account": "bar"},
)
SAMPLE = {
    "eventType": "TEXT_DELIVERED",
    "eventVersion": "1.0",
    "eventTimestamp": 1729099299998,
    "isFinal": True,
    "originationPhoneNumber": "+18445550123",
    "isoCountryCode": "US",
    "mcc": "310",
    "mnc": "800",
    "carrierName": "T-mobile USA Inc.",
    "messageId": "9539975a-e71f-45f3-b496-8d98dc098a77",
    "messageRequestTimestamp": 1729099297243,
    "messageEncoding": "GSM",
    "messageType": "PROMOTIONAL",
    "messageStatus": "DELIVERED",
    "messageStatusDescription": "Message has been accepted by phone",
    "totalMessageParts": 1,
    "totalMessagePrice": 0.00581,
    "totalCarrierFee": 0.003,
}
"""EventBridge events reference, "aws.sms-voice", the detail of the sample event."""


def test_the_event_is_awss_sample() -> None:
    assert event_bridge_detail(MESSAGE, "DELIVERED", 1729099299.998) == SAMPLE


def test_a_configuration_set_adds_destination_and_context() -> None:
    added = {"destinationPhoneNumber": "+14254147755", "isInternationalSend": False, "context": {"account": "bar"}}
    assert configuration_set_event(MESSAGE, "DELIVERED", 1729099299.998) == SAMPLE | added


@pytest.mark.parametrize(
    ("types", "status", "expected"),
    [
        (["TEXT_ALL"], "SPAM", True),
        (["ALL"], "PENDING", True),
        (["TEXT_DELIVERED", "TEXT_SPAM"], "SPAM", True),
        (["TEXT_DELIVERED"], "SPAM", False),
        (["VOICE_ALL"], "DELIVERED", False),
    ],
)
def test_destinations_take_what_they_asked_for(types: list[str], status: str, expected: bool) -> None:
    assert matches(types, status) is expected
