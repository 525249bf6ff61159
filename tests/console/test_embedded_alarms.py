"""From the alarms of a running stack to what explains them, on the screen."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from console.places import Place
from console.services.connect import Options, connect
from console.services.embedded import Ready
from console.services.jumps import groups_of_rules, log_groups_of
from console.services.runbooks import read_runbook
from console.sources.base import Connection
from console.ui.screens.alarm import AlarmScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.runbook import RunbookScreen
from tests.cloud.campaign_client import StackClient
from tests.console.screens import application, first_data, opened, press, shown, shows, until

NUMBER = "+14254147755"
DEAD_LETTERS = "ai-cpaas-demo-local-dead-letter-queue-receipts-dlq"


@pytest.fixture(scope="module")
def console(cloud: Ready) -> Connection:
    """The stack as the console is connected to it."""
    return connect(Options(endpoint_url=cloud.endpoint_url), lambda step: None)


def test_every_alarm_of_the_stack_has_its_page_and_those_of_functions_and_queues_their_logs(
    console: Connection,
) -> None:
    outputs, telemetry = console.outputs, console.telemetry
    groups = {group.rpartition("/")[2] for group in telemetry.log_groups()}
    details = [telemetry.alarm(alarm.name) for alarm in console.source.alarms()]
    assert len(details) > 30
    for detail in details:
        assert read_runbook(detail.alarm.runbook).text, detail.alarm.name
        found = log_groups_of(detail.rule, outputs)
        assert set(found) <= groups
        single = detail.rule is not None and set(detail.rule.dimensions) <= {"FunctionName", "QueueName", "ApiId"}
        assert bool(found) or not single, (detail.alarm.name, detail.rule)
    (composite,) = [detail for detail in details if detail.rule is None]
    assert set(composite.children) < {detail.alarm.name for detail in details}
    assert len(composite.children) > 5
    rules = {detail.alarm.name: detail.rule for detail in details if detail.rule is not None}
    assert telemetry.rules(composite.children) == {name: rules[name] for name in composite.children}
    assert set(groups_of_rules(telemetry.rules(composite.children).values(), outputs)) <= groups


def test_a_receipt_that_cannot_be_read_is_followed_from_its_alarm_to_its_line(cloud: Ready, stack: StackClient) -> None:
    async def body() -> None:
        sqs, url = stack.client("sqs"), stack.outputs.messaging.receipts_queue_url
        poison = f"poison {uuid.uuid4().hex} {NUMBER}"
        app = application(lambda progress: connect(Options(endpoint_url=cloud.endpoint_url), progress))
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            sqs.send_message(QueueUrl=url, MessageBody=poison)
            app.go(Place("alarms", DEAD_LETTERS))
            await opened(pilot, AlarmScreen)
            await shows(pilot, "live, 1 h 00 m")
            await press(pilot, "o", "l")
            await opened(pilot, LogsScreen)
            logs = app.screen
            assert isinstance(logs, LogsScreen)
            assert logs.place.subject == "delivery-processor"
            await press(pilot, "0", "slash", *"!level:info parked", "enter")
            await until(pilot, lambda: any(each.level == "WARNING" for each in logs.table.shown))
            await shows(pilot, "WARN")
            assert NUMBER not in shown(pilot)
            await press(pilot, "escape", "escape")
            await opened(pilot, AlarmScreen)
            await press(pilot, "o", "b")
            await opened(pilot, RunbookScreen)
            await shows(pilot, "Messages in a dead-letter queue")
        sqs.purge_queue(QueueUrl=url)

    asyncio.run(body())
