"""Embedded metric format, checked as CloudWatch reads it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.core.metrics import (
    CATALOGUE,
    CHANNEL,
    CODE,
    CONNECTION_ERRORS,
    FAILED_DELIVERIES,
    MESSAGES_SENT,
    NAMESPACE,
    OPERATION,
    STACK,
    Datum,
    Metric,
    Unit,
    emf_lines,
)

AT_MS = 1_780_000_000_000
CLOUDWATCH_UNITS = {"Count", "Count/Second", "Percent", "Seconds", "Milliseconds", "None"}


WITHIN: dict[str | None, list[str | None]] = {
    None: [None],
    CHANNEL: ["SMS", "EMAIL"],
    CODE: ["SESSION_FULL", "BAD_REQUEST"],
    OPERATION: ["join", "create"],
}

data = st.lists(
    st.sampled_from(CATALOGUE).flatmap(
        lambda metric: st.builds(
            Datum,
            st.just(metric),
            st.floats(-1e9, 1e9) | st.integers(0, 10**9),
            st.sampled_from(WITHIN[metric.own_dimension]),
        )
    ),
    max_size=300,
)


def read(lines: list[str]) -> dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]:
    """Values by metric and dimensions, as the specification says; raises for anything it does not allow."""
    values: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = defaultdict(list)
    for line in lines:
        assert "\n" not in line
        document: dict[str, Any] = json.loads(line)
        assert document["_aws"]["Timestamp"] == AT_MS
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == NAMESPACE
        assert 1 <= len(directive["Metrics"]) <= 100
        for names in directive["Dimensions"]:
            dimensions = tuple((name, document[name]) for name in names)
            assert all(isinstance(value, str) and value for _, value in dimensions)
            for definition in directive["Metrics"]:
                assert definition["Unit"] in CLOUDWATCH_UNITS
                value = document[definition["Name"]]
                members = value if isinstance(value, list) else [value]
                assert 1 <= len(members) <= 100
                values[definition["Name"], dimensions] += members
    return values


def in_any_order(values: Mapping[tuple[str, tuple[tuple[str, str], ...]], list[float]]) -> dict[object, list[float]]:
    """A metric's values whatever line brought them: a line holds one value of the metric's own dimension."""
    return {name: sorted(members) for name, members in values.items()}


@given(data)
@example([Datum(CONNECTION_ERRORS, value, code) for value, code in ((0, "FULL"), (0, "BAD_REQUEST"), (1, "FULL"))])
def test_every_value_arrives_once_under_exactly_its_dimensions(some: list[Datum]) -> None:
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = defaultdict(list)
    for datum in some:
        for names in datum.metric.dimension_sets:
            dimensions = [(name, "dev" if name == STACK else str(datum.within)) for name in names]
            expected[datum.metric.name, tuple(dimensions)].append(datum.value)
    assert in_any_order(read(emf_lines(some, stack="dev", at_ms=AT_MS))) == in_any_order(expected)


def test_more_values_than_a_line_holds() -> None:
    lines = emf_lines([Datum(MESSAGES_SENT, number, "SMS") for number in range(250)], stack="dev", at_ms=AT_MS)
    assert len(lines) == 3
    assert read(lines)["MessagesSent", ((STACK, "dev"), (CHANNEL, "SMS"))] == list(range(250))


def test_no_data_no_line() -> None:
    assert emf_lines([], stack="dev", at_ms=AT_MS) == []


def test_a_metric_of_two_dimension_sets_is_one_line() -> None:
    (line,) = emf_lines([Datum(CONNECTION_ERRORS, 1, "SESSION_FULL")], stack="dev", at_ms=AT_MS)
    assert read([line]) == {
        ("ConnectionErrors", ((STACK, "dev"),)): [1],
        ("ConnectionErrors", ((STACK, "dev"), (CODE, "SESSION_FULL"))): [1],
    }


@pytest.mark.parametrize("datum", [Datum(MESSAGES_SENT, 1), Datum(FAILED_DELIVERIES, 1, "SMS")])
def test_a_value_where_none_belongs_is_an_error(datum: Datum) -> None:
    with pytest.raises(ValueError, match=datum.metric.name):
        emf_lines([datum], stack="dev", at_ms=AT_MS)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_the_catalogue(metric: Metric) -> None:
    assert metric.meaning
    assert metric.unit in Unit
    assert {*metric.dimension_sets} <= {(STACK,), (STACK, metric.own_dimension)}
    (line,) = emf_lines([Datum(metric, 1, WITHIN[metric.own_dimension][0])], stack="dev", at_ms=AT_MS)
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert [tuple(names) for names in directive["Dimensions"]] == list(metric.dimension_sets)


def test_names_are_given_once() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
