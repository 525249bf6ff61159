"""The metrics plane inside ministack's own modules: each replaced name does what it stands for, over JSON requests."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch, eventbridge, sns

from lambdas.core import metrics
from localcloud import metrics_plane
from localcloud.clock import Clock
from tests.support.metrics_cloud import ACCOUNT, REGION, STACK, Cloud, failures, metrics_cloud


@pytest.fixture(params=[1.0], ids=["real time"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with metrics_cloud(request.param) as made:
        yield made


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


def test_a_wrong_query_is_refused_with_its_reason(cloud: Cloud) -> None:
    expression = [{"Id": "e1", "Expression": "SEARCH('x')"}]
    status, answer = cloud.raw("GetMetricData", MetricDataQueries=expression, StartTime=1, EndTime=2)
    assert status == 400
    assert "SEARCH is not evaluated" in answer["message"]


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


def test_ministacks_own_evaluator_and_eviction_are_off(cloud: Cloud) -> None:
    cloud.alarm("failed")
    cloudwatch._evaluate_all_alarms()
    assert cloud.state("failed") == "INSUFFICIENT_DATA"
    with request_scope(ACCOUNT, REGION):
        cloudwatch._metrics[("N", "M", "")] = [{"Timestamp": 0.0, "Value": 1.0, "Dimensions": {}}]
        cloudwatch._evict_old_metrics()
        assert ("N", "M", "") in cloudwatch._metrics


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
