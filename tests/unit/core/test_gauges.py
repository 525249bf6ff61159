"""Gauges from counters that start again at midnight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.campaign import ChannelCounts
from lambdas.core.gauges import Reading, channel_gauges, messages_per_second, stack_gauges
from lambdas.core.metrics import emf_lines

BEFORE = Reading(1_000_000, "2026-11-20", 500)


@pytest.mark.parametrize(
    ("before", "now", "yesterday", "per_second"),
    [
        (None, Reading(1_060_000, "2026-11-20", 500), 0, None),
        (BEFORE, Reading(1_000_000, "2026-11-20", 900), 0, None),
        (BEFORE, Reading(900_000, "2026-11-20", 900), 0, None),
        (BEFORE, Reading(1_060_000, "2026-11-20", 1_100), 0, 10.0),
        (BEFORE, Reading(1_030_000, "2026-11-20", 1_100), 0, 20.0),
        (BEFORE, Reading(1_060_000, "2026-11-20", 400), 0, 0.0),
        (BEFORE, Reading(1_060_000, "2026-11-21", 200), 900, 10.0),
        (BEFORE, Reading(1_060_000, "2026-11-21", 60), 500, 1.0),
        (BEFORE, Reading(1_060_000, "2026-11-21", 60), 0, 1.0),
    ],
)
def test_messages_per_second(before: Reading | None, now: Reading, yesterday: int, per_second: float | None) -> None:
    assert messages_per_second(before, now, sent_yesterday=yesterday) == per_second


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_midnight_loses_no_message(seen: int, rest: int, today: int) -> None:
    before = Reading(0, "2026-11-20", seen)
    rate = messages_per_second(before, Reading(1_000, "2026-11-21", today), sent_yesterday=seen + rest)
    assert rate == rest + today


def values(counts: ChannelCounts, per_second: float | None, wait: float = 0.0) -> dict[str, float]:
    data = channel_gauges("SMS", counts, per_second, rate=20.0, slowest_wait_s=wait)
    assert emf_lines(data, stack="dev", at_ms=1)
    return {datum.metric.name: datum.value for datum in data}


def test_gauges_without_data_are_left_out() -> None:
    assert values(ChannelCounts(), None) == {"TokenRefillRate": 20.0, "AvailableCapacity": 100.0}


def test_gauges_of_a_busy_minute() -> None:
    assert values(ChannelCounts(sent=100, delivered=95, failed=5), 15.0, 30.0) == {
        "TokenRefillRate": 20.0,
        "AvailableCapacity": 50.0,
        "MessagesPerSecond": 15.0,
        "UtilizationPercent": 75.0,
        "DeliveryRate": 95.0,
    }


def test_what_nobody_wanted_any_more_is_no_failed_delivery() -> None:
    assert values(ChannelCounts(sent=100, delivered=95, failed=45, unwanted=40), None)["DeliveryRate"] == 95.0
    assert "DeliveryRate" not in values(ChannelCounts(failed=4, unwanted=4), None)


def test_gauges_of_the_stack() -> None:
    none = stack_gauges(cost_usd=0, customers=0, overdue=3, in_doubt=2)
    assert {d.metric.name: d.value for d in none} == {"OverdueReceipts": 3, "InDoubt": 2}
    named = {d.metric.name: d.value for d in stack_gauges(cost_usd=1.5, customers=3, overdue=0, in_doubt=0)}
    assert named == {"OverdueReceipts": 0, "InDoubt": 0, "CostPerCustomer": 0.5}
