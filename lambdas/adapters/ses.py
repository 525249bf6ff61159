"""SES v2 SendEmail: one call, no retry of its own, every refusal classified."""

from __future__ import annotations

import json
from typing import Any

from lambdas.adapters.provider_calls import call_once
from lambdas.core.content import Content
from lambdas.core.correlation import CONTEXT_MESSAGE_ID, CONTEXT_STACK
from lambdas.core.ports import OutboundMessage

CHARSET = "UTF-8"


class EmailProvider:
    """Implements `lambdas.core.ports.ProviderPort` over Amazon SES; the client with `attempts=1`."""

    def __init__(self, client: Any, *, stack: str, configuration_set: str, sender: str) -> None:
        self._client = client
        self._stack = stack
        self._fixed = {"ConfigurationSetName": configuration_set, "FromEmailAddress": sender}

    def send(self, message: OutboundMessage) -> str:
        """Make the call once; returns the provider's id or raises `ProviderError`."""
        arguments = {
            **self._fixed,
            "Destination": {"ToAddresses": [message.row.destination]},
            "Content": ses_content(message.row.content),
            "EmailTags": [
                {"Name": CONTEXT_MESSAGE_ID, "Value": message.message_id},
                {"Name": CONTEXT_STACK, "Value": self._stack},
            ],
        }
        return str(call_once(self._client.send_email, arguments)["MessageId"])


def ses_content(content: Content) -> dict[str, Any]:
    """`Content` of SendEmail: a template that SES renders, or a subject with text, HTML or both."""
    if content.template is not None:
        return {
            "Template": {"TemplateName": content.template.name, "TemplateData": json.dumps(dict(content.template.data))}
        }
    bodies = {"Text": content.body, "Html": content.html}
    return {
        "Simple": {
            "Subject": {"Data": content.subject, "Charset": CHARSET},
            "Body": {name: {"Data": text, "Charset": CHARSET} for name, text in bodies.items() if text},
        }
    }
