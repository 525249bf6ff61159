"""From a function's log line to a metric, an alarm, a topic and an event, all inside the embedded cloud."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from localcloud import launch

EMITTER = """
import json, time
def handler(event, context):
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{
            "Namespace": event["namespace"],
            "Dimensions": [["Channel"]],
            "Metrics": [{"Name": "Failed", "Unit": "Count"}],
        }]},
        "Channel": "sms", "Failed": event["failed"],
    }))
    if event.get("raise"):
        raise RuntimeError("as asked")
"""


@pytest.fixture
def alarm_queue(
    bare_cloud: launch.LocalCloud, unique: str, make_queue: Callable[..., tuple[str, str]]
) -> tuple[str, str]:
    """ARN of a topic, and URL of the queue that gets what is published to it."""
    sns = bare_cloud.client("sns")
    url, arn = make_queue()
    topic = sns.create_topic(Name=unique)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return str(topic), url


def test_a_log_line_becomes_a_metric_and_raises_an_alarm(
    bare_cloud: launch.LocalCloud,
    unique: str,
    deploy_function: Any,
    alarm_queue: tuple[str, str],
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    topic, url = alarm_queue
    cloudwatch, functions = bare_cloud.client("cloudwatch"), bare_cloud.client("lambda")
    name = deploy_function(EMITTER)
    cloudwatch.put_metric_alarm(
        AlarmName=unique,
        Namespace=unique,
        MetricName="Failed",
        Dimensions=[{"Name": "Channel", "Value": "sms"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )
    try:
        functions.invoke(FunctionName=name, Payload=json.dumps({"namespace": unique, "failed": 7}))
        states = bare_cloud.control.advance_clock(60)
        assert states[unique] == "ALARM"
        seen: list[dict[str, Any]] = []

        def told() -> bool:
            seen.extend(drain(url))
            return bool(seen)

        wait_until(told)
        assert (seen[0]["AlarmName"], seen[0]["NewStateValue"]) == (unique, "ALARM")
        assert bare_cloud.control.advance_clock(300)[unique] == "OK"
    finally:
        cloudwatch.delete_alarms(AlarmNames=[unique])


def test_invocations_and_errors_are_counted_by_function(
    bare_cloud: launch.LocalCloud, unique: str, deploy_function: Any, wait_until: Any
) -> None:
    cloudwatch, functions = bare_cloud.client("cloudwatch"), bare_cloud.client("lambda")
    name = deploy_function(EMITTER)
    for fails in (False, True, False):
        event = {"namespace": unique, "failed": 0, "raise": fails}
        functions.invoke(FunctionName=name, Payload=json.dumps(event))

    def total(metric: str) -> float:
        now = datetime.datetime.now(datetime.UTC)
        query = {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "FunctionName", "Value": name}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        window = datetime.timedelta(hours=1)
        answer = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=now - window, EndTime=now + window)
        return float(sum(answer["MetricDataResults"][0]["Values"]))

    assert total("Invocations") == 3
    assert total("Errors") == 1
