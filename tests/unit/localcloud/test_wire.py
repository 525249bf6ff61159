"""The server's side of AWS's protocols, with botocore's own serializers and parsers as the other side."""

from __future__ import annotations

import datetime
import functools
from typing import Any
from urllib.parse import parse_qs

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.wire import Response, Service, ServiceError

SMS = "pinpoint-sms-voice-v2"
SOCIAL = "socialmessaging"
EMAIL = "sesv2"


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def _server(service: str) -> Service:
    return Service(service)


def _roundtrip(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the server reads of what botocore writes."""
    model = _model(service).operation_model(operation)
    protocol = _model(service).metadata["protocol"]
    request = botocore.serialize.create_serializer(protocol).serialize_to_request(params, model)
    body = request["body"]
    server = _server(service)
    path, _, query = request["url_path"].partition("?")
    arguments = {**parse_qs(query), **{k: [str(v)] for k, v in (request["query_string"] or {}).items()}}
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert server.operation_of(request["method"], path, headers) == operation
    return server.decode(operation, path, arguments, body if isinstance(body, bytes) else body.encode()).params


def _parsed(service: str, operation: str, response: Response) -> dict[str, Any]:
    """What botocore reads of what the server writes."""
    model = _model(service).operation_model(operation)
    parser = botocore.parsers.create_parser(_model(service).metadata["protocol"])
    raw = {"status_code": response.status, "headers": response.headers, "body": response.body}
    shape = model.output_shape
    answer: dict[str, Any] = parser.parse(raw, shape)
    if response.status >= 300:
        error_shape = _model(service).shape_for_error_code(answer["Error"]["Code"])
        answer.update(parser.parse(raw, error_shape) if error_shape is not None else {})
    answer.pop("ResponseMetadata", None)
    return answer


@given(
    st.from_regex(r"\+?[1-9][0-9]{1,18}", fullmatch=True),
    st.text(min_size=1, max_size=200).filter(str.strip),
    st.dictionaries(
        st.from_regex(r"[a-z]{1,10}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), max_size=5
    ),
    st.integers(5, 259_200),
)
def test_a_request_is_read_as_it_was_written(number: str, text: str, context: dict[str, str], ttl: int) -> None:
    params = {"DestinationPhoneNumber": number, "MessageBody": text, "Context": context, "TimeToLive": ttl}
    assert _roundtrip(SMS, "SendTextMessage", params) == params


def test_rest_json_paths_blobs_and_queries_are_read() -> None:
    sent = {"originationPhoneNumberId": "phone-number-id-1", "message": b"\x00{}", "metaApiVersion": "v20.0"}
    sent["originationPhoneNumberId"] = "phone-number-id-" + "0" * 32
    assert _roundtrip(SOCIAL, "SendWhatsAppMessage", sent) == sent
    arn = "arn:aws:social-messaging:us-east-1:123456789012:waba/" + "0" * 32
    assert _roundtrip(SOCIAL, "ListTagsForResource", {"resourceArn": arn}) == {"resourceArn": arn}
    assert _roundtrip(SOCIAL, "ListLinkedWhatsAppBusinessAccounts", {"maxResults": 5}) == {"maxResults": 5}


def test_answers_are_what_boto3_returns() -> None:
    made = datetime.datetime(2026, 1, 31, 10, 20, 30, 500_000, datetime.UTC)
    answer = {"ConfigurationSetName": "a", "CreatedTimestamp": made, "Tags": [{"Key": "k", "Value": "v"}], "Odd": None}
    parsed = _parsed(SMS, "CreateConfigurationSet", Service(SMS).encode("CreateConfigurationSet", answer))
    assert parsed.pop("CreatedTimestamp").timestamp() == made.timestamp()
    assert parsed == {"ConfigurationSetName": "a", "Tags": [{"Key": "k", "Value": "v"}]}


@pytest.mark.parametrize(
    ("service", "operation", "code", "members", "status"),
    [
        (SMS, "SendTextMessage", "ConflictException", {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}, 400),
        (SMS, "SendTextMessage", "ResourceNotFoundException", {"ResourceType": "pool", "ResourceId": "p"}, 400),
        (SMS, "SendTextMessage", "ThrottlingException", {}, 400),
        (SMS, "SendTextMessage", "InternalServerException", {"RequestId": "r"}, 500),
        (SOCIAL, "SendWhatsAppMessage", "ThrottledRequestException", {}, 429),
        (EMAIL, "SendEmail", "TooManyRequestsException", {}, 429),
        (EMAIL, "SendEmail", "AccessDeniedException", {}, 403),
    ],
)
def test_errors_are_typed(service: str, operation: str, code: str, members: dict[str, str], status: int) -> None:
    response = Service(service).encode_error(ServiceError(code, "why", **members), operation)
    assert response.status == status
    parsed = _parsed(service, operation, response)
    assert parsed["Error"]["Code"] == code
    assert {name: parsed[name] for name in members} == members
    assert parsed["Error"]["Message"] == "why"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "SerializationException", ""),
        (b"[]", "SerializationException", ""),
        (b"{}", "ValidationException", "DestinationPhoneNumber"),
        (b'{"DestinationPhoneNumber": 5}', "ValidationException", "DestinationPhoneNumber"),
        (b'{"DestinationPhoneNumber": "+1", "Context": {"a": "v"}}', "ValidationException", "DestinationPhoneNumber"),
        (b'{"DestinationPhoneNumber": "+12", "TimeToLive": 4}', "ValidationException", "TimeToLive"),
    ],
)
def test_what_the_model_forbids_is_refused(body: bytes, code: str, field: str) -> None:
    with pytest.raises(ServiceError) as caught:
        Service(SMS).decode("SendTextMessage", "/", {}, body)
    assert caught.value.code == code
    fields = [each["Name"] for each in caught.value.members.get("Fields", [])]
    assert fields == ([field] if field else [])


def test_a_service_has_its_own_word_for_what_its_model_forbids() -> None:
    with pytest.raises(ServiceError) as caught:
        Service(EMAIL).decode("SendEmail", "/v2/email/outbound-emails", {}, b"{}")
    assert caught.value.code == "BadRequestException"


def test_unknown_operations_are_refused() -> None:
    for headers in ({}, {"x-amz-target": "PinpointSMSVoiceV2.Nothing"}, {"x-amz-target": "Other.SendTextMessage"}):
        with pytest.raises(ServiceError, match="unknown operation"):
            Service(SMS).operation_of("POST", "/", headers)
    with pytest.raises(ServiceError, match="no operation answers"):
        Service(SOCIAL).operation_of("GET", "/v1/nothing", {})
