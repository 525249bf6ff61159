"""Delivery receipts of AWS End User Messaging Social (WhatsApp).

Shapes: AWS End User Messaging Social user guide, "Message and event format" (a WABA's topic: AWS's header around the
entry of Meta's webhook, as text) and "Monitoring with Amazon EventBridge"; Meta's Cloud API, "Status messages webhook
reference" and "Error codes". Times are whole seconds, mostly written as text; each stands for the end of its
second, so that copies stay equal and no status is older than the call. Our ids come back on the topic alone, as
`biz_opaque_callback_data`; the bus tells neither them nor the recipient. No path tells a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.core.channels import Channel
from lambdas.core.correlation import read_callback_data
from lambdas.core.lifecycle import Status, StatusEvent
from lambdas.core.receipt_fields import (
    end_of_second_ms,
    json_object,
    object_of,
    objects_of,
    our_message_id,
    phone_number,
    provider_id_of,
    shown,
    text_of,
)
from lambdas.core.receipts import Receipt, ReceiptClass, Suppression, UnknownEvent

EVENT_SOURCE = "aws.social-messaging"
WEBHOOK_ENTRY = "whatsAppWebhookEntry"

DETAIL_TYPES: Mapping[str, str] = {
    "WhatsApp Message Sent": "sent",
    "WhatsApp Message Delivered": "delivered",
    "WhatsApp Message Read": "read",
    "WhatsApp Message Failed": "failed",
    "WhatsApp Message Undeliverable": "undeliverable",
}
OTHER_DETAIL_TYPES = frozenset(
    {
        "WhatsApp Message Received",
        "WhatsApp Message Handover Succeeded",
        "WhatsApp Message Handover Failed",
        "WhatsApp Unknown Notification Received",
    }
)
"""What the service also puts on the bus and no rule of ours asks for: no receipts."""

STATUSES: Mapping[str, Status] = {
    "sent": Status.SENT,
    "warning": Status.SENT,
    "deleted": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,
    "failed": Status.FAILED,
    "undeliverable": Status.FAILED,
}
"""`warning` (an item of a catalogue that is not on sale) and `deleted` say nothing about the arrival of a message;
`played` is the `read` of a voice message. `read` may come alone: Meta then leaves `delivered` out."""

USER_OPTED_OUT = "131050"
"""The recipient has stopped marketing messages from this business."""


def _classes(failure: ReceiptClass, *codes: int) -> dict[str, ReceiptClass]:
    return {str(code): failure for code in codes}


FAILURE_CLASSES: Mapping[str, ReceiptClass] = {
    # Overload, outages, limits of the throughput and of a pair of numbers, maintenance: all of them pass.
    **_classes(ReceiptClass.RETRY, 1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 132069, 133004, 133015),
    # This recipient or this message: not on WhatsApp, outside the 24 hours, held back by Meta for this person or in an
    # experiment, a number of a test or a country that is closed, parameters, media or a type that do not fit.
    **_classes(ReceiptClass.FAIL_OVER, 131026, 131047, 131049, 130472, 131030, 131021, 130497, 100, 131008, 131009),
    **_classes(ReceiptClass.FAIL_OVER, 131051, 131052, 131053, 132000, 132005, 132012, 132018, 135000),
    **_classes(ReceiptClass.SUPPRESS, int(USER_OPTED_OUT)),
    # The account: access, policy, payment, spam limit, the sending number. The template: missing, refused, paused, off.
    **_classes(ReceiptClass.STOP, 0, 3, 10, 190, *range(200, 300), 33, 368, 131005, 131031, 131037, 131042, 131045),
    **_classes(ReceiptClass.STOP, 131048, 133000, 133005, 133006, 133010, 134011),
    **_classes(ReceiptClass.STOP, 132001, 132007, 132015, 132016, 132068),
}
"""Meta's error codes (Cloud API, "Error codes"), by what its table asks for; see `ReceiptClass` for what is done."""

UNKNOWN_CODE = ReceiptClass.FAIL_OVER
"""What a code asks for that is not in the table: this message failed, others may do well."""

_MAX_CODE_DIGITS = 10


def from_event(detail_type: str, detail: Mapping[str, Any]) -> list[Receipt]:
    """An event of the default bus, whose `messageId` is the kind of id that the send call returns."""
    if detail_type in OTHER_DETAIL_TYPES:
        return []
    word = DETAIL_TYPES.get(detail_type)
    if word is None:
        raise UnknownEvent(f"event {shown(detail_type)} of {EVENT_SOURCE}")
    return [_receipt(word, detail.get("eventTimestamp"), detail, provider_id_of(detail, "messageId"))]


def from_notification(document: Mapping[str, Any]) -> list[Receipt]:
    """What the service publishes to the topic: a receipt per status in the webhook's entry.

    Inbound messages, errors of the account and changes of templates share the topic and are no receipts: an entry of
    these alone gives none. Raises `UnknownEvent` for an entry with anything unreadable in it, whatever else it holds.
    """
    entry = json_object(text_of(document, WEBHOOK_ENTRY) or "")
    changes = objects_of(entry, "changes")
    if not changes:
        raise UnknownEvent("a WhatsApp notification without changes")
    header_id = provider_id_of(document, "messageId")
    return [
        _receipt(status.get("status"), status.get("timestamp"), status, header_id or provider_id_of(status, "id"))
        for change in changes
        for status in objects_of(object_of(change, "value"), "statuses")
    ]


def _receipt(word: object, at: object, fields: Mapping[str, Any], provider_id: str | None) -> Receipt:
    """One status. `provider_id` only finds the row: that a topic's `messageId` is the id of the send call is nowhere
    said, and Meta's own `wamid` is none of it, so neither is told to the row.
    """
    status = STATUSES.get(word) if isinstance(word, str) else None
    at_ms = end_of_second_ms(at)
    if status is None or provider_id is None or at_ms is None:
        raise UnknownEvent(f"a WhatsApp status {shown(word)}, id or time missing")
    ours = read_callback_data(text_of(fields, "biz_opaque_callback_data") or "")
    stack, message_id = ours or (None, None)
    destination = phone_number(fields.get("recipient_id"))
    code = failure = suppression = None
    if status is Status.FAILED:
        code = _code(fields) or str(word)
        failure = FAILURE_CLASSES.get(code, UNKNOWN_CODE)
        if code == USER_OPTED_OUT and destination is not None:
            suppression = Suppression.OPT_OUT
    flags = frozenset({suppression.value}) if suppression else frozenset()
    event = StatusEvent(status, at_ms, code=code, flags=flags)
    return Receipt(
        Channel.WHATSAPP, provider_id, our_message_id(message_id), stack, event, destination, failure, suppression
    )


def _code(fields: Mapping[str, Any]) -> str | None:
    """The first error's code, a whole number."""
    for error in objects_of(fields, "errors"):
        code = str(error.get("code"))
        if code.isascii() and code.isdigit() and len(code) <= _MAX_CODE_DIGITS:
            return code
    return None
