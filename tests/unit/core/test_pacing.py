"""Dated leases of a campaign's own time."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.pacing import (
    HORIZON_US,
    MICROSECOND,
    Booking,
    BookingKind,
    Lease,
    Wait,
    available_capacity,
    clock_skew_s,
    duration_us,
    lease_units,
    next_booking,
)

NOW = 1_780_000_000_000_000
rates = st.floats(0.01, 10_000, allow_nan=False)
booked_values = st.none() | st.integers(NOW - 10 * MICROSECOND, NOW + 10 * MICROSECOND)


@given(rates)
def test_a_lease_is_two_seconds_within_bounds(rate: float) -> None:
    units = lease_units(rate)
    assert 1 <= units <= 100
    assert units in {1, 100} or units == math.floor(2 * rate)


@given(booked_values, st.integers(1, 100), rates)
def test_the_change_to_try_holds_for_the_value_it_was_made_for(booked: int | None, units: int, rate: float) -> None:
    change = next_booking(booked, now_us=NOW, units=units, rate=rate)
    if isinstance(change, Wait):
        assert booked is not None
        assert change.microseconds > 0
        assert isinstance(next_booking(booked, now_us=NOW + change.microseconds, units=units, rate=rate), Booking)
        assert isinstance(next_booking(booked, now_us=NOW + change.microseconds - 1, units=units, rate=rate), Wait)
    else:
        assert change.applies_to(booked)
        other = BookingKind.RESTART if change.kind is BookingKind.EXTEND else BookingKind.EXTEND
        assert not Booking(other, NOW, change.duration_us, units).applies_to(booked)


@given(st.lists(st.tuples(st.integers(0, 4 * MICROSECOND), st.integers(1, 100)), max_size=30), rates)
def test_leases_of_one_campaign_follow_one_another_at_its_rate(steps: list[tuple[int, int]], rate: float) -> None:
    now, booked, slots, end = NOW, None, [], 0
    for pause, units in steps:
        now += pause
        change = next_booking(booked, now_us=now, units=units, rate=rate)
        if isinstance(change, Wait):
            continue
        start = now if change.kind is BookingKind.RESTART or booked is None else booked
        booked = start + change.duration_us
        lease = change.lease(booked)
        assert lease == Lease(start, booked, units)
        assert lease.start_us >= max(now, end)
        assert lease.start_us <= now + HORIZON_US
        end = lease.end_us
        slots += [lease.slot(unit) for unit in range(units)]
    assert slots == sorted(slots)
    assert all(after - before >= math.floor(MICROSECOND / rate) - 1 for before, after in pairwise(slots))


def test_a_rate_is_never_exceeded_by_rounding() -> None:
    for rate in (3, 7, 300, 999.9):
        assert duration_us(100, rate) >= 100 * MICROSECOND / rate
    assert duration_us(1, 10**9) == 1


@pytest.mark.parametrize("rate", [0, -1.0])
def test_no_rate_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        duration_us(1, rate)


@pytest.mark.parametrize(
    ("local", "server", "skew"),
    [(100.0, 100.0, 0.0), (100.999, 100.0, 0.0), (101.0, 100.0, 0.0), (102.5, 100.0, 1.5), (98.0, 100.0, 2.0)],
)
def test_a_date_header_covers_a_whole_second(local: float, server: float, skew: float) -> None:
    assert clock_skew_s(local, server) == pytest.approx(skew)


@pytest.mark.parametrize(("wait", "percent"), [(0, 100), (-1, 100), (6, 90), (54, 10), (60, 0), (999, 0)])
def test_capacity_is_what_the_slowest_wait_leaves(wait: float, percent: float) -> None:
    assert available_capacity(wait) == pytest.approx(percent)
