"""SendTextMessage: one call, no retry of its own, every refusal classified."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from lambdas.core.ports import OutboundMessage
from lambdas.core.provider_errors import ErrorClass, ProviderError, classify, in_doubt
from lambdas.core.receipts import CONTEXT_MESSAGE_ID, CONTEXT_STACK


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
            "MessageBody": message.row.body,
            "MessageType": message.message_type,
            "Context": {CONTEXT_MESSAGE_ID: message.message_id, CONTEXT_STACK: self._stack},
        }
        if message.max_price_usd is not None:
            arguments["MaxPrice"] = message.max_price_usd
        if message.validity_seconds is not None:
            arguments["TimeToLive"] = message.validity_seconds
        try:
            answer = self._client.send_text_message(**arguments)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            raise classify(error.response["Error"]["Code"], error.response.get("Reason"), status) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise ProviderError(type(error).__name__, ErrorClass.RETRY) from error
        except BotoCoreError as error:
            raise in_doubt(type(error).__name__) from error
        return str(answer["MessageId"])
