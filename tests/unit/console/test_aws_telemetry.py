"""Alarms and metrics over canned answers of AWS: shapes, paging, hostile text, what is asked, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import AlarmState, ConsoleError, ProblemKind
from console.sources.alarm_rules import rule_of
from console.sources.channel_rates import PERIODS, periods_of
from console.sources.fake_outputs import fake_outputs
from console.telemetry import MAX_POINTS
from tests.support.canned_telemetry import NOW, telemetry

SINGLE: dict[str, Any] = {
    "AlarmName": "ai-cpaas-demo-local-function-errors-sweeper",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a",
    "AlarmDescription": "A function fails (sweeper). severity: critical; runbook: docs/runbooks/function-errors.md",
    "StateValue": "ALARM",
    "StateReason": "Threshold Crossed",
    "StateTransitionedTimestamp": datetime.fromtimestamp(NOW - 60, UTC),
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "sweeper\x1b[31m"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
PARTS: list[dict[str, Any]] = [
    {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {"Namespace": "CPaaS", "MetricName": name, "Dimensions": [{"Name": "Channel", "Value": channel}]},
            "Period": 300,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }
    for number, (name, channel) in enumerate([("Failed", "sms"), ("Failed", "email")])
]
TOTAL = {"Id": "total", "Expression": "SUM(FILL(METRICS(), 0))", "Label": "total", "ReturnData": True}
_ONE_METRIC = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
MATH = {name: value for name, value in SINGLE.items() if name not in _ONE_METRIC} | {"Metrics": [TOTAL, *PARTS]}


def change(summary: str, data: dict[str, Any], ago: float) -> dict[str, Any]:
    return {
        "Timestamp": datetime.fromtimestamp(NOW - ago, UTC),
        "HistorySummary": summary,
        "HistoryData": json.dumps(data),
    }


def test_an_alarm_comes_with_its_rule_and_its_history() -> None:
    reason = {"newState": {"stateValue": "ALARM", "stateReason": "1 datapoint\n[3.0]\x07"}}
    console, clients = telemetry(
        describe_alarms=[{"MetricAlarms": [SINGLE], "CompositeAlarms": []}],
        describe_alarm_history=[
            {
                "AlarmHistoryItems": [
                    change("Alarm updated from INSUFFICIENT_DATA to ALARM", reason, 60),
                    change("Alarm imported", {"newState": {"stateValue": "OK"}}, 90),
                ]
            }
        ],
    )
    detail = console.alarm(SINGLE["AlarmName"])
    assert clients.asked[0][1]["AlarmNames"] == [SINGLE["AlarmName"]]
    assert (detail.alarm.state, detail.alarm.runbook) == (AlarmState.ALARM, "docs/runbooks/function-errors.md")
    first, second = detail.history
    assert (first.old, first.new, first.reason) == (AlarmState.NODATA, AlarmState.ALARM, "1 datapoint [3.0]")
    assert (second.old, second.new) == (None, AlarmState.OK)
    rule = detail.rule
    assert rule is not None
    assert (rule.metric, rule.namespace, rule.window_seconds) == ("Errors, Sum of 60 s", "AWS/Lambda", 180)
    assert rule.dimensions == {"FunctionName": "sweeper[31m"}
    assert (rule.breaches(0.0), rule.breaches(0.1), rule.datapoints_to_alarm) == (False, True, 2)
    (query,) = json.loads(rule.queries)
    assert query["MetricStat"]["Metric"]["MetricName"] == "Errors"
    assert (query["MetricStat"]["Stat"], query["MetricStat"]["Period"], query["ReturnData"]) == ("Sum", 60, True)


def test_metric_math_keeps_its_queries_and_names_all_of_its_metrics() -> None:
    rule = rule_of(MATH)
    assert rule is not None
    assert rule.metric == "SUM(FILL(METRICS(), 0)) of Failed, Sum of 300 s"
    assert (rule.dimensions, rule.period_seconds) == ({"Channel": "sms, email"}, 300)
    assert json.loads(rule.queries) == [TOTAL, *PARTS]


def test_a_percentile_and_a_unit_are_part_of_the_query() -> None:
    raw = {name: value for name, value in SINGLE.items() if name != "Statistic"}
    rule = rule_of(raw | {"ExtendedStatistic": "p99", "Unit": "Milliseconds"})
    assert rule is not None
    (query,) = json.loads(rule.queries)
    assert (query["MetricStat"]["Stat"], query["MetricStat"]["Unit"]) == ("p99", "Milliseconds")
    assert rule.metric == "Errors, p99 of 60 s"


def test_an_alarm_without_a_threshold_has_an_expression_instead() -> None:
    described = {name: SINGLE[name] for name in ("AlarmName", "AlarmArn", "StateValue")}
    composite = described | {"AlarmRule": 'ALARM("a") OR ALARM("b")'}
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m0, 2)", "ReturnData": True}
    anomaly = MATH | {
        "Metrics": [band, PARTS[0]],
        "ThresholdMetricId": "band",
        "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
    }
    nothing: dict[str, Any] = {"AlarmHistoryItems": []}
    console, _ = telemetry(
        describe_alarms=[{"CompositeAlarms": [composite]}, {"MetricAlarms": [anomaly]}],
        describe_alarm_history=[nothing, nothing],
    )
    for expected in (
        'ALARM("a") OR ALARM("b")',
        "LessThanLowerOrGreaterThanUpperThreshold ANOMALY_DETECTION_BAND(m0, 2)",
    ):
        detail = console.alarm("a")
        assert (detail.rule, detail.expression) == (None, expected)


def test_rules_of_many_alarms_take_a_call_for_each_hundred() -> None:
    anomaly = MATH | {"AlarmName": "band", "ThresholdMetricId": "total"}
    console, clients = telemetry(
        describe_alarms=[{"MetricAlarms": [SINGLE, anomaly]}, {"MetricAlarms": [MATH | {"AlarmName": "m\x07"}]}]
    )
    names = [f"a-{number}" for number in range(150)]
    rules = console.rules(names)
    assert rules == {SINGLE["AlarmName"]: rule_of(SINGLE), "m": rule_of(MATH)}
    assert [request["AlarmNames"] for _, request in clients.asked] == [names[:100], names[100:]]
    assert console.rules([]) == {}


def test_an_alarm_that_is_gone_is_not_found() -> None:
    console, _ = telemetry(describe_alarms=[{"MetricAlarms": [], "CompositeAlarms": []}])
    with pytest.raises(ConsoleError, match="there is no alarm") as caught:
        console.alarm("a\x1b[2J")
    assert caught.value.problem.kind is ProblemKind.NOT_FOUND
    assert "\x1b" not in str(caught.value)


def test_a_series_has_a_point_for_each_period_and_a_gap_where_nothing_was_measured() -> None:
    rule = rule_of(MATH)
    assert rule is not None
    at = [datetime.fromtimestamp(NOW - 600, UTC), datetime.fromtimestamp(NOW, UTC)]
    console, clients = telemetry(
        get_metric_data=[
            {
                "MetricDataResults": [
                    {"Id": "total", "Label": "total", "Timestamps": at[:1], "Values": [2.0]},
                    {"Id": "m0", "Label": "Failed", "Timestamps": at[:1], "Values": [99.0]},
                ],
                "NextToken": "more",
            },
            {"MetricDataResults": [{"Id": "total", "Label": "total", "Timestamps": at[1:], "Values": [5.0]}]},
        ]
    )
    series = console.series(rule, NOW - 550, NOW + 1)
    assert series.points == ((NOW - 600, 2.0), (NOW - 300, None), (NOW, 5.0))
    assert (series.label, series.period_seconds) == ("total", 300)
    first, second = (request for _, request in clients.asked)
    assert first["MetricDataQueries"] == [TOTAL, *PARTS]
    assert (first["StartTime"], second["NextToken"]) == (at[0], "more")


@given(start=st.floats(0, NOW), span=st.floats(-1e6, 1e9))
def test_a_series_never_has_more_points_than_its_bound(start: float, span: float) -> None:
    rule = rule_of(SINGLE)
    assert rule is not None
    grid = rule.periods(start, start + span)
    assert len(grid) <= MAX_POINTS
    if grid:
        assert grid[-1] < start + span
        assert (grid[0] <= start) or len(grid) == MAX_POINTS


def test_the_embedded_cloud_has_no_bill() -> None:
    console, clients = telemetry()
    assert console.bill() is None
    assert clients.asked == []


def test_rates_of_all_channels_are_one_call_with_gaps_where_nothing_was_measured() -> None:
    at = [datetime.fromtimestamp(NOW - 120, UTC), datetime.fromtimestamp(NOW, UTC)]
    answers: list[dict[str, Any]] = [
        {
            "MetricDataResults": [
                {"Id": "sms", "Timestamps": at[:1], "Values": [2.5]},
                {"Id": "email", "Timestamps": at[:1], "Values": [14.0]},
            ],
            "NextToken": "more",
        },
        {"MetricDataResults": [{"Id": "sms", "Timestamps": at[1:], "Values": [0.0]}]},
    ]
    outputs = fake_outputs()
    messaging = replace(outputs.messaging, email_messages_per_second="14")
    console, clients = telemetry(replace(outputs, messaging=messaging), get_metric_data=answers)
    sms, email = console.rates(NOW - 119, NOW + 1)
    assert (sms.label, sms.period_seconds) == ("sms", 60)
    assert sms.points == ((NOW - 120, 2.5), (NOW - 60, None), (NOW, 0.0))
    assert email.points == ((NOW - 120, 14.0), (NOW - 60, None), (NOW, None))
    (_, first), (_, second) = clients.asked
    assert second["NextToken"] == "more"
    asked = {each["Id"]: each["MetricStat"] for each in first["MetricDataQueries"]}
    assert {name: stat["Metric"]["Dimensions"] for name, stat in asked.items()} == {
        name: [{"Name": "Stack", "Value": "local"}, {"Name": "Channel", "Value": name.upper()}] for name in asked
    }
    assert {(stat["Metric"]["MetricName"], stat["Period"]) for stat in asked.values()} == {("MessagesPerSecond", 60)}
    assert first["StartTime"] == at[0]


def test_a_stack_whose_channels_are_off_is_asked_for_no_rates() -> None:
    outputs = fake_outputs()
    off = replace(outputs.messaging, sms_parts_per_second="")
    console, clients = telemetry(replace(outputs, messaging=off))
    assert console.rates(NOW - 3_600, NOW) == ()
    assert clients.asked == []


@given(start=st.floats(0, NOW), span=st.floats(-1e6, 1e9))
def test_rates_never_have_more_points_than_their_bound(start: float, span: float) -> None:
    grid = periods_of(start, start + span)
    assert len(grid) <= MAX_POINTS
    assert grid.step in PERIODS
    if grid:
        assert start + span - grid.step <= grid[-1] < start + span
        assert (grid[0] <= start) or len(grid) == MAX_POINTS
