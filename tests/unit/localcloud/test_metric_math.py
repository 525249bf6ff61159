"""Metric math against the examples of CloudWatch's user guide, and its refusals."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.metric_math import FUNCTIONS, MetricMathError, Request, Series, evaluate

M1: Series = {0.0: 30.0, 60.0: 20.0, 120.0: 0.0, 180.0: 0.0}
M2: Series = {0.0: 20.0, 120.0: 20.0}
GRID = (0.0, 60.0, 120.0, 180.0)


def values(expression: str, **metrics: Series) -> list[float | None]:
    (series,) = evaluate(expression, Request(metrics or {"m1": M1, "m2": M2}, grid=GRID))
    return [series.get(at) for at in GRID]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The guide's table of comparison operators.
        ("m1 < m2", [0, 0, 1, 0]),
        ("m1 >= 30", [1, 0, 0, 0]),
        ("m1 > 15 AND m2 > 15", [1, 0, 0, 0]),
        ("m1 > 15 || m2 > 15", [1, 1, 1, 0]),
        ("5 * m1", [150, 100, 0, 0]),
        ("m1 - m2", [10, 20, -20, 0]),
        ("-m1 + 2 ^ 3", [-22, -12, 8, 8]),
        ("2 * m1 ^ 2 / 4 - 1", [449, 199, -1, -1]),
        ("SUM([m1, m2])", [50, 20, 20, 0]),
        ("SUM(METRICS())", [50, 20, 20, 0]),
        ('SUM(METRICS("m2")) / SUM(METRICS("m1")) * 100', [200 / 3, 0, None, None]),
        ("MAX(METRICS())", [30, 20, 20, 0]),
        ("MIN([m1,m2])", [20, 20, 0, 0]),
        ("AVG(METRICS())", [25, 10, 10, 0]),
        ("m1 - MAX(m1)", [0, -10, -30, -30]),
        ("FILL(m2, 7)", [20, 7, 20, 7]),
        ("FILL(m2, REPEAT)", [20, 20, 20, 20]),
        ("FILL(m2, LINEAR)", [20, 20, 20, None]),
        ("FILL(m2, m1)", [20, 20, 20, 0]),
        ("FILL(m2, 0) / PERIOD(m1)", [1 / 3, 0, 1 / 3, 0]),
        ("IF(m1 > 10, 1, 0)", [1, 1, 0, 0]),
        ("IF(m1 > 10, m2)", [20, 0, None, None]),
        ("CEIL(m1 / 7)", [5, 3, 0, 0]),
        ("FLOOR(ABS(-m1 / 7))", [4, 2, 0, 0]),
        ("RATE(m1)", [None, -1 / 6, -1 / 3, 0]),
    ],
)
def test_expressions(expression: str, expected: list[float | None]) -> None:
    assert values(expression) == [None if value is None else pytest.approx(value) for value in expected]


def test_if_over_gaps_as_in_the_guide() -> None:
    condition = {0.0: 1.0, 60.0: 1.0, 120.0: 0.0, 180.0: 0.0}
    yes = {0.0: 30.0, 120.0: 0.0, 180.0: 0.0}
    no = {0.0: 0.0, 60.0: 0.0, 120.0: 20.0}
    assert values("IF(m1, m2, m3)", m1=condition, m2=yes, m3=no) == [30, 0, 20, None]
    assert values("IF(m1, 5, m3)", m1=condition, m3=no) == [5, 5, 20, None]


def test_what_overflows_is_dropped() -> None:
    assert values("(m1 + 1) * 1e308") == [None, None, 1e308, 1e308]


def test_an_array_stays_an_array() -> None:
    found = evaluate("METRICS() * 2", Request({"a": {0.0: 1.0}, "b": {0.0: 2.0}}))
    assert found == [{0.0: 2.0}, {0.0: 4.0}]


def test_an_expression_may_name_another() -> None:
    request = Request({"m1": {0.0: 4.0}}, {"e1": "m1 * 2", "e2": "e1 + 1"})
    assert evaluate("e2 + e1", request) == [{0.0: 17.0}]


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("SEARCH('{AWS/SQS} Age', 'Sum', 300)", "SEARCH is not evaluated by the embedded cloud"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "it knows ABS, AVG"),
        ("nobody + 1", "'nobody', which is no Id"),
        ("m1 +", "unexpected end"),
        ("m1 m2", "unexpected 'm2'"),
        ("(m1", "expected '\\)'"),
        ("m1 # 2", "unexpected '# 2'"),
        ("SUM(m1)", "must yield a time series"),
        ("1 / 0 + m1", "has no value"),
        ("m1 * 1e999", "too large a number"),
        ("SUM([m1 * 0 + 1e308, m1 * 0 + 1e308])", "SUM gives too large a number"),
        ("'a' + m1", "a string cannot stand beside"),
        ("[m1] + [m2]", "two arrays"),
        ("FILL(m1)", "FILL takes"),
        ("FILL(m2, 'NEVER')", "cannot fill with 'NEVER'"),
        ("METRICS(m1)", "METRICS\\(\\) takes"),
        ("SUM(1)", "SUM takes one"),
        ("__import__('os')", "unexpected"),
        ("(" * 60 + "m1" + ")" * 60, "more than 50 levels"),
        ("m1 + " * 600 + "m1", "at most 2048 characters"),
    ],
)
def test_what_is_wrong_or_not_evaluated_is_named(expression: str, part: str) -> None:
    with pytest.raises(MetricMathError, match=part):
        evaluate(expression, Request({"m1": M1, "m2": M2}, grid=GRID))


def test_a_circle_of_expressions_is_named() -> None:
    with pytest.raises(MetricMathError, match="depends on itself: e1 -> e2 -> e1"):
        evaluate("e1", Request({}, {"e1": "e2 + 1", "e2": "e1 + 1"}))


WORDS = st.sampled_from(
    [*FUNCTIONS, "m1", "m2", "(", ")", "[", "]", ",", "+", "-", "*", "/", "^", "<", "AND", "2", "''"]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_gives_series_or_one_clear_error(expression: str) -> None:
    with contextlib.suppress(MetricMathError):
        found = evaluate(expression, Request({"m1": M1, "m2": M2}, grid=GRID))
        assert all(isinstance(series, dict) for series in found)


NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS, st.integers(1, 1000))
def test_arithmetic_is_pythons_own(left: float, right: float, divisor: int) -> None:
    request = Request({"m1": {0.0: left}, "m2": {0.0: right}})
    assert evaluate(f"(m1 + m2) * m1 - m2 / {divisor}", request) == [{0.0: (left + right) * left - right / divisor}]
