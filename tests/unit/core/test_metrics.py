"""Embedded metric format, checked as CloudWatch reads it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.metrics import (
    CATALOGUE,
    CHANNEL,
    FAILED_DELIVERIES,
    MESSAGES_SENT,
    NAMESPACE,
    STACK,
    Datum,
    Metric,
    Unit,
    emf_lines,
)

AT_MS = 1_780_000_000_000
CLOUDWATCH_UNITS = {"Count", "Count/Second", "Percent", "Seconds", "Milliseconds", "None"}


def has_channel(metric: Metric) -> bool:
    return any(CHANNEL in names for names in metric.dimension_sets)


data = st.lists(
    st.sampled_from(CATALOGUE).flatmap(
        lambda metric: st.builds(
            Datum,
            st.just(metric),
            st.floats(-1e9, 1e9) | st.integers(0, 10**9),
            st.sampled_from(["SMS", "EMAIL"]) if has_channel(metric) else st.none(),
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
        (names,) = directive["Dimensions"]
        dimensions = tuple((name, document[name]) for name in names)
        assert all(isinstance(value, str) and value for _, value in dimensions)
        for definition in directive["Metrics"]:
            assert definition["Unit"] in CLOUDWATCH_UNITS
            value = document[definition["Name"]]
            members = value if isinstance(value, list) else [value]
            assert 1 <= len(members) <= 100
            values[definition["Name"], dimensions] += members
    return values


@given(data)
def test_every_value_arrives_once_under_exactly_its_dimensions(some: list[Datum]) -> None:
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = defaultdict(list)
    for datum in some:
        dimensions = [(STACK, "dev"), *([(CHANNEL, datum.channel)] if datum.channel else [])]
        expected[datum.metric.name, tuple(dimensions)].append(datum.value)
    assert read(emf_lines(some, stack="dev", at_ms=AT_MS)) == expected


def test_more_values_than_a_line_holds() -> None:
    lines = emf_lines([Datum(MESSAGES_SENT, number, "SMS") for number in range(250)], stack="dev", at_ms=AT_MS)
    assert len(lines) == 3
    assert read(lines)["MessagesSent", ((STACK, "dev"), (CHANNEL, "SMS"))] == list(range(250))


def test_no_data_no_line() -> None:
    assert emf_lines([], stack="dev", at_ms=AT_MS) == []


@pytest.mark.parametrize("datum", [Datum(MESSAGES_SENT, 1), Datum(FAILED_DELIVERIES, 1, "SMS")])
def test_a_channel_where_none_belongs_is_an_error(datum: Datum) -> None:
    with pytest.raises(ValueError, match=datum.metric.name):
        emf_lines([datum], stack="dev", at_ms=AT_MS)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_the_catalogue(metric: Metric) -> None:
    assert metric.meaning
    assert metric.unit in Unit
    assert all(names[0] == STACK and set(names) <= {STACK, CHANNEL} for names in metric.dimension_sets)
    assert len({CHANNEL in names for names in metric.dimension_sets}) == 1
    (line,) = emf_lines([Datum(metric, 1, "SMS" if has_channel(metric) else None)], stack="dev", at_ms=AT_MS)
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert [tuple(names) for names in directive["Dimensions"]] == list(metric.dimension_sets)


def test_names_are_given_once() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
