"""The policy of docs/console-policy.json, held by a user: enough for everything the console does, and no more."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.campaigns import make_request
from console.clock import SystemClock
from console.headless.checks import Word
from console.headless.rights import right_checks
from console.queues import Letter, find_queue
from console.services.connect import Options, connect
from console.services.embedded import Ready
from console.services.outputs import read_ssm
from console.sessions.speakers import temporary_speaker
from console.sources.base import Connection
from console.sources.queues import SqsLetters
from console.telemetry import MessageSearch
from lambdas.core.attribute_values import to_item
from localcloud.launch import ControlClient
from tests.cloud.campaign_client import StackClient
from tests.console.processes import until
from tests.support.canned_sessions import CannedSessions

POLICY = Path(__file__).parents[2] / "docs" / "console-policy.json"
WITHOUT_RESOURCE_HERE = {"Find"}
"""Statements whose actions the embedded IAM asks about without a resource."""
WITHOUT_CONDITION_HERE = {"TestSessionsOnlyWithThis"}
"""Statements with a condition on tags of resources, which the embedded IAM does not know."""
NOT_ASKED_HERE = {
    "ce:GetCostAndUsage": "the embedded cloud has no Cost Explorer",
    "kms:Decrypt": "the embedded cloud encrypts nothing",
    "kms:GenerateDataKey": "the embedded cloud encrypts nothing",
}


@pytest.fixture
def operator(cloud: Ready, stack: StackClient) -> Iterator[tuple[Connection, str]]:
    """A console whose user holds the policy and nothing else, and the user's name."""
    identity, name = stack.outputs.identity, f"operator-{uuid.uuid4().hex[:8]}"
    policy = json.loads(POLICY.read_text(encoding="utf-8"))
    for statement in policy["Statement"]:
        if statement["Sid"] in WITHOUT_RESOURCE_HERE:
            statement["Resource"] = "*"
        if statement["Sid"] in WITHOUT_CONDITION_HERE:
            del statement["Condition"]
    text = json.dumps(policy)
    for placeholder, value in (
        ("REGION", identity.region),
        ("ACCOUNT", identity.account_id),
        ("PROJECT", identity.project),
        ("STACK", identity.stack),
    ):
        text = text.replace(placeholder, value)
    iam = stack.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="console", PolicyDocument=text)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    connection = connect(Options(endpoint_url=cloud.endpoint_url), lambda step: None)
    assert connection.clients is not None
    credentials = connection.clients.session.get_credentials()
    credentials.access_key, credentials.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
    yield connection, name
    connection.close()
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="console")
    iam.delete_user(UserName=name)


def read_everything(connection: Connection, campaign_id: str) -> None:
    """Each read of the console once."""
    source, telemetry, records = connection.source, connection.telemetry, connection.records
    alarms, campaigns = source.alarms(), source.campaigns()
    source.messages(campaigns)
    source.spend()
    telemetry.rules([alarm.name for alarm in alarms])
    detail = next(each for each in map(telemetry.alarm, [a.name for a in alarms]) if each.rule is not None)
    assert detail.rule is not None
    telemetry.series(detail.rule, 1_000_000.0, 1_000_600.0)
    telemetry.logs(telemetry.log_groups()[0], 0.0, 4_000_000_000.0)
    telemetry.deployments()
    telemetry.resources()
    telemetry.queues()
    telemetry.letters("receipts")
    telemetry.bill()
    page = records.search(MessageSearch(campaign_id=campaign_id))
    records.search(MessageSearch(customer_id=page.messages[0].customer_id))
    records.timeline(page.messages[0].id)


def granted() -> set[str]:
    """The actions of the policy."""
    actions: set[str] = set()
    for statement in json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]:
        listed = statement["Action"]
        actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def test_the_documented_policy_is_enough_and_none_of_it_is_left_over(
    cloud: Ready, stack: StackClient, operator: tuple[Connection, str]
) -> None:
    connection, name = operator
    assert connection.clients is not None
    control = ControlClient(cloud.endpoint_url)
    control.forget_decisions()
    connection.source.campaigns()
    accepted = connection.api.send(make_request(3, 3))
    until(lambda: connection.source.campaign(accepted.id).total("sent") == 3, "it is sent")
    read_everything(connection, accepted.id)
    connect_reads(connection)
    look_at_sessions(connection, stack)
    redrive_one(connection, stack)
    decisions = [each for each in control.decisions() if each.principal == name]
    assert [each for each in decisions if not each.allowed] == []
    assert granted() - {each.action for each in decisions} == set(NOT_ASKED_HERE)


def test_the_doctor_says_which_right_is_missing_and_no_other(
    stack: StackClient, operator: tuple[Connection, str]
) -> None:
    connection, name = operator
    iam = stack.client("iam")
    assert refused(connection) == {}
    policy = json.dumps(iam.get_user_policy(UserName=name, PolicyName="console")["PolicyDocument"])
    for action in ("logs:FilterLogEvents", "dynamodb:BatchGetItem"):
        assert action in policy
        policy = policy.replace(action, "sts:GetCallerIdentity")
    iam.put_user_policy(UserName=name, PolicyName="console", PolicyDocument=policy)
    missing = refused(connection)
    sessions = missing.pop("right: sessions", "dynamodb:BatchGetItem is refused, which sessions needs")
    assert sessions == "dynamodb:BatchGetItem is refused, which sessions needs", "asked where there has been a session"
    assert missing == {
        "right: logs": "logs:FilterLogEvents is refused, which logs needs",
        "right: messages": "dynamodb:BatchGetItem is refused, which messages needs",
    }


def refused(connection: Connection) -> dict[str, str]:
    """The rights that `doctor` finds missing, with what it says."""
    checks = [(name, check()) for name, check in right_checks(connection, SystemClock())]
    return {name: check.detail for name, check in checks if check.word is Word.FAIL}


def connect_reads(connection: Connection) -> None:
    """What finding a stack by its name asks for."""
    assert connection.clients is not None
    identity = connection.outputs.identity
    assert read_ssm(connection.clients, identity.project, identity.stack) == connection.outputs


def look_at_sessions(connection: Connection, stack: StackClient) -> None:
    """A session with a listener, all that the screen reads about it, and a speaker who is there for a moment."""
    assert connection.clients is not None
    outputs, tables = connection.outputs.sessions, stack.client("dynamodb")
    canned = CannedSessions()
    canned.session("seen-by-the-operator")
    canned.listener("seen-by-the-operator", "de", 5)
    rows = [{"sessionId": "ACTIVE", **canned.roster}, *canned.sessions.values()]
    for row in rows:
        tables.put_item(TableName=outputs.sessions_table, Item=to_item(row))
    for row in canned.connections.values():
        tables.put_item(TableName=outputs.connections_table, Item=to_item(row))
    try:
        assert [session.id for session in connection.sessions.roster().sessions] == ["seen-by-the-operator"]
        assert connection.sessions.session("seen-by-the-operator").by_language == {"de": 1}
        connection.sessions.gauges()
        connection.sessions.hour()
    finally:
        for row in rows:
            tables.delete_item(TableName=outputs.sessions_table, Key=to_item({"sessionId": row["sessionId"]}))
        for name in canned.connections:
            tables.delete_item(TableName=outputs.connections_table, Key=to_item({"connectionId": name}))
    with temporary_speaker(connection.clients, outputs, pytest.fail) as token:
        assert token.count(".") == 2


def redrive_one(connection: Connection, stack: StackClient) -> None:
    """A dead letter is looked at, put back and deleted."""
    assert connection.clients is not None
    queue = find_queue(connection.outputs, "receipts")
    stack.client("sqs").send_message(QueueUrl=queue.dead_letters_url, MessageBody="{}")
    letters = SqsLetters(connection.clients, queue)
    letters.release(received(letters))
    again = received(letters)
    letters.send(again)
    letters.delete(again)


def received(letters: SqsLetters) -> list[Letter]:
    """One letter, as soon as it is visible."""
    held: list[Letter] = []

    def there() -> bool:
        held.extend(letters.receive(1))
        return bool(held)

    until(there, "the letter is there")
    return held


def test_what_the_policy_does_not_name_is_refused(operator: tuple[Connection, str]) -> None:
    connection, _ = operator
    assert connection.clients is not None
    table = connection.outputs.campaigns.campaigns_table
    with pytest.raises(Exception, match="AccessDenied"):
        connection.clients.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "x"}, "sk": {"S": "y"}})
    with pytest.raises(Exception, match="AccessDenied"):
        connection.clients.client("dynamodb").scan(TableName=table)
