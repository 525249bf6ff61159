"""Metrics and alarms of the embedded cloud, by an unmodified client: from a function's log line to the notification."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud import launch

if TYPE_CHECKING:
    from tests.cloud.conftest import DeployFunction, WaitUntil

NAMESPACE = "Test/Alarms"

EMITTER = """
import json, time

def handler(event, context):
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{
            "Namespace": "Test/Alarms", "Dimensions": [["Stack"]],
            "Metrics": [{"Name": "FailedDeliveries", "Unit": "Count"}]}]},
        "Stack": event["stack"], "FailedDeliveries": event["count"]}))
    if event.get("fail"):
        raise ValueError("as asked")
"""


@pytest.fixture
def put_alarm(bare_cloud: launch.LocalCloud, unique: str) -> Iterator[Callable[..., str]]:
    """Makes an alarm on a metric with the dimension Stack = the test's name; keyword arguments override."""
    cloudwatch = bare_cloud.client("cloudwatch")
    made: list[str] = []

    def put(**changes: Any) -> str:
        name = f"{unique}-{len(made)}"
        plain = {
            "AlarmName": name,
            "Namespace": NAMESPACE,
            "MetricName": "FailedDeliveries",
            "Dimensions": [{"Name": "Stack", "Value": unique}],
            "Statistic": "Sum",
            "Period": 600,
            "EvaluationPeriods": 1,
            "Threshold": 50,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        cloudwatch.put_metric_alarm(**{key: value for key, value in {**plain, **changes}.items() if value is not None})
        made.append(name)
        return name

    yield put
    cloudwatch.delete_alarms(AlarmNames=made)


@pytest.fixture
def topic(
    bare_cloud: launch.LocalCloud, unique: str, make_queue: Callable[..., tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """A topic and the URL of a queue that gets its messages."""
    sns = bare_cloud.client("sns")
    url, queue_arn = make_queue()
    arn = sns.create_topic(Name=unique)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    yield arn, url
    sns.delete_topic(TopicArn=arn)


@pytest.fixture
def state_changes(
    bare_cloud: launch.LocalCloud, unique: str, make_queue: Callable[..., tuple[str, str]]
) -> Iterator[str]:
    """The URL of a queue that gets the state changes of the test's own alarms by an EventBridge rule."""
    events = bare_cloud.client("events")
    url, arn = make_queue()
    pattern = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [{"prefix": unique}]},
    }
    events.put_rule(Name=unique, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=unique, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=unique, Ids=["queue"])
    events.delete_rule(Name=unique)


def test_a_functions_log_line_raises_an_alarm_and_eleven_minutes_end_it(
    bare_cloud: launch.LocalCloud,
    unique: str,
    deploy_function: DeployFunction,
    put_alarm: Callable[..., str],
    topic: tuple[str, str],
    state_changes: str,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: WaitUntil,
) -> None:
    topic_arn, notifications = topic
    name = put_alarm(AlarmActions=[topic_arn], OKActions=[topic_arn])
    assert bare_cloud.control.advance_clock(0)[name] == "OK"
    drain(notifications)
    drain(state_changes)
    function = deploy_function(EMITTER)
    payload = json.dumps({"stack": unique, "count": 60})
    answer = bare_cloud.client("lambda").invoke(FunctionName=function, Payload=payload)
    assert "FunctionError" not in answer

    assert bare_cloud.control.advance_clock(60)[name] == "ALARM"
    assert bare_cloud.control.advance_clock(11 * 60)[name] == "OK"

    raised, ended = wait_until(lambda: _pair(drain(notifications)), what="two notifications")
    message = json.loads(raised["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == (name, "ALARM")
    assert "datapoints [60.0 (" in message["NewStateReason"]
    assert json.loads(ended["Message"])["NewStateValue"] == "OK"
    up, down = wait_until(lambda: _pair(drain(state_changes)), what="two events")
    assert [event["detail"]["state"]["value"] for event in (up, down)] == ["ALARM", "OK"]
    assert up["detail"]["previousState"]["value"] == "OK"


def _pair(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both, once both are there; taken off together, because they were sent before anyone asked."""
    assert len(found) in (0, 2), found
    return found


def test_what_is_put_is_read_back_and_exact_in_its_dimensions(bare_cloud: launch.LocalCloud, unique: str) -> None:
    cloudwatch = bare_cloud.client("cloudwatch")
    minute = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=5)
    dimensions = [{"Name": "Stack", "Value": unique}]
    datum = {"MetricName": "Latency", "Dimensions": dimensions, "Timestamp": minute, "Unit": "Milliseconds"}
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {**datum, "Values": [100.0, 300.0], "Counts": [9.0, 1.0]},
            {**datum, "Timestamp": minute + datetime.timedelta(minutes=1), "Value": 50.0},
        ],
    )
    metric = {"Namespace": NAMESPACE, "MetricName": "Latency", "Dimensions": dimensions}
    queries = [
        {"Id": id_, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
        for id_, stat in (("total", "Sum"), ("p50", "p50"), ("calls", "SampleCount"))
    ]
    other = {**metric, "Dimensions": [*dimensions, {"Name": "Channel", "Value": "sms"}]}
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[
            *queries,
            {"Id": "mean", "Expression": "total / calls"},
            {"Id": "other", "MetricStat": {"Metric": other, "Period": 60, "Stat": "Sum"}},
        ],
        StartTime=minute,
        EndTime=minute + datetime.timedelta(minutes=3),
    )
    values = {result["Id"]: result["Values"] for result in found["MetricDataResults"]}
    assert values == {"total": [50, 1200], "p50": [50, 100], "calls": [1, 10], "mean": [50, 120], "other": []}
    assert found["MetricDataResults"][0]["Timestamps"] == [minute + datetime.timedelta(minutes=1), minute]

    points = cloudwatch.get_metric_statistics(
        **metric,
        Period=300,
        StartTime=minute - datetime.timedelta(minutes=5),
        EndTime=minute + datetime.timedelta(minutes=5),
        Statistics=["Maximum"],
    )["Datapoints"]
    assert max(point["Maximum"] for point in points) == 300
    assert {point["Unit"] for point in points} == {"Milliseconds"}
    assert cloudwatch.list_metrics(Dimensions=[{"Name": "Stack", "Value": unique}])["Metrics"] == [metric]


def test_functions_are_counted_with_their_errors(
    bare_cloud: launch.LocalCloud, unique: str, deploy_function: DeployFunction, put_alarm: Callable[..., str]
) -> None:
    function = deploy_function(EMITTER)
    dimensions = [{"Name": "FunctionName", "Value": function}]
    name = put_alarm(Namespace="AWS/Lambda", MetricName="Errors", Dimensions=dimensions, Threshold=0, Period=300)
    for fail in (False, True, False):
        payload = json.dumps({"stack": unique, "count": 0, "fail": fail})
        bare_cloud.client("lambda").invoke(FunctionName=function, Payload=payload)

    assert bare_cloud.control.advance_clock(60)[name] == "ALARM"

    now = datetime.datetime.now(datetime.UTC)
    sums = {}
    for metric in ("Invocations", "Errors", "Throttles"):
        points = bare_cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=dimensions,
            Period=3600,
            StartTime=now - datetime.timedelta(hours=3),
            EndTime=now + datetime.timedelta(minutes=1),
            Statistics=["Sum"],
        )["Datapoints"]
        sums[metric] = sum(point["Sum"] for point in points)
    assert sums == {"Invocations": 3, "Errors": 1, "Throttles": 0}


def test_a_message_in_a_dead_letter_queue_raises_its_alarm(
    bare_cloud: launch.LocalCloud, make_queue: Callable[..., tuple[str, str]], put_alarm: Callable[..., str]
) -> None:
    url, arn = make_queue()
    name = put_alarm(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": arn.rpartition(":")[2]}],
        Statistic="Maximum",
        Period=300,
        Threshold=0,
    )
    bare_cloud.control.advance_clock(60)
    bare_cloud.client("sqs").send_message(QueueUrl=url, MessageBody="poison")
    assert bare_cloud.control.advance_clock(120)[name] == "ALARM"


def test_an_alarm_that_cannot_be_evaluated_is_refused(put_alarm: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="tm90"):
        put_alarm(Statistic=None, ExtendedStatistic="tm90")
