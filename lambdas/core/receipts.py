"""Delivery receipts of the SMS service, by either path, as status events.

Shapes and the status list: AWS End User Messaging user guide, "Messaging events"; EventBridge reference,
"AWS End User Messaging SMS events". On EventBridge `context` and the destination are absent, so only the
configuration-set path (SNS) names our own message id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeGuard

from lambdas.core.lifecycle import Status, StatusEvent

CONTEXT_MESSAGE_ID = "message_id"
CONTEXT_STACK = "stack"
"""Keys of the `Context` map that travels with each SMS."""

SMS_EVENT_SOURCE = "aws.sms-voice"
SMS_DETAIL_TYPE = "Text Message Delivery Status Updated"

MAX_TIME_MS = 10**14
"""Later than any receipt (year 5138): a time beyond it is no time in milliseconds."""
MAX_PRICE = Decimal(10**9)
PRICE_DIGITS = Decimal("1e-8")

SUSPICIOUS_PRICE_USD = Decimal(1)
PRICE_UNIT_FLAG = "price_unit_suspicious"
"""AWS's field table speaks of thousandths of a cent while every sample shows dollars: a part for a dollar or more is
flagged and not booked as a price."""


class ReceiptClass(StrEnum):
    """What a failed receipt asks for; the words of AWS's status page decide."""

    RETRY = "retry"
    FAIL_OVER = "fail_over"
    SUPPRESS = "suppress"


PROVIDER_STATUSES: Mapping[str, Status] = {
    "ACCEPTED": Status.SENT,
    "PENDING": Status.SENT,
    "QUEUED": Status.SENT,
    "SENT": Status.SENT,
    "SUCCESSFUL": Status.DELIVERED,
    "DELIVERED": Status.DELIVERED,
    "READ": Status.READ,
    "INVALID": Status.FAILED,
    "INVALID_MESSAGE": Status.FAILED,
    "UNREACHABLE": Status.FAILED,
    "CARRIER_UNREACHABLE": Status.FAILED,
    "BLOCKED": Status.FAILED,
    "CARRIER_BLOCKED": Status.FAILED,
    "SPAM": Status.FAILED,
    "TTL_EXPIRED": Status.FAILED,
    "PROTECT_BLOCKED": Status.FAILED,
    "UNROUTABLE": Status.FAILED,
    "FAILED": Status.FAILED,
    "UNKNOWN": Status.FAILED,
}

FAILURE_CLASSES: Mapping[str, ReceiptClass] = {
    "UNREACHABLE": ReceiptClass.RETRY,
    "CARRIER_UNREACHABLE": ReceiptClass.RETRY,
    "TTL_EXPIRED": ReceiptClass.RETRY,
    "UNKNOWN": ReceiptClass.RETRY,
    "INVALID": ReceiptClass.SUPPRESS,
    "INVALID_MESSAGE": ReceiptClass.FAIL_OVER,
    "BLOCKED": ReceiptClass.FAIL_OVER,
    "CARRIER_BLOCKED": ReceiptClass.FAIL_OVER,
    "SPAM": ReceiptClass.FAIL_OVER,
    "PROTECT_BLOCKED": ReceiptClass.FAIL_OVER,
    "UNROUTABLE": ReceiptClass.FAIL_OVER,
    "FAILED": ReceiptClass.FAIL_OVER,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt: the provider's id, our message id where the path carries it, and what it says.

    `stack` is the sender's stack where the context names it: in a shared account receipts of other stacks arrive too.
    """

    provider_id: str
    message_id: str | None
    stack: str | None
    event: StatusEvent


class UnknownEvent(ValueError):
    """An event of a type or shape this version does not know: it is parked, never dropped."""


def parse_receipt(body: str) -> Receipt:
    """Read one queue message: an EventBridge event, an SNS envelope or a raw configuration-set event.

    Raises `UnknownEvent` with the reason for anything else.
    """
    document = _object(body)
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = _object(document["Message"])
    if "detail-type" in document:
        if document.get("source") != SMS_EVENT_SOURCE or document["detail-type"] != SMS_DETAIL_TYPE:
            raise UnknownEvent(f"event {document.get('source')!r} / {document['detail-type']!r}")
        detail = document.get("detail")
        if not isinstance(detail, dict):
            raise UnknownEvent("an event without a detail object")
        document = detail
    return _text_event(document)


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UnknownEvent("not JSON") from error
    if not isinstance(document, dict):
        raise UnknownEvent("not a JSON object")
    return document


def _text_event(document: Mapping[str, Any]) -> Receipt:
    event_type = document.get("eventType")
    if not isinstance(event_type, str) or not event_type.startswith("TEXT_"):
        raise UnknownEvent(f"event type {event_type!r}")
    provider_status = document.get("messageStatus")
    status = PROVIDER_STATUSES.get(provider_status) if isinstance(provider_status, str) else None
    provider_id, at_ms = document.get("messageId"), document.get("eventTimestamp")
    if status is None or not isinstance(provider_id, str) or not provider_id or not _is_time(at_ms):
        raise UnknownEvent(f"{event_type} with status {provider_status!r}, id or time missing")
    if status is Status.DELIVERED and document.get("isFinal") is False:
        status = Status.SENT
    price, flags = _price(document)
    context = document.get("context")
    context = context if isinstance(context, dict) else {}
    event = StatusEvent(
        status,
        at_ms,
        code=provider_status if status is Status.FAILED else None,
        price_usd=price,
        provider_id=provider_id,
        flags=flags,
    )
    return Receipt(provider_id, _text(context, CONTEXT_MESSAGE_ID), _text(context, CONTEXT_STACK), event)


def _is_time(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_TIME_MS


def _text(context: Mapping[str, Any], key: str) -> str | None:
    value = context.get(key)
    return value if isinstance(value, str) and value else None


def _price(document: Mapping[str, Any]) -> tuple[Decimal | None, frozenset[str]]:
    """Message price and carrier fee together (billed separately, documented separately), in US dollars."""
    if document.get("totalMessagePrice") is None:
        return None, frozenset()
    total = _money(document["totalMessagePrice"]) + _money(document.get("totalCarrierFee"))
    parts = document.get("totalMessageParts")
    if total >= SUSPICIOUS_PRICE_USD * (parts if isinstance(parts, int) and parts > 0 else 1):
        return None, frozenset({PRICE_UNIT_FLAG})
    return total, frozenset()


def _money(value: Any) -> Decimal:
    try:
        amount = Decimal(0 if value is None else value) if not isinstance(value, (bool, float)) else Decimal("NaN")
    except (ArithmeticError, TypeError, ValueError) as error:
        raise UnknownEvent("a price that is not a number") from error
    if not amount.is_finite() or not 0 <= amount <= MAX_PRICE:
        raise UnknownEvent("a price that is not a number")
    return amount.quantize(PRICE_DIGITS)
