"""Clients of the simulated carriers in the bare cloud, and queues that get the carriers' receipts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.carrier_whatsapp_account import BUSINESS_ACCOUNT_ID
from localcloud.launch import LocalCloud
from tests.cloud import receipt_queues
from tests.cloud.carriers.chats import TEMPLATE
from tests.cloud.carriers.mails import ACCOUNT, SES_ARN, add_destination

SMS_RECEIPTS = {"source": ["aws.sms-voice"], "detail-type": ["Text Message Delivery Status Updated"]}

MakeQueue = Callable[..., tuple[str, str]]


@pytest.fixture
def sms(bare_cloud: LocalCloud) -> Any:
    """A client of End User Messaging SMS that tries each call once."""
    return bare_cloud.client("pinpoint-sms-voice-v2", config=receipt_queues.ONE_ATTEMPT)


@pytest.fixture
def origination(sms: Any) -> Iterator[str]:
    """A simulator number."""
    number = sms.request_phone_number(
        IsoCountryCode="US", MessageType="TRANSACTIONAL", NumberCapabilities=["SMS"], NumberType="SIMULATOR"
    )
    yield str(number["PhoneNumber"])
    sms.release_phone_number(PhoneNumberId=number["PhoneNumberId"])


@pytest.fixture
def sms_receipts(bare_cloud: LocalCloud, unique: str, make_queue: MakeQueue) -> Iterator[str]:
    """URL of a queue that gets every receipt through EventBridge."""
    events = bare_cloud.client("events")
    url, arn = make_queue()
    events.put_rule(Name=unique, EventPattern=json.dumps(SMS_RECEIPTS))
    events.put_targets(Rule=unique, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=unique, Ids=["queue"])
    events.delete_rule(Name=unique)


@pytest.fixture
def sms_configuration_set(
    bare_cloud: LocalCloud, sms: Any, unique: str, make_queue: MakeQueue
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


@pytest.fixture
def ses(bare_cloud: LocalCloud) -> Iterator[Any]:
    """A client of SES that tries each call once, with the sender's domain verified."""
    client = bare_cloud.client("sesv2", config=receipt_queues.ONE_ATTEMPT)
    client.create_email_identity(EmailIdentity="shop.example.com")
    yield client
    client.delete_email_identity(EmailIdentity="shop.example.com")


@pytest.fixture
def ses_configuration_set(ses: Any, unique: str) -> Iterator[str]:
    """Name of a set without destinations."""
    ses.create_configuration_set(ConfigurationSetName=unique)
    yield unique
    ses.delete_configuration_set(ConfigurationSetName=unique)


@pytest.fixture
def ses_events(
    bare_cloud: LocalCloud, ses: Any, ses_configuration_set: str, unique: str, make_queue: MakeQueue
) -> Iterator[str]:
    """URL of a queue that gets every event of the set through a topic."""
    url, arn = make_queue()
    source = f"{SES_ARN}:configuration-set/{ses_configuration_set}"
    policy = receipt_queues.allow(
        "ses.amazonaws.com", StringEquals={"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}
    )
    with receipt_queues.topic(bare_cloud, unique, arn, policy) as topic:
        add_destination(ses, ses_configuration_set, "topic", SnsDestination={"TopicArn": topic})
        yield url


@pytest.fixture
def chat(bare_cloud: LocalCloud) -> Any:
    """A client of End User Messaging Social that tries each call once."""
    return bare_cloud.client("socialmessaging", config=receipt_queues.ONE_ATTEMPT)


@pytest.fixture
def greeting(chat: Any, unique: str) -> Iterator[str]:
    """Name of a template with one parameter."""
    name = unique.replace("-", "_")
    chat.create_whatsapp_message_template(
        id=BUSINESS_ACCOUNT_ID, templateDefinition=json.dumps({**TEMPLATE, "name": name})
    )
    yield name
    chat.delete_whatsapp_message_template(id=BUSINESS_ACCOUNT_ID, templateName=name)
