"""SMS that are sent, refused and answered for, as an unmodified boto3 client sees them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues
from tests.cloud.carriers.refusals import response_of

DELIVERED = "+14254147755"
FAILED = "+14254147167"
ORDINARY = "+12065550142"
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))


def test_one_message_comes_back_by_both_paths(
    sms: Any,
    origination: str,
    sms_receipts: str,
    sms_configuration_set: tuple[str, str],
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    name, by_topic = sms_configuration_set
    sent = sms.send_text_message(
        DestinationPhoneNumber=DELIVERED,
        OriginationIdentity=origination,
        MessageBody="x" * 161,
        ConfigurationSetName=name,
        Context={"campaign": "c1", "row": "r1"},
        MessageType="TRANSACTIONAL",
    )["MessageId"]
    events: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []

    def all_there() -> bool:
        events.extend(drain(sms_receipts))
        documents.extend(drain(by_topic))
        return len(events) >= 2 and len(documents) >= 2

    wait_until(all_there)
    final = next(event for event in events if event["detail"]["isFinal"])
    assert (final["source"], final["account"], final["region"]) == ("aws.sms-voice", "123456789012", "us-east-1")
    detail = final["detail"]
    assert {
        k: detail[k] for k in ("eventType", "messageStatus", "messageId", "messageEncoding", "totalMessageParts")
    } == {
        "eventType": "TEXT_DELIVERED",
        "messageStatus": "DELIVERED",
        "messageId": sent,
        "messageEncoding": "GSM",
        "totalMessageParts": 2,
    }
    assert (detail["totalMessagePrice"], detail["totalCarrierFee"]) == (0.01162, 0.006)
    assert "destinationPhoneNumber" not in detail
    assert "context" not in detail
    document = next(each for each in documents if each["isFinal"])
    assert document["destinationPhoneNumber"] == DELIVERED
    assert document["context"] == {"campaign": "c1", "row": "r1"}
    assert {each["messageStatus"] for each in documents} == {"PENDING", "DELIVERED"}


@pytest.mark.parametrize(("destination", "status"), [(DELIVERED, "DELIVERED"), (FAILED, "BLOCKED")])
def test_simulator_numbers_ignore_the_failure_rate(
    destination: str,
    status: str,
    sms: Any,
    origination: str,
    sms_receipts: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(
        CarrierProfile(receipt_delay_ms=(0, 1), failure_rate=1.0, failure_mix={"SPAM": 1})
    )
    sms.send_text_message(DestinationPhoneNumber=destination, OriginationIdentity=origination, MessageBody="x")
    seen: list[dict[str, Any]] = []

    def final() -> list[dict[str, Any]]:
        seen.extend(drain(sms_receipts))
        return [event["detail"] for event in seen if event["detail"]["isFinal"]]

    assert [detail["messageStatus"] for detail in wait_until(final)] == [status]


def test_receipts_follow_the_seeded_profile(
    sms: Any,
    origination: str,
    sms_receipts: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    profile = CarrierProfile(
        seed=7,
        latency_ms=(0, 0),
        receipt_delay_ms=(0, 5),
        failure_rate=0.3,
        failure_mix={"UNREACHABLE": 2, "SPAM": 1},
        duplicate_rate=0.3,
        lost_rate=0.1,
    )
    carrier_control.set_carrier_profile(profile)
    count = 60
    expected: Counter[str] = Counter()
    for n in range(1, count + 1):
        end = fate(profile, n)
        expected["PENDING"] += 1
        expected[end.final_status] += 0 if end.lost else 1 + end.duplicated
    for _ in range(count):
        sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=origination, MessageBody="x")
    seen: Counter[str] = Counter()

    def all_seen() -> bool:
        seen.update(event["detail"]["messageStatus"] for event in drain(sms_receipts))
        return seen.total() >= expected.total()

    wait_until(all_seen)
    assert seen == +expected


def test_refusals_follow_the_seeded_profile(sms: Any, origination: str, carrier_control: ControlClient) -> None:
    profile = CarrierProfile(seed=3, latency_ms=(0, 0), throttle_rate=0.3, error_rate=0.2)
    carrier_control.set_carrier_profile(profile)
    outcomes = []
    refusals: list[dict[str, Any]] = []
    for _ in range(40):
        try:
            sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=origination, MessageBody="x")
            outcomes.append("accepted")
        except botocore.exceptions.ClientError as error:
            throttled = isinstance(error, sms.exceptions.ThrottlingException)
            outcomes.append("throttle" if throttled else "error")
            refusals.append(dict(error.response))
    statuses = {each["Error"]["Code"]: each["ResponseMetadata"]["HTTPStatusCode"] for each in refusals}
    assert statuses == {"ThrottlingException": 400, "InternalServerException": 500}
    assert not any("Reason" in each for each in refusals)
    assert outcomes == [verdict(profile, n).refusal or "accepted" for n in range(1, 41)]
    recorded = [call.outcome for call in carrier_control.carrier_calls()]
    names = {"throttle": "ThrottlingException", "error": "InternalServerException", "accepted": "accepted"}
    assert recorded == [names[outcome] for outcome in outcomes]


def test_an_outage_refuses_every_call(sms: Any, origination: str, carrier_control: ControlClient) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(outage=True))
    with pytest.raises(sms.exceptions.InternalServerException):
        sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=origination, MessageBody="x")


def test_a_dry_run_validates_and_sends_nothing(
    sms: Any,
    origination: str,
    sms_receipts: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    dry = sms.send_text_message(
        DestinationPhoneNumber=DELIVERED, OriginationIdentity=origination, MessageBody="x", DryRun=True
    )["MessageId"]
    wet = sms.send_text_message(DestinationPhoneNumber=DELIVERED, OriginationIdentity=origination, MessageBody="x")
    seen: list[str] = []

    def both_events_of_the_second() -> bool:
        seen.extend(event["detail"]["messageId"] for event in drain(sms_receipts))
        return len(seen) >= 2

    wait_until(both_events_of_the_second)
    assert set(seen) == {wet["MessageId"]}
    assert [(call.message_id, call.outcome) for call in carrier_control.carrier_calls()] == [
        (dry, "dry_run"),
        (wet["MessageId"], "accepted"),
    ]
    assert "Error" in response_of(
        lambda: sms.send_text_message(
            DestinationPhoneNumber=DELIVERED, OriginationIdentity="+19995550000", MessageBody="x", DryRun=True
        )
    )


def test_an_opted_out_destination_is_a_conflict_with_its_reason(
    sms: Any, origination: str, carrier_control: ControlClient
) -> None:
    sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=ORDINARY)
    try:
        error = response_of(
            lambda: sms.send_text_message(
                DestinationPhoneNumber=ORDINARY, OriginationIdentity=origination, MessageBody="x"
            )
        )
        assert (error["Error"]["Code"], error["Reason"]) == ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")
        numbers = sms.describe_opted_out_numbers(OptOutListName="Default")["OptedOutNumbers"]
        assert [number["OptedOutNumber"] for number in numbers] == [ORDINARY]
    finally:
        sms.delete_opted_out_number(OptOutListName="Default", OptedOutNumber=ORDINARY)
    sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=origination, MessageBody="x")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"DestinationPhoneNumber": "+0123"}, "ValidationException", "FIELD_VALIDATION_FAILED"),
        ({"MessageBody": "   "}, "ValidationException", "FIELD_VALIDATION_FAILED"),
        ({"MessageBody": "x" * 1531}, "ValidationException", "MAXIMUM_SIZE_EXCEEDED"),
        ({"MessageBody": "ж" * 631}, "ValidationException", "MAXIMUM_SIZE_EXCEEDED"),
        ({"MessageType": "SPAM"}, "ValidationException", "FIELD_VALIDATION_FAILED"),
        ({"Context": {str(n): "v" for n in range(6)}}, "ValidationException", "FIELD_VALIDATION_FAILED"),
        ({"TimeToLive": 259_201}, "ValidationException", "FIELD_VALIDATION_FAILED"),
        ({"MaxPrice": "0.00881", "MessageBody": "x" * 161}, "ValidationException", "PRICE_OVER_THRESHOLD"),
        ({"ConfigurationSetName": "nobody-made-it"}, "ResourceNotFoundException", None),
        ({"OriginationIdentity": "+19995550000"}, "ResourceNotFoundException", None),
    ],
)
def test_what_aws_refuses_is_refused(
    change: dict[str, Any], code: str, reason: str | None, sms: Any, origination: str, carrier_control: ControlClient
) -> None:
    call = {"DestinationPhoneNumber": ORDINARY, "OriginationIdentity": origination, "MessageBody": "x", **change}
    error = response_of(lambda: sms.send_text_message(**call))
    assert (error["Error"]["Code"], error.get("Reason")) == (code, reason)
    assert error["Error"]["Message"]


def test_the_limits_themselves_pass(sms: Any, origination: str, carrier_control: ControlClient) -> None:
    sms.send_text_message(
        DestinationPhoneNumber=ORDINARY,
        OriginationIdentity=origination,
        MessageBody="x" * 1530,
        Context={str(n): "v" for n in range(5)},
        TimeToLive=259_200,
        MaxPrice="0.09",
    )
    assert [call.parts for call in carrier_control.carrier_calls()] == [10]


def test_a_topic_that_keeps_the_service_out_gets_nothing(
    bare_cloud: LocalCloud,
    sms: Any,
    origination: str,
    sms_configuration_set: tuple[str, str],
    unique: str,
    make_queue: Callable[..., tuple[str, str]],
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    name, open_ = sms_configuration_set
    closed, closed_arn = make_queue()
    policy = receipt_queues.allow("social-messaging.amazonaws.com")
    with receipt_queues.topic(bare_cloud, f"{unique}-closed", closed_arn, policy) as topic:
        sms.create_event_destination(
            ConfigurationSetName=name,
            EventDestinationName="closed",
            MatchingEventTypes=["TEXT_ALL"],
            SnsDestination={"TopicArn": topic},
        )
        sms.send_text_message(
            DestinationPhoneNumber=DELIVERED,
            OriginationIdentity=origination,
            MessageBody="x",
            ConfigurationSetName=name,
        )
        receipt_queues.gather(drain, wait_until, open_, 2)
        assert drain(closed) == []


def test_an_operation_that_is_not_simulated_says_so(sms: Any) -> None:
    error = response_of(lambda: sms.describe_registrations())
    assert error["Error"]["Code"] == "ValidationException"
    assert "does not simulate DescribeRegistrations" in error["Error"]["Message"]


def test_a_role_without_the_grant_may_not_send(
    bare_cloud: LocalCloud, origination: str, carrier_control: ControlClient, deploy_function: Any
) -> None:
    source = """
import boto3
def handler(event, context):
    sms = boto3.client("pinpoint-sms-voice-v2")
    try:
        return sms.send_text_message(**event)["MessageId"]
    except sms.exceptions.AccessDeniedException as error:
        return error.response["Error"]["Message"]
"""
    grant = {"Effect": "Allow", "Action": "sms-voice:SendTextMessage", "Resource": "*"}
    call = {"DestinationPhoneNumber": DELIVERED, "OriginationIdentity": origination, "MessageBody": "x"}
    functions = bare_cloud.client("lambda")

    def answer(name: str) -> str:
        return str(json.load(functions.invoke(FunctionName=name, Payload=json.dumps(call))["Payload"]))

    refused = answer(deploy_function(source))
    assert "is not authorized to perform: sms-voice:SendTextMessage" in refused
    message_id = answer(deploy_function(source, statements=[grant]))
    assert [c.message_id for c in carrier_control.carrier_calls()] == [message_id]


def test_put_events_refuses_the_carriers_source(bare_cloud: LocalCloud) -> None:
    entry = {"Source": "aws.sms-voice", "DetailType": "Text Message Delivery Status Updated", "Detail": "{}"}
    answer = bare_cloud.client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
