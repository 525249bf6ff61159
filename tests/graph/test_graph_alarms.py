"""Alarms: every resource watched, every alarm on a metric that exists, with a runbook to follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.alarms import FAMILIES
from components.environments import ENVIRONMENTS, Environment
from lambdas.core import metrics
from lambdas.core.alarm_text import Severity, parse_description

AWS_METRICS = {
    ("AWS/ApiGateway", "5xx"): {"ApiId"},
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName"},
    ("AWS/Events", "FailedInvocations"): {"RuleName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "IteratorAge"): {"FunctionName"},
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): {"QueueName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
}
"""Metrics and dimension sets that AWS publishes (the services' "CloudWatch metrics" pages)."""


def alarms(graph: Any) -> list[Any]:
    found: list[Any] = graph.all("MetricAlarm")
    return found


def test_every_resource_that_can_fail_is_watched(graph: Any) -> None:
    watched = {value for item in alarms(graph) for value in item.inputs["dimensions"].values()}
    names = {
        str(item.outputs["name"]) for type_ in ("Function", "Queue", "Table", "EventRule") for item in graph.all(type_)
    } | {item.id for item in graph.all("Api")}
    assert names - watched == set()


def test_alarms_watch_metrics_that_exist(graph: Any) -> None:
    catalogue = {metric.name: metric for metric in metrics.CATALOGUE}
    for item in alarms(graph):
        dimensions = set(item.inputs["dimensions"])
        if item.inputs["namespace"] == metrics.NAMESPACE:
            sets = [set(names) for names in catalogue[item.inputs["metricName"]].dimension_sets]
            assert dimensions in sets, item.urn
            assert item.inputs["dimensions"][metrics.STACK] == graph.recorded.stack_outputs["Stack"]
        else:
            expected = AWS_METRICS[item.inputs["namespace"], item.inputs["metricName"]]
            assert dimensions - {"EventBusName"} == expected, item.urn


def test_the_promises_of_the_specification(graph: Any) -> None:
    promised = {
        item.inputs["metricName"]: (
            item.inputs["statistic"],
            item.inputs["period"],
            item.inputs["evaluationPeriods"],
            item.inputs["datapointsToAlarm"],
            item.inputs["comparisonOperator"],
            item.inputs["threshold"],
        )
        for item in alarms(graph)
        if item.inputs["namespace"] == metrics.NAMESPACE
    }
    assert promised == {
        "ThrottledMessages": ("Sum", 300, 1, 1, "GreaterThanThreshold", 10),
        "FailedDeliveries": ("Sum", 600, 1, 1, "GreaterThanThreshold", 50),
        "AvailableCapacity": ("Average", 300, 3, 3, "LessThanThreshold", 10),
    }


def test_alarms_are_found_by_their_prefix(graph: Any) -> None:
    prefix = graph.recorded.stack_outputs["AlarmNamePrefix"]
    names = [item.inputs["name"] for item in alarms(graph)]
    assert len(set(names)) == len(names)
    assert all(name.startswith(prefix) for name in names)


def test_alarms_go_where_their_severity_says(graph: Any) -> None:
    outputs = graph.recorded.stack_outputs
    notify = ENVIRONMENTS[Environment(outputs["Environment"])].notify
    topics = {Severity.WARNING: outputs["WarningTopicArn"], Severity.CRITICAL: outputs["CriticalTopicArn"]}
    for item in alarms(graph):
        severity = Severity(item.inputs["tags"]["Severity"])
        expected = [topics[severity]] if severity in notify else []
        assert item.inputs["alarmActions"] == item.inputs["okActions"] == expected, item.urn


def test_the_family_decides_about_missing_data(graph: Any) -> None:
    families = {family.runbook: family for family in FAMILIES}
    for item in alarms(graph):
        text = parse_description(item.inputs["alarmDescription"])
        family = families[text.runbook]
        assert text.severity is family.severity
        assert item.inputs["treatMissingData"] == family.missing
        assert item.inputs["tags"]["Severity"] == family.severity


def test_every_runbook_answers_four_questions(root: Path) -> None:
    for family in FAMILIES:
        text = (root / family.runbook).read_text(encoding="utf-8")
        headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
        assert headings == ["What it means", "How to look", "What to do", "How to verify"], family.runbook


def test_there_is_no_runbook_without_an_alarm(root: Path) -> None:
    alarm_books = {Path(family.runbook).name for family in FAMILIES}
    others = {"README.md"}
    assert {path.name for path in (root / "docs" / "runbooks").glob("*.md")} <= alarm_books | others
