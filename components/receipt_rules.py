"""The rules that put delivery receipts of the account's buses into the receipts queue.

Each asks for the source and the detail types that the channel's parser reads (EventBridge reference, events of
sms-voice, social-messaging and SES).
"""

from __future__ import annotations

from typing import Any

from components import email_channel
from components.event_rule import RuleArgs
from components.naming import Site
from lambdas.core import email_receipts, sms_receipts, whatsapp_receipts

EMAIL_DETAIL_TYPES = tuple(
    detail_type
    for detail_type, event_type in email_receipts.DETAIL_TYPES.items()
    if email_receipts.KINDS[event_type].matching in email_channel.EVENT_TYPES
)
"""Of what SES may put on the bus that which the configuration set publishes."""


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
    pattern: dict[str, Any] = {"source": [sms_receipts.EVENT_SOURCE], "detail-type": [sms_receipts.DETAIL_TYPE]}
    if identity is not None and identity.startswith("+"):
        pattern["detail"] = {"originationPhoneNumber": [identity]}
    return RuleArgs(thing="sms-receipts", description="Delivery receipts of SMS", pattern=pattern)


def _whatsapp() -> RuleArgs:
    """Of every number of the account: these events name Meta's ids, none that SendWhatsAppMessage knows."""
    return RuleArgs(
        thing="whatsapp-receipts",
        description="Delivery receipts of WhatsApp",
        pattern={"source": [whatsapp_receipts.EVENT_SOURCE], "detail-type": list(whatsapp_receipts.DETAIL_TYPES)},
    )


def _email(configuration_set: str) -> RuleArgs:
    """By the tag that SES puts on every email that was sent with a configuration set."""
    return RuleArgs(
        thing="email-receipts",
        description="Delivery receipts of email",
        pattern={
            "source": [email_receipts.EVENT_SOURCE],
            "detail-type": list(EMAIL_DETAIL_TYPES),
            "detail": {"mail": {"tags": {"ses:configuration-set": [configuration_set]}}},
        },
    )


def _in_house(source: str, bus: str) -> RuleArgs:
    """Receipts of in-house producers; the detail alone has the form of a configuration set's event."""
    return RuleArgs(
        thing="in-house-receipts",
        description="Delivery receipts of in-house producers",
        pattern={"source": [source], "detail-type": [sms_receipts.DETAIL_TYPE]},
        bus=bus,
        input_path="$.detail",
    )
