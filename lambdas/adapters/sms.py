"""SendTextMessage: one call, no retry of its own, every refusal classified."""

from __future__ import annotations

from typing import Any

from lambdas.adapters.provider_calls import call_once
from lambdas.core.correlation import CONTEXT_MESSAGE_ID, CONTEXT_STACK
from lambdas.core.ports import OutboundMessage


class SmsProvider:
    """Implements `lambdas.core.ports.ProviderPort` over AWS End User Messaging SMS.

    The client must be built with `attempts=1`: SendTextMessage has no idempotency token, so a retry inside the client
    could send twice.
    """

    def __init__(self, client: Any, *, stack: str, configuration_set: str, origination_identity: str) -> None:
        self._client = client
        self._fixed: dict[str, Any] = {"ConfigurationSetName": configuration_set}
        if origination_identity:
            self._fixed["OriginationIdentity"] = origination_identity
        self._stack = stack

    def send(self, message: OutboundMessage) -> str:
        """Make the call once; returns the provider's id or raises `ProviderError`."""
        arguments: dict[str, Any] = {
            **self._fixed,
            "DestinationPhoneNumber": message.row.destination,
            "MessageBody": message.row.content.body,
            "MessageType": message.terms.message_type,
            "Context": {CONTEXT_MESSAGE_ID: message.message_id, CONTEXT_STACK: self._stack},
        }
        if message.row.max_price_usd is not None:
            arguments["MaxPrice"] = f"{message.row.max_price_usd:.5f}"
        elif message.terms.max_price_usd is not None:
            arguments["MaxPrice"] = message.terms.max_price_usd
        if message.terms.validity_seconds is not None:
            arguments["TimeToLive"] = message.terms.validity_seconds
        return str(call_once(self._client.send_text_message, arguments)["MessageId"])
