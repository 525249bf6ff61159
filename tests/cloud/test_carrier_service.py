"""The SMS carrier as an unmodified boto3 client sees it."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues

DELIVERED = "+14254147755"
FAILED = "+14254147167"
ORDINARY = "+12065550142"
RECEIPTS = {"source": ["aws.sms-voice"], "detail-type": ["Text Message Delivery Status Updated"]}
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))


@pytest.fixture
def sms(bare_cloud: LocalCloud) -> Any:
    return bare_cloud.client("pinpoint-sms-voice-v2", config=_no_retries())


def _no_retries() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})


@pytest.fixture
def origination(sms: Any) -> Iterator[str]:
    number = sms.request_phone_number(
        IsoCountryCode="US", MessageType="TRANSACTIONAL", NumberCapabilities=["SMS"], NumberType="SIMULATOR"
    )
    yield str(number["PhoneNumber"])
    sms.release_phone_number(PhoneNumberId=number["PhoneNumberId"])


@pytest.fixture
def receipts_by_event(bare_cloud: LocalCloud, unique: str, make_queue: Callable[..., tuple[str, str]]) -> Iterator[str]:
    """URL of a queue that gets every receipt through EventBridge."""
    events = bare_cloud.client("events")
    url, arn = make_queue()
    events.put_rule(Name=unique, EventPattern=json.dumps(RECEIPTS))
    events.put_targets(Rule=unique, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=unique, Ids=["queue"])
    events.delete_rule(Name=unique)


@pytest.fixture
def configuration_set(
    bare_cloud: LocalCloud, sms: Any, unique: str, make_queue: Callable[..., tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Name of a configuration set whose text events reach the queue with the returned URL."""
    sns = bare_cloud.client("sns")
    url, arn = make_queue()
    topic = sns.create_topic(Name=unique)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sms.create_configuration_set(ConfigurationSetName=unique)
    sms.create_event_destination(
        ConfigurationSetName=unique,
        EventDestinationName="topic",
        MatchingEventTypes=["TEXT_ALL"],
        SnsDestination={"TopicArn": topic},
    )
    yield unique, url
    sms.delete_configuration_set(ConfigurationSetName=unique)
    sns.delete_topic(TopicArn=topic)


def _error(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return dict(caught.value.response)


def test_one_message_comes_back_by_both_paths(
    sms: Any,
    origination: str,
    receipts_by_event: str,
    configuration_set: tuple[str, str],
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    name, by_topic = configuration_set
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
        events.extend(drain(receipts_by_event))
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
    receipts_by_event: str,
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
        seen.extend(drain(receipts_by_event))
        return [event["detail"] for event in seen if event["detail"]["isFinal"]]

    assert [detail["messageStatus"] for detail in wait_until(final)] == [status]


def test_receipts_follow_the_seeded_profile(
    sms: Any,
    origination: str,
    receipts_by_event: str,
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
        seen.update(event["detail"]["messageStatus"] for event in drain(receipts_by_event))
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
    receipts_by_event: str,
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
        seen.extend(event["detail"]["messageId"] for event in drain(receipts_by_event))
        return len(seen) >= 2

    wait_until(both_events_of_the_second)
    assert set(seen) == {wet["MessageId"]}
    assert [(call.message_id, call.outcome) for call in carrier_control.carrier_calls()] == [
        (dry, "dry_run"),
        (wet["MessageId"], "accepted"),
    ]
    assert "Error" in _error(
        lambda: sms.send_text_message(
            DestinationPhoneNumber=DELIVERED, OriginationIdentity="+19995550000", MessageBody="x", DryRun=True
        )
    )


def test_an_opted_out_destination_is_a_conflict_with_its_reason(
    sms: Any, origination: str, carrier_control: ControlClient
) -> None:
    sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=ORDINARY)
    try:
        error = _error(
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
    error = _error(lambda: sms.send_text_message(**call))
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


def test_configuration_sets_can_be_made_changed_listed_and_deleted(sms: Any, unique: str) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:somewhere"
    sms.create_configuration_set(ConfigurationSetName=unique, Tags=[{"Key": "a", "Value": "b"}])
    assert (
        _error(lambda: sms.create_configuration_set(ConfigurationSetName=unique))["Reason"] == "RESOURCE_ALREADY_EXISTS"
    )
    made = sms.create_event_destination(
        ConfigurationSetName=unique,
        EventDestinationName="one",
        MatchingEventTypes=["TEXT_DELIVERED"],
        SnsDestination={"TopicArn": arn},
    )
    assert made["EventDestination"]["Enabled"] is True
    sms.update_event_destination(ConfigurationSetName=unique, EventDestinationName="one", Enabled=False)
    (found,) = sms.describe_configuration_sets(ConfigurationSetNames=[unique])["ConfigurationSets"]
    (destination,) = found["EventDestinations"]
    assert destination["Enabled"] is False
    assert destination["SnsDestination"] == {"TopicArn": arn}
    tags = sms.list_tags_for_resource(ResourceArn=found["ConfigurationSetArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    sms.delete_event_destination(ConfigurationSetName=unique, EventDestinationName="one")
    sms.delete_configuration_set(ConfigurationSetName=unique)
    gone = _error(lambda: sms.describe_configuration_sets(ConfigurationSetNames=[unique]))
    assert (gone["Error"]["Code"], gone["ResourceType"], gone["ResourceId"]) == (
        "ResourceNotFoundException",
        "configuration-set",
        unique,
    )


def test_a_number_answers_to_its_own_opt_out_list(sms: Any, unique: str, carrier_control: ControlClient) -> None:
    sms.create_opt_out_list(OptOutListName=unique)
    number = sms.request_phone_number(
        IsoCountryCode="US",
        MessageType="TRANSACTIONAL",
        NumberCapabilities=["SMS"],
        NumberType="TOLL_FREE",
        OptOutListName=unique,
    )
    sms.put_opted_out_number(OptOutListName=unique, OptedOutNumber=ORDINARY)

    def send(identity: str) -> Any:
        return sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=identity, MessageBody="x")

    for identity in (number["PhoneNumber"], number["PhoneNumberId"], number["PhoneNumberArn"]):
        assert _error(functools.partial(send, identity))["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"
    (described,) = sms.describe_phone_numbers(PhoneNumberIds=[number["PhoneNumberId"]])["PhoneNumbers"]
    assert (described["OptOutListName"], described["NumberType"], described["Status"]) == (
        unique,
        "TOLL_FREE",
        "ACTIVE",
    )
    in_use = _error(lambda: sms.delete_opt_out_list(OptOutListName=unique))
    assert in_use["Reason"] == "RESOURCE_DELETION_NOT_ALLOWED"
    sms.release_phone_number(PhoneNumberId=number["PhoneNumberId"])
    sms.delete_opt_out_list(OptOutListName=unique)
    gone = _error(lambda: sms.describe_opt_out_lists(OptOutListNames=[unique]))
    assert (gone["Error"]["Code"], gone["ResourceType"]) == ("ResourceNotFoundException", "opt-out-list")


@pytest.fixture
def pool(sms: Any, origination: str) -> Iterator[dict[str, Any]]:
    """A pool with one number."""
    made = sms.create_pool(OriginationIdentity=origination.lstrip("+"), MessageType="TRANSACTIONAL")
    yield made
    sms.delete_pool(PoolId=made["PoolId"])


def test_a_message_from_a_pool_goes_out_from_its_number_and_under_its_opt_out_list(
    sms: Any,
    origination: str,
    pool: dict[str, Any],
    unique: str,
    receipts_by_event: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    sms.send_text_message(DestinationPhoneNumber=DELIVERED, OriginationIdentity=pool["PoolArn"], MessageBody="x")
    events = wait_until(lambda: drain(receipts_by_event))
    assert events[0]["detail"]["originationPhoneNumber"] == origination
    sms.create_opt_out_list(OptOutListName=unique)
    sms.put_opted_out_number(OptOutListName=unique, OptedOutNumber=ORDINARY)
    sms.update_pool(PoolId=pool["PoolId"], OptOutListName=unique)
    error = _error(
        lambda: sms.send_text_message(
            DestinationPhoneNumber=ORDINARY, OriginationIdentity=pool["PoolId"], MessageBody="x"
        )
    )
    assert error["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"


def test_a_pool_takes_free_numbers_of_its_message_type_and_keeps_one(
    sms: Any, origination: str, pool: dict[str, Any]
) -> None:
    own = origination.lstrip("+")
    create = functools.partial(sms.create_pool, OriginationIdentity=own, MessageType="TRANSACTIONAL")
    assert _error(create)["Reason"] == "PHONE_NUMBER_ASSOCIATED_TO_POOL"
    number = sms.request_phone_number(
        IsoCountryCode="US", MessageType="PROMOTIONAL", NumberCapabilities=["SMS"], NumberType="SIMULATOR"
    )["PhoneNumberId"]
    join = functools.partial(sms.associate_origination_identity, PoolId=pool["PoolId"], OriginationIdentity=number)
    assert _error(join)["Reason"] == "MESSAGE_TYPE_MISMATCH"
    leave = functools.partial(sms.disassociate_origination_identity, PoolId=pool["PoolId"])
    assert _error(lambda: leave(OriginationIdentity=number))["Reason"] == "PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL"
    assert _error(lambda: leave(OriginationIdentity=own))["Reason"] == "LAST_PHONE_NUMBER"
    sms.release_phone_number(PhoneNumberId=number)
    sms.update_pool(PoolId=pool["PoolId"], DeletionProtectionEnabled=True)
    assert _error(lambda: sms.delete_pool(PoolId=pool["PoolId"]))["Reason"] == "DELETION_PROTECTION_ENABLED"
    sms.update_pool(PoolId=pool["PoolId"], DeletionProtectionEnabled=False)


def test_required_keywords_keep_their_actions(sms: Any, origination: str) -> None:
    own = origination.lstrip("+")
    put = functools.partial(sms.put_keyword, OriginationIdentity=own, KeywordMessage="x")
    assert put(Keyword="stop")["KeywordAction"] == "OPT_OUT"
    changed = _error(lambda: put(Keyword="STOP", KeywordAction="AUTOMATIC_RESPONSE"))
    assert changed["Reason"] == "RESOURCE_MODIFICATION_NOT_ALLOWED"
    delete = functools.partial(sms.delete_keyword, OriginationIdentity=own)
    assert _error(lambda: delete(Keyword="HELP"))["Reason"] == "RESOURCE_DELETION_NOT_ALLOWED"
    put(Keyword="JOIN")
    assert delete(Keyword="JOIN")["KeywordAction"] == "AUTOMATIC_RESPONSE"
    gone = _error(lambda: sms.describe_keywords(OriginationIdentity=own, Keywords=["JOIN"]))
    assert (gone["Error"]["Code"], gone["ResourceType"]) == ("ResourceNotFoundException", "keyword")


def test_a_topic_that_keeps_the_service_out_gets_nothing(
    bare_cloud: LocalCloud,
    sms: Any,
    origination: str,
    configuration_set: tuple[str, str],
    unique: str,
    make_queue: Callable[..., tuple[str, str]],
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    name, open_ = configuration_set
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


def test_describe_calls_page(sms: Any) -> None:
    first = sms.describe_account_limits(MaxResults=2)
    assert [limit["Name"] for limit in first["AccountLimits"]] == ["PHONE_NUMBERS", "POOLS"]
    rest = sms.describe_account_limits(NextToken=first["NextToken"])
    assert "NextToken" not in rest
    assert {limit["Name"]: limit["Max"] for limit in rest["AccountLimits"]}["OPT_OUT_LISTS"] == 25
    (spend,) = sms.describe_spend_limits()["SpendLimits"]
    assert (spend["EnforcedLimit"], spend["MaxLimit"], spend["Overridden"]) == (1, 1, False)


def test_an_operation_that_is_not_simulated_says_so(sms: Any) -> None:
    error = _error(lambda: sms.describe_registrations())
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
    entry = {"Source": "aws.sms-voice", "DetailType": RECEIPTS["detail-type"][0], "Detail": "{}"}
    answer = bare_cloud.client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


@pytest.fixture
def protect(sms: Any) -> Iterator[str]:
    """A protect configuration that blocks Japan."""
    id_ = sms.create_protect_configuration(Tags=[{"Key": "Stack", "Value": "x"}])["ProtectConfigurationId"]
    sms.update_protect_configuration_country_rule_set(
        ProtectConfigurationId=id_, NumberCapability="SMS", CountryRuleSetUpdates={"JP": {"ProtectStatus": "BLOCK"}}
    )
    yield str(id_)
    sms.delete_protect_configuration(ProtectConfigurationId=id_)


def reason_of(call: Callable[..., Any], **arguments: Any) -> str:
    """The reason that the carrier gives for its refusal."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Reason"])


def test_a_protect_configuration_holds_for_its_configuration_set_and_as_the_default(
    sms: Any, origination: str, configuration_set: tuple[str, str], protect: str
) -> None:
    name, _ = configuration_set
    rules = sms.get_protect_configuration_country_rule_set(ProtectConfigurationId=protect, NumberCapability="SMS")
    assert {country for country, rule in rules["CountryRuleSet"].items() if rule["ProtectStatus"] == "BLOCK"} == {"JP"}
    japan = {"DestinationPhoneNumber": "+819012345678", "OriginationIdentity": origination, "MessageBody": "x"}
    blocked = "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"

    sms.associate_protect_configuration(ProtectConfigurationId=protect, ConfigurationSetName=name)
    (found,) = sms.describe_configuration_sets(ConfigurationSetNames=[name])["ConfigurationSets"]
    assert found["ProtectConfigurationId"] == protect
    assert reason_of(sms.send_text_message, ConfigurationSetName=name, **japan) == blocked
    sms.send_text_message(**japan)
    sms.send_text_message(ConfigurationSetName=name, **{**japan, "DestinationPhoneNumber": ORDINARY})
    delete = sms.delete_protect_configuration
    in_use = "PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET"
    assert reason_of(delete, ProtectConfigurationId=protect) == in_use
    sms.disassociate_protect_configuration(ProtectConfigurationId=protect, ConfigurationSetName=name)

    sms.set_account_default_protect_configuration(ProtectConfigurationId=protect)
    assert reason_of(sms.send_text_message, **japan) == blocked
    assert reason_of(delete, ProtectConfigurationId=protect) == "PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT"
    sms.delete_account_default_protect_configuration()
    sms.send_text_message(**japan)


def test_a_number_is_verified_by_the_code_that_was_sent(sms: Any) -> None:
    id_ = sms.create_verified_destination_number(DestinationPhoneNumber=ORDINARY)["VerifiedDestinationNumberId"]
    by_id = {"VerifiedDestinationNumberId": id_}
    create, verify = sms.create_verified_destination_number, sms.verify_destination_number
    assert reason_of(create, DestinationPhoneNumber=ORDINARY) == "RESOURCE_ALREADY_EXISTS"
    assert reason_of(verify, VerificationCode="123456", **by_id) == "VERIFICATION_CODE_EXPIRED"
    sms.send_destination_number_verification_code(VerificationChannel="TEXT", **by_id)
    assert reason_of(verify, VerificationCode="654321", **by_id) == "VERIFICATION_CODE_MISMATCH"
    assert verify(VerificationCode="123456", **by_id)["Status"] == "VERIFIED"
    assert reason_of(verify, VerificationCode="123456", **by_id) == "VERIFICATION_ALREADY_COMPLETE"
    (found,) = sms.describe_verified_destination_numbers(DestinationPhoneNumbers=[ORDINARY])[
        "VerifiedDestinationNumbers"
    ]
    assert found["Status"] == "VERIFIED"
    sms.delete_verified_destination_number(**by_id)


def test_a_spend_limit_of_ones_own_is_lower_than_the_accounts(sms: Any) -> None:
    def limit() -> tuple[int, bool]:
        (text,) = sms.describe_spend_limits()["SpendLimits"]
        return text["EnforcedLimit"], text["Overridden"]

    too_high = "REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT"
    assert reason_of(sms.set_text_message_spend_limit_override, MonthlyLimit=2) == too_high
    sms.set_text_message_spend_limit_override(MonthlyLimit=0)
    assert limit() == (0, True)
    sms.delete_text_message_spend_limit_override()
    assert limit() == (1, False)
