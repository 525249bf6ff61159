"""SendWhatsAppMessage: one call, no retry of its own, every refusal classified."""

from __future__ import annotations

import json
from typing import Any

from lambdas.adapters.provider_calls import call_once
from lambdas.core.content import Content
from lambdas.core.correlation import callback_data
from lambdas.core.ports import OutboundMessage

META_API_VERSION = "v20.0"
"""Version of Meta's Cloud API that the messages are written in (SendWhatsAppMessage, `metaApiVersion`)."""


class WhatsAppProvider:
    """Implements `lambdas.core.ports.ProviderPort` over AWS End User Messaging Social; the client with `attempts=1`."""

    def __init__(self, client: Any, *, stack: str, phone_number_id: str) -> None:
        self._client = client
        self._stack = stack
        self._phone_number_id = phone_number_id

    def send(self, message: OutboundMessage) -> str:
        """Make the call once; returns the provider's id or raises `ProviderError`."""
        document = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.row.destination,
            "biz_opaque_callback_data": callback_data(self._stack, message.message_id),
            **cloud_api_content(message.row.content),
        }
        arguments = {
            "originationPhoneNumberId": self._phone_number_id,
            "metaApiVersion": META_API_VERSION,
            "message": json.dumps(document, ensure_ascii=False).encode(),
        }
        return str(call_once(self._client.send_whatsapp_message, arguments)["messageId"])


def cloud_api_content(content: Content) -> dict[str, Any]:
    """Type and content of a Cloud API message (Meta's reference, messages, template and text objects)."""
    template = content.template
    if template is None:
        return {"type": "text", "text": {"body": content.body}}
    parameters = [{"type": "text", "text": text} for text in template.parameters]
    return {
        "type": "template",
        "template": {
            "name": template.name,
            "language": {"code": template.language},
            **({"components": [{"type": "body", "parameters": parameters}]} if parameters else {}),
        },
    }
