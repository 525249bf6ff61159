"""SendTextMessage as it is called, and every way it can end."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from lambdas.adapters.sms import SmsProvider
from lambdas.core.ports import OutboundMessage, SendTerms
from lambdas.core.provider_errors import ErrorClass, ProviderError
from tests.support.campaigns import planned_row


class Client:
    """Answers or fails once, and remembers what it was asked."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome
        self.arguments: dict[str, Any] = {}

    def send_text_message(self, **arguments: Any) -> Any:
        self.arguments = arguments
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def provider(client: Client, identity: str = "phone-1") -> SmsProvider:
    return SmsProvider(client, stack="dev", configuration_set="set", origination_identity=identity)


def message(max_price_usd: str | None = None, validity_seconds: int | None = None) -> OutboundMessage:
    return OutboundMessage(
        "spring-0000001", planned_row(1), SendTerms("spring", "TRANSACTIONAL", max_price_usd, validity_seconds)
    )


def test_the_call_names_the_message_and_the_stack_for_its_receipts() -> None:
    client = Client({"MessageId": "p-1"})
    assert provider(client).send(message("0.05000", 600)) == "p-1"
    assert client.arguments == {
        "ConfigurationSetName": "set",
        "OriginationIdentity": "phone-1",
        "DestinationPhoneNumber": "+14255550001",
        "MessageBody": "text 1",
        "MessageType": "TRANSACTIONAL",
        "Context": {"message_id": "spring-0000001", "stack": "dev"},
        "MaxPrice": "0.05000",
        "TimeToLive": 600,
    }


def test_what_is_not_set_is_not_sent() -> None:
    client = Client({"MessageId": "p-1"})
    provider(client, identity="").send(message())
    assert client.arguments.keys().isdisjoint({"OriginationIdentity", "MaxPrice", "TimeToLive"})


def test_a_row_s_own_highest_price_goes_before_that_of_its_campaign() -> None:
    client = Client({"MessageId": "p-1"})
    row = dataclasses.replace(planned_row(1), max_price_usd=Decimal("0.0125"))
    provider(client).send(OutboundMessage("spring-0000001", row, SendTerms("spring", "TRANSACTIONAL", "0.05000")))
    assert client.arguments["MaxPrice"] == "0.01250"


def refusal(code: str, reason: str | None = None) -> ClientError:
    response: dict[str, Any] = {"Error": {"Code": code, "Message": "no"}, **({"Reason": reason} if reason else {})}
    return ClientError(response, "SendTextMessage")


@pytest.mark.parametrize(
    ("failure", "code", "error_class"),
    [
        (refusal("ThrottlingException"), "ThrottlingException", ErrorClass.WAIT),
        (refusal("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"), "DESTINATION_PHONE_NUMBER_OPTED_OUT",
         ErrorClass.SUPPRESS),
        (refusal("AccessDeniedException", "ACCOUNT_DISABLED"), "ACCOUNT_DISABLED", ErrorClass.STOP),
        (ConnectTimeoutError(endpoint_url="x"), "ConnectTimeoutError", ErrorClass.WAIT),
        (EndpointConnectionError(endpoint_url="x"), "EndpointConnectionError", ErrorClass.WAIT),
        (ReadTimeoutError(endpoint_url="x"), "ReadTimeoutError", ErrorClass.IN_DOUBT),
        (ConnectionClosedError(endpoint_url="x"), "ConnectionClosedError", ErrorClass.IN_DOUBT),
    ],
)  # fmt: skip
def test_every_failure_is_classified(failure: Exception, code: str, error_class: ErrorClass) -> None:
    with pytest.raises(ProviderError) as error:
        provider(Client(failure)).send(message())
    assert (error.value.code, error.value.error_class) == (code, error_class)
