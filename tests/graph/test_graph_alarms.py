"""Alarms: every resource watched, every alarm on a metric that exists, with a runbook to follow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.console_month import ALARMS
from components.alarm_families import FAMILIES, STACK_DOWN, Family
from components.environments import ENVIRONMENTS, Environment
from components.table import OPERATIONS
from lambdas.core import metrics
from lambdas.core.alarm_text import Severity, parse_description
from lambdas.core.channels import Channel
from localcloud.service_metrics import SOURCES
from tests.support.configured_channels import is_configured
from tests.support.published_metrics import PUBLISHED

WATCHED_BY = {
    "Function": ("FunctionName", {"Errors", "Throttles", "Duration"}),
    "Table": ("TableName", {"ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"}),
    "EventRule": ("RuleName", {"FailedInvocations"}),
    "Topic": ("TopicName", {"NumberOfNotificationsFailed"}),
    "Api": ("ApiId", set()),
}
"""Resource types to the dimension that names one of them, and the metrics that its alarms must watch."""

BY_PROTOCOL = {"HTTP": {"5xx", "Latency"}, "WEBSOCKET": {"ExecutionError"}}
"""Those of an API, by its protocol."""


def alarms(graph: Any) -> list[Any]:
    found: list[Any] = graph.all("MetricAlarm")
    return found


def composites(graph: Any) -> list[Any]:
    found: list[Any] = graph.all("CompositeAlarm")
    return found


def families(graph: Any) -> set[str]:
    return {family_of(item).name for item in [*alarms(graph), *composites(graph)]}


def watched(alarm: Any) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(namespace, metric, dimensions) of every metric that an alarm reads."""
    if "metricName" in alarm.inputs:
        yield alarm.inputs["namespace"], alarm.inputs["metricName"], alarm.inputs["dimensions"]
    for query in alarm.inputs.get("metricQueries", []):
        if metric := query.get("metric"):
            yield metric["namespace"], metric["metricName"], metric["dimensions"]


def watched_of(graph: Any, dimension: str, name: str) -> set[str]:
    """The metrics that alarms watch of the resource whose `dimension` has the value `name`."""
    return {
        metric
        for alarm in alarms(graph)
        for _, metric, dimensions in watched(alarm)
        if dimensions.get(dimension) == name
    }


def name_of(item: Any) -> str:
    return str(item.id if item.type.endswith(":Api") else item.outputs["name"])


def test_the_bench_prices_the_console_over_at_least_as_many_alarms_as_a_stack_can_have(evaluate: Any) -> None:
    types = [item.type.rpartition(":")[2] for item in evaluate("dev", largest=True).registrations]
    assert 100 < types.count("MetricAlarm") + types.count("CompositeAlarm") <= ALARMS, "each hundred are a page"


@pytest.mark.parametrize("kind", WATCHED_BY)
def test_every_resource_that_can_fail_has_its_alarms(graph: Any, kind: str) -> None:
    dimension, needed = WATCHED_BY[kind]
    for item in graph.all(kind):
        wanted = BY_PROTOCOL[item.inputs["protocolType"]] if kind == "Api" else needed
        lacking = wanted - watched_of(graph, dimension, name_of(item))
        assert not lacking, (item.urn, lacking)


def test_a_queue_is_watched_for_its_age_and_a_dead_letter_queue_for_being_empty(graph: Any) -> None:
    for item in graph.all("Queue"):
        has_dead_letter_queue = "redrivePolicy" in item.inputs
        expected = "ApproximateAgeOfOldestMessage" if has_dead_letter_queue else "ApproximateNumberOfMessagesVisible"
        assert watched_of(graph, "QueueName", name_of(item)) == {expected}, item.urn
        assert has_dead_letter_queue or name_of(item).count("-dlq-") == 1, item.urn


def test_every_index_and_every_operation_of_a_table_is_watched(graph: Any) -> None:
    seen = {tuple(sorted(dimensions.items())) for alarm in alarms(graph) for _, _, dimensions in watched(alarm)}
    for table in graph.all("Table"):
        name = str(table.outputs["name"])
        for index in table.inputs.get("globalSecondaryIndexes", []):
            assert (("GlobalSecondaryIndexName", index["name"]), ("TableName", name)) in seen, (table.urn, index)
        for operation in OPERATIONS:
            assert (("Operation", operation), ("TableName", name)) in seen, (table.urn, operation)


def test_every_operation_that_functions_may_use_is_watched(graph: Any) -> None:
    streams = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
    granted = {action for _, statement in graph.role_statements() for action in statement["Action"]}
    used = {action for action in granted if action.startswith("dynamodb:")} - streams
    assert used <= {f"dynamodb:{operation}" for operation in OPERATIONS}


def test_every_stream_reader_is_watched(graph: Any) -> None:
    for mapping in graph.all("EventSourceMapping"):
        if ":dynamodb:" in mapping.inputs["eventSourceArn"]:
            assert "IteratorAge" in watched_of(graph, "FunctionName", mapping.inputs["functionName"])


def test_alarms_watch_metrics_that_exist(graph: Any) -> None:
    """Ours are in the catalogue, AWS's on its pages, and the embedded cloud has a source for each of them."""
    catalogue = {metric.name: metric for metric in metrics.CATALOGUE}
    for item in alarms(graph):
        for namespace, name, dimensions in watched(item):
            if namespace == metrics.NAMESPACE:
                assert set(dimensions) in [set(names) for names in catalogue[name].dimension_sets], item.urn
                assert dimensions[metrics.STACK] == graph.recorded.stack_outputs["Stack"]
            else:
                sets, _ = PUBLISHED[namespace, name]
                assert frozenset(dimensions) in sets, item.urn
                assert frozenset(dimensions) in SOURCES[namespace, name], item.urn


def test_every_metric_of_the_catalogue_is_emitted_by_a_function(root: Path) -> None:
    """`Datum(NAME, ...)` is how a function publishes; the embedded cloud's tests see the data arrive."""
    names = {value.name: name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric)}
    emitted = set()
    for path in (root / "lambdas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Datum" and node.args:
                emitted |= {part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)}
    assert {names[metric.name] for metric in metrics.CATALOGUE} <= emitted


def test_the_promises_of_the_specification(graph: Any) -> None:
    promised = {
        item.inputs["name"].removeprefix(graph.recorded.stack_outputs["AlarmNamePrefix"]): (
            item.inputs["metricName"],
            item.inputs["dimensions"].get(metrics.CHANNEL),
            item.inputs.get("statistic") or item.inputs["extendedStatistic"],
            item.inputs["period"],
            item.inputs["evaluationPeriods"],
            item.inputs["datapointsToAlarm"],
            item.inputs["comparisonOperator"],
            item.inputs["threshold"],
        )
        for item in alarms(graph)
        if item.inputs.get("namespace") == metrics.NAMESPACE
    }
    throttled = ("Sum", 300, 1, 1, "GreaterThanThreshold", 10)
    capacity = ("Average", 300, 3, 3, "LessThanThreshold", 10)
    assert promised["failed-deliveries"] == ("FailedDeliveries", None, "Sum", 600, 1, 1, "GreaterThanThreshold", 50)
    assert promised["outbox-age"] == ("OutboxAge", None, "Maximum", 300, 1, 1, "GreaterThanThreshold", 120)
    assert promised["pumping-guard"] == ("PumpingBlocked", None, "Sum", 300, 1, 1, "GreaterThanThreshold", 0)
    assert promised["outbox-age-critical"][-1] == 480
    above = "GreaterThanThreshold"
    assert promised["session-creation"] == ("SessionCreationLatency", None, "p95", 300, 2, 2, above, 2000)
    assert promised["connection-errors"] == ("ConnectionErrors", None, "Sum", 300, 1, 1, above, 100)
    assert promised["active-sessions"] == ("ActiveSessions", None, "Maximum", 300, 1, 1, above, 90)
    assert promised["session-heartbeat"][-2:] == ("LessThanThreshold", 1)
    channels = [name.removesuffix("-throttled") for name in promised if name.endswith("-throttled")]
    assert "sms" in channels
    for channel in channels:
        assert promised[f"{channel}-throttled"] == ("ThrottledMessages", channel.upper(), *throttled)
        assert promised[f"available-capacity-{channel}"] == ("AvailableCapacity", channel.upper(), *capacity)


def test_alarms_are_found_by_their_prefix(graph: Any) -> None:
    prefix = graph.recorded.stack_outputs["AlarmNamePrefix"]
    names = [item.inputs["name"] for item in alarms(graph)] + [item.inputs["alarmName"] for item in composites(graph)]
    assert len(set(names)) == len(names)
    assert all(name.startswith(prefix) for name in names)


def test_alarms_go_where_their_severity_says(graph: Any) -> None:
    """By themselves, or through the composite alarm: nobody is told twice, and nothing critical is told to nobody."""
    outputs = graph.recorded.stack_outputs
    notify = ENVIRONMENTS[Environment(outputs["Environment"])].notify
    topics = {Severity.WARNING: outputs["WarningTopicArn"], Severity.CRITICAL: outputs["CriticalTopicArn"]}
    (composite,) = composites(graph)
    children = re.findall(r'ALARM\("([^"]+)"\)', composite.inputs["alarmRule"])
    assert " OR ".join(f'ALARM("{child}")' for child in children) == composite.inputs["alarmRule"]
    assert len(composite.inputs["alarmRule"]) <= 10_240
    for item in [*alarms(graph), composite]:
        severity = Severity(item.inputs["tags"]["Severity"])
        through_composite = item.inputs.get("name") in children
        expected = [topics[severity]] if severity in notify and not through_composite else []
        assert item.inputs["alarmActions"] == item.inputs["okActions"] == expected, item.urn
        assert severity is Severity.CRITICAL or not through_composite
    assert set(children) <= {item.inputs["name"] for item in alarms(graph)}


def test_a_joint_family_tells_its_critical_alarms_to_the_composite(graph: Any) -> None:
    (composite,) = composites(graph)
    for item in alarms(graph):
        family = family_of(item)
        joint = family.joint and item.inputs["tags"]["Severity"] == Severity.CRITICAL
        assert (f'ALARM("{item.inputs["name"]}")' in composite.inputs["alarmRule"]) is joint, item.urn


def family_of(item: Any) -> Family:
    text = parse_description(item.inputs["alarmDescription"])
    return next(family for family in FAMILIES if family.runbook == text.runbook)


def test_the_family_decides_about_urgency_and_missing_data(graph: Any) -> None:
    for item in alarms(graph):
        family = family_of(item)
        severity = parse_description(item.inputs["alarmDescription"]).severity
        assert severity in [level.severity for level in family.levels]
        assert item.inputs["treatMissingData"] == family.missing
        assert item.inputs["tags"]["Severity"] == severity
    (composite,) = composites(graph)
    assert family_of(composite) is STACK_DOWN


def test_a_level_of_a_family_is_an_alarm_of_its_own(graph: Any) -> None:
    by_name = {item.inputs["name"]: item.inputs for item in alarms(graph)}
    escalating = [item for item in alarms(graph) if len(family_of(item).levels) > 1]
    assert escalating
    for item in escalating:
        name = item.inputs["name"].removesuffix("-critical")
        low, high = by_name[name], by_name[f"{name}-critical"]
        assert high["threshold"] == 4 * low["threshold"]
        assert (low["tags"]["Severity"], high["tags"]["Severity"]) == ("warning", "critical")


def test_the_webhook_hears_what_is_critical(evaluate: Any, graph: Any) -> None:
    webhooks = [item for item in graph.all("TopicSubscription") if item.inputs["protocol"] == "https"]
    assert all(item.inputs["topic"] == graph.recorded.stack_outputs["CriticalTopicArn"] for item in webhooks)
    largest = [item for item in evaluate("dev", largest=True).registrations if item.inputs.get("protocol") == "https"]
    assert [item.inputs["endpointAutoConfirms"] for item in largest] == [True]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_runbook_answers_four_questions(family: Family, root: Path) -> None:
    text = (root / family.runbook).read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["What it means", "How to look", "What to do", "How to verify"]


def test_there_is_no_runbook_without_an_alarm(root: Path) -> None:
    alarm_books = {Path(family.runbook).name for family in FAMILIES}
    others = {"README.md"}
    assert {path.name for path in (root / "docs" / "runbooks").glob("*.md")} == alarm_books | others


def test_every_family_has_an_alarm_where_its_channel_is_configured(graph: Any) -> None:
    outputs = graph.recorded.stack_outputs
    off = {f"{channel}-throttled" for channel in Channel if not is_configured(channel, outputs)}
    assert families(graph) == {family.name for family in FAMILIES} - off
    assert outputs["Stack"] != "local" or not off, "there each family's alarms are brought about"
