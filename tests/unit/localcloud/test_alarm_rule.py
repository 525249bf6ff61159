"""The alarm rule against AWS's own tables, and what must hold for any data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.alarm_rule import (
    Alarm,
    Datapoint,
    Decision,
    MetricQuery,
    Missing,
    State,
    UnsupportedAlarm,
    alarm_from_api,
    evaluate,
    period_starts,
    range_end,
)
from localcloud.metric_store import MetricKey

NOW = 1_795_237_200.0  # 2026-11-21 05:00:00 UTC
THRESHOLD = 50.0
POLICIES = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)

# CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": the newest point is on the right,
# 0 is within the threshold, X breaches, - is missing. Columns: MISSING, IGNORE, BREACHING, NOT BREACHING.
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", "retain", "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", "retain", "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", "retain", "ALARM", "OK"),
}
CELLS = [
    pytest.param(needed, points, policy, expected, id=f"{needed} of 3, {points}, {policy}")
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, row in table.items()
    for policy, expected in zip(POLICIES, row, strict=True)
]


def alarm(**changes: Any) -> Alarm:
    plain = Alarm(
        name="too-many",
        queries=(MetricQuery("m1", MetricKey.of("N", "M"), "Sum", 300.0),),
        comparison="GreaterThanThreshold",
        threshold=THRESHOLD,
        period=300.0,
    )
    return replace(plain, **changes)


def series(points: str, period: float = 300.0) -> list[Datapoint]:
    values = {"0": 10.0, "X": 60.0, "-": None}
    marks = points.split()
    return [
        Datapoint(NOW - (len(marks) - index) * period, values[mark], 0.0 if mark == "-" else 1.0)
        for index, mark in enumerate(marks)
    ]


def test_the_tables_have_forty_cells() -> None:
    assert len(CELLS) == 40


@pytest.mark.parametrize(("needed", "points", "policy", "expected"), CELLS)
@pytest.mark.parametrize("before", list(State))
def test_every_cell_of_the_missing_data_tables(
    needed: int, points: str, policy: Missing, expected: str, before: State
) -> None:
    subject = alarm(evaluation_periods=3, datapoints_to_alarm=needed, missing=policy, state=before)
    assert len(period_starts(subject, NOW)) == 5, "the guide's tables retrieve five data points"

    decision = evaluate(subject, series(points), NOW)

    assert decision.state == (before if expected == "retain" else expected)


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -"])
def test_a_first_breach_is_no_alarm_before_it_is_as_old_as_the_alarm_needs(points: str) -> None:
    subject = alarm(evaluation_periods=3, datapoints_to_alarm=3)
    assert evaluate(subject, series(points), NOW).state is State.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_comparisons(comparison: str, below: str, at: str, above: str) -> None:
    subject = alarm(comparison=comparison)
    states = [evaluate(subject, [Datapoint(NOW - 300, THRESHOLD + by)], NOW).state for by in (-1.0, 0.0, 1.0)]
    assert states == [below, at, above]


def test_the_reason_of_an_alarm_is_worded_as_on_aws() -> None:
    decision = evaluate(alarm(state=State.OK), [Datapoint(NOW, 60.0, 12.0)], NOW + 300.5)

    assert decision.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [60.0 (21/11/26 05:00:00)] was greater than the threshold "
        "(50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert json.loads(decision.reason_data) == {
        "version": "1.0",
        "queryDate": "2026-11-21T05:05:00.500+0000",
        "startDate": "2026-11-21T05:00:00.000+0000",
        "statistic": "Sum",
        "period": 300,
        "recentDatapoints": [60.0],
        "threshold": 50.0,
        "evaluatedDatapoints": [{"timestamp": "2026-11-21T05:00:00.000+0000", "sampleCount": 12.0, "value": 60.0}],
    }


@pytest.mark.parametrize(
    ("changes", "points", "reason"),
    [
        (
            {"state": State.ALARM},
            "0",
            "Threshold Crossed: 1 out of the last 1 datapoints [10.0 (21/11/26 04:55:00)] was not greater than the "
            "threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (
            {"evaluation_periods": 3, "datapoints_to_alarm": 2},
            "X 0 X",
            "Threshold Crossed: 2 out of the last 3 datapoints [60.0 (21/11/26 04:55:00), 60.0 (21/11/26 04:45:00)] "
            "were greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (
            {"missing": Missing.NOT_BREACHING, "state": State.ALARM},
            "-",
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[NonBreaching].",
        ),
        (
            {"missing": Missing.BREACHING, "evaluation_periods": 3, "datapoints_to_alarm": 3},
            "- - X - -",
            "Threshold Crossed: 1 out of the last 1 datapoints [60.0 (21/11/26 04:45:00)] was greater than the "
            "threshold (50.0) and 2 missing datapoints were treated as [Breaching] (minimum 3 datapoints for "
            "OK -> ALARM transition).",
        ),
        ({"state": State.OK}, "- - -", "Insufficient Data: 1 datapoint was unknown."),
    ],
)
def test_reasons(changes: dict[str, Any], points: str, reason: str) -> None:
    assert evaluate(alarm(**changes), series(points), NOW).reason == reason


def test_a_percentile_alarm_may_wait_for_enough_samples() -> None:
    queries = (MetricQuery("m1", MetricKey.of("N", "Latency"), "p99", 300.0),)
    subject = alarm(queries=queries, ignore_low_samples=True, state=State.OK)

    few = evaluate(subject, [Datapoint(NOW - 300, 60.0, 999.0)], NOW)
    enough = evaluate(subject, [Datapoint(NOW - 300, 60.0, 1001.0)], NOW)
    eager = evaluate(replace(subject, ignore_low_samples=False), [Datapoint(NOW - 300, 60.0, 1.0)], NOW)

    assert [few.state, enough.state, eager.state] == ["OK", "ALARM", "ALARM"]


def test_periods_are_aligned_to_whole_steps() -> None:
    subject = alarm(evaluation_periods=2, datapoints_to_alarm=2)
    assert period_starts(subject, NOW + 59.9) == period_starts(subject, NOW)
    assert period_starts(subject, NOW) == [NOW - 1200, NOW - 900, NOW - 600, NOW - 300]
    assert range_end(alarm(period=10.0), NOW + 19) == NOW + 10


def test_one_period_with_a_meaning_for_missing_data_is_over_when_it_has_passed() -> None:
    assert period_starts(alarm(missing=Missing.NOT_BREACHING), NOW) == [NOW - 300]
    assert len(period_starts(alarm(missing=Missing.MISSING), NOW)) == 3


SYMBOLS = st.lists(st.sampled_from("0X-"), min_size=5, max_size=5).map(" ".join)
RULES = st.tuples(st.integers(1, 3), st.sampled_from(POLICIES), st.sampled_from(State)).map(
    lambda rule: alarm(evaluation_periods=3, datapoints_to_alarm=rule[0], missing=rule[1], state=rule[2])
)


def decide(subject: Alarm, points: str) -> Decision:
    return evaluate(subject, series(points), NOW)


@given(RULES, SYMBOLS)
def test_the_policy_does_not_matter_when_there_is_data_enough(subject: Alarm, points: str) -> None:
    if points.count("-") <= 2:
        states = {decide(replace(subject, missing=policy), points).state for policy in POLICIES}
        newest = [mark for mark in points.split() if mark != "-"][-3:]
        assert states == {State.ALARM if newest.count("X") >= subject.datapoints_to_alarm else State.OK}


@given(RULES, SYMBOLS, st.integers(0, 4))
def test_one_more_breach_never_ends_an_alarm(subject: Alarm, points: str, position: int) -> None:
    marks = points.split()
    if marks[position] == "0" and decide(subject, points).state is State.ALARM:
        marks[position] = "X"
        assert decide(subject, " ".join(marks)).state is State.ALARM


@given(RULES, SYMBOLS)
def test_breaching_is_at_least_as_strict_as_not_breaching(subject: Alarm, points: str) -> None:
    lenient = decide(replace(subject, missing=Missing.NOT_BREACHING), points).state
    strict = decide(replace(subject, missing=Missing.BREACHING), points).state
    assert not (lenient is State.ALARM and strict is State.OK)
    assert State.INSUFFICIENT_DATA not in (lenient, strict)


@given(RULES, SYMBOLS)
def test_a_second_evaluation_of_the_same_data_changes_nothing(subject: Alarm, points: str) -> None:
    once = decide(subject, points).state
    assert decide(replace(subject, state=once), points).state is once


@given(RULES, SYMBOLS)
def test_every_decision_explains_itself(subject: Alarm, points: str) -> None:
    decision = decide(subject, points)
    assert decision.reason.startswith(("Threshold Crossed: ", "Insufficient Data: "))
    assert decision.reason.endswith(".")
    assert json.loads(decision.reason_data)["threshold"] == THRESHOLD


REQUEST: dict[str, Any] = {
    "AlarmName": "failed",
    "Namespace": "AI-CPaaS/Messaging",
    "MetricName": "FailedDeliveries",
    "Dimensions": [{"Name": "Stack", "Value": "dev"}],
    "Statistic": "Sum",
    "Period": 600,
    "EvaluationPeriods": 1,
    "Threshold": 50.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def test_an_alarm_is_read_from_the_api() -> None:
    read = alarm_from_api(REQUEST)
    assert read.keys == (MetricKey.of("AI-CPaaS/Messaging", "FailedDeliveries", {"Stack": "dev"}),)
    assert (read.result.statistic, read.period, read.missing) == ("Sum", 600.0, Missing.NOT_BREACHING)
    assert (read.evaluation_periods, read.datapoints_to_alarm) == (1, 1)


def test_alarms_over_dynamodb_ignore_missing_data_unless_told_otherwise() -> None:
    table = {**REQUEST, "Namespace": "AWS/DynamoDB", "TreatMissingData": None}
    assert alarm_from_api(table).missing is Missing.IGNORE
    assert alarm_from_api({**table, "TreatMissingData": "breaching"}).missing is Missing.BREACHING


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
        ({"MetricName": None}, "neither a metric nor Metrics"),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm 2"),
        ({"Metrics": [{"Id": "e1", "Expression": "1"}, {"Id": "e2", "Expression": "2"}]}, "exactly one"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_says_why(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(UnsupportedAlarm, match=part):
        alarm_from_api({**REQUEST, **changes})


def test_a_statistic_that_is_not_computed_is_named() -> None:
    with pytest.raises(ValueError, match="'tm90'"):
        alarm_from_api({**REQUEST, "ExtendedStatistic": "tm90"})
