"""Canaries: numbers, addresses, texts and a secret that go everywhere, and must be seen nowhere.

They travel through success, refusals, failures, exceptions, parked events and dead-letter queues; afterwards every log
line, metric, alarm text, tracking row, failed invocation's answer and screen is searched for them.

Exempt, because they are the data itself: the content bucket, queue messages with their dead letters, the register of
opt-outs (RECIPIENT items), and what the API answers to whoever sent the text. Screens show dead letters masked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdas.core.channels import Channel
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import CONTENT, StackClient
from tests.support import golden

NUMBER, OTHER_NUMBER, ADDRESS = "+13125557731", "+13125558842", "quokka.7731@canary.example"
BODY, VARIABLE, INBOUND = "kumquat-7731", "mangosteen-7731", "durian-7731"
CANARIES = {
    "a number": NUMBER.removeprefix("+1"),
    "another number": OTHER_NUMBER.removeprefix("+1"),
    "an address": ADDRESS.partition("@")[0],
    "a body": BODY,
    "a variable": VARIABLE,
    "an inbound text": INBOUND,
}
SMOOTH = CarrierProfile(seed=71, latency_ms=(5, 20), receipt_delay_ms=(20, 100))
REFUSING = CarrierProfile(seed=72, throttle_rate=1.0)
BREAKING_OFF = CarrierProfile(seed=73, error_rate=1.0)
FAILING = CarrierProfile(
    seed=74,
    receipt_delay_ms=(20, 100),
    failure_rate=1.0,
    failure_mix={"INVALID": 1.0, "131050": 1.0, "bounce_permanent": 1.0},
)
WHERE = {Channel.SMS: {"phone": NUMBER}, Channel.WHATSAPP: {"phone": OTHER_NUMBER}, Channel.EMAIL: {"email": ADDRESS}}


def recipients() -> list[dict[str, Any]]:
    """One on each channel."""
    return [
        {"customer_id": channel.value, "selected_channel": channel, "variables": {"v": VARIABLE}, **where}
        for channel, where in WHERE.items()
    ]


def campaign(**fields: Any) -> dict[str, Any]:
    """A campaign to all of them."""
    return {
        "eligible_users": recipients(),
        "throughput_tps": 10,
        "body": f"{BODY} {{{{ v }}}}",
        "content": CONTENT,
        **fields,
    }


class Aviary:
    """Lets the canaries out, and knows where they may have left a feather."""

    def __init__(self, cloud: LocalCloud, stack: StackClient, wait_until: Callable[..., Any]) -> None:
        self.cloud = cloud
        self.stack = stack
        self.wait_until = wait_until
        self.canaries = dict(CANARIES)
        self.answers: list[tuple[str, str]] = []
        """What failed invocations answered, by function."""

    def send(self, **fields: Any) -> str:
        """A campaign; its id."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        status, answer = self.stack.call("POST", "/api/send-campaign", campaign(**fields), headers=key)
        assert status == 202, answer
        return str(answer["campaign_id"])

    def until(self, campaign_id: str, word: str) -> None:
        """Wait until the campaign is `completed` or `settled`."""
        self.wait_until(
            lambda: self.stack.show(campaign_id)["settled" if word == "settled" else "status"] in (True, word),
            timeout=90,
            what=f"{campaign_id} is {word}",
        )

    def messages(self, profile: CarrierProfile) -> list[str]:
        """A single message on each channel, by a carrier that behaves so."""
        self.cloud.control.set_carrier_profile(profile)
        return [
            self.stack.send_message(channel, body=f"{BODY} {{{{ v }}}}", variables={"v": VARIABLE}, **where)
            for channel, where in WHERE.items()
        ]

    def until_history(self, message_ids: list[str], *words: str) -> None:
        """Wait until each message has one of these in its history."""

        def met() -> bool:
            rows = self.stack.tracking.batch_get(({"message_id": each} for each in message_ids), consistent=True)
            return len(rows) == len(message_ids) and all(not set(words).isdisjoint(row["history"]) for row in rows)

        self.wait_until(met, timeout=60, what=f"all are {' or '.join(words)}")

    def put(self, url: str, *bodies: str) -> None:
        """Messages as a careless producer puts them."""
        sqs = self.stack.client("sqs")
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)

    def invoke(self, function: str, event: object) -> None:
        """Invoke with an event the function was not made for; its answer is what an operator sees of the exception."""
        answer = self.stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        self.answers.append((function, answer["Payload"].read().decode()))

    def seen_in(self, text: str) -> list[str]:
        """Which canaries a text shows."""
        return [what for what, mark in self.canaries.items() if mark in text]


@pytest.fixture(scope="module")
def aviary(cloud: LocalCloud, stack: StackClient, wait_until: Callable[..., Any]) -> Iterator[Aviary]:
    """After every flight."""
    flown = Aviary(cloud, stack, wait_until)
    for flight in (success, refusals, exceptions, bad_requests, poison, credentials, failures):
        flight(flown)
    yield flown
    cloud.control.set_carrier_profile(SMOOTH)


def success(aviary: Aviary) -> None:
    """To the last receipt, with a copy of the request and a dry run."""
    aviary.cloud.control.set_carrier_profile(SMOOTH)
    campaign_id = aviary.send()
    aviary.until(campaign_id, "completed")
    aviary.until(campaign_id, "settled")
    aviary.stack.call("POST", "/api/send-campaign", campaign(dry_run=True))
    aviary.until_history(aviary.messages(SMOOTH), "delivered")


def refusals(aviary: Aviary) -> None:
    """The provider throttles, then says that the number has opted out."""
    sms = aviary.stack.client("pinpoint-sms-voice-v2")
    waiting = aviary.messages(REFUSING)
    aviary.wait_until(lambda: len(aviary.cloud.control.carrier_calls()) > 3, timeout=30)
    sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=NUMBER)
    aviary.cloud.control.set_carrier_profile(SMOOTH)
    aviary.until_history(waiting, "delivered", "failed")
    sms.delete_opted_out_number(OptOutListName="Default", OptedOutNumber=NUMBER)


def exceptions(aviary: Aviary) -> None:
    """Calls that break off, and events that no function was made for."""
    stack = aviary.stack
    aviary.cloud.control.set_carrier_profile(BREAKING_OFF)
    campaign_id = aviary.send()
    time_of_calls = len(aviary.cloud.control.carrier_calls())
    aviary.wait_until(lambda: len(aviary.cloud.control.carrier_calls()) > time_of_calls, timeout=30)
    aviary.cloud.control.set_carrier_profile(SMOOTH)
    aviary.until(campaign_id, "completed")
    order = json.dumps({"message_id": "m-1", "channel": "sms", "phone": NUMBER, "body": BODY, "customer_id": "1"})
    image = {"destination": {"S": NUMBER}, "body": {"S": BODY}, "message_id": {"S": "m-1"}}
    events: list[object] = [
        {"Records": [{"messageId": "1", "body": order}]},
        {"Records": [{"messageId": "1", "body": order, "attributes": {"ApproximateReceiveCount": NUMBER}}]},
        {"Records": [{"dynamodb": {"SequenceNumber": "1", "NewImage": image}}]},
        {"Records": [{"dynamodb": {"NewImage": {"status": {"S": BODY}}}}]},
        {"rawPath": f"/api/messages/{NUMBER}", "body": order, "requestContext": {"http": {"method": "POST"}}},
        {"body": BODY},
    ]
    functions = stack.outputs
    receiving = (
        functions.outbox.message_sender_function,
        functions.messaging.delivery_processor_function,
        functions.campaigns.campaign_counters_function,
        functions.campaigns.campaign_api_function,
    )
    for function in receiving:
        for event in events:
            aviary.invoke(function, event)


def bad_requests(aviary: Aviary) -> None:
    """Everything that people get wrong in a request, with canaries in the wrong places."""
    call = aviary.stack.call
    user = recipients()[0]
    for body in (
        campaign(eligible_users=[{**user, "phone": f"{NUMBER}0000000000"}]),
        campaign(eligible_users=[{**user, "phone": BODY}]),
        campaign(eligible_users=[{**user, NUMBER: BODY}]),
        campaign(eligible_users=[{**user, "selected_channel": BODY}]),
        campaign(eligible_users=[user, user]),
        campaign(body=f"{BODY} {{{{ {VARIABLE} }}}}"),
        campaign(campaign_id=NUMBER),
        campaign(throughput_tps=BODY),
        {BODY: NUMBER},
        [NUMBER, BODY],
        BODY,
    ):
        call("POST", "/api/send-campaign", body, headers={"Idempotency-Key": uuid.uuid4().hex})
        call("POST", "/api/messages", body)
    for path in (f"/api/campaigns/{BODY}", f"/api/messages/{BODY}", f"/api/campaigns?limit={BODY}"):
        call("GET", path)
        call("PATCH", path, {"status": BODY, "expected_version": NUMBER})


def poison(aviary: Aviary) -> None:
    """What can never be sent or read, in the queues that take people's data, and dead letters of it."""
    outputs = aviary.stack.outputs
    order = {"message_id": f"m-{uuid.uuid4().hex[:12]}", "customer_id": "1", "channel": "sms", "body": BODY}
    unreadable = (
        f"{NUMBER} {BODY}",
        json.dumps({**order, "message_id": None, "phone": NUMBER}),
        json.dumps({**order, "phone": f"{NUMBER}0000000000"}),
        json.dumps({**order, "phone": NUMBER, "body": f"{BODY} {{{{ missing }}}}"}),
        json.dumps({**order, "phone": NUMBER, "channel": BODY}),
    )
    aviary.put(outputs.outbox.outbox_queue_url, *unreadable)
    event = golden.load("sms/topic-successful").event | {"destinationPhoneNumber": NUMBER}
    inbound = {"originationNumber": NUMBER, "messageBody": f"STOP {INBOUND}", "inboundMessageId": uuid.uuid4().hex}
    whatsapp = golden.load("whatsapp/topic-inbound-image").event
    entry = json.loads(whatsapp["whatsAppWebhookEntry"]) | {"note": f"{INBOUND} {NUMBER}"}
    aviary.put(
        outputs.messaging.receipts_queue_url,
        f"{NUMBER} {BODY}",
        json.dumps(event | {"eventType": f"TEXT_{BODY}"}),
        json.dumps(event | {"messageStatus": BODY}),
        json.dumps(event | {"totalMessagePrice": BODY}),
        json.dumps({"detail-type": BODY, "source": NUMBER, "detail": {}}),
        json.dumps(inbound),
        json.dumps({**inbound, "messageBody": "STOP"}),
        json.dumps(whatsapp | {"whatsAppWebhookEntry": json.dumps(entry)}),
        json.dumps(whatsapp | {"whatsAppWebhookEntry": f"{INBOUND} {NUMBER}"}),
    )
    aviary.put(outputs.outbox.outbox_dead_letter_queue_url, *unreadable)
    aviary.put(outputs.messaging.receipts_dead_letter_queue_url, f"{NUMBER} {ADDRESS}", json.dumps(event))
    aviary.wait_until(lambda: "order parked" in logs(aviary) and "event parked" in logs(aviary), timeout=60)


def credentials(aviary: Aviary) -> None:
    """Requests signed with a user's key; the secret is a canary of its own."""
    iam, name = aviary.stack.client("iam"), f"canary-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    aviary.canaries["a secret key"] = key["SecretAccessKey"]
    signed = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert aviary.stack.call("POST", "/api/send-campaign", {BODY: 1}, credentials=signed)[0] == 400
    assert aviary.stack.call("GET", "/api/campaigns", credentials=signed)[0] == 200


def failures(aviary: Aviary) -> None:
    """Every message fails so that its destination is suppressed, and the next one is not sent."""
    aviary.until_history(aviary.messages(FAILING), "failed")
    aviary.until_history(aviary.messages(SMOOTH), "failed")


def logs(aviary: Aviary) -> str:
    """Every line of every log group."""
    client, lines = aviary.stack.client("logs"), []
    for group in client.describe_log_groups()["logGroups"]:
        token: dict[str, str] = {}
        while True:
            answer = client.filter_log_events(logGroupName=group["logGroupName"], **token)
            lines += [event["message"] for event in answer["events"]]
            if not answer.get("nextToken"):
                break
            token = {"nextToken": answer["nextToken"]}
    return "\n".join(lines)


def console(cloud: LocalCloud, *arguments: str) -> str:
    """What a command shows."""
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("cpaas-console")), *arguments, "--outputs", str(cloud.outputs_file)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    assert ended.returncode in (0, 1), ended.stderr
    return ended.stdout + ended.stderr


pytestmark = pytest.mark.timeout(400)


def test_no_log_line_shows_one(aviary: Aviary) -> None:
    lines = logs(aviary).splitlines()
    assert len(lines) > 100
    assert [(line, found) for line in lines if (found := aviary.seen_in(line))] == []


def test_no_exception_s_text_shows_one(aviary: Aviary) -> None:
    failed = [(function, text) for function, text in aviary.answers if "errorMessage" in text]
    assert failed, "some of those events raise"
    assert [(function, text) for function, text in aviary.answers if aviary.seen_in(text)] == []


def test_no_metric_or_alarm_shows_one(aviary: Aviary) -> None:
    cloudwatch = aviary.stack.client("cloudwatch")
    metrics = [str(page) for page in cloudwatch.get_paginator("list_metrics").paginate()]
    alarms = [str(page) for page in cloudwatch.get_paginator("describe_alarms").paginate()]
    assert "MessagesSent" in "".join(metrics)
    assert aviary.seen_in("".join(metrics + alarms)) == []


def test_no_tracking_row_shows_one(aviary: Aviary) -> None:
    dynamo = aviary.stack.client("dynamodb")
    items = [
        item
        for page in dynamo.get_paginator("scan").paginate(TableName=aviary.stack.tracking.name)
        for item in page["Items"]
    ]
    assert any("+1******7731" in str(item) for item in items), "they have passed, masked"
    assert [item for item in items if aviary.seen_in(str(item))] == []


@pytest.mark.parametrize("arguments", [("--once",), ("--once", "--json"), ("campaign", "list"), ("queues",)])
def test_no_screen_shows_one(aviary: Aviary, arguments: tuple[str, ...]) -> None:
    text = console(aviary.cloud, *arguments)
    assert text
    assert aviary.seen_in(text) == []


@pytest.mark.parametrize("queue", ["outbox_dead_letter_queue_url", "receipts_dead_letter_queue_url"])
def test_peeking_at_dead_letters_shows_no_number_or_address(aviary: Aviary, queue: str) -> None:
    outputs = aviary.stack.outputs
    url = str(getattr(outputs.outbox, queue, "") or getattr(outputs.messaging, queue))
    text = console(aviary.cloud, "queues", "peek", url.rpartition("/")[2])
    assert text
    assert {what for what in aviary.seen_in(text) if what in ("a number", "another number", "an address")} == set()
