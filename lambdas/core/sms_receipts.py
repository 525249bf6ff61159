"""Delivery receipts of AWS End User Messaging SMS.

Shapes and the status list: AWS End User Messaging user guide, "Messaging events"; EventBridge reference,
"AWS End User Messaging SMS events". On EventBridge `context` and the destination are absent, so only the
configuration-set path (SNS) names our own message id.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lambdas.core.channels import Channel
from lambdas.core.correlation import CONTEXT_MESSAGE_ID, CONTEXT_STACK
from lambdas.core.lifecycle import Status, StatusEvent
from lambdas.core.receipt_fields import (
    is_time_ms,
    object_of,
    our_message_id,
    phone_number,
    provider_id_of,
    shown,
    text_of,
)
from lambdas.core.receipts import (
    Receipt,
    ReceiptClass,
    Suppression,
    UnknownEvent,
)

EVENT_SOURCE = "aws.sms-voice"
DETAIL_TYPE = "Text Message Delivery Status Updated"
EVENT_PREFIXES = ("TEXT_", "MEDIA_", "RCS_")
"""Kinds of events that are receipts of messages (API reference, EventDestination, `MatchingEventTypes`): a pool with an
RCS agent in it sends a text as RCS. Voice calls are none of ours."""

MAX_PRICE = Decimal(10**9)
PRICE_DIGITS = Decimal("1e-8")

SUSPICIOUS_PRICE_USD = Decimal(1)
PRICE_UNIT_FLAG = "price_unit_suspicious"
"""AWS's field table speaks of thousandths of a cent while every sample shows dollars: a part for a dollar or more is
flagged and not booked as a price."""

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
    "FILE_INACCESSIBLE": Status.FAILED,
    "FILE_TYPE_UNSUPPORTED": Status.FAILED,
    "FILE_SIZE_EXCEEDED": Status.FAILED,
    "FALLEN_BACK_TO_SMS": Status.SENT,
}
"""Every word of `messageStatus`, and of the types of events behind their kind. By country SUCCESSFUL, accepted by the
carrier, is the last that is ever heard, or DELIVERED follows it (page "Event types"): both are a delivery, and the
earlier time holds."""

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
    "FILE_INACCESSIBLE": ReceiptClass.FAIL_OVER,
    "FILE_TYPE_UNSUPPORTED": ReceiptClass.FAIL_OVER,
    "FILE_SIZE_EXCEEDED": ReceiptClass.FAIL_OVER,
}
"""The words of the status table in "Messaging events" decide: it says of four that the message may be tried again, and
of INVALID that the destination is no valid number. See `ReceiptClass` for what is done."""

_NO_FLAGS: frozenset[str] = frozenset()


def from_event(detail_type: str, detail: Mapping[str, Any]) -> list[Receipt]:
    """An event of the default bus; raises `UnknownEvent`."""
    if detail_type != DETAIL_TYPE:
        raise UnknownEvent(f"event {shown(detail_type)} of {EVENT_SOURCE}")
    return from_notification(detail)


def from_notification(document: Mapping[str, Any]) -> list[Receipt]:
    """A configuration set's event, which is also the detail on the bus; raises `UnknownEvent`.

    What is not final yet (`isFinal`) is neither a delivery nor a failure.
    """
    event_type = document.get("eventType")
    if not isinstance(event_type, str) or not event_type.startswith(EVENT_PREFIXES):
        raise UnknownEvent(f"event type {shown(event_type)}")
    provider_status = document.get("messageStatus")
    status = PROVIDER_STATUSES.get(provider_status) if isinstance(provider_status, str) else None
    provider_id, at_ms = provider_id_of(document, "messageId"), document.get("eventTimestamp")
    if status is None or provider_id is None or not is_time_ms(at_ms):
        raise UnknownEvent(f"{shown(event_type)} with status {shown(provider_status)}, id or time missing")
    if document.get("isFinal") is False and status in (Status.DELIVERED, Status.FAILED):
        status = Status.SENT
    price, flags = _price(document)
    code = failure = suppression = None
    destination = phone_number(document.get("destinationPhoneNumber"))
    if status is Status.FAILED:
        code, failure = provider_status, FAILURE_CLASSES[str(provider_status)]
        if failure is ReceiptClass.SUPPRESS and destination is not None:
            suppression, flags = Suppression.INVALID, flags | {Suppression.INVALID.value}
    context = object_of(document, "context")
    event = StatusEvent(status, at_ms, code, price, provider_id, flags)
    message_id, stack = our_message_id(context.get(CONTEXT_MESSAGE_ID)), text_of(context, CONTEXT_STACK)
    return [Receipt(Channel.SMS, provider_id, message_id, stack, event, destination, failure, suppression)]


def _price(document: Mapping[str, Any]) -> tuple[Decimal | None, frozenset[str]]:
    """Message price and carrier fee together (billed separately, documented separately), in US dollars."""
    if document.get("totalMessagePrice") is None:
        return None, _NO_FLAGS
    total = _money(document["totalMessagePrice"]) + _money(document.get("totalCarrierFee"))
    parts = document.get("totalMessageParts")
    if total >= SUSPICIOUS_PRICE_USD * (parts if isinstance(parts, int) and parts > 0 else 1):
        return None, frozenset({PRICE_UNIT_FLAG})
    return total, _NO_FLAGS


def _money(value: Any) -> Decimal:
    try:
        amount = Decimal(0 if value is None else value) if not isinstance(value, (bool, float)) else Decimal("NaN")
    except (ArithmeticError, TypeError, ValueError) as error:
        raise UnknownEvent("a price that is not a number") from error
    if not amount.is_finite() or not 0 <= amount <= MAX_PRICE:
        raise UnknownEvent("a price that is not a number")
    return amount.quantize(PRICE_DIGITS)
