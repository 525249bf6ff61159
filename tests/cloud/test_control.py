"""The control API and what it moves: the clock, schedules, meters."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.core.simulator import MAILBOXES, SUCCESS_BY_COUNTRY
from localcloud import launch
from localcloud.carrier_whatsapp_account import PHONE_NUMBER_ID
from localcloud.profile import BUILT_IN, CarrierProfile

MakeQueue = Callable[..., tuple[str, str]]


def _raw(
    cloud: launch.LocalCloud, method: str, path: str, body: bytes = b"", host: str | None = None
) -> tuple[int, dict[str, Any]]:
    address = cloud.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path, body, {"Host": host or address})
    response = connection.getresponse()
    answer = json.loads(response.read() or b"{}")
    connection.close()
    return response.status, answer


@pytest.fixture
def own_cloud() -> Iterator[launch.LocalCloud]:
    """A cloud whose clock no other test moves."""
    with launch.start(launch.LaunchOptions(provision=False)) as running:
        yield running


def test_status(bare_cloud: launch.LocalCloud) -> None:
    status = bare_cloud.control.status()
    assert status.pop("uptime_s") > 0
    assert status.pop("clock_offset_s") > -1
    assert status == {
        "stack": None,
        "region": "us-east-1",
        "account_id": "123456789012",
        "speed": 1.0,
        "recorded": [],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_cpaas/nothing", b"", 404),
        ("DELETE", "/_cpaas/status", b"", 405),
        ("GET", "/_cpaas/clock", b"", 405),
        ("DELETE", "/_cpaas/websockets", b"", 405),
        ("PUT", "/_cpaas/websockets/profile", b'{"lost_disconnect_rate": 2}', 400),
        ("POST", "/_cpaas/clock", b"now", 400),
        ("POST", "/_cpaas/clock", b'{"advance_seconds": -1}', 400),
        ("POST", "/_cpaas/clock", b'{"advance_seconds": true}', 400),
        ("POST", "/_cpaas/clock", b'{"advance_seconds": 1e999}', 400),
        ("PUT", "/_cpaas/carrier/profile", b"[]", 400),
        ("PUT", "/_cpaas/carrier/template", b'{"business_account_id": "waba-0", "status": "PAUSED"}', 400),
        ("PUT", "/_cpaas/carrier/template", b'{"status": "BLOCKED"}', 400),
        ("PUT", "/_cpaas/carrier/profile", b'{"failure_rate": 2}', 400),
        ("PUT", "/_cpaas/carrier/profile", b'{"fail_rate": 1}', 400),
    ],
)
def test_wrong_calls_are_refused_with_a_sentence(
    method: str, path: str, body: bytes, status: int, bare_cloud: launch.LocalCloud
) -> None:
    code, answer = _raw(bare_cloud, method, path, body)
    assert code == status
    assert answer["message"]


def test_a_rebound_name_gets_nothing(bare_cloud: launch.LocalCloud) -> None:
    code, _ = _raw(bare_cloud, "GET", "/_cpaas/status", host="attacker.example:80")
    assert code == 403


def test_a_profile_comes_back_as_it_was_set(
    bare_cloud: launch.LocalCloud, carrier_control: launch.ControlClient
) -> None:
    own = CarrierProfile(
        seed=9,
        paths=("sns",),
        latency_ms=(1, 2),
        notification_id="message",
        channels={"email": {"failure_rate": 0.5, "failure_mix": {"complaint": 1}, "latency_ms": (3, 4)}},
    )
    for profile in (*BUILT_IN.values(), own):
        carrier_control.set_carrier_profile(profile)
        assert carrier_control.carrier_profile() == profile


def test_calls_of_every_channel_are_listed_and_forgotten(
    bare_cloud: launch.LocalCloud, carrier_control: launch.ControlClient, unique: str
) -> None:
    sender = f"{unique}@example.com"
    ses = bare_cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity=sender)
    body = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
    ses.send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": [MAILBOXES["success"]]},
        Content={"Simple": body},
        EmailTags=[{"Name": "message_id", "Value": "m-2"}],
    )
    text = {"messaging_product": "whatsapp", "to": SUCCESS_BY_COUNTRY["US"], "type": "text", "text": {"body": "x"}}
    bare_cloud.client("socialmessaging").send_whatsapp_message(
        originationPhoneNumberId=PHONE_NUMBER_ID,
        metaApiVersion="v20.0",
        message=json.dumps({**text, "biz_opaque_callback_data": "local/m-3"}),
    )
    calls = carrier_control.carrier_calls()
    assert [(call.channel, call.context["message_id"], call.destination, call.outcome) for call in calls] == [
        ("email", "m-2", MAILBOXES["success"], "accepted"),
        ("whatsapp", "m-3", SUCCESS_BY_COUNTRY["US"], "accepted"),
    ]
    carrier_control.forget_carrier_calls()
    assert carrier_control.carrier_calls() == []
    ses.delete_email_identity(EmailIdentity=sender)


def test_killing_a_function_that_does_not_run_kills_nothing(bare_cloud: launch.LocalCloud) -> None:
    assert bare_cloud.control.kill_function("nobody") == []


def test_advancing_the_clock_fires_what_is_due(own_cloud: launch.LocalCloud, unique: str, wait_until: Any) -> None:
    events, schedules, sqs = own_cloud.client("events"), own_cloud.client("scheduler"), own_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{own_cloud.access_key_id}:{unique}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    plain = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, plain]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name=unique, ScheduleExpression="rate(1 hour)", State="ENABLED")
    events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": arn, "Input": '{"by": "rule"}'}])
    role = f"arn:aws:iam::{own_cloud.access_key_id}:role/any"
    schedules.create_schedule(
        Name=unique,
        ScheduleExpression="rate(2 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": '{"by": "schedule"}'},
    )

    def bodies() -> list[str]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(json.loads(message["Body"])["by"] for message in messages)

    assert own_cloud.control.advance_clock(3590) == {}
    assert bodies() == []
    own_cloud.control.advance_clock(11)
    assert bodies() == ["rule"]
    own_cloud.control.advance_clock(3601)
    assert bodies() == ["rule", "schedule"]
    assert own_cloud.control.status()["clock_offset_s"] == pytest.approx(7202, abs=1)


def test_speed_makes_schedules_and_alarms_faster(unique: str, wait_until: Any) -> None:
    with launch.start(launch.LaunchOptions(provision=False, speed=60)) as fast:
        events, sqs = fast.client("events"), fast.client("sqs")
        url = sqs.create_queue(QueueName=unique)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{fast.access_key_id}:{unique}"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:*",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_rule(Name=unique, ScheduleExpression="rate(1 minute)", State="ENABLED")
        events.put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": arn}])
        seen: list[str] = []

        def three() -> bool:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                seen.append(json.loads(message["Body"])["detail-type"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(seen) >= 3

        wait_until(three, timeout=15)
        assert set(seen) == {"Scheduled Event"}


@pytest.fixture
def table(bare_cloud: launch.LocalCloud, unique: str) -> Iterator[str]:
    dynamodb = bare_cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "by", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-by",
                "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    yield unique
    dynamodb.delete_table(TableName=unique)


def _units(cloud: launch.LocalCloud, table: str) -> dict[str, float]:
    return dict(cloud.control.meters()["write_units"].get(table, {}))


def test_write_units_are_counted_as_dynamodb_bills_them(bare_cloud: launch.LocalCloud, table: str) -> None:
    dynamodb = bare_cloud.client("dynamodb")
    bare_cloud.control.clear_meters()
    answer = dynamodb.put_item(TableName=table, Item={"pk": {"S": "1"}, "text": {"S": "x" * 1500}})
    assert "ConsumedCapacity" not in answer
    assert _units(bare_cloud, table) == {"PutItem": 2}

    indexed = {"pk": {"S": "2"}, "by": {"S": "b"}}
    wanted = dynamodb.put_item(TableName=table, Item=indexed, ReturnConsumedCapacity="TOTAL")
    assert wanted["ConsumedCapacity"]["CapacityUnits"] == 2
    assert _units(bare_cloud, table) == {"PutItem": 4}

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(TableName=table, Item=indexed, ConditionExpression="attribute_not_exists(pk)")
    assert _units(bare_cloud, table) == {"PutItem": 5}

    dynamodb.get_item(TableName=table, Key={"pk": {"S": "1"}})
    put = {"Put": {"TableName": table, "Item": {"pk": {"S": "3"}}}}
    refused = {"Put": {"TableName": table, "Item": indexed, "ConditionExpression": "attribute_not_exists(pk)"}}
    dynamodb.transact_write_items(TransactItems=[put])
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[put, refused])
    dynamodb.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(4, 9)]}
    )
    assert _units(bare_cloud, table) == {"PutItem": 5, "TransactWriteItems": 6, "BatchWriteItem": 5}


def test_meters_name_the_function_that_wrote(bare_cloud: launch.LocalCloud, table: str, deploy_function: Any) -> None:
    source = """
import boto3
def handler(event, context):
    boto3.client("dynamodb").update_item(TableName=event["table"], Key={"pk": {"S": "1"}})
"""
    grant = {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": "*"}
    name = deploy_function(source, statements=[grant])
    bare_cloud.control.clear_meters()
    bare_cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"table": table}))
    meters = bare_cloud.control.meters()
    assert [entry for entry in meters["writes"] if entry["table"] == table] == [
        {"table": table, "operation": "UpdateItem", "caller": name, "calls": 1, "units": 1.0}
    ]
    assert meters["requests"] == {"lambda": 1, "dynamodb": 1}
    used = meters["invocations"][name]
    assert (used["count"], used["queue_messages"]) == (1, 0)
    assert used["gb_seconds"] == pytest.approx(used["seconds"] * 128 / 1_024)
    assert meters["log_bytes"][f"/aws/lambda/{name}"] > 100


def test_read_units_are_counted_as_dynamodb_bills_them(bare_cloud: launch.LocalCloud, table: str) -> None:
    dynamodb = bare_cloud.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "1"}, "text": {"S": "x" * 5_000}})
    bare_cloud.control.clear_meters()
    key = {"pk": {"S": "1"}}
    assert "ConsumedCapacity" not in dynamodb.get_item(TableName=table, Key=key)
    assert bare_cloud.control.meters()["read_units"] == {table: 1.0}
    dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
    keys = [key, {"pk": {"S": "nobody"}}]
    dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    dynamodb.scan(TableName=table)
    assert bare_cloud.control.meters()["read_units"] == {table: 1.0 + 2.0 + 3.0 + 1.0}


def test_logs_are_trimmed(bare_cloud: launch.LocalCloud, deploy_function: Any, wait_until: Any) -> None:
    from localcloud.logs import EVENTS_PER_STREAM

    name = deploy_function("def handler(event, context):\n    for n in range(event):\n        print(n)\n")
    functions, logs = bare_cloud.client("lambda"), bare_cloud.client("logs")
    for _ in range(5):
        functions.invoke(FunctionName=name, Payload=json.dumps(EVENTS_PER_STREAM // 2))
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    kept = [event["message"] for page in pages for event in page["events"]]
    assert EVENTS_PER_STREAM <= len(kept) <= 2 * EVENTS_PER_STREAM
    assert kept[-1].startswith("REPORT")
