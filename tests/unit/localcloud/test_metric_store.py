"""The metric store: exact identity, CloudWatch's statistics, bounded memory; and the read API over it."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import metric_store
from localcloud.metric_queries import InvalidQuery, get_metric_data, get_metric_statistics, list_metrics
from localcloud.metric_statistics import StatisticError
from localcloud.metric_store import Axis, MetricKey, MetricStore

T0 = 1_795_237_200.0
KEY = MetricKey.of("N", "Latency", {"Stack": "dev", "Channel": "sms"})


def filled(*values: float, at: float = T0, unit: str = "None") -> MetricStore:
    store = MetricStore()
    store.put_values(KEY, at, values, unit=unit)
    return store


def value(store: MetricStore, statistic: str, start: float = T0, end: float = T0 + 60, **more: Any) -> float | None:
    found = store.value(KEY, statistic, start, end, **more)
    return None if found is None else found[0]


def test_dimensions_are_one_identity_in_any_order_and_no_other() -> None:
    assert MetricKey.of("N", "M", {"b": "2", "a": "1"}) == MetricKey.of("N", "M", {"a": "1", "b": "2"})
    store = filled(1.0)
    assert store.value(MetricKey.of("N", "Latency", {"Stack": "dev"}), "Sum", 0, T0 + 60) is None
    assert store.value(MetricKey.of("N", "Latency"), "Sum", 0, T0 + 60) is None


VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@given(VALUES)
def test_the_basic_statistics_are_exact(values: list[float]) -> None:
    store = MetricStore()
    for index, each in enumerate(values):
        store.put_values(KEY, T0 + index, [each])
    assert value(store, "SampleCount") == len(values)
    assert value(store, "Sum") == pytest.approx(math.fsum(values))
    assert value(store, "Average") == pytest.approx(statistics.fmean(values))
    assert value(store, "Minimum") == min(values)
    assert value(store, "Maximum") == max(values)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50), st.integers(1, 99))
def test_percentiles_interpolate_between_the_nearest_ranks(values: list[float], rank: int) -> None:
    expected = statistics.quantiles(values, n=100, method="inclusive")[rank - 1]
    assert value(filled(*values), f"p{rank}") == pytest.approx(expected)


def test_counts_are_weights() -> None:
    store = MetricStore()
    store.put_values(KEY, T0, [10.0, 20.0], counts=[3.0, 1.0])
    assert (value(store, "SampleCount"), value(store, "Sum"), value(store, "p50")) == (4.0, 50.0, 10.0)


def test_a_statistic_set_has_no_percentile_unless_it_is_one_value() -> None:
    store = MetricStore()
    store.put_statistics(KEY, T0, count=4, total=10, low=1, high=4)
    assert (value(store, "Average"), value(store, "Maximum"), value(store, "p50")) == (2.5, 4.0, None)
    single = MetricStore()
    single.put_statistics(KEY, T0, count=4, total=12, low=3, high=3)
    assert value(single, "p99") == 3.0


def test_negative_values_have_no_percentile() -> None:
    assert value(filled(-1.0, 5.0), "p50") is None


def test_units_are_kept_apart_on_request_and_together_otherwise() -> None:
    store = filled(1.0, unit="Seconds")
    store.put_values(KEY, T0, [2.0], unit="Count")
    assert (value(store, "Sum"), value(store, "Sum", unit="Count"), value(store, "Sum", unit="Bytes")) == (
        3.0,
        2.0,
        None,
    )


@pytest.mark.parametrize("statistic", ["tm90", "p101", "p", "IQM", "sum", ""])
def test_a_statistic_that_is_not_computed_is_refused(statistic: str) -> None:
    with pytest.raises(StatisticError, match="use one of SampleCount"):
        value(filled(1.0), statistic)


def test_ranges_are_half_open() -> None:
    store = filled(1.0)
    assert value(store, "Sum", T0, T0 + 1) == 1.0
    assert value(store, "Sum", T0 - 60, T0) is None
    assert value(store, "Sum", T0 + 1, T0 + 60) is None


def test_points_begin_at_multiples_of_the_period() -> None:
    store = MetricStore()
    for second in (0, 59, 60, 299, 301):
        store.put_values(KEY, T0 + second, [1.0])
    by_minute = store.points(KEY, "Sum", T0 + 30, T0 + 600, 60)
    assert [(point.start - T0, point.value) for point in by_minute] == [(0, 2), (60, 1), (240, 1), (300, 1)]
    by_five = store.points(KEY, "Sum", T0, T0 + 600, 300)
    assert [(point.start - T0, point.value) for point in by_five] == [(0, 4), (300, 1)]


def test_a_reader_may_live_on_another_axis() -> None:
    store = filled(1.0, at=T0 + 660)
    (point,) = store.points(KEY, "Sum", T0 - 60, T0 + 60, 60, axis=Axis(0.0, 660.0))
    assert point.start == T0
    fast = Axis(read_at=T0, stored_at=T0, speed=10.0)
    assert fast.read(fast.stored(T0 - 7)) == pytest.approx(T0 - 7)
    assert fast.stored(T0 - 7) == T0 - 70


def test_old_data_keep_their_sums_in_a_bounded_number_of_slots() -> None:
    store = MetricStore()
    seconds = 6 * 3600
    for second in range(seconds):
        store.put_values(KEY, T0 + second, [1.0, 3.0])
    assert value(store, "Sum", T0, T0 + seconds) == 4.0 * seconds
    assert value(store, "p50", T0, T0 + 3600) == 2.0
    series = store._series[KEY]["None"]
    assert len(series.starts) < metric_store.FINE_SECONDS + seconds / 60 + 600
    assert series.starts == sorted(series.starts)


def test_data_older_than_a_day_go() -> None:
    store = MetricStore()
    for second in range(0, 3 * 86_400, 60):
        store.put_values(KEY, T0 + second, [1.0])
    assert len(store._series[KEY]["None"].starts) <= metric_store.KEEP_SECONDS / 60 + metric_store.FINE_SECONDS + 600


def test_distinct_values_of_a_slot_are_bounded_and_close() -> None:
    store = filled(*(float(number) for number in range(1, 10_001)))
    assert value(store, "SampleCount") == 10_000
    assert value(store, "Sum") == sum(range(1, 10_001))
    assert value(store, "p95") == pytest.approx(9_500, rel=0.05)
    assert (value(store, "p0"), value(store, "p100")) == (1.0, 10_000.0)
    (slot,) = store._series[KEY]["None"].slots
    assert slot.values is not None
    assert len(slot.values) < 2 * metric_store.MAX_DISTINCT


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_store, "MAX_SERIES", 3)
    store = MetricStore()
    for number in range(5):
        store.put_values(MetricKey.of("N", f"M{number}"), T0, [1.0])
    assert len(store.metrics()) == 3
    assert store.refused == 2


def test_the_version_changes_with_the_metrics_named_and_no_other() -> None:
    store = filled(1.0)
    before = store.version([KEY])
    store.put_values(MetricKey.of("N", "Other"), T0, [1.0])
    assert store.version([KEY]) == before
    store.put_values(KEY, T0, [1.0])
    assert store.version([KEY]) > before


# ---- the read API

SAME = Axis()


def query(id_: str, stat: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": each} for name, each in KEY.dimensions]
    metric = {"Namespace": "N", "MetricName": "Latency", "Dimensions": dimensions}
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


def request(*queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"MetricDataQueries": list(queries), "StartTime": T0, "EndTime": T0 + 300, **more}


def two_minutes() -> MetricStore:
    store = filled(1.0, 2.0)
    store.put_values(KEY, T0 + 60, [5.0])
    return store


def test_metric_data_come_newest_first_unless_asked_otherwise() -> None:
    answer = get_metric_data(request(query("m1")), two_minutes(), SAME)
    assert answer["MetricDataResults"] == [
        {"Id": "m1", "Label": "Latency", "Timestamps": [T0 + 60, T0], "Values": [5, 3], "StatusCode": "Complete"}
    ]
    ascending = get_metric_data(request(query("m1"), ScanBy="TimestampAscending"), two_minutes(), SAME)
    assert ascending["MetricDataResults"][0]["Values"] == [3, 5]


def test_metric_data_with_an_expression_over_hidden_metrics() -> None:
    entries = [query("m1", ReturnData=False), {"Id": "e1", "Expression": "FILL(m1, 0) * 2", "Label": "twice"}]
    (result,) = get_metric_data(request(*entries), two_minutes(), SAME)["MetricDataResults"]
    assert (result["Label"], result["Values"]) == ("twice", [0, 0, 0, 10, 6])


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (request(), "1 to 500"),
        (request(query("m1"), query("m1")), "not unique"),
        (request(query("m1", period=90)), "Period 90"),
        (request(query("m1", stat="tm90")), "'tm90'"),
        (request({"Id": "e1", "Expression": "m9"}), "m9"),
        (request({"Id": "e1"}), "neither MetricStat nor Expression"),
        (request(query("m1"), EndTime=T0), "StartTime must be less"),
        (request(query("m1"), EndTime=None), "EndTime is required"),
    ],
)
def test_a_wrong_request_is_refused_with_a_reason(asked: dict[str, Any], part: str) -> None:
    with pytest.raises(InvalidQuery, match=part):
        get_metric_data(asked, two_minutes(), SAME)


def statistics_request(**more: Any) -> dict[str, Any]:
    metric = query("m1")["MetricStat"]["Metric"]
    return {**metric, "Period": 60, "StartTime": T0, "EndTime": T0 + 300, "Statistics": ["Sum", "Maximum"], **more}


def test_metric_statistics() -> None:
    answer = get_metric_statistics(statistics_request(ExtendedStatistics=["p50"]), two_minutes(), SAME)
    assert answer["Datapoints"] == [
        {"Timestamp": T0, "Unit": "None", "Sum": 3, "Maximum": 2, "ExtendedStatistics": {"p50": 1.5}},
        {"Timestamp": T0 + 60, "Unit": "None", "Sum": 5, "Maximum": 5, "ExtendedStatistics": {"p50": 5}},
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Statistics": []}, "InvalidParameterCombination"),
        ({"Statistics": ["p50"]}, "InvalidParameterValue"),
        ({"EndTime": T0 + 86_400 * 2}, "InvalidParameterCombination"),
        ({"ExtendedStatistics": ["IQM"]}, "ValidationError"),
    ],
)
def test_wrong_statistics_are_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        get_metric_statistics(statistics_request(**changes), two_minutes(), SAME)
    assert refused.value.code == code


def test_metrics_are_listed_by_name_and_by_part_of_their_dimensions() -> None:
    store = two_minutes()
    store.put_values(MetricKey.of("AWS/SQS", "Age", {"QueueName": "q"}), T0, [1.0])
    assert len(list_metrics({}, store)["Metrics"]) == 2
    (found,) = list_metrics({"Dimensions": [{"Name": "Channel"}]}, store)["Metrics"]
    assert found["MetricName"] == "Latency"
    assert not list_metrics({"Namespace": "N", "Dimensions": [{"Name": "Channel", "Value": "email"}]}, store)["Metrics"]
