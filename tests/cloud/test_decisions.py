"""The record of IAM's answers: roles and users by name, what they asked for, and what they were told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.launch import Decision, LaunchError, LocalCloud

if TYPE_CHECKING:
    from tests.cloud.conftest import DeployFunction

ASKER = """
import boto3, botocore.exceptions

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["call"])(**event["arguments"])
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


@pytest.fixture
def forgotten(bare_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """The bare cloud with an empty record."""
    bare_cloud.control.forget_decisions()
    yield bare_cloud
    bare_cloud.control.forget_decisions()


def test_a_functions_calls_are_recorded_with_conditions_decided(
    forgotten: LocalCloud, deploy_function: DeployFunction, make_queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = make_queue()
    east_only = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    west_only = {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}
    name = deploy_function(
        ASKER,
        statements=[
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn, "Condition": east_only},
            {"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": arn, "Condition": west_only},
        ],
    )

    def ask(service: str, call: str, **arguments: Any) -> Any:
        event = {"service": service, "call": call, "arguments": arguments}
        answer = forgotten.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    batch = [{"Id": str(number), "MessageBody": "x"} for number in range(2)]
    assert ask("sqs", "send_message_batch", QueueUrl=url, Entries=batch) is None
    assert ask("sqs", "purge_queue", QueueUrl=url) == "AccessDenied"
    sms = {"DestinationPhoneNumber": "+14254147755", "MessageBody": "x"}
    assert ask("pinpoint-sms-voice-v2", "send_text_message", **sms) == "AccessDeniedException"
    recorded = {decision for decision in forgotten.control.decisions() if decision.session == name}
    (role,) = {decision.principal for decision in recorded}
    assert role.startswith("t-")
    assert recorded == {
        Decision(role, name, "sqs:SendMessage", arn, True),
        Decision(role, name, "sqs:PurgeQueue", arn, False),
        Decision(
            role,
            name,
            "sms-voice:SendTextMessage",
            "arn:aws:sms-voice:us-east-1:123456789012:phone-number/unknown",
            False,
        ),
    }


def test_users_are_recorded_and_strangers_are_not(forgotten: LocalCloud, unique: str) -> None:
    iam = forgotten.client("iam")
    iam.create_user(UserName=unique)
    key = iam.create_access_key(UserName=unique)["AccessKey"]
    known = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    for credentials in (known, {**known, "aws_secret_access_key": "guessed"}):
        dynamodb = forgotten.client("dynamodb", **credentials)
        with pytest.raises(dynamodb.exceptions.ClientError):
            dynamodb.get_item(TableName="any" if credentials is known else "other", Key={"pk": {"S": "1"}})
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/any"
    # What other tests deployed in this cloud may still ask.
    of_tables = [each for each in forgotten.control.decisions() if each.resource in (table, table[:-3] + "other")]
    assert of_tables == [Decision(unique, "", "dynamodb:GetItem", table, False)]
    iam.delete_access_key(UserName=unique, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=unique)


def test_the_record_is_read_and_forgotten_and_nothing_else(forgotten: LocalCloud) -> None:
    with pytest.raises(LaunchError, match="does not answer PUT /_cpaas/grants"):
        forgotten.control._call("PUT", "grants")
