"""The metrics plane inside ministack's own modules: each replaced name does what it stands for, over JSON requests."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, lambda_svc, sns, sqs

from lambdas.core import metrics
from localcloud import metrics_plane
from localcloud.clock import Clock
from localcloud.metrics_plane import MetricsPlane

ACCOUNT, REGION = "123456789012", "eu-west-1"
STACK = [{"Name": "Stack", "Value": "dev"}]


class Wall:
    """A wall and a monotonic clock that move together, a fixed distance from the machine's."""

    def __init__(self) -> None:
        # The start of a minute lets tests say which period a datum falls into.
        self.now = float(int(time.time()) // 600 * 600)

    def __call__(self) -> float:
        return self.now


@dataclass
class Cloud:
    plane: MetricsPlane
    clock: Clock
    wall: Wall

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        status, answer = self.raw(operation, **request)
        assert status == 200, answer
        return answer

    def raw(self, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{operation}",
        }
        with request_scope(ACCOUNT, REGION):
            handling = cloudwatch.handle_request("POST", "/", headers, json.dumps(request).encode(), {})
            status, _, body = asyncio.run(handling)
        return status, json.loads(body)

    def state(self, name: str) -> str:
        answer = self.call("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        found: list[dict[str, Any]] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        assert len(found) == 1
        return str(found[0]["StateValue"])

    def alarm(self, name: str, **changes: Any) -> None:
        plain: dict[str, Any] = {
            "AlarmName": name,
            "Namespace": metrics.NAMESPACE,
            "MetricName": "FailedDeliveries",
            "Dimensions": STACK,
            "Statistic": "Sum",
            "Period": 600,
            "EvaluationPeriods": 1,
            "Threshold": 50,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.call("PutMetricAlarm", **{**plain, **changes})

    def log(self, *data: metrics.Datum) -> None:
        at = int(self.wall.now * 1000)
        lines = metrics.emf_lines(data, stack="dev", at_ms=at)
        events = [{"timestamp": at, "message": line} for line in ["START RequestId: 1", *lines]]
        self.plane.intake.on_log_events("/aws/lambda/worker", "stream", events)


@pytest.fixture(params=[1.0], ids=["real time"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    wall = Wall()
    clock = Clock(request.param, wall=wall, monotonic=wall)
    plane = metrics_plane.install(clock=clock, speed=request.param, region=REGION, account_id=ACCOUNT)
    yield Cloud(plane, clock, wall)
    with request_scope(ACCOUNT, REGION):
        for module in (cloudwatch, eventbridge, sns, sqs):
            module.reset()
    plane.stop()


def failures(count: int) -> metrics.Datum:
    return metrics.Datum(metrics.FAILED_DELIVERIES, count)


def test_failed_deliveries_raise_the_alarm_and_eleven_minutes_end_it(cloud: Cloud) -> None:
    cloud.alarm("failed")
    assert cloud.plane.evaluate_all() == {"failed": "OK"}

    cloud.log(failures(51))
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all() == {"failed": "ALARM"}

    cloud.clock.advance(11 * 60)
    assert cloud.plane.evaluate_all() == {"failed": "OK"}


def test_data_after_an_advance_count_again(cloud: Cloud) -> None:
    cloud.alarm("failed")
    cloud.clock.advance(3600)
    cloud.log(failures(51))
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["failed"] == "ALARM"


@pytest.mark.parametrize("cloud", [10.0], indirect=True, ids=["ten times as fast"])
def test_a_fast_clock_shortens_periods_for_data_and_alarms_alike(cloud: Cloud) -> None:
    cloud.alarm("failed")
    cloud.log(failures(30))
    cloud.wall.now += 30  # five of the cloud's minutes
    cloud.log(failures(30))
    cloud.wall.now += 7
    assert cloud.plane.evaluate_all()["failed"] == "ALARM"
    cloud.wall.now += 30  # ten minutes after the first: only the second counts
    assert cloud.plane.evaluate_all()["failed"] == "OK"


@pytest.mark.parametrize("cloud", [10.0], indirect=True, ids=["ten times as fast"])
def test_readers_of_a_fast_cloud_see_wall_time(cloud: Cloud) -> None:
    cloud.wall.now += 15
    cloud.log(failures(3))
    published = cloud.wall.now
    cloud.wall.now += 90
    metric = {"Namespace": metrics.NAMESPACE, "MetricName": "FailedDeliveries", "Dimensions": STACK}
    query = {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    answer = cloud.call("GetMetricData", MetricDataQueries=[query], StartTime=published - 60, EndTime=published + 60)
    (result,) = answer["MetricDataResults"]
    assert (result["Timestamps"], result["Values"]) == ([published - 15], [3.0])


def test_dimensions_are_exact(cloud: Cloud) -> None:
    cloud.alarm("failed", Dimensions=[{"Name": "Stack", "Value": "prod"}])
    cloud.log(failures(51))
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["failed"] == "OK"


def test_put_metric_data_reaches_alarms_and_readers(cloud: Cloud) -> None:
    cloud.alarm("failed", Threshold=100, Period=60)
    start = cloud.wall.now
    datum = {"MetricName": "FailedDeliveries", "Dimensions": STACK, "Timestamp": start}
    cloud.call(
        "PutMetricData",
        Namespace=metrics.NAMESPACE,
        MetricData=[
            {**datum, "Values": [10.0, 20.0], "Counts": [3.0, 1.0]},
            {**datum, "StatisticValues": {"SampleCount": 2, "Sum": 60, "Minimum": 20, "Maximum": 40}},
            {**datum, "Value": 1.0},
        ],
    )
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["failed"] == "ALARM"

    cloud.wall.now += 60
    stat = {"Metric": {"Namespace": metrics.NAMESPACE, "MetricName": "FailedDeliveries", "Dimensions": STACK}}
    query = {"Id": "m1", "MetricStat": {**stat, "Period": 60, "Stat": "Sum"}}
    # The clock was moved by a minute, so on the chart the data are a minute older than they were.
    answer = cloud.call("GetMetricData", MetricDataQueries=[query], StartTime=start - 120, EndTime=start + 120)
    assert answer["MetricDataResults"][0]["Values"] == [111.0]
    assert answer["MetricDataResults"][0]["Timestamps"] == [start - 60]

    both = cloud.call(
        "GetMetricStatistics",
        **stat["Metric"],
        Period=60,
        StartTime=start - 120,
        EndTime=start,
        Statistics=["Maximum", "SampleCount"],
    )
    assert [(point["Maximum"], point["SampleCount"]) for point in both["Datapoints"]] == [(40.0, 7.0)]
    listed = cloud.call("ListMetrics", Namespace=metrics.NAMESPACE)["Metrics"]
    assert listed == [{**stat["Metric"]}]


def test_a_wrong_query_is_refused_with_its_reason(cloud: Cloud) -> None:
    expression = [{"Id": "e1", "Expression": "SEARCH('x')"}]
    status, answer = cloud.raw("GetMetricData", MetricDataQueries=expression, StartTime=1, EndTime=2)
    assert status == 400
    assert "SEARCH is not evaluated" in answer["message"]


def queue(name: str) -> dict[str, Any]:
    with request_scope(ACCOUNT, REGION):
        _, _, _ = asyncio.run(
            sqs.handle_request(
                "POST",
                "/",
                {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.CreateQueue"},
                json.dumps({"QueueName": name}).encode(),
                {},
            )
        )
        found: dict[str, Any] = next(each for each in sqs._queues.values() if each["name"] == name)
    return found


def test_state_changes_run_actions_history_composites_and_events(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
    published: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(sns, "_fanout", lambda arn, _, message, __: published.append((arn, json.loads(message))))
    cloud.alarm("failed", AlarmActions=[topic])
    cloud.call("PutCompositeAlarm", AlarmName="anything", AlarmRule='ALARM("failed")')
    cloud.plane.evaluate_all()
    cloud.log(failures(51))
    cloud.clock.advance(60)

    states = cloud.plane.evaluate_all()

    assert states == {"failed": "ALARM", "anything": "ALARM"}
    ((arn, message),) = published
    assert arn == topic
    assert (message["AlarmName"], message["NewStateValue"]) == ("failed", "ALARM")
    assert message["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [51.0 (")
    history = cloud.call("DescribeAlarmHistory", AlarmName="failed", HistoryItemType="StateUpdate")
    summaries = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert "Alarm updated from OK to ALARM" in summaries

    with request_scope(ACCOUNT, REGION):
        events = [each for each in eventbridge._events_log_list() if each["Source"] == "aws.cloudwatch"]
    details = [json.loads(event["Detail"]) for event in events]
    change = next(each for each in details if each["alarmName"] == "failed" and each["state"]["value"] == "ALARM")
    assert {event["DetailType"] for event in events} == {"CloudWatch Alarm State Change"}
    assert change["previousState"]["value"] == "OK"
    assert json.loads(change["state"]["reasonData"])["recentDatapoints"] == [51.0]
    assert change["configuration"]["metrics"] == [
        {
            "id": "m1",
            "returnData": True,
            "metricStat": {
                "metric": {
                    "namespace": metrics.NAMESPACE,
                    "name": "FailedDeliveries",
                    "dimensions": {"Stack": "dev"},
                },
                "period": 600,
                "stat": "Sum",
            },
        }
    ]


def test_a_state_set_by_hand_stands_until_the_next_comparison(cloud: Cloud) -> None:
    cloud.alarm("failed")
    cloud.plane.evaluate_all()
    cloud.call("SetAlarmState", AlarmName="failed", StateValue="ALARM", StateReason="a drill")
    assert cloud.plane.evaluate_all()["failed"] == "ALARM"
    cloud.clock.advance(11)
    assert cloud.plane.evaluate_all()["failed"] == "OK"


def math_metrics(expression: str) -> list[dict[str, Any]]:
    def entry(id_: str, name: str) -> dict[str, Any]:
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": name,
            "Dimensions": [{"Name": "FunctionName", "Value": "worker"}],
        }
        return {"Id": id_, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    return [{"Id": "rate", "Expression": expression}, entry("errors", "Errors"), entry("calls", "Invocations")]


def math_alarm(name: str, expression: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Metrics": math_metrics(expression),
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }


@dataclass(frozen=True)
class Finished:
    function_name: str
    duration_ms: float
    error: bool


def test_an_alarm_on_an_expression_over_function_metrics(cloud: Cloud) -> None:
    cloud.call("PutMetricAlarm", **math_alarm("error-rate", "100 * errors / calls"))
    described = cloud.call("DescribeAlarms", AlarmNames=["error-rate"])["MetricAlarms"][0]
    assert [each["Id"] for each in described["Metrics"]] == ["rate", "errors", "calls"]
    assert "MetricName" not in described

    offset = time.time() - cloud.wall.now
    for error in [True] + [False] * 9:
        cloud.plane.intake.on_invocation(Finished("worker", 12.5, error))
    cloud.clock.advance(offset + 60)
    assert cloud.plane.evaluate_all()["error-rate"] == "ALARM"


@pytest.mark.parametrize(
    ("expression", "part"),
    [("SEARCH('x', 'Sum')", "SEARCH is not evaluated"), ("calls +", "unexpected end"), ("METRICS()", "2 time series")],
)
def test_an_alarm_on_a_wrong_expression_is_refused(cloud: Cloud, expression: str, part: str) -> None:
    status, answer = cloud.raw("PutMetricAlarm", **math_alarm("wrong", expression))
    assert status == 400
    assert part in answer["message"]
    assert not cloud.call("DescribeAlarms")["MetricAlarms"]


def test_the_gauges_of_a_queue_are_sampled(cloud: Cloud) -> None:
    dead = queue("sms-dlq")
    dimensions = [{"Name": "QueueName", "Value": "sms-dlq"}]
    changes = {"Namespace": "AWS/SQS", "Dimensions": dimensions, "Period": 60, "Threshold": 0, "Statistic": "Maximum"}
    cloud.alarm("dead-letters", MetricName="ApproximateNumberOfMessagesVisible", **changes)
    cloud.alarm("age", MetricName="ApproximateAgeOfOldestMessage", **{**changes, "Threshold": 100})
    cloud.plane.evaluate_all()
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all() == {"dead-letters": "OK", "age": "OK"}

    dead["messages"].append({"sent_at": time.time() - 200, "visible_at": 0.0, "receive_count": 0})
    cloud.clock.advance(300)
    assert cloud.plane.evaluate_all() == {"dead-letters": "ALARM", "age": "ALARM"}
    assert {key.name for key in cloud.plane.store.metrics()} == {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateAgeOfOldestMessage",
    }


def test_a_table_never_throttles(cloud: Cloud) -> None:
    table = [{"Name": "TableName", "Value": "campaigns"}]
    changes = {"Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents", "Dimensions": table, "Period": 60}
    cloud.alarm("throttled", Threshold=0, **changes)
    cloud.plane.evaluate_all()
    cloud.clock.advance(60)
    assert cloud.plane.evaluate_all()["throttled"] == "OK"


def test_a_refused_invocation_is_a_throttle_and_no_invocation(cloud: Cloud) -> None:
    with request_scope(ACCOUNT, REGION):
        function = {"config": {"FunctionName": "worker"}, "concurrency": 0}
        assert lambda_svc._acquire_execution_slot(function, function["config"]) == (None, "function")
    names = {key.name for key in cloud.plane.store.metrics()}
    assert names == {"Throttles"}


def test_ministack_no_longer_counts_invocations_itself(cloud: Cloud) -> None:
    lambda_svc._emit_lambda_metrics("worker", duration_ms=1.0, error=True, throttle=True)
    assert not cloud.plane.store.metrics()


def test_metrics_that_ministack_records_land_in_the_store(cloud: Cloud) -> None:
    cloudwatch.record_metric("AWS/Lambda", "RecursiveInvocationsDropped", 1, "Count", {"FunctionName": "worker"})
    (key,) = cloud.plane.store.metrics()
    assert key.name == "RecursiveInvocationsDropped"


def test_ministacks_own_evaluator_and_eviction_are_off(cloud: Cloud) -> None:
    cloud.alarm("failed")
    cloudwatch._evaluate_all_alarms()
    assert cloud.state("failed") == "INSUFFICIENT_DATA"
    with request_scope(ACCOUNT, REGION):
        cloudwatch._metrics[("N", "M", "")] = [{"Timestamp": 0.0, "Value": 1.0, "Dimensions": {}}]
        cloudwatch._evict_old_metrics()
        assert ("N", "M", "") in cloudwatch._metrics


def test_a_reset_empties_the_store(cloud: Cloud) -> None:
    cloud.log(failures(1))
    with request_scope(ACCOUNT, REGION):
        cloudwatch.reset()
    assert not cloud.plane.store.metrics()


def test_wrong_embedded_lines_are_counted_and_the_rest_stored(cloud: Cloud) -> None:
    cloud.log(failures(1))
    cloud.plane.intake.on_log_events(
        "g", "s", [{"timestamp": 0, "message": '{"_aws": {'}, {"timestamp": 0, "message": "plain"}]
    )
    assert (cloud.plane.intake.embedded_data, cloud.plane.intake.embedded_errors) == (1, 1)


def test_data_far_from_now_or_not_finite_are_refused(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    datum = {"MetricName": "M", "Value": 1.0, "Timestamp": time.time() - 15 * 86_400}
    cloud.call("PutMetricData", Namespace="N", MetricData=[datum, {"MetricName": "M", "Value": float("nan")}])
    cloud.call("PutMetricData", Namespace="N", MetricData=[{"MetricName": "M", "Value": 2.0**361}])
    assert not cloud.plane.store.metrics()
    assert "values must be within 2^360" in caplog.text


def test_the_thread_evaluates_by_itself(cloud: Cloud) -> None:
    moved = importlib.import_module("threading").Event()
    dispatch = cloudwatch._dispatch_alarm_actions

    def notice(*arguments: Any) -> None:
        dispatch(*arguments)
        moved.set()

    cloudwatch._dispatch_alarm_actions = notice
    cloud.alarm("failed")
    cloud.plane.start()
    assert moved.wait(30)
    assert cloud.state("failed") == "OK"


def test_an_alarm_whose_actions_fail_does_not_hold_up_the_others(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(arn: str, *_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(cloudwatch, "_evaluate_parent_alarms", lambda alarm: fail(alarm["AlarmArn"]))
    cloud.alarm("first")
    cloud.alarm("second")
    assert cloud.plane.evaluate_all() == {"first": "OK", "second": "OK"}
    assert caplog.text.count("could not be evaluated or its actions failed") == 2


def test_stop_gives_ministack_its_functions_back() -> None:
    before = {(path, name): getattr(importlib.import_module(path), name) for path, name in _replaced()}
    plane = metrics_plane.install(clock=Clock(), speed=1.0, region=REGION, account_id=ACCOUNT)
    changed = [name for path, name in _replaced() if getattr(importlib.import_module(path), name) is before[path, name]]
    plane.stop()
    assert not changed, "replaced according to the table, yet untouched"
    assert all(getattr(importlib.import_module(path), name) is each for (path, name), each in before.items())


def _replaced() -> list[tuple[str, str]]:
    return [(path, name) for path, names in metrics_plane.REPLACED.items() for name in names]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (path, name)
        for table in (metrics_plane.REPLACED, metrics_plane.USED)
        for path, names in table.items()
        for name in names
    ],
)
def test_a_name_that_is_gone_is_reported(path: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib.import_module(path), name)
    with pytest.raises(RuntimeError, match=f"has no {name}: install ministack"):
        metrics_plane.install(clock=Clock(), speed=1.0, region=REGION, account_id=ACCOUNT)


def test_two_speeds_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="runs at speed 2"):
        metrics_plane.install(clock=Clock(2.0), speed=1.0, region=REGION, account_id=ACCOUNT)


def test_a_heartbeat_is_not_missed_before_it_could_have_beaten(cloud: Cloud) -> None:
    cloud.alarm("heartbeat", Threshold=1, ComparisonOperator="LessThanThreshold", TreatMissingData="breaching")
    assert cloud.plane.evaluate_all()["heartbeat"] == "INSUFFICIENT_DATA"
    cloud.clock.advance(500)
    assert cloud.plane.evaluate_all()["heartbeat"] == "INSUFFICIENT_DATA"
    cloud.clock.advance(200)
    assert cloud.plane.evaluate_all()["heartbeat"] == "ALARM"
