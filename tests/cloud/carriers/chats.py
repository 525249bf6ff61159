"""WhatsApp messages to send, and a template that they name."""

from __future__ import annotations

import json
from typing import Any

from localcloud.carrier_whatsapp_account import PHONE_NUMBER_ID

WORKS = "+14254147755"
ORDINARY = "+12065550142"
TEMPLATE = {
    "name": "greeting",
    "language": "en_US",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["Ada"]]}}],
}


def templated(name: str, to: str = ORDINARY, **more: Any) -> dict[str, Any]:
    """A message that names a template with one parameter."""
    body = {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}
    use = {"name": name, "language": {"code": "en_US"}, "components": [body]}
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": use, **more}


def text(to: str = WORKS, body: str = "hello") -> dict[str, Any]:
    """A message of free text, without a template."""
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


def arguments(message: object) -> dict[str, Any]:
    """The arguments of SendWhatsAppMessage."""
    return {
        "originationPhoneNumberId": PHONE_NUMBER_ID,
        "metaApiVersion": "v20.0",
        "message": json.dumps(message),
    }


def send_chat(chat: Any, message: object, **change: Any) -> str:
    """Send a message; its id."""
    return str(chat.send_whatsapp_message(**{**arguments(message), **change})["messageId"])
