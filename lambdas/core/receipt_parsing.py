"""From a queue message to receipts: takes off the envelope and gives what is inside to its channel's parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.core import email_receipts, inbound, sms_receipts, whatsapp_receipts
from lambdas.core.receipt_fields import json_object, shown
from lambdas.core.receipts import Receipt, UnknownEvent

EventParser = Callable[[str, Mapping[str, Any]], list[Receipt]]

PARSERS: Mapping[str, EventParser] = {
    sms_receipts.EVENT_SOURCE: sms_receipts.from_event,
    whatsapp_receipts.EVENT_SOURCE: whatsapp_receipts.from_event,
    email_receipts.EVENT_SOURCE: email_receipts.from_event,
}
"""By the `source` of an event on the default bus."""


def parse_receipts(body: str) -> list[Receipt]:
    """Read one queue message: an EventBridge event, an SNS envelope or what a service publishes raw to its topic.

    Empty for what is known and no receipt: an inbound message (`inbound.py`), a notice about an account or a topic.
    Raises `UnknownEvent` with the reason for anything else.
    """
    if body == email_receipts.TOPIC_VALIDATED:
        return []
    document = json_object(body)
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        if document["Message"] == email_receipts.TOPIC_VALIDATED:
            return []
        document = json_object(document["Message"])
    if "detail-type" in document:
        return _from_bus(document)
    if whatsapp_receipts.WEBHOOK_ENTRY in document:
        return whatsapp_receipts.from_notification(document)
    if inbound.SMS_ID in document:
        return []
    if "mail" in document:
        return email_receipts.from_notification(document)
    return sms_receipts.from_notification(document)


def _from_bus(document: Mapping[str, Any]) -> list[Receipt]:
    source, detail_type, detail = document.get("source"), document["detail-type"], document.get("detail")
    parser = PARSERS.get(source) if isinstance(source, str) else None
    if parser is None or not isinstance(detail_type, str):
        raise UnknownEvent(f"event {shown(detail_type)} of {shown(source)}")
    if not isinstance(detail, dict):
        raise UnknownEvent(f"event {shown(detail_type)} without a detail object")
    return parser(detail_type, detail)
