"""Each channel's call as botocore's model takes it, through the real client, and every way it can end."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from lambdas.adapters import aws
from lambdas.adapters.providers import make_provider
from lambdas.core.channels import Channel
from lambdas.core.content import Content, Template
from lambdas.core.correlation import read_callback_data
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import OutboundMessage, ProviderPort, SendTerms
from lambdas.core.provider_errors import BY_EXCEPTION, ErrorClass, ProviderError
from tests.support.campaigns import PRICE_USD

SERVICES = {
    Channel.SMS: ("pinpoint-sms-voice-v2", "SendTextMessage"),
    Channel.WHATSAPP: ("socialmessaging", "SendWhatsAppMessage"),
    Channel.EMAIL: ("sesv2", "SendEmail"),
}
IDENTITIES = {Channel.SMS: "pool-1", Channel.WHATSAPP: "phone-number-id-" + "0" * 32, Channel.EMAIL: "Shop <s@x.org>"}
ANSWERS = {
    Channel.SMS: {"MessageId": "p-1"},
    Channel.WHATSAPP: {"messageId": "p-1"},
    Channel.EMAIL: {"MessageId": "p-1"},
}
MESSAGE_ID = "spring-0000001"
TEMPLATE = Template("order_ready", "de", ("<Ada>", "42"), {"name": "<Ada>"})


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Wire:
    """Answers in place of the network, after the client has built, checked and signed the request."""

    def __init__(self) -> None:
        self.requests: list[AWSPreparedRequest] = []
        self.status = 200
        self.answer: dict[str, Any] = {}
        self.code: str | None = None
        self.failure: Exception | None = None

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        headers = {"content-type": "application/json"} | ({"x-amzn-errortype": self.code} if self.code else {})
        answer = self.answer | ({"__type": self.code} if self.code else {})
        raw = Raw(json.dumps(answer).encode())
        return AWSResponse(request.url, self.status, headers, cast(Any, raw))

    def document(self) -> Any:
        """The only request's body."""
        (request,) = self.requests
        return json.loads(cast(bytes, request.body))


class MakeProvider(Protocol):
    """Builds a channel's provider behind the wire."""

    def __call__(self, channel: Channel) -> ProviderPort: ...


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def provider_of(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> Iterator[MakeProvider]:
    """The provider as the functions make it, its client's transport replaced."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_DEFAULT_REGION", "us-east-1"),
        ("ENVIRONMENT", "local"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()

    def make(channel: Channel) -> ProviderPort:
        wire.answer = ANSWERS[channel]
        provider = make_provider(
            channel, stack="dev", identity=IDENTITIES[channel], configuration_set="set-1", connections=4
        )
        service = SERVICES[channel][0]
        aws.client(service, attempts=1, connections=4).meta.events.register("before-send", wire)
        return provider

    yield make
    aws.client.cache_clear()


def message(channel: Channel, content: Content | None = None) -> OutboundMessage:
    address = "success@simulator.amazonses.com" if channel is Channel.EMAIL else "+14255550001"
    content = content or Content("text 1", "subject 1" if channel is Channel.EMAIL else "")
    row = PlannedRow(1, "c-1", channel, address, "", content, 1, PRICE_USD)
    return OutboundMessage(MESSAGE_ID, row, SendTerms("spring", "TRANSACTIONAL", "0.05000", 600))


def test_an_sms(provider_of: MakeProvider, wire: Wire) -> None:
    assert provider_of(Channel.SMS).send(message(Channel.SMS)) == "p-1"
    assert wire.document() == {
        "ConfigurationSetName": "set-1",
        "OriginationIdentity": "pool-1",
        "DestinationPhoneNumber": "+14255550001",
        "MessageBody": "text 1",
        "MessageType": "TRANSACTIONAL",
        "Context": {"message_id": MESSAGE_ID, "stack": "dev"},
        "MaxPrice": "0.05000",
        "TimeToLive": 600,
    }


def cloud_api_message(wire: Wire) -> dict[str, Any]:
    """Meta's message inside the only call."""
    outer = wire.document()
    assert outer["originationPhoneNumberId"] == IDENTITIES[Channel.WHATSAPP]
    assert outer["metaApiVersion"] == "v20.0"
    inner: dict[str, Any] = json.loads(base64.b64decode(outer["message"]))
    return inner


def test_a_whatsapp_text(provider_of: MakeProvider, wire: Wire) -> None:
    assert (
        provider_of(Channel.WHATSAPP).send(message(Channel.WHATSAPP, Content("gr\u00fc\u00df dich \U0001f600")))
        == "p-1"
    )
    inner = cloud_api_message(wire)
    assert read_callback_data(inner.pop("biz_opaque_callback_data")) == ("dev", MESSAGE_ID)
    assert inner == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+14255550001",
        "type": "text",
        "text": {"body": "gr\u00fc\u00df dich \U0001f600"},
    }


def test_a_whatsapp_template(provider_of: MakeProvider, wire: Wire) -> None:
    provider_of(Channel.WHATSAPP).send(message(Channel.WHATSAPP, Content(template=TEMPLATE)))
    inner = cloud_api_message(wire)
    assert inner["type"] == "template"
    assert inner["template"] == {
        "name": "order_ready",
        "language": {"code": "de"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "<Ada>"}, {"type": "text", "text": "42"}]}
        ],
    }


def test_a_whatsapp_template_without_parameters_has_no_components(provider_of: MakeProvider, wire: Wire) -> None:
    provider_of(Channel.WHATSAPP).send(message(Channel.WHATSAPP, Content(template=Template("hello"))))
    assert cloud_api_message(wire)["template"] == {"name": "hello", "language": {"code": "en_US"}}


@pytest.mark.parametrize("parts", [("Text",), ("Html",), ("Text", "Html")])
def test_an_email(provider_of: MakeProvider, wire: Wire, parts: tuple[str, ...]) -> None:
    texts = {"Text": "h\u00e4llo", "Html": "<b>h\u00e4llo</b>"}
    content = Content(texts["Text"] if "Text" in parts else "", "s\u00e4g", texts["Html"] if "Html" in parts else "")
    assert provider_of(Channel.EMAIL).send(message(Channel.EMAIL, content)) == "p-1"
    assert wire.document() == {
        "FromEmailAddress": "Shop <s@x.org>",
        "ConfigurationSetName": "set-1",
        "Destination": {"ToAddresses": ["success@simulator.amazonses.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "s\u00e4g", "Charset": "UTF-8"},
                "Body": {part: {"Data": texts[part], "Charset": "UTF-8"} for part in parts},
            }
        },
        "EmailTags": [{"Name": "message_id", "Value": MESSAGE_ID}, {"Name": "stack", "Value": "dev"}],
    }


def test_an_email_template_gets_its_variables(provider_of: MakeProvider, wire: Wire) -> None:
    provider_of(Channel.EMAIL).send(message(Channel.EMAIL, Content(template=TEMPLATE)))
    template = wire.document()["Content"]["Template"]
    assert (template["TemplateName"], json.loads(template["TemplateData"])) == ("order_ready", {"name": "<Ada>"})


def refusal(
    provider_of: MakeProvider, wire: Wire, channel: Channel, *, status: int = 400, code: str = "", **answer: Any
) -> ProviderError:
    """How a call ends that is answered with an error."""
    provider = provider_of(channel)
    wire.status, wire.code, wire.answer = status, code, {"Message": "no", **answer}
    with pytest.raises(ProviderError) as caught:
        provider.send(message(channel))
    assert len(wire.requests) == 1, "a retry inside the client could send twice"
    return caught.value


def declared() -> list[tuple[Channel, str, int]]:
    """Every error that AWS's model names for a send operation, with its status."""
    session = botocore.session.get_session()
    found = []
    for channel, (service, operation) in SERVICES.items():
        for shape in session.get_service_model(service).operation_model(operation).error_shapes:
            status = shape.metadata.get("error", {}).get("httpStatusCode", 400)
            found.append((channel, shape.name, status))
    return found


@pytest.mark.parametrize(("channel", "code", "status"), declared())
def test_every_error_that_aws_declares_has_a_class_of_its_own(
    provider_of: MakeProvider, wire: Wire, channel: Channel, code: str, status: int
) -> None:
    error = refusal(provider_of, wire, channel, status=status, code=code)
    assert error.code == code
    expected = ErrorClass.IN_DOUBT if status >= 500 and code not in BY_EXCEPTION else BY_EXCEPTION[code]
    assert error.error_class is expected
    assert error.throttled is (status == 429 or "Throttling" in code)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("status", "code", "error_class"),
    [
        (403, "ExpiredTokenException", ErrorClass.STOP),
        (403, "UnrecognizedClientException", ErrorClass.STOP),
        (403, "AccessDeniedException", ErrorClass.STOP),
        (429, "ThrottlingException", ErrorClass.WAIT),
        (503, "ServiceUnavailable", ErrorClass.IN_DOUBT),
        (502, "BadGateway", ErrorClass.IN_DOUBT),
        (400, "RequestTimeout", ErrorClass.IN_DOUBT),
        (400, "SomethingNew", ErrorClass.FAIL_OVER),
    ],
)
def test_what_any_service_may_answer(
    provider_of: MakeProvider, wire: Wire, channel: Channel, status: int, code: str, error_class: ErrorClass
) -> None:
    assert refusal(provider_of, wire, channel, status=status, code=code).error_class is error_class


def test_the_reason_of_an_sms_refusal_decides(provider_of: MakeProvider, wire: Wire) -> None:
    reason = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
    error = refusal(provider_of, wire, Channel.SMS, code="ConflictException", Reason=reason)
    assert (error.code, error.error_class) == (reason, ErrorClass.SUPPRESS)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("make", "error_class"),
    [
        (lambda: ConnectTimeoutError(endpoint_url="x"), ErrorClass.WAIT),
        (lambda: EndpointConnectionError(endpoint_url="x"), ErrorClass.WAIT),
        (lambda: ReadTimeoutError(endpoint_url="x"), ErrorClass.IN_DOUBT),
        (lambda: ConnectionClosedError(endpoint_url="x"), ErrorClass.IN_DOUBT),
        (lambda: NoCredentialsError(), ErrorClass.STOP),
        (lambda: CredentialRetrievalError(provider="x", error_msg="y"), ErrorClass.STOP),
    ],
)
def test_connections_that_fail(
    provider_of: MakeProvider,
    wire: Wire,
    channel: Channel,
    make: Callable[[], Exception],
    error_class: ErrorClass,
) -> None:
    provider = provider_of(channel)
    wire.failure = make()
    with pytest.raises(ProviderError) as caught:
        provider.send(message(channel))
    assert (caught.value.code, caught.value.error_class) == (type(wire.failure).__name__, error_class)
    assert len(wire.requests) == 1


def test_what_the_client_itself_refuses_fails_that_message_and_has_not_been_sent(
    provider_of: MakeProvider, wire: Wire
) -> None:
    with pytest.raises(ProviderError) as caught:
        provider_of(Channel.SMS).send(message(Channel.SMS, Content("")))
    assert (caught.value.code, caught.value.error_class) == ("ParamValidationError", ErrorClass.FAIL_OVER)
    assert wire.requests == []


@pytest.mark.parametrize("channel", Channel)
def test_no_error_repeats_what_was_sent(provider_of: MakeProvider, wire: Wire, channel: Channel) -> None:
    error = refusal(provider_of, wire, channel, code="ValidationException", message="for +14255550001, a@example.com")
    assert "4255550001" not in str(error)
    assert "example.com" not in str(error)


def test_the_calls_go_where_the_environment_says(provider_of: MakeProvider, wire: Wire) -> None:
    provider_of(Channel.EMAIL).send(message(Channel.EMAIL))
    assert urlsplit(wire.requests[0].url).netloc == "127.0.0.1:9"
