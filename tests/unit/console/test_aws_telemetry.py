"""Monitoring over canned answers of AWS: shapes, paging, hostile text, what is asked, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import AlarmState, ConsoleError, ProblemKind
from console.sources.alarm_rules import rule_of
from console.sources.arns import resource_of
from console.sources.channel_rates import PERIODS, periods_of
from console.sources.clients import Target
from console.sources.deployments import functions_of
from console.sources.fake_outputs import fake_outputs
from console.sources.telemetry import AwsTelemetry
from console.telemetry import MAX_POINTS
from lambdas.core.outputs import COMPONENTS, StackOutputs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
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


class Answers:
    """Canned clients: each operation gives its answers one after the other, and what was asked is kept."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.target = Target(region="us-east-1", endpoint_url="http://127.0.0.1:9", account_id="000000000000")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def client(self, service: str) -> Any:
        """Any service: operations are told apart by name."""
        return self

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.asked.append((operation, dict(request)))
            return self._answers[operation].pop(0)

        return call


def telemetry(outputs: StackOutputs | None = None, **answers: list[dict[str, Any]]) -> tuple[AwsTelemetry, Answers]:
    clients = Answers(**answers)
    return AwsTelemetry(outputs or fake_outputs(), clients, lambda: NOW), clients  # type: ignore[arg-type]


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


def test_log_groups_are_those_of_the_functions() -> None:
    console, _ = telemetry()
    groups = console.log_groups()
    assert "/ai-cpaas-demo/local/delivery-processor" in groups
    assert len(groups) == len(functions_of(fake_outputs())) > 5


def events(*messages: str, **more: Any) -> dict[str, Any]:
    return {
        "events": [
            {"eventId": f"e{number}", "timestamp": int(NOW * 1000) + number, "logStreamName": "s", "message": message}
            for number, message in enumerate(messages)
        ],
        **more,
    }


def test_a_page_of_log_lines_is_asked_for_by_a_quoted_phrase_and_holds_the_whole_text() -> None:
    console, clients = telemetry(filter_log_events=[events('say "hallo" -you', "say hallo you", nextToken="next")])
    page = console.logs("/g", NOW, NOW + 60, cursor="here", text='"hallo" -you')
    assert [line.message for line in page.lines] == ['say "hallo" -you']
    assert page.cursor == "next"
    assert clients.asked == [
        (
            "filter_log_events",
            {
                "logGroupName": "/g",
                "startTime": int(NOW * 1000),
                "endTime": int((NOW + 60) * 1000),
                "filterPattern": '"hallo"',
                "nextToken": "here",
            },
        )
    ]


def test_without_a_text_no_pattern_is_sent_and_the_last_page_has_no_cursor() -> None:
    console, clients = telemetry(filter_log_events=[events("b", nextToken="")])
    assert console.logs("/g", 0, 1).cursor is None
    assert "filterPattern" not in clients.asked[0][1]


@given(st.text(max_size=40))
def test_a_pattern_is_one_phrase_that_every_wanted_line_holds(text: str) -> None:
    line = f"before {text} after"
    console, clients = telemetry(filter_log_events=[events(line)])
    page = console.logs("/g", 0, 1, text=text)
    assert len(page.lines) == 1
    pattern = clients.asked[0][1].get("filterPattern", '""')
    assert pattern.startswith('"')
    assert pattern.endswith('"')
    assert '"' not in pattern[1:-1]
    assert pattern[1:-1] in line


def test_deployments_are_told_by_code_and_by_outputs_newest_first() -> None:
    outputs = fake_outputs()
    count = len(functions_of(outputs))
    code = [
        {"LastModified": "2026-11-21T10:00:00.000+0000", "CodeSha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}
    ] * count

    def version(number: int, hour: int, **values: str) -> dict[str, Any]:
        at = datetime(2026, 11, 21, hour, tzinfo=UTC)
        return {"Parameters": [{"Version": number, "LastModifiedDate": at, "Value": json.dumps(values)}]}

    history = [version(1, 9, Version="1.1.0") | {"NextToken": "t"}, version(2, 11, Version="1.2.0")]
    console, clients = telemetry(
        get_function_configuration=code, get_parameter_history=[*history, *[{"Parameters": []}] * (len(COMPONENTS) - 1)]
    )
    found = console.deployments()
    assert len(found) == count + 2
    assert (found[0].what, found[0].detail) == ("outputs of stack", "version 2, release 1.2.0")
    assert found[1].detail == "code n4bQgYhM"
    assert found[-1].detail == "version 1, release 1.1.0"
    asked = [request["Name"] for name, request in clients.asked if name == "get_parameter_history"]
    assert asked[:2] == ["/ai-cpaas-demo/local/outputs/stack"] * 2
    assert asked[-1] == "/ai-cpaas-demo/local/outputs/monitoring"


def test_resources_are_asked_for_by_the_stacks_tags_page_by_page() -> None:
    tags = [{"Key": "Stack", "Value": "local"}]
    pages = [
        {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags}], "PaginationToken": token}
        for arn, token in (("arn:aws:sqs:us-east-1:0:b", "t"), ("arn:aws:lambda:us-east-1:0:function:a", ""))
    ]
    console, clients = telemetry(get_resources=pages)
    first, second = console.resources()
    assert (first.service, first.kind, first.name) == ("lambda", "function", "a")
    assert (second.service, second.kind, second.tags) == ("sqs", "queue", {"Stack": "local"})
    assert clients.asked[0][1]["TagFilters"] == [
        {"Key": "Project", "Values": ["ai-cpaas-demo"]},
        {"Key": "Stack", "Values": ["local"]},
    ]
    assert clients.asked[1][1]["PaginationToken"] == "t"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:s3:::bucket", ("s3", "bucket", "bucket")),
        ("arn:aws:dynamodb:r:1:table/t", ("dynamodb", "table", "t")),
        ("arn:aws:logs:r:1:log-group:/p/s/thing", ("logs", "log-group", "/p/s/thing")),
        ("arn:aws:apigateway:r::/apis/abc/stages/x", ("apigateway", "apis", "abc/stages/x")),
        ("arn:aws:iam::1:role/a/b", ("iam", "role", "a/b")),
        ("arn:aws:ssm:r:1:parameter/p/s/outputs/stack", ("ssm", "parameter", "p/s/outputs/stack")),
    ],
)
def test_an_arn_is_taken_apart(arn: str, expected: tuple[str, str, str]) -> None:
    found = resource_of(arn, [])
    assert (found.service, found.kind, found.name) == expected


def test_what_is_no_arn_is_a_bad_answer() -> None:
    console, _ = telemetry(get_resources=[{"ResourceTagMappingList": [{"ResourceARN": "nonsense"}]}])
    with pytest.raises(ConsoleError) as caught:
        console.resources()
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER


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
