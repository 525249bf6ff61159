"""Delivery events of the simulated SMS carrier, in the two shapes in which AWS publishes them.

Shapes and fields: AWS End User Messaging user guide, "nx-features-messaging-events" (configuration set) and the
EventBridge events reference, "aws.sms-voice".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.traffic import Origin

ORIGIN = Origin("aws.sms-voice", "sms-voice.amazonaws.com")
DETAIL_TYPE = "Text Message Delivery Status Updated"

_DESCRIPTIONS = {
    "PENDING": "Message is pending delivery to the phone carrier",
    "QUEUED": "Message has been queued",
    "DELIVERED": "Message has been accepted by phone",
    "SUCCESSFUL": "Message has been accepted by phone carrier",
    "INVALID": "The destination phone number is invalid",
    "UNREACHABLE": "The destination phone is unreachable",
    "UNKNOWN": "An unknown error occurred",
    "BLOCKED": "Phone is blocked",
    "CARRIER_UNREACHABLE": "Phone carrier is currently unreachable/unavailable",
    "SPAM": "Phone carrier has identified this message as spam",
    "INVALID_MESSAGE": "The message body is invalid",
    "CARRIER_BLOCKED": "Phone carrier has blocked this message",
    "TTL_EXPIRED": "The message could not be delivered within its time to live",
    "PROTECT_BLOCKED": "Destination is blocked by a protect configuration",
}

MESSAGE_PRICE_USD = 0.00581
CARRIER_FEE_USD = 0.003
"""Per part to a US number: the figures of AWS's own sample events."""
_INTERNATIONAL_PRICE_USD = 0.06087
"""Per part elsewhere: AWS's sample of an international message; there is no carrier fee outside the US."""


@dataclass(frozen=True, slots=True)
class Price:
    """What AWS charges for one part, in US dollars."""

    message: float
    carrier_fee: float


def price_per_part(destination: str) -> Price:
    """The price of one part to an E.164 number."""
    if destination.startswith("+1"):
        return Price(MESSAGE_PRICE_USD, CARRIER_FEE_USD)
    return Price(_INTERNATIONAL_PRICE_USD, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMessage:
    """A text the carrier took: what its events tell about it. Times are seconds since the epoch."""

    message_id: str
    destination: str
    origination: str
    body_encoding: str
    parts: int
    message_type: str
    accepted_at: float
    configuration_set: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def event_bridge_detail(message: AcceptedMessage, status: str, at: float) -> dict[str, Any]:
    """The `detail` on EventBridge, without destination and context."""
    price = price_per_part(message.destination)
    final = status not in ("PENDING", "QUEUED")
    american = message.destination.startswith("+1")
    return {
        "eventType": f"TEXT_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": round(at * 1000),
        "isFinal": final,
        "originationPhoneNumber": message.origination,
        **(
            {"isoCountryCode": "US", "mcc": "310", "mnc": "800", "carrierName": "T-mobile USA Inc."} if american else {}
        ),
        "messageId": message.message_id,
        "messageRequestTimestamp": round(message.accepted_at * 1000),
        "messageEncoding": message.body_encoding,
        "messageType": message.message_type,
        "messageStatus": status,
        "messageStatusDescription": _DESCRIPTIONS[status],
        "totalMessageParts": message.parts,
        "totalMessagePrice": round(price.message * message.parts, 5),
        "totalCarrierFee": round(price.carrier_fee * message.parts, 5),
    }


def configuration_set_event(message: AcceptedMessage, status: str, at: float) -> dict[str, Any]:
    """The event a configuration set's destinations receive, with destination and context."""
    detail = event_bridge_detail(message, status, at)
    origin_country = "+1" if message.origination.startswith("+1") else None
    return {
        **detail,
        "destinationPhoneNumber": message.destination,
        "isInternationalSend": origin_country == "+1" and not message.destination.startswith("+1"),
        **({"context": dict(message.context)} if message.context else {}),
    }


def matches(event_types: list[str], status: str) -> bool:
    """Whether a destination with these MatchingEventTypes takes a text event of `status`."""
    return bool({"ALL", "TEXT_ALL", f"TEXT_{status}"} & set(event_types))
