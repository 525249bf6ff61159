"""Monitoring and single messages of a running stack: alarms that are up, lines that were logged, letters, searches."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.domain import AlarmState, ConsoleError, ProblemKind
from console.services.connect import Options, connect
from console.services.embedded import Ready
from console.sources.base import Connection
from console.sources.deployments import functions_of
from console.telemetry import MessageSearch
from lambdas.core.channels import Channel
from lambdas.core.metrics import MESSAGES_PER_SECOND, NAMESPACE
from lambdas.core.outputs import COMPONENTS
from tests.cloud.campaign_client import StackClient
from tests.console.processes import answer, until

NUMBER = "+14254147755"
DEAD_LETTERS = "ai-cpaas-demo-local-dead-letter-queue-plan-dlq"


@pytest.fixture(scope="module")
def console(cloud: Ready) -> Connection:
    """The stack as the console is connected to it."""
    return connect(Options(endpoint_url=cloud.endpoint_url), lambda step: None)


def a_minute_passes(cloud: Ready) -> None:
    request = urllib.request.Request(f"{cloud.endpoint_url}/_cpaas/clock", b'{"advance_seconds": 60}', method="POST")
    with urllib.request.urlopen(request, timeout=30):
        pass


def waiting(console: Connection, name: str) -> int:
    (depth,) = [each.depth for each in console.telemetry.queues() if each.queue.name == name]
    assert depth is not None
    return depth.waiting


def test_a_dead_letter_is_seen_raises_its_alarm_and_is_in_the_alarms_series(
    cloud: Ready, stack: StackClient, console: Connection
) -> None:
    telemetry, sqs = console.telemetry, stack.client("sqs")
    url = stack.outputs.campaigns.plan_dead_letter_queue_url
    began = time.time()
    body = {"campaign_id": "c-1", "phone": NUMBER}
    sent = sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))["MessageId"]
    try:
        (plan,) = [each for each in telemetry.queues() if each.queue.name == "plan"]
        assert plan.dead_letters is not None
        assert plan.dead_letters.waiting == 1
        for _ in range(2):
            (letter,) = telemetry.letters("plan-dlq")
            assert (letter.id, letter.reason) == (
                sent,
                "planning campaign c-1 failed: see the log of campaign-planner",
            )
            assert NUMBER not in letter.body
            assert letter.sent_at == pytest.approx(began, abs=60)

        def is_up() -> bool:
            a_minute_passes(cloud)
            return telemetry.alarm(DEAD_LETTERS).alarm.state is AlarmState.ALARM

        until(is_up, "the alarm is up")
        detail = telemetry.alarm(DEAD_LETTERS)
        change, rule = detail.history[0], detail.rule
        assert (change.new, change.at) == (AlarmState.ALARM, detail.alarm.since)
        assert "hreshold" in change.reason
        assert rule is not None
        assert (rule.namespace, rule.dimensions) == ("AWS/SQS", {"QueueName": url.rpartition("/")[2]})
        series = telemetry.series(rule, began - 600, time.time() + 60)
        values = [value for _, value in series.points if value is not None]
        assert any(rule.breaches(value) for value in values)
        assert series.points[0][1] is None, "nothing had been measured before the stack was there"
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_the_composite_alarm_and_alarms_that_add_up_metrics_are_understood(console: Connection) -> None:
    details = [console.telemetry.alarm(alarm.name) for alarm in console.source.alarms()]
    (composite,) = [detail for detail in details if detail.rule is None]
    assert composite.alarm.name.endswith("-stack-down")
    assert composite.expression.startswith('ALARM("ai-cpaas-demo-local-')
    rules = [detail.rule for detail in details if detail.rule is not None]
    added_up = next(rule for rule in rules if rule.metric.startswith("SUM(FILL(METRICS(), 0)) of "))
    end = time.time()
    series = console.telemetry.series(added_up, end - 600, end)
    assert [at for at, _ in series.points] == list(added_up.periods(end - 600, end))
    with pytest.raises(ConsoleError) as caught:
        console.telemetry.alarm("ai-cpaas-demo-local-nothing")
    assert caught.value.problem.kind is ProblemKind.NOT_FOUND


def test_rates_of_channels_are_those_that_were_published(stack: StackClient, console: Connection) -> None:
    minute = int(time.time()) // 60 * 60 - 1_800
    dimensions = {"Stack": stack.outputs.identity.stack, "Channel": Channel.SMS.metric}
    stack.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": MESSAGES_PER_SECOND.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Timestamp": datetime.fromtimestamp(minute + 20, UTC),
                "Value": 12_345.0,
            }
        ],
    )
    rates = {each.label: each for each in console.telemetry.rates(minute - 300, minute + 300)}
    assert set(rates) == set(stack.outputs.messaging.rates())
    assert all([at for at, _ in each.points] == list(range(minute - 300, minute + 300, 60)) for each in rates.values())
    assert dict(rates["sms"].points)[minute] == 12_345.0


def test_what_functions_log_is_read_by_time_and_by_text(stack: StackClient, console: Connection) -> None:
    telemetry = console.telemetry
    began = time.time()
    poison = f"poison {uuid.uuid4().hex} {NUMBER}"
    sqs, url = stack.client("sqs"), stack.outputs.messaging.receipts_queue_url
    sqs.send_message(QueueUrl=url, MessageBody=poison)
    groups = telemetry.log_groups()
    (group,) = [each for each in groups if each.endswith("/delivery-processor")]
    known = {each["logGroupName"] for each in stack.client("logs").describe_log_groups()["logGroups"]}
    assert set(groups) <= known
    try:
        until(
            lambda: bool(telemetry.logs(group, began - 1, time.time() + 1, text="parked").lines),
            "the poison is told of",
        )
    finally:
        sqs.purge_queue(QueueUrl=url)
    page = telemetry.logs(group, began - 1, time.time() + 1)
    assert page.cursor is None
    warning = next(line for line in page.lines if line.level in ("WARNING", "ERROR"))
    assert NUMBER not in warning.message
    assert warning.group == group
    assert warning.at == pytest.approx(time.time(), abs=60)
    assert [line.at for line in page.lines] == sorted(line.at for line in page.lines)
    assert len({line.id for line in page.lines}) == len(page.lines)
    assert telemetry.logs(group, began - 1, time.time() + 1, text="nobody has said this").lines == ()
    assert telemetry.logs(group, began - 900, began - 600).lines == ()


def test_deployments_and_resources_are_those_of_the_stack(console: Connection) -> None:
    outputs = console.outputs
    found = console.telemetry.deployments()
    assert {each.what for each in found} == {
        *(f"function {thing}" for thing in functions_of(outputs).values()),
        *(f"outputs of {kind.COMPONENT}" for kind in COMPONENTS),
    }
    assert any(each.detail == f"version 1, release {outputs.identity.version}" for each in found)
    assert all(0 < time.time() - each.at < 86_400 for each in found)
    resources = console.telemetry.resources()
    by_service = {(each.service, each.kind) for each in resources}
    assert by_service >= {("lambda", "function"), ("sqs", "queue"), ("dynamodb", "table"), ("sns", "topic")}
    named = {each.name for each in resources}
    assert set(functions_of(outputs)) <= named
    assert all(each.tags["Stack"] == outputs.identity.stack for each in resources)
    assert console.telemetry.bill() is None


def test_messages_are_found_by_campaign_by_customer_and_by_id(stack: StackClient, console: Connection) -> None:
    records = console.records
    sent = stack.send_campaign(230, 100, key=uuid.uuid4().hex, channels=("sms", "email"))
    until(lambda: bool(stack.show(sent)["settled"]), "the campaign is settled")
    first = records.search(MessageSearch(campaign_id=sent))
    assert (first.total, len(first.messages)) == (230, 200)
    second = records.search(MessageSearch(campaign_id=sent), first.cursor)
    assert (second.cursor, len(second.messages)) == (None, 30)
    ids = {message.id for message in first.messages + second.messages}
    assert len(ids) == 230
    for page in (first, second):
        assert list(page.messages) == sorted(page.messages, key=lambda m: (m.created_ms, m.id), reverse=True)
    assert {message.channel for message in first.messages} == {"sms", "email"}
    one = second.messages[0]
    assert records.search(MessageSearch(message_id=one.id)).messages == (one,)
    assert one in records.search(MessageSearch(customer_id=one.customer_id)).messages
    assert records.search(MessageSearch(message_id="nobody")).messages == ()

    customer = f"search-{uuid.uuid4().hex[:8]}"
    orders = [stack.send_message("sms", customer_id=customer, phone=NUMBER) for _ in range(3)]

    def delivered() -> bool:
        return [each.status for each in records.search(MessageSearch(customer_id=customer)).messages] == 3 * [
            "delivered"
        ]

    until(delivered, "all three are delivered")
    found = records.search(MessageSearch(customer_id=customer))
    assert {message.id for message in found.messages} == set(orders)
    assert found.cursor is None
    told = records.timeline(orders[0])
    assert (told["message_id"], told["customer_id"]) == (orders[0], customer)
    with pytest.raises(ConsoleError) as caught:
        records.timeline("nobody-has-sent-this")
    assert caught.value.problem.kind is ProblemKind.NOT_FOUND
    until(lambda: waiting(console, "receipts") == 0, "the last receipts, which come twice, are taken")


def test_a_running_stack_is_recorded_and_replayed_when_it_is_gone(
    cloud: Ready, stack: StackClient, console: Connection, tmp_path: Path
) -> None:
    sent = stack.send_campaign(6, 20, key=uuid.uuid4().hex, channels=("sms", "email"))
    until(lambda: bool(stack.show(sent)["settled"]), "the campaign is settled")
    path = tmp_path / "stack.jsonl"
    live = connect(Options(endpoint_url=cloud.endpoint_url, record=path), lambda step: None)
    assert live.note().startswith("recording to stack.jsonl")
    alarm = live.source.alarms()[0].name

    def asked(connection: Connection) -> list[object]:
        campaigns = connection.source.campaigns()
        telemetry, records = connection.telemetry, connection.records
        page = records.search(MessageSearch(campaign_id=sent))
        return [
            *(campaigns, connection.source.messages(campaigns), connection.source.campaign(sent)),
            *(telemetry.alarm(alarm), telemetry.queues(), telemetry.deployments(), telemetry.resources()),
            *(telemetry.log_groups(), telemetry.bill(), page, records.timeline(page.messages[0].id)),
        ]

    told = asked(live)
    live.close()
    assert asked(connect(Options(replay=path, replay_at_end=True), lambda step: None)) == told

    snapshot = tmp_path / "once.jsonl"
    seen = answer("--once", "--endpoint-url", cloud.endpoint_url, "--record", str(snapshot))
    again = answer("--once", "--replay", str(snapshot))
    for name in ("stack", "alarms", "campaigns"):
        assert again[name] == seen[name]
    until(lambda: waiting(console, "receipts") == 0, "the last receipts, which come twice, are taken")
