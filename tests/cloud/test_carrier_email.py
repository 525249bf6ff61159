"""SendEmail and its sending events as an unmodified boto3 client sees them."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

from lambdas.core.channels import Channel
from lambdas.core.simulator import MAILBOXES
from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues

SENDER = "Shop <orders@shop.example.com>"
ORDINARY = "ada@example.com"
ALL_TYPES = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE", "DELIVERY_DELAY"]
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))
SIMPLE = {"Simple": {"Subject": {"Data": "Order ready"}, "Body": {"Text": {"Data": "Hello Ada"}}}}
ACCOUNT = "123456789012"
SES_ARN = f"arn:aws:ses:us-east-1:{ACCOUNT}"

Drain = Callable[[str], list[dict[str, Any]]]
MakeQueue = Callable[..., tuple[str, str]]


@pytest.fixture
def ses(bare_cloud: LocalCloud) -> Iterator[Any]:
    client = bare_cloud.client("sesv2", config=receipt_queues.ONE_ATTEMPT)
    client.create_email_identity(EmailIdentity="shop.example.com")
    yield client
    client.delete_email_identity(EmailIdentity="shop.example.com")


@pytest.fixture
def configuration_set(ses: Any, unique: str) -> Iterator[str]:
    """Name of a set without destinations."""
    ses.create_configuration_set(ConfigurationSetName=unique)
    yield unique
    ses.delete_configuration_set(ConfigurationSetName=unique)


@pytest.fixture
def by_topic(
    bare_cloud: LocalCloud, ses: Any, configuration_set: str, unique: str, make_queue: MakeQueue
) -> Iterator[str]:
    """URL of a queue that gets every event of the set through a topic."""
    url, arn = make_queue()
    source = f"{SES_ARN}:configuration-set/{configuration_set}"
    policy = receipt_queues.allow(
        "ses.amazonaws.com", StringEquals={"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}
    )
    with receipt_queues.topic(bare_cloud, unique, arn, policy) as topic:
        _add_destination(ses, configuration_set, "topic", SnsDestination={"TopicArn": topic})
        yield url


@pytest.fixture
def by_event(
    bare_cloud: LocalCloud, ses: Any, configuration_set: str, unique: str, make_queue: MakeQueue
) -> Iterator[str]:
    """URL of a queue that gets every event of the set through the default bus."""
    url, arn = make_queue()
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    with receipt_queues.rule(bare_cloud, unique, arn, "aws.ses"):
        _add_destination(ses, configuration_set, "bus", EventBridgeDestination={"EventBusArn": bus})
        yield url


def _add_destination(ses: Any, name: str, destination: str, **target: Any) -> None:
    definition = {"Enabled": True, "MatchingEventTypes": ALL_TYPES, **target}
    ses.create_configuration_set_event_destination(
        ConfigurationSetName=name, EventDestinationName=destination, EventDestination=definition
    )


def _call(*to: str, **change: Any) -> dict[str, Any]:
    call = {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": list(to)}, "Content": SIMPLE}
    return {**call, **change}


def _send(ses: Any, *to: str, **change: Any) -> str:
    return str(ses.send_email(**_call(*to, **change))["MessageId"])


def _refusal(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    response = caught.value.response
    assert response["Error"]["Message"]
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def _kept(cloud: LocalCloud, message_id: str) -> list[dict[str, Any]]:
    """What the emulator's mailbox has of a message."""
    with urllib.request.urlopen(f"{cloud.endpoint_url}/_ministack/ses/messages") as answer:
        messages = json.load(answer)["messages"].get(ACCOUNT, [])
    return [message for message in messages if message["MessageId"] == message_id]


def test_one_mail_comes_back_by_both_paths(
    bare_cloud: LocalCloud,
    ses: Any,
    configuration_set: str,
    by_topic: str,
    by_event: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    tags = {"message_id": "m-1", "stack": "local"}
    sent = _send(
        ses,
        ORDINARY,
        ConfigurationSetName=configuration_set,
        EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
    )
    send, delivery = receipt_queues.gather(drain, wait_until, by_topic, 2)
    events = receipt_queues.gather(drain, wait_until, by_event, 2)
    assert [event["detail-type"] for event in events] == ["Email Sent", "Email Delivered"]
    assert {(event["source"], event["account"]) for event in events} == {("aws.ses", ACCOUNT)}
    assert [event["detail"] for event in events] == [send, delivery]
    mail = send.pop("mail")
    assert send == {"eventType": "Send", "send": {}}
    assert mail.pop("timestamp").endswith("Z")
    assert mail == {
        "source": SENDER,
        "sourceArn": f"{SES_ARN}:identity/shop.example.com",
        "sendingAccountId": ACCOUNT,
        "messageId": sent,
        "destination": [ORDINARY],
        "headersTruncated": False,
        "headers": [
            {"name": "From", "value": SENDER},
            {"name": "To", "value": ORDINARY},
            {"name": "Subject", "value": "Order ready"},
            {"name": "MIME-Version", "value": "1.0"},
        ],
        "commonHeaders": {"from": [SENDER], "to": [ORDINARY], "messageId": sent, "subject": "Order ready"},
        "tags": {
            "ses:operation": ["SendEmail"],
            "ses:configuration-set": [configuration_set],
            "ses:source-ip": ["127.0.0.1"],
            "ses:from-domain": ["shop.example.com"],
            "ses:caller-identity": ["root"],
            "message_id": ["m-1"],
            "stack": ["local"],
        },
    }
    assert delivery["mail"]["tags"]["ses:outgoing-ip"]
    assert delivery["delivery"].pop("timestamp").endswith("Z")
    assert delivery["delivery"].pop("processingTimeMillis") >= 0
    assert delivery["delivery"] == {
        "recipients": [ORDINARY],
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": "127.0.0.1",
        "reportingMTA": "a8-50.smtp-out.amazonses.com",
    }
    (call,) = carrier_control.carrier_calls()
    assert (call.channel, call.message_id, call.destination, call.context) == ("email", sent, ORDINARY, tags)
    (kept,) = _kept(bare_cloud, sent)
    assert (kept["Subject"], kept["BodyText"]) == ("Order ready", "Hello Ada")


BOUNCE_KEYS = {"bounceType", "bounceSubType", "bouncedRecipients", "timestamp", "feedbackId", "reportingMTA"}
COMPLAINT_KEYS = {
    *("complainedRecipients", "timestamp", "feedbackId", "complaintSubType"),
    *("userAgent", "complaintFeedbackType", "arrivalDate"),
}
DELAY_KEYS = {"timestamp", "delayType", "expirationTime", "delayedRecipients"}


@pytest.mark.parametrize(
    ("outcome", "types", "key", "members", "says"),
    [
        ("bounce_permanent", ["Send", "Bounce"], "bounce", BOUNCE_KEYS, {"bounceType": "Permanent"}),
        ("bounce_transient", ["Send", "Bounce"], "bounce", BOUNCE_KEYS, {"bounceType": "Transient"}),
        ("complaint", ["Send", "Delivery", "Complaint"], "complaint", COMPLAINT_KEYS, {"complaintSubType": None}),
        ("reject", ["Reject"], "reject", {"reason"}, {"reason": "Bad content"}),
        ("rendering_failure", ["Rendering Failure"], "failure", {"errorMessage", "templateName"}, {}),
        (
            "delivery_delay",
            ["Send", "DeliveryDelay", "Delivery"],
            "deliveryDelay",
            DELAY_KEYS,
            {"delayType": "TransientCommunicationFailure"},
        ),
    ],
)
def test_each_outcome_has_its_events(
    outcome: str,
    types: list[str],
    key: str,
    members: set[str],
    says: dict[str, Any],
    ses: Any,
    configuration_set: str,
    by_topic: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(
        CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 20), failure_rate=1, failure_mix={outcome: 1})
    )
    sent = _send(ses, ORDINARY, ConfigurationSetName=configuration_set)
    records = receipt_queues.gather(drain, wait_until, by_topic, len(types))
    assert [record["eventType"] for record in records] == types
    record = next(each for each in records if key in each)
    assert record[key].keys() == members
    assert says.items() <= record[key].items()
    assert record["mail"]["messageId"] == sent
    bare = outcome in ("rendering_failure", "delivery_delay")
    assert ("commonHeaders" in record["mail"]) is not bare


@pytest.mark.parametrize(
    ("name", "types", "bounce"),
    [
        ("success", ["Send", "Delivery"], None),
        ("ooto", ["Send", "Delivery"], None),
        ("bounce", ["Send", "Bounce"], ("Permanent", "General")),
        ("suppressionlist", ["Send", "Bounce"], ("Permanent", "Suppressed")),
        ("complaint", ["Send", "Delivery", "Complaint"], None),
    ],
)
def test_the_mailbox_simulator_ignores_the_failure_rate(
    name: str,
    types: list[str],
    bounce: tuple[str, str] | None,
    ses: Any,
    configuration_set: str,
    by_topic: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(
        CarrierProfile(receipt_delay_ms=(1, 5), failure_rate=1, failure_mix={"reject": 1})
    )
    address = MAILBOXES[name].replace("@", "+row-17@")
    _send(ses, f"Simulator <{address}>", ConfigurationSetName=configuration_set)
    records = receipt_queues.gather(drain, wait_until, by_topic, len(types))
    assert [record["eventType"] for record in records] == types
    if bounce is not None:
        found = records[-1]["bounce"]
        assert (found["bounceType"], found["bounceSubType"]) == bounce
        assert found["bouncedRecipients"][0]["emailAddress"] == address


def test_recipients_of_one_mail_may_fare_differently(
    ses: Any, configuration_set: str, by_topic: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    to = [MAILBOXES["success"], MAILBOXES["bounce"], ORDINARY]
    _send(ses, *to, ConfigurationSetName=configuration_set)
    records = receipt_queues.gather(drain, wait_until, by_topic, 3)
    by_type = {record["eventType"]: record for record in records}
    assert by_type["Send"]["mail"]["destination"] == to
    assert by_type["Delivery"]["delivery"]["recipients"] == [to[0], to[2]]
    assert [each["emailAddress"] for each in by_type["Bounce"]["bounce"]["bouncedRecipients"]] == [to[1]]


def test_events_follow_the_seeded_profile(
    ses: Any, configuration_set: str, by_topic: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    profile = CarrierProfile(
        seed=7,
        latency_ms=(0, 0),
        receipt_delay_ms=(0, 5),
        failure_rate=0.4,
        failure_mix={"bounce_permanent": 2, "reject": 1, "SPAM": 50},
        duplicate_rate=0.3,
        lost_rate=0.1,
    )
    carrier_control.set_carrier_profile(profile)
    count = 60
    names = {"DELIVERED": "Delivery", "bounce_permanent": "Bounce", "reject": "Reject"}
    expected: Counter[str] = Counter()
    for n in range(1, count + 1):
        end = fate(profile, n, channel=Channel.EMAIL)
        expected["Send"] += end.final_status != "reject"
        expected[names[end.final_status]] += 0 if end.lost else 1 + end.duplicated
    assert min(expected[name] for name in names.values()) > 0
    for _ in range(count):
        _send(ses, ORDINARY, ConfigurationSetName=configuration_set)
    seen: Counter[str] = Counter()

    def all_seen() -> bool:
        seen.update(record["eventType"] for record in drain(by_topic))
        return seen.total() >= expected.total()

    wait_until(all_seen)
    assert seen == expected


def test_an_event_may_come_before_the_one_it_follows(
    ses: Any, configuration_set: str, by_topic: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 200), reorder_rate=1.0))
    _send(ses, ORDINARY, ConfigurationSetName=configuration_set)
    records = receipt_queues.gather(drain, wait_until, by_topic, 2)
    assert [record["eventType"] for record in records] == ["Delivery", "Send"]


def test_refusals_follow_the_seeded_profile(ses: Any, carrier_control: ControlClient) -> None:
    profile = CarrierProfile(seed=3, latency_ms=(0, 0), throttle_rate=0.3, error_rate=0.2)
    carrier_control.set_carrier_profile(profile)
    outcomes = []
    for _ in range(40):
        try:
            _send(ses, ORDINARY)
            outcomes.append("accepted")
        except ses.exceptions.TooManyRequestsException:
            outcomes.append("throttle")
        except ses.exceptions.InternalServiceErrorException:
            outcomes.append("error")
    assert outcomes == [verdict(profile, n, Channel.EMAIL).refusal or "accepted" for n in range(1, 41)]
    names = {
        "throttle": "TooManyRequestsException",
        "error": "InternalServiceErrorException",
        "accepted": "accepted",
    }
    assert [call.outcome for call in carrier_control.carrier_calls()] == [names[outcome] for outcome in outcomes]


def test_an_outage_refuses_every_mail(ses: Any, carrier_control: ControlClient) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(outage=True))
    assert _refusal(lambda: _send(ses, ORDINARY)) == ("InternalServiceErrorException", 500)


def test_only_enabled_destinations_get_the_types_they_match(
    bare_cloud: LocalCloud,
    ses: Any,
    configuration_set: str,
    by_topic: str,
    unique: str,
    make_queue: MakeQueue,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    picky, picky_arn = make_queue()
    silent, silent_arn = make_queue()
    policy = receipt_queues.allow("ses.amazonaws.com")
    with (
        receipt_queues.topic(bare_cloud, f"{unique}-picky", picky_arn, policy) as picky_topic,
        receipt_queues.topic(bare_cloud, f"{unique}-silent", silent_arn, policy) as silent_topic,
    ):
        for name, topic, change in (
            ("picky", picky_topic, {"Enabled": True, "MatchingEventTypes": ["DELIVERY"]}),
            ("silent", silent_topic, {"MatchingEventTypes": ALL_TYPES}),
        ):
            ses.create_configuration_set_event_destination(
                ConfigurationSetName=configuration_set,
                EventDestinationName=name,
                EventDestination={"SnsDestination": {"TopicArn": topic}, **change},
            )
        _send(ses, ORDINARY, ConfigurationSetName=configuration_set)
        _send(ses, ORDINARY)
        receipt_queues.gather(drain, wait_until, by_topic, 2)
        found = receipt_queues.gather(drain, wait_until, picky, 1)
        assert [record["eventType"] for record in found] == ["Delivery"]
        assert drain(silent) == []
        assert drain(by_topic) == []


@pytest.mark.parametrize(
    "policy",
    [
        receipt_queues.allow("social-messaging.amazonaws.com"),
        receipt_queues.allow("ses.amazonaws.com", ArnEquals={"aws:SourceArn": f"{SES_ARN}:configuration-set/another"}),
    ],
)
def test_a_topic_that_keeps_ses_out_gets_nothing(
    policy: dict[str, Any],
    bare_cloud: LocalCloud,
    ses: Any,
    configuration_set: str,
    by_topic: str,
    unique: str,
    make_queue: MakeQueue,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    closed, closed_arn = make_queue()
    with receipt_queues.topic(bare_cloud, f"{unique}-closed", closed_arn, policy) as topic:
        _add_destination(ses, configuration_set, "closed", SnsDestination={"TopicArn": topic})
        _send(ses, ORDINARY, ConfigurationSetName=configuration_set)
        receipt_queues.gather(drain, wait_until, by_topic, 2)
        assert drain(closed) == []


@pytest.fixture
def template(ses: Any, unique: str) -> Iterator[str]:
    """Name of a template with one variable in subject and text."""
    content = {"Subject": "Order {{order}}", "Text": "Hello {{ name }}, order {{order}} is ready."}
    ses.create_email_template(TemplateName=unique, TemplateContent=content)
    yield unique
    ses.delete_email_template(TemplateName=unique)


def test_a_template_is_rendered_with_its_data(
    bare_cloud: LocalCloud, ses: Any, template: str, carrier_control: ControlClient
) -> None:
    data = json.dumps({"name": "Ada", "order": 17})
    sent = _send(ses, ORDINARY, Content={"Template": {"TemplateName": template, "TemplateData": data}})
    (kept,) = _kept(bare_cloud, sent)
    assert (kept["Subject"], kept["BodyText"]) == ("Order 17", "Hello Ada, order 17 is ready.")
    inline = {"Subject": "{{name}}", "Html": "<b>{{name}}</b>"}
    sent = _send(ses, ORDINARY, Content={"Template": {"TemplateContent": inline, "TemplateData": data}})
    (kept,) = _kept(bare_cloud, sent)
    assert (kept["Subject"], kept["BodyHtml"]) == ("Ada", "<b>Ada</b>")


def test_a_missing_variable_is_accepted_and_fails_to_render(
    bare_cloud: LocalCloud,
    ses: Any,
    template: str,
    configuration_set: str,
    by_topic: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    data = json.dumps({"order": 17})
    content = {"Template": {"TemplateName": template, "TemplateData": data}}
    sent = _send(ses, MAILBOXES["success"], Content=content, ConfigurationSetName=configuration_set)
    (record,) = receipt_queues.gather(drain, wait_until, by_topic, 1)
    assert (record["eventType"], record["mail"]["messageId"]) == ("Rendering Failure", sent)
    assert record["failure"] == {
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
        "templateName": template,
    }
    assert _kept(bare_cloud, sent) == []


def test_a_raw_mail_names_its_own_recipients(bare_cloud: LocalCloud, ses: Any, carrier_control: ControlClient) -> None:
    raw = f"From: {SENDER}\r\nTo: {ORDINARY}\r\nSubject: Hi\r\n\r\nHello\r\n".encode()
    sent = str(ses.send_email(Content={"Raw": {"Data": raw}})["MessageId"])
    (call,) = carrier_control.carrier_calls()
    assert (call.message_id, call.destination) == (sent, ORDINARY)
    (kept,) = _kept(bare_cloud, sent)
    assert kept["Subject"] == "Hi"


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"FromEmailAddress": "stranger@example.net"}, "MessageRejected", 400),
        ({"ConfigurationSetName": "nobody-made-it"}, "NotFoundException", 404),
        ({"Content": {"Template": {"TemplateName": "nobody-made-it"}}}, "NotFoundException", 404),
        ({"Content": {"Template": {"TemplateContent": {"Subject": "{{#if a}}"}}}}, "BadRequestException", 400),
        ({"Content": {}}, "BadRequestException", 400),
        ({"Destination": {}}, "BadRequestException", 400),
        ({"Destination": {"ToAddresses": [ORDINARY] * 51}}, "BadRequestException", 400),
        ({"FromEmailAddress": ""}, "BadRequestException", 400),
        ({"EmailTags": [{"Name": "id", "Value": "a b"}]}, "BadRequestException", 400),
    ],
)
def test_what_ses_refuses_is_refused(
    change: dict[str, Any], code: str, status: int, ses: Any, carrier_control: ControlClient
) -> None:
    assert _refusal(lambda: _send(ses, ORDINARY, **change)) == (code, status)


def test_a_set_whose_sending_is_paused_sends_nothing(
    ses: Any, configuration_set: str, carrier_control: ControlClient
) -> None:
    ses.put_configuration_set_sending_options(ConfigurationSetName=configuration_set, SendingEnabled=False)
    with pytest.raises(ses.exceptions.SendingPausedException):
        _send(ses, ORDINARY, ConfigurationSetName=configuration_set)


@pytest.mark.parametrize(
    "granted",
    [
        [],
        ["identity"],
        ["configuration-set"],
        ["identity", "configuration-set"],
        ["identity", "configuration-set", "template"],
    ],
)
def test_a_role_needs_the_identity_the_set_and_the_template(
    granted: list[str],
    bare_cloud: LocalCloud,
    ses: Any,
    configuration_set: str,
    template: str,
    carrier_control: ControlClient,
    deploy_function: Any,
) -> None:
    source = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        return boto3.client("sesv2").send_email(**event)["MessageId"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] + " " + error.response["Error"]["Message"]
"""
    arns = {
        "identity": "identity/shop.example.com",
        "configuration-set": f"configuration-set/{configuration_set}",
        "template": f"template/{template}",
    }
    statements = [
        {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": f"{SES_ARN}:{arns[kind]}"} for kind in granted
    ]
    name = deploy_function(source, statements=statements)
    content = {"Template": {"TemplateName": template, "TemplateData": json.dumps({"name": "Ada"})}}
    call = _call(ORDINARY, ConfigurationSetName=configuration_set, Content=content)
    payload = bare_cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(call))["Payload"]
    answer = str(json.load(payload))
    calls = carrier_control.carrier_calls()
    if len(granted) == len(arns):
        assert [call.message_id for call in calls] == [answer]
    else:
        missing = next(arn for kind, arn in arns.items() if kind not in granted)
        assert answer.startswith("AccessDeniedException")
        assert f"ses:SendEmail on resource: {SES_ARN}:{missing}" in answer
        assert calls == []
