"""What the dashboards chart has data once the stack has worked: all of it, under exactly the charted dimensions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.core import metrics
from lambdas.core.channels import Channel
from lambdas.core.outputs import StackOutputs
from lambdas.core.pumping_guard import GuardLimits
from localcloud import launch
from localcloud.profile import CarrierProfile
from tests.cloud.alarm_stage import Stage
from tests.cloud.campaign_client import CONTENT, StackClient, message_order
from tests.cloud.session_exercises import session_from_end_to_end
from tests.support.dashboard_body import Charted, metrics_of, problems
from tests.support.published_metrics import TWELVE

ROUGH = CarrierProfile(seed=3, failure_rate=0.3, throttle_rate=0.3)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def stage(wait_until: Any) -> Iterator[Stage]:
    """A stack that has sent a campaign over three channels and single messages, one of them with a second channel,
    met a strange receipt and one of another stack, and had a session."""
    with launch.start(launch.LaunchOptions(profile=ROUGH)) as cloud:
        stack = StackClient(StackOutputs.from_mapping(cloud.outputs()), cloud.endpoint_url)
        stage = Stage(cloud, stack, wait_until)
        for topic in stage.sns.list_topics()["Topics"]:
            _listen(stage, topic["TopicArn"])
        campaign = stack.send_campaign(
            90, 90, key=uuid.uuid4().hex, channels=tuple(Channel), options={"pause_error_rate": 1}
        )
        stack.send_message(Channel.SMS)
        order = message_order(Channel.SMS, email="second@example.com", content=CONTENT)
        several = {"channels": [order.pop("channel"), Channel.EMAIL], "options": {"fallback_after_seconds": 10}}
        assert stack.call("POST", "/api/messages", {**order, **several})[0] == 202
        wait_until(lambda: stack.show(campaign)["settled"], timeout=60, what="the campaign is settled")
        _odd_receipts(stage)
        _counted_up_orders(stage)
        _failing_campaign(stage)
        session_from_end_to_end(cloud, stack.outputs, lambda: cloud.control.advance_clock(60))
        yield stage


def _listen(stage: Stage, topic: str) -> None:
    """A subscriber for a topic, and something to be told (a receipt of another stack is nobody's loss)."""
    url = stage.sqs.create_queue(QueueName=f"listener-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    if "receipts" not in topic:
        stage.sns.publish(TopicArn=topic, Message="hello")


def _odd_receipts(stage: Stage) -> None:
    calls = stage.cloud.control.carrier_calls()
    foreign = {
        "eventType": "TEXT_DELIVERED",
        "eventVersion": "1.0",
        "eventTimestamp": 1_780_000_000_000,
        "isFinal": True,
        "messageId": str(uuid.uuid4()),
        "messageStatus": "DELIVERED",
        "context": {**calls[0].context, "stack": "another"},
    }
    url = stage.stack.outputs.messaging.receipts_queue_url
    for body in ('{"not": "a receipt"}', json.dumps(foreign)):
        stage.sqs.send_message(QueueUrl=url, MessageBody=body)


def _counted_up_orders(stage: Stage) -> None:
    """One more number of a range than the pumping guard lets through."""
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    for place in range(GuardLimits().numbers + 1):
        stage.stack.send_message(Channel.SMS, phone=f"+120677711{place:02d}")
    stage.wait_until(lambda: stage.total(metrics.PUMPING_BLOCKED, every), timeout=60, what="one is held back")


def _failing_campaign(stage: Stage) -> None:
    """One that pauses by itself."""
    every = {metrics.STACK: stage.stack.outputs.identity.stack}
    stage.cloud.control.set_carrier_profile(CarrierProfile(error_rate=1.0))
    stage.stack.send_campaign(70, 60, key=uuid.uuid4().hex)
    stage.wait_until(lambda: stage.total(metrics.CAMPAIGNS_AUTO_PAUSED, every), timeout=60, what="it is paused")
    stage.cloud.control.set_carrier_profile(ROUGH)


def body(stage: Stage, dashboard: str) -> str:
    return str(stage.cloudwatch.get_dashboard(DashboardName=dashboard)["DashboardBody"])


def dashboards(stage: Stage) -> list[str]:
    monitoring = stage.stack.outputs.monitoring
    return [monitoring.business_dashboard, monitoring.resources_dashboard]


def published(stage: Stage) -> set[Charted]:
    pages = stage.cloudwatch.get_paginator("list_metrics").paginate()
    return {
        Charted(
            metric["Namespace"],
            metric["MetricName"],
            frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", [])),
        )
        for page in pages
        for metric in page["Metrics"]
    }


def await_data(stage: Stage, wanted: set[Charted]) -> None:
    """Let minutes pass until all of `wanted` has data: each minute the sweep publishes gauges and samples are taken."""

    def nothing_missing() -> bool:
        stage.cloud.control.advance_clock(60)
        return wanted <= published(stage)

    stage.wait_until(
        nothing_missing, timeout=30, what=lambda: f"data for {sorted(map(str, wanted - published(stage)))}"
    )


def test_the_bodies_are_kept_as_they_were_written(stage: Stage) -> None:
    for dashboard in dashboards(stage):
        assert problems(body(stage, dashboard)) == []


def test_everything_that_is_charted_has_data(stage: Stage) -> None:
    charted = {metric for dashboard in dashboards(stage) for metric in metrics_of(body(stage, dashboard))}
    assert len(charted) > 80
    await_data(stage, charted)


def test_everything_that_alarms_read_has_data(stage: Stage) -> None:
    reads = set()
    for alarm in stage.alarms():
        stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        for metric in stats or ([alarm] if "MetricName" in alarm else []):
            dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
            reads.add(Charted(metric["Namespace"], metric["MetricName"], dimensions))
    assert len(reads) > 60
    await_data(stage, reads)


def test_the_twelve_metrics_of_the_product_come_from_the_stack(stage: Stage) -> None:
    """On each of the three channels."""
    stack = stage.stack.outputs.identity.stack
    catalogue = {metric.name: metric for metric in metrics.CATALOGUE}
    wanted = set()
    for name in TWELVE:
        per_channel = metrics.CHANNEL in catalogue[name].dimension_sets[0]
        for more in [{metrics.CHANNEL: channel.metric} for channel in Channel] if per_channel else [{}]:
            dimensions = {metrics.STACK: stack, **more}
            wanted.add(Charted(metrics.NAMESPACE, name, frozenset(dimensions.items())))
    await_data(stage, wanted)
