"""Every alarm of the provisioned stack rises when its cause is there, and recovers when it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.alarm_families import FAMILIES
from lambdas.core.outputs import StackOutputs
from localcloud import launch
from tests.cloud.alarm_causes import CAUSES
from tests.cloud.alarm_stage import Alarm, Stage, runbook
from tests.cloud.campaign_client import StackClient

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def stage(wait_until: Any) -> Iterator[Stage]:
    """A cloud of its own: here hours pass between two lines."""
    with launch.start(launch.LaunchOptions()) as cloud:
        yield Stage(cloud, StackClient(StackOutputs.from_mapping(cloud.outputs()), cloud.endpoint_url), wait_until)


def rise(stage: Stage, alarms: list[Alarm]) -> None:
    """Let minutes pass until each alarm has been up."""
    risen: set[str] = set()
    names = {alarm["AlarmName"] for alarm in alarms}

    def all_risen() -> bool:
        states = stage.cloud.control.advance_clock(60)
        risen.update(name for name in names if states[name] == "ALARM")
        return risen == names

    stage.wait_until(all_risen, what=lambda: f"{sorted(names - risen)} rise")


def recover(stage: Stage, alarms: list[Alarm]) -> None:
    """Let the alarms' own periods pass, then minutes until all are OK."""
    longest = max(alarm.get("EvaluationPeriods", 1) * alarm.get("Period", 300) for alarm in alarms)
    stage.cloud.control.advance_clock(longest + 120)
    names = {alarm["AlarmName"] for alarm in alarms}
    up: list[str] = []

    def all_well() -> bool:
        states = stage.cloud.control.advance_clock(60)
        up[:] = [name for name, state in states.items() if state == "ALARM"]
        stage.let_sweeps_end()
        return all(states[name] == "OK" for name in names)

    stage.wait_until(all_well, what=lambda: f"{sorted(names)} recover while {up} are up")


@pytest.mark.parametrize("family", CAUSES)
def test_an_alarm_rises_and_recovers(stage: Stage, family: str) -> None:
    alarms = [alarm for alarm in stage.alarms() if runbook(alarm) == family]
    assert alarms
    with CAUSES[family].bring_about(stage, alarms):
        rise(stage, alarms)
    recover(stage, alarms)


def test_no_alarm_of_the_stack_is_left_out(stage: Stage) -> None:
    assert {runbook(alarm) for alarm in stage.alarms()} == set(CAUSES) == {family.name for family in FAMILIES}
    assert len(stage.alarms()) > 50


def test_one_page_replaces_many(stage: Stage) -> None:
    """While functions fail, the critical topic says so once, and once more when it is over."""
    url = stage.sqs.create_queue(QueueName="pager")["QueueUrl"]
    arn = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    errors = [alarm for alarm in stage.alarms() if runbook(alarm) == "function-errors"]
    down = [alarm for alarm in stage.alarms() if runbook(alarm) == "stack-down"]
    recover(stage, [*errors, *down])
    topic = stage.stack.outputs.monitoring.critical_topic_arn
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def pages() -> list[tuple[str, str]]:
        told = []
        while messages := stage.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                told.append((body["AlarmName"], body["NewStateValue"]))
                stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return told

    names = [alarm["AlarmName"] for alarm in errors]
    with CAUSES["function-errors"].bring_about(stage, errors[:3]):
        states = stage.cloud.control.advance_clock(60)
        assert [states[name] for name in names[:3]] == ["ALARM"] * 3
        assert pages() == [(down[0]["AlarmName"], "ALARM")]
    recover(stage, [*errors, *down])
    assert pages() == [(down[0]["AlarmName"], "OK")]
