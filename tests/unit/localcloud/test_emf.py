"""Embedded metric format: what the specification allows is read, what it forbids is counted, plain lines are left."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core import metrics
from localcloud.emf import EmbeddedDatum, Extraction, extract

AT = 1_574_109_732_004


def line(*directives: dict[str, Any], **members: Any) -> str:
    return json.dumps({"_aws": {"Timestamp": AT, "CloudWatchMetrics": list(directives)}, **members})


def directive(*names: str, dimensions: Any = None, **definition: Any) -> dict[str, Any]:
    return {
        "Namespace": "shop",
        "Dimensions": [["Stack"]] if dimensions is None else dimensions,
        "Metrics": [{"Name": name, **definition} for name in names],
    }


def test_the_example_of_the_specification() -> None:
    found = extract(
        """{"_aws": {"Timestamp": 1574109732004, "CloudWatchMetrics": [{"Namespace": "lambda-function-metrics",
        "Dimensions": [["functionVersion"]], "Metrics": [{"Name": "time", "Unit": "Milliseconds",
        "StorageResolution": 60}]}]}, "functionVersion": "$LATEST", "time": 100,
        "requestId": "989ffbf8-9ace-4817-a57c-e4dd734019ee"}"""
    )
    dimensions = (("functionVersion", "$LATEST"),)
    datum = EmbeddedDatum("lambda-function-metrics", "time", dimensions, "Milliseconds", (100.0,), AT)
    assert found == Extraction((datum,))


def test_several_directives_dimension_sets_and_arrays() -> None:
    found = extract(
        line(
            directive("Sent", dimensions=[[], ["Stack"], ["Stack", "Channel"]]),
            {"Namespace": "other", "Dimensions": [["Channel"]], "Metrics": [{"Name": "Latency"}]},
            Stack="dev",
            Channel="sms",
            Sent=3,
            Latency=[1, 2.5, 2.5],
        )
    )
    assert not found.errors
    assert [(datum.namespace, datum.dimensions, datum.values) for datum in found.data] == [
        ("shop", (), (3.0,)),
        ("shop", (("Stack", "dev"),), (3.0,)),
        ("shop", (("Channel", "sms"), ("Stack", "dev")), (3.0,)),
        ("other", (("Channel", "sms"),), (1.0, 2.5, 2.5)),
    ]


def test_words_of_the_runtime_may_stand_before_the_document() -> None:
    message = "[INFO]\t2026-11-21T05:00:00.000Z\tf00-ba4\t" + line(directive("Sent"), Stack="dev", Sent=1)
    assert [datum.name for datum in extract(message).data] == ["Sent"]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "START RequestId: 1 Version: $LATEST",
        '{"level": "INFO", "message": "sent"}',
        '{"nested": {"_aws": 1}}',
        "[1, 2]",
    ],
)
def test_plain_lines_are_left_alone(message: str) -> None:
    assert extract(message) == Extraction()


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ('{"_aws": {', "not one JSON object"),
        (line(directive("Sent"), Stack="dev", Sent=1) + " trailing", "not one JSON object"),
        ('{"_aws": 1}', "_aws is not an object"),
        ('{"_aws": {"CloudWatchMetrics": []}}', "Timestamp"),
        ('{"_aws": {"Timestamp": 1}}', "CloudWatchMetrics is not an array"),
        (line(directive("Sent"), Sent=1), "dimension Stack"),
        (line(directive("Sent"), Stack=7, Sent=1), "dimension Stack"),
        (line(directive("Sent"), Stack="d" * 1025, Sent=1), "dimension Stack"),
        (line(directive("Sent"), Stack="dev"), "metric Sent"),
        (line(directive("Sent"), Stack="dev", Sent="1"), "metric Sent"),
        (line(directive("Sent"), Stack="dev", Sent=True), "metric Sent"),
        (line(directive("Sent"), Stack="dev", Sent=[]), "metric Sent"),
        (line(directive("Sent"), Stack="dev", Sent=[1] * 101), "metric Sent"),
        (line(directive("Sent"), Stack="dev", Sent=float("nan")), "metric Sent"),
        (line(directive("Sent", Unit="Furlongs"), Stack="dev", Sent=1), "unknown unit"),
        (line(directive("Sent", dimensions=[]), Stack="dev", Sent=1), "Dimensions is not"),
        (line(directive("Sent", dimensions=[["Stack"] * 31]), Stack="dev", Sent=1), "up to 30"),
        (line(directive(*["Sent"] * 101), Stack="dev", Sent=1), "up to 100"),
        (line(directive("Sent"), Stack="dev", Sent=1, padding="x" * 262_144), "longer than 262144"),
    ],
)
def test_a_wrong_line_yields_nothing_and_one_sentence(message: str, part: str) -> None:
    found = extract(message)
    assert not found.data
    assert len(found.errors) == 1
    assert part in found.errors[0]


def test_a_wrong_metric_costs_itself_only() -> None:
    found = extract(line(directive("Sent", "Lost"), directive("Sent", dimensions=[["No"]]), Stack="dev", Sent=1))
    assert [datum.name for datum in found.data] == ["Sent"]
    assert len(found.errors) == 2


def test_what_our_functions_emit_is_read_back() -> None:
    data = [metrics.Datum(metrics.DELIVERY_LATENCY, float(index), "sms") for index in range(250)]
    data.append(metrics.Datum(metrics.FAILED_DELIVERIES, 2))
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for text in metrics.emf_lines(data, stack="dev", at_ms=AT):
        found = extract(text)
        assert not found.errors
        for datum in found.data:
            key = (datum.name, datum.dimensions)
            sums[key] = sums.get(key, 0) + sum(datum.values)
    assert sums == {
        ("DeliveryLatency", (("Channel", "sms"), ("Stack", "dev"))): sum(range(250)),
        ("FailedDeliveries", (("Stack", "dev"),)): 2,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Name", "Unit", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
DIRECTIVES = st.fixed_dictionaries(
    {"Namespace": JSON, "Dimensions": JSON, "Metrics": JSON | st.lists(JSON, max_size=3)}
)


@given(st.lists(DIRECTIVES | JSON, max_size=3) | JSON, JSON, JSON)
def test_no_document_breaks_the_parser(directives: Any, timestamp: Any, target: Any) -> None:
    text = json.dumps({"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": directives}, "a": target})
    for datum in extract(text).data:
        assert datum.values


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    extract('"_aws"' + text)
    extract('{"_aws"' + text)
