"""The rules that put delivery receipts of the account's buses into the receipts queue."""

from __future__ import annotations

from typing import Any

from components import email_channel
from components.event_rule import RuleArgs
from components.naming import Site

SMS_SOURCE = "aws.sms-voice"
SMS_DETAIL_TYPE = "Text Message Delivery Status Updated"
"""What End User Messaging SMS puts on the account's default bus (EventBridge reference, events of sms-voice)."""

WHATSAPP_SOURCE = "aws.social-messaging"
WHATSAPP_DETAIL_TYPES = (
    "WhatsApp Message Sent",
    "WhatsApp Message Delivered",
    "WhatsApp Message Read",
    "WhatsApp Message Failed",
    "WhatsApp Message Undeliverable",
)
"""What tells of a message's way (EventBridge reference, events of social-messaging); inbound messages do not."""

EMAIL_SOURCE = "aws.ses"
EMAIL_DETAIL_TYPES = (
    "Email Sent",
    "Email Delivered",
    "Email Bounced",
    "Email Complaint Received",
    "Email Rejected",
    "Email Rendering Failed",
    "Email Delivery Delayed",
)
"""What SES tells of one email (EventBridge reference, events of SES)."""


def receipt_rules(site: Site) -> list[RuleArgs]:
    """The rules of the channels that the stack has.

    Events of the default bus are the whole account's: where the configuration names what a stack sends from, those of
    other stacks stay out.
    """
    settings = site.settings
    rules = [_sms(settings.sms.origination_identity)]
    if settings.whatsapp is not None:
        rules.append(_whatsapp())
    if settings.email is not None:
        rules.append(_email(site.physical(email_channel.CONFIGURATION_SET)))
    if settings.in_house_event_source:
        rules.append(_in_house(settings.in_house_event_source, site.physical("messaging")))
    return rules


def _sms(identity: str | None) -> RuleArgs:
    pattern: dict[str, Any] = {"source": [SMS_SOURCE], "detail-type": [SMS_DETAIL_TYPE]}
    if identity is not None and identity.startswith("+"):
        pattern["detail"] = {"originationPhoneNumber": [identity]}
    return RuleArgs(thing="sms-receipts", description="Delivery receipts of SMS", pattern=pattern)


def _whatsapp() -> RuleArgs:
    """Of every number of the account: these events name Meta's ids, none that SendWhatsAppMessage knows."""
    return RuleArgs(
        thing="whatsapp-receipts",
        description="Delivery receipts of WhatsApp",
        pattern={
            "source": [WHATSAPP_SOURCE],
            "detail-type": list(WHATSAPP_DETAIL_TYPES),
        },
    )


def _email(configuration_set: str) -> RuleArgs:
    """By the tag that SES puts on every email that was sent with a configuration set."""
    return RuleArgs(
        thing="email-receipts",
        description="Delivery receipts of email",
        pattern={
            "source": [EMAIL_SOURCE],
            "detail-type": list(EMAIL_DETAIL_TYPES),
            "detail": {"mail": {"tags": {"ses:configuration-set": [configuration_set]}}},
        },
    )


def _in_house(source: str, bus: str) -> RuleArgs:
    """Receipts of in-house producers; the detail alone has the form of a configuration set's event."""
    return RuleArgs(
        thing="in-house-receipts",
        description="Delivery receipts of in-house producers",
        pattern={"source": [source], "detail-type": [SMS_DETAIL_TYPE]},
        bus=bus,
        input_path="$.detail",
    )
