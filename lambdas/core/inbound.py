"""Messages that people send to us, as far as they share the receipts' paths.

Shapes: AWS End User Messaging SMS user guide, "Two-way SMS messaging" (what a two-way number publishes to its topic; no
time of its own); Meta's Cloud API, "Messages webhook reference" (an entry's `messages`, in whole seconds). What is not
text, such as an image, says nothing; a tap on a button says the button's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.core.channels import Channel
from lambdas.core.receipt_fields import end_of_second_ms, json_object, object_of, objects_of, phone_number, text_of
from lambdas.core.receipts import UnknownEvent
from lambdas.core.whatsapp_receipts import WEBHOOK_ENTRY

SMS_ID = "inboundMessageId"
"""What only an inbound SMS has."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message of `sender` (E.164) to us; `at_ms` is the end of the second in which it was sent, None where the
    path does not tell."""

    channel: Channel
    sender: str
    text: str
    at_ms: int | None


def inbound_messages(body: str) -> list[InboundMessage]:
    """The texts in one queue message of the receipts' paths, in their order; raises `UnknownEvent` for an inbound SMS
    that cannot be read. An SNS envelope is taken off."""
    if SMS_ID not in body and WEBHOOK_ENTRY not in body:
        return []
    document = json_object(body)
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = json_object(document["Message"])
    if SMS_ID in document:
        return [_sms(document)]
    entry = json_object(text_of(document, WEBHOOK_ENTRY) or "{}")
    found = (
        _whatsapp(message)
        for change in objects_of(entry, "changes")
        for message in objects_of(object_of(change, "value"), "messages")
    )
    return [each for each in found if each is not None]


def _sms(document: Mapping[str, Any]) -> InboundMessage:
    sender = phone_number(document.get("originationNumber"))
    if sender is None:
        raise UnknownEvent("an inbound SMS without its sender")
    return InboundMessage(Channel.SMS, sender, text_of(document, "messageBody") or "", None)


def _whatsapp(message: Mapping[str, Any]) -> InboundMessage | None:
    sender = phone_number(message.get("from"))
    reply = object_of(message, "interactive")
    text = (
        text_of(object_of(message, "text"), "body")
        or text_of(object_of(message, "button"), "text")
        or text_of(object_of(reply, "button_reply"), "title")
        or text_of(object_of(reply, "list_reply"), "title")
    )
    if sender is None or text is None:
        return None
    return InboundMessage(Channel.WHATSAPP, sender, text, end_of_second_ms(message.get("timestamp")))
