"""Delivery receipts of Amazon SES.

Shapes: SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and its examples;
EventBridge reference, "Amazon Simple Email Service events", where the same object is the `detail`. Both paths carry the
tags of the message, so both name our own id, and `mail.messageId` is what the send call returned. No path tells a
price. Complaints, bounces and opt-outs are flags beside the status: a bounce that comes after a delivery changes no
status, and a complaint never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lambdas.core.channels import Channel
from lambdas.core.correlation import CONTEXT_MESSAGE_ID, CONTEXT_STACK
from lambdas.core.lifecycle import Status, StatusEvent
from lambdas.core.receipt_fields import (
    email_address,
    iso_as_ms,
    object_of,
    our_message_id,
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

EVENT_SOURCE = "aws.ses"
TOPIC_VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
"""The text, no JSON, that SES publishes once to a topic when it becomes an event destination."""


class EventKind(NamedTuple):
    """One `eventType`: its name in an event destination's MatchingEventTypes, the object that tells its time (and its
    recipients, under `recipients`), and our status.
    """

    matching: str
    section: str
    status: Status
    recipients: str = ""


KINDS: Mapping[str, EventKind] = {
    "Send": EventKind("SEND", "mail", Status.SENT),
    "Delivery": EventKind("DELIVERY", "delivery", Status.DELIVERED, "recipients"),
    "Bounce": EventKind("BOUNCE", "bounce", Status.FAILED, "bouncedRecipients"),
    "Complaint": EventKind("COMPLAINT", "complaint", Status.SENT, "complainedRecipients"),
    "Reject": EventKind("REJECT", "mail", Status.FAILED),
    "DeliveryDelay": EventKind("DELIVERY_DELAY", "deliveryDelay", Status.SENT, "delayedRecipients"),
    "Rendering Failure": EventKind("RENDERING_FAILURE", "mail", Status.FAILED),
    "Open": EventKind("OPEN", "open", Status.READ),
    "Click": EventKind("CLICK", "click", Status.READ),
    "Subscription": EventKind("SUBSCRIPTION", "subscription", Status.SENT),
}
"""A rejection and a failed rendering have no time of their own; that of the message stands for it."""

DETAIL_TYPES: Mapping[str, str] = {
    "Email Sent": "Send",
    "Email Delivered": "Delivery",
    "Email Bounced": "Bounce",
    "Email Complaint Received": "Complaint",
    "Email Rejected": "Reject",
    "Email Delivery Delayed": "DeliveryDelay",
    "Email Rendering Failed": "Rendering Failure",
    "Email Opened": "Open",
    "Email Clicked": "Click",
    "Email Subscribed": "Subscription",
}

BOUNCE_CLASSES: Mapping[str, ReceiptClass] = {
    "Permanent": ReceiptClass.SUPPRESS,
    "Transient": ReceiptClass.RETRY,
    "Undetermined": ReceiptClass.FAIL_OVER,
}
"""By `bounceType`: addresses that bounced permanently are to be removed, transient bounces are published once SES has
given up and may succeed later (same page, "Bounce types"). They hold for every subtype without a class of its own."""

FAILURE_CLASSES: Mapping[str, ReceiptClass] = {
    "Permanent/General": ReceiptClass.SUPPRESS,
    "Permanent/NoEmail": ReceiptClass.SUPPRESS,
    "Permanent/Suppressed": ReceiptClass.SUPPRESS,
    "Permanent/OnAccountSuppressionList": ReceiptClass.SUPPRESS,
    "Transient/General": ReceiptClass.RETRY,
    "Transient/MailboxFull": ReceiptClass.RETRY,
    "Transient/CustomTimeoutExceeded": ReceiptClass.RETRY,
    "Transient/MessageTooLarge": ReceiptClass.FAIL_OVER,
    "Transient/ContentRejected": ReceiptClass.FAIL_OVER,
    "Transient/AttachmentRejected": ReceiptClass.FAIL_OVER,
    "Undetermined/Undetermined": ReceiptClass.FAIL_OVER,
    "Complaint/OnAccountSuppressionList": ReceiptClass.SUPPRESS,
    "Reject": ReceiptClass.FAIL_OVER,
    "Rendering Failure": ReceiptClass.FAIL_OVER,
}
"""By our failure code, `<bounceType>/<bounceSubType>` or the event type. Three transient subtypes ask for a smaller or
other message: the same one would not do better. See `ReceiptClass` for what is done."""

NOT_SPAM = "not-spam"
"""The `complaintFeedbackType` that takes a complaint back (IANA, feedback report types)."""
NOT_SENT = "OnAccountSuppressionList"
"""The `complaintSubType` of a message that SES accepted and never tried to deliver."""

_MAX_SUBTYPE = 40


def from_event(detail_type: str, detail: Mapping[str, Any]) -> list[Receipt]:
    """An event of the default bus; raises `UnknownEvent`."""
    event_type = DETAIL_TYPES.get(detail_type)
    if event_type is None:
        raise UnknownEvent(f"event {shown(detail_type)} of {EVENT_SOURCE}")
    return _receipts(event_type, detail)


def from_notification(document: Mapping[str, Any]) -> list[Receipt]:
    """What an event destination publishes to its topic; raises `UnknownEvent`."""
    event_type = document.get("eventType")
    if not isinstance(event_type, str) or event_type not in KINDS:
        raise UnknownEvent(f"email event {shown(event_type)}")
    return _receipts(event_type, document)


def _receipts(event_type: str, fields: Mapping[str, Any]) -> list[Receipt]:
    """One receipt per recipient whom the event is about; what we send has one recipient."""
    kind, mail = KINDS[event_type], object_of(fields, "mail")
    section = object_of(fields, kind.section)
    provider_id, at_ms = provider_id_of(mail, "messageId"), iso_as_ms(section.get("timestamp"))
    recipients = _recipients(mail, section.get(kind.recipients))
    if provider_id is None or at_ms is None or not recipients:
        raise UnknownEvent(f"email event {shown(event_type)}, id, time or recipient missing")
    code = _failure_code(event_type, section)
    failure = None if code is None else _failure_class(code)
    suppression = _suppression(event_type, section, failure)
    event = StatusEvent(
        kind.status if code is None else Status.FAILED,
        at_ms,
        code=code,
        provider_id=provider_id,
        flags=frozenset({suppression.value}) if suppression else frozenset(),
    )
    tags = object_of(mail, "tags")
    message_id, stack = our_message_id(_tag(tags, CONTEXT_MESSAGE_ID)), _tag(tags, CONTEXT_STACK)
    return [
        Receipt(Channel.EMAIL, provider_id, message_id, stack, event, recipient, failure, suppression)
        for recipient in recipients
    ]


def _recipients(mail: Mapping[str, Any], told: object) -> list[str]:
    """Whom the event is about: the message's only recipient, else those that the event tells, else all.

    An event may tell another address than the message was sent to, the one that a mailbox forwards to.
    """
    sent_to = _addresses(mail.get("destination"))
    return sent_to if len(sent_to) == 1 else _addresses(told) or sent_to


def _addresses(values: object) -> list[str]:
    """Readable addresses of a list of addresses, or of objects with an `emailAddress`."""
    if not isinstance(values, list):
        return []
    texts = [value.get("emailAddress") if isinstance(value, dict) else value for value in values]
    return list(dict.fromkeys(address for text in texts if (address := email_address(text)) is not None))


def _failure_code(event_type: str, section: Mapping[str, Any]) -> str | None:
    """Our code of a failure, None for events that are none."""
    if event_type == "Bounce":
        bounce_type, subtype = section.get("bounceType"), section.get("bounceSubType")
        if not isinstance(bounce_type, str) or bounce_type not in BOUNCE_CLASSES:
            raise UnknownEvent(f"bounce type {shown(bounce_type)}")
        is_word = isinstance(subtype, str) and subtype.isascii() and subtype.isalpha() and len(subtype) <= _MAX_SUBTYPE
        return f"{bounce_type}/{subtype}" if is_word else bounce_type
    if event_type == "Complaint":
        return f"Complaint/{NOT_SENT}" if section.get("complaintSubType") == NOT_SENT else None
    return event_type if KINDS[event_type].status is Status.FAILED else None


def _failure_class(code: str) -> ReceiptClass:
    return FAILURE_CLASSES.get(code) or BOUNCE_CLASSES[code.partition("/")[0]]


def _suppression(event_type: str, section: Mapping[str, Any], failure: ReceiptClass | None) -> Suppression | None:
    """Why the recipient must not be written to again."""
    if event_type == "Complaint":
        return None if section.get("complaintFeedbackType") == NOT_SPAM else Suppression.COMPLAINT
    if event_type == "Subscription":
        unsubscribed = object_of(section, "newTopicPreferences").get("unsubscribeAll") is True
        return Suppression.OPT_OUT if unsubscribed else None
    return Suppression.BOUNCE if failure is ReceiptClass.SUPPRESS else None


def _tag(tags: Mapping[str, Any], name: str) -> str | None:
    """A tag's value; SES publishes the values of a tag as a list."""
    values = tags.get(name)
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        return text_of({name: values[0]}, name)
    return None
