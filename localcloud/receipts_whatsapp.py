"""Message statuses of the simulated WhatsApp carrier, in the two shapes in which AWS publishes them.

Shapes and fields: AWS End User Messaging Social user guide, "Monitoring with Amazon EventBridge" and "Message and
event format"; WhatsApp Cloud API, "Status messages webhook reference". Meta's `pricing` speaks of per-message pricing
(`PMP`) since July 2025; AWS's older sample still has `CBP`.
"""

from __future__ import annotations

import base64
import datetime
import json
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from localcloud.carrier_whatsapp_account import BusinessAccount, PhoneNumber
from localcloud.carrier_whatsapp_message import OutboundMessage
from localcloud.traffic import Origin

ORIGIN = Origin("aws.social-messaging", "social-messaging.amazonaws.com")

TEMPLATE_MISSING = "132001"
TEMPLATE_PARAMETERS = "132000"
TEMPLATE_PAUSED = "132015"
TEMPLATE_DISABLED = "132016"
WINDOW_CLOSED = "131047"
UNDELIVERABLE = "131026"

META_ERRORS = {
    "130429": "Rate limit hit",
    "130472": "User's number is part of an experiment",
    "131000": "Something went wrong",
    UNDELIVERABLE: "Message undeliverable",
    "131042": "Business eligibility payment issue",
    WINDOW_CLOSED: "Re-engagement message",
    "131048": "Spam rate limit hit",
    "131049": "This message was not delivered to maintain healthy ecosystem engagement",
    "131050": "User has stopped receiving marketing messages from this business",
    "131056": "(Business Account, Consumer Account) pair rate limit hit",
    TEMPLATE_PARAMETERS: "Number of parameters does not match the expected number of params",
    TEMPLATE_PAUSED: "Template is paused",
    TEMPLATE_DISABLED: "Template is disabled",
    TEMPLATE_MISSING: "Template name does not exist in the translation",
}
"""Code to title (WhatsApp Cloud API, error codes)."""


class WhatsAppStatus(StrEnum):
    """The statuses of an outbound message that are simulated."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedWhatsAppMessage:
    """A message the carrier took. `message_id` is AWS's, `wamid` Meta's; `category` is None for a free-form message."""

    message_id: str
    message: OutboundMessage
    number: PhoneNumber
    account: BusinessAccount
    category: str | None
    wamid: str = field(default_factory=lambda: f"wamid.{base64.b64encode(secrets.token_bytes(36)).decode()}")


def detail_type(status: WhatsAppStatus) -> str:
    """The `detail-type` on EventBridge."""
    return f"WhatsApp Message {status.capitalize()}"


def event_bridge_detail(
    accepted: AcceptedWhatsAppMessage, status: WhatsAppStatus, at: float, error: str | None = None
) -> dict[str, Any]:
    """The `detail` on EventBridge: Meta's ids of account and number, AWS's of the message, no recipient, no price."""
    return {
        "wabaId": accepted.account.meta_id,
        "originationPhoneNumber": accepted.number.number,
        "originationPhoneNumberId": accepted.number.meta_id,
        "messageId": accepted.message_id,
        "status": status.value,
        "eventTimestamp": str(int(at)),
        **({"errors": [_error(error)]} if error else {}),
    }


def webhook_entry(
    accepted: AcceptedWhatsAppMessage, status: WhatsAppStatus, at: float, error: str | None = None
) -> dict[str, Any]:
    """Meta's webhook entry for a status, with recipient, price and the sender's own data."""
    message = accepted.message
    return {
        "id": accepted.account.meta_id,
        "changes": [
            {
                "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {
                        "display_phone_number": accepted.number.number,
                        "phone_number_id": accepted.number.meta_id,
                    },
                    "statuses": [
                        {
                            "id": accepted.wamid,
                            "status": status.value,
                            "timestamp": str(int(at)),
                            "recipient_id": message.to,
                            **(
                                {"errors": [{**_error(error), "error_data": {"details": META_ERRORS[error]}}]}
                                if error
                                else {"pricing": _pricing(accepted.category)}
                            ),
                            **(
                                {"biz_opaque_callback_data": message.callback_data}
                                if message.callback_data is not None
                                else {}
                            ),
                        }
                    ],
                },
                "field": "messages",
            }
        ],
    }


def notification(
    entry: dict[str, Any],
    *,
    account: tuple[str, str],
    number: tuple[str, str],
    aws_account_id: str,
    notification_id: str,
    at: float,
) -> dict[str, Any]:
    """What the event destination's topic gets; `account` and `number` are (Meta's id, ARN), the entry becomes text."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return {
        "context": {
            "MetaWabaIds": [{"wabaId": account[0], "arn": account[1]}],
            "MetaPhoneNumberIds": [{"metaPhoneNumberId": number[0], "arn": number[1]}],
        },
        "whatsAppWebhookEntry": json.dumps(entry),
        "aws_account_id": aws_account_id,
        "message_timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z",
        "messageId": notification_id,
    }


def _error(code: str) -> dict[str, Any]:
    return {"code": int(code), "title": META_ERRORS[code], "message": META_ERRORS[code]}


def _pricing(category: str | None) -> dict[str, Any]:
    if category is None:
        return {
            "billable": False,
            "pricing_model": "PMP",
            "category": "service",
            "type": "free_customer_service",
        }
    return {"billable": True, "pricing_model": "PMP", "category": category.lower(), "type": "regular"}
