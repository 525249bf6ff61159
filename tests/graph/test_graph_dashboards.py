"""Dashboards: bodies that CloudWatch takes, of metrics that somebody publishes, with the whole stack on them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.widgets import COLUMNS, Note, Section, placed
from lambdas.core import metrics
from localcloud.service_metrics import SOURCES
from tests.support.dashboard_body import metrics_of, problems
from tests.support.published_metrics import PUBLISHED, TWELVE


def body(graph: Any, output: str) -> str:
    name = graph.recorded.stack_outputs[output]
    return str(next(item for item in graph.all("Dashboard") if item.id == name).inputs["dashboardBody"])


@pytest.mark.parametrize("output", ["BusinessDashboard", "ResourcesDashboard"])
def test_cloudwatch_takes_the_body(graph: Any, output: str) -> None:
    assert problems(body(graph, output)) == []


@pytest.mark.parametrize("output", ["BusinessDashboard", "ResourcesDashboard"])
def test_every_charted_metric_is_published_under_exactly_its_dimensions(graph: Any, output: str) -> None:
    catalogue = {metric.name: metric for metric in metrics.CATALOGUE}
    region = graph.recorded.stack_outputs["Region"]
    text = body(graph, output)
    for charted in metrics_of(text):
        dimensions = frozenset(name for name, _ in charted.dimensions)
        if charted.namespace == metrics.NAMESPACE:
            assert dimensions in [frozenset(names) for names in catalogue[charted.name].dimension_sets], charted
            assert (metrics.STACK, graph.recorded.stack_outputs["Stack"]) in charted.dimensions
        else:
            assert dimensions in PUBLISHED[charted.namespace, charted.name][0], charted
            assert dimensions in SOURCES[charted.namespace, charted.name], charted
    regions = {widget["properties"].get("region", region) for widget in json.loads(text)["widgets"]}
    assert regions == {region}


def test_the_twelve_metrics_are_charted_for_each_channel(graph: Any) -> None:
    charted = metrics_of(body(graph, "BusinessDashboard"))
    throttled = [
        item.inputs for item in graph.all("MetricAlarm") if item.inputs.get("metricName") == "ThrottledMessages"
    ]
    channels = {inputs["dimensions"][metrics.CHANNEL] for inputs in throttled}
    catalogue = {metric.name: metric for metric in metrics.CATALOGUE}
    for name in TWELVE:
        shown = [dict(metric.dimensions).get(metrics.CHANNEL) for metric in charted if metric.name == name]
        by_channel = metrics.CHANNEL in catalogue[name].dimension_sets[0]
        assert set(shown) == (channels if by_channel else {None}), name


def test_every_alarm_is_on_the_dashboard(graph: Any) -> None:
    widgets = json.loads(body(graph, "ResourcesDashboard"))["widgets"]
    shown = [arn for widget in widgets if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    made = [item.outputs["arn"] for kind in ("MetricAlarm", "CompositeAlarm") for item in graph.all(kind)]
    assert sorted(shown) == sorted(made)


def test_every_resource_is_charted(graph: Any) -> None:
    charted = metrics_of(body(graph, "ResourcesDashboard")) + metrics_of(body(graph, "BusinessDashboard"))
    shown = {pair for metric in charted for pair in metric.dimensions}
    kinds = {
        "Function": "FunctionName",
        "Queue": "QueueName",
        "Table": "TableName",
        "EventRule": "RuleName",
        "Topic": "TopicName",
    }
    named = {(kinds[kind], str(item.outputs["name"])) for kind in kinds for item in graph.all(kind)}
    assert named | {("ApiId", item.id) for item in graph.all("Api")} <= shown


@given(st.lists(st.lists(st.tuples(st.integers(1, COLUMNS), st.integers(1, 9)), max_size=9), max_size=5))
def test_widgets_never_lie_on_each_other_or_outside(sizes: list[list[tuple[int, int]]]) -> None:
    sections = [
        Section("title", [Note(markdown="x", width=width, height=height) for width, height in section])
        for section in sizes
    ]
    widgets = [
        {
            "type": "text",
            "x": x,
            "y": y,
            "width": widget.width,
            "height": widget.height,
            "properties": {"markdown": "x"},
        }
        for widget, x, y in placed(sections)
    ]
    assert problems(json.dumps({"widgets": widgets})) == []
    assert len(widgets) == len(sizes) + sum(map(len, sizes))


def test_a_widget_wider_than_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="25"):
        list(placed([Section("title", [Note(markdown="x", width=25)])]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"x": 20}, "outside of the grid"),
        ({"type": "chart"}, "type 'chart'"),
        ({"properties": {"metrics": [["AWS/SQS", "Age", "QueueName"]], "region": "x"}}, "as pairs"),
        ({"properties": {"metrics": [[{"expression": "SEARCH('{AWS/SQS}', 'Sum')"}]], "region": "x"}}, "expression"),
        ({"properties": {"metrics": [["AWS/SQS", "Age", {"stat": "Mean"}]], "region": "x"}}, "statistic"),
        ({"properties": {"metrics": [["AWS/SQS", "Age", {"period": 90}]], "region": "x"}}, "period 90"),
        ({"properties": {"metrics": [["AWS/SQS", "Age"]]}}, "without region"),
        ({"properties": {"metrics": [["AWS/SQS", "Age"]], "region": "x", "view": "line"}}, "view 'line'"),
    ],
)
def test_the_rules_notice(change: dict[str, Any], problem: str) -> None:
    widget = {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, **change}
    widget.setdefault("properties", {"metrics": [["AWS/SQS", "Age"]], "region": "x"})
    assert any(problem in found for found in problems(json.dumps({"widgets": [widget]})))
