"""Sending events of SES as an unmodified boto3 client sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.core.channels import Channel
from lambdas.core.simulator import MAILBOXES
from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile, fate, verdict
from tests.cloud import receipt_queues
from tests.cloud.carriers.mails import (
    ACCOUNT,
    ALL_TYPES,
    ORDINARY,
    SENDER,
    SES_ARN,
    add_destination,
    kept_mail,
    send_mail,
)
from tests.cloud.carriers.refusals import code_and_status

QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))

Drain = Callable[[str], list[dict[str, Any]]]
MakeQueue = Callable[..., tuple[str, str]]


@pytest.fixture
def by_event(
    bare_cloud: LocalCloud, ses: Any, ses_configuration_set: str, unique: str, make_queue: MakeQueue
) -> Iterator[str]:
    """URL of a queue that gets every event of the set through the default bus."""
    url, arn = make_queue()
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    with receipt_queues.rule(bare_cloud, unique, arn, "aws.ses"):
        add_destination(ses, ses_configuration_set, "bus", EventBridgeDestination={"EventBusArn": bus})
        yield url


def test_one_mail_comes_back_by_both_paths(
    bare_cloud: LocalCloud,
    ses: Any,
    ses_configuration_set: str,
    ses_events: str,
    by_event: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    tags = {"message_id": "m-1", "stack": "local"}
    sent = send_mail(
        ses,
        ORDINARY,
        ConfigurationSetName=ses_configuration_set,
        EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
    )
    send, delivery = receipt_queues.gather(drain, wait_until, ses_events, 2)
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
            "ses:configuration-set": [ses_configuration_set],
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
    (kept,) = kept_mail(bare_cloud, sent)
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
    ses_configuration_set: str,
    ses_events: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(
        CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 20), failure_rate=1, failure_mix={outcome: 1})
    )
    sent = send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)
    records = receipt_queues.gather(drain, wait_until, ses_events, len(types))
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
    ses_configuration_set: str,
    ses_events: str,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(
        CarrierProfile(receipt_delay_ms=(1, 5), failure_rate=1, failure_mix={"reject": 1})
    )
    address = MAILBOXES[name].replace("@", "+row-17@")
    send_mail(ses, f"Simulator <{address}>", ConfigurationSetName=ses_configuration_set)
    records = receipt_queues.gather(drain, wait_until, ses_events, len(types))
    assert [record["eventType"] for record in records] == types
    if bounce is not None:
        found = records[-1]["bounce"]
        assert (found["bounceType"], found["bounceSubType"]) == bounce
        assert found["bouncedRecipients"][0]["emailAddress"] == address


def test_recipients_of_one_mail_may_fare_differently(
    ses: Any, ses_configuration_set: str, ses_events: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    to = [MAILBOXES["success"], MAILBOXES["bounce"], ORDINARY]
    send_mail(ses, *to, ConfigurationSetName=ses_configuration_set)
    records = receipt_queues.gather(drain, wait_until, ses_events, 3)
    by_type = {record["eventType"]: record for record in records}
    assert by_type["Send"]["mail"]["destination"] == to
    assert by_type["Delivery"]["delivery"]["recipients"] == [to[0], to[2]]
    assert [each["emailAddress"] for each in by_type["Bounce"]["bounce"]["bouncedRecipients"]] == [to[1]]


def test_events_follow_the_seeded_profile(
    ses: Any, ses_configuration_set: str, ses_events: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
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
        send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)
    seen: Counter[str] = Counter()

    def all_seen() -> bool:
        seen.update(record["eventType"] for record in drain(ses_events))
        return seen.total() >= expected.total()

    wait_until(all_seen)
    assert seen == expected


def test_an_event_may_come_before_the_one_it_follows(
    ses: Any, ses_configuration_set: str, ses_events: str, carrier_control: ControlClient, drain: Drain, wait_until: Any
) -> None:
    carrier_control.set_carrier_profile(CarrierProfile(receipt_delay_ms=(0, 200), reorder_rate=1.0))
    send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)
    records = receipt_queues.gather(drain, wait_until, ses_events, 2)
    assert [record["eventType"] for record in records] == ["Delivery", "Send"]


def test_refusals_follow_the_seeded_profile(ses: Any, carrier_control: ControlClient) -> None:
    profile = CarrierProfile(seed=3, latency_ms=(0, 0), throttle_rate=0.3, error_rate=0.2)
    carrier_control.set_carrier_profile(profile)
    outcomes = []
    for _ in range(40):
        try:
            send_mail(ses, ORDINARY)
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
    assert code_and_status(lambda: send_mail(ses, ORDINARY)) == ("InternalServiceErrorException", 500)


def test_only_enabled_destinations_get_the_types_they_match(
    bare_cloud: LocalCloud,
    ses: Any,
    ses_configuration_set: str,
    ses_events: str,
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
                ConfigurationSetName=ses_configuration_set,
                EventDestinationName=name,
                EventDestination={"SnsDestination": {"TopicArn": topic}, **change},
            )
        send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)
        send_mail(ses, ORDINARY)
        receipt_queues.gather(drain, wait_until, ses_events, 2)
        found = receipt_queues.gather(drain, wait_until, picky, 1)
        assert [record["eventType"] for record in found] == ["Delivery"]
        assert drain(silent) == []
        assert drain(ses_events) == []


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
    ses_configuration_set: str,
    ses_events: str,
    unique: str,
    make_queue: MakeQueue,
    carrier_control: ControlClient,
    drain: Drain,
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    closed, closed_arn = make_queue()
    with receipt_queues.topic(bare_cloud, f"{unique}-closed", closed_arn, policy) as topic:
        add_destination(ses, ses_configuration_set, "closed", SnsDestination={"TopicArn": topic})
        send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)
        receipt_queues.gather(drain, wait_until, ses_events, 2)
        assert drain(closed) == []
