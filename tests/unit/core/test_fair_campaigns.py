"""Max-min fairness of campaigns that share an identity, in virtual time: one asks for fifty times as much."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.identity_calendar import MILLI, Calendar, water_level
from lambdas.core.leasing import FIRST_MILLI_RATE, POLL_US
from lambdas.core.pacing import MICROSECOND, Wait, lease_units

NOW = 1_780_000_000_000_000
LEAD_US = 100_000


def parts_per_second(
    rate: float, asked: Mapping[str, float], *, seconds: int = 30, from_second: int = 10, late: Mapping[str, int] = {}
) -> dict[str, float]:
    """What each owner gets per second from `from_second` on: each claims its own time, asks for its next lease when its
    last one starts and again after 200 ms, as workers do; owners of `late` begin after so many seconds."""
    rnd, order = random.Random(50), itertools.count()
    calendar, end_us = Calendar(int(rate * MILLI)), NOW + seconds * MICROSECOND
    paced_us = {owner: NOW + late.get(owner, 0) * MICROSECOND + rnd.randrange(MICROSECOND) for owner in asked}
    granted = dict.fromkeys(asked, FIRST_MILLI_RATE)
    turns = [(start_us, next(order), owner) for owner, start_us in paced_us.items()]
    heapq.heapify(turns)
    got = Counter[str]()
    while turns[0][0] < end_us:
        now_us, _, owner = heapq.heappop(turns)
        milli_rate = max(1, int(asked[owner] * MILLI))
        parts = lease_units(min(milli_rate, granted[owner]) / MILLI)
        not_before_us = max(paced_us[owner], now_us + LEAD_US)
        booked = calendar.reserve(owner, parts, now_us=now_us, not_before_us=not_before_us, milli_rate=milli_rate)
        if isinstance(booked, Wait):
            calendar = calendar.waits(owner, milli_rate, now_us) or calendar
            again_us = now_us + min(booked.microseconds, POLL_US)
        else:
            lease, calendar = booked
            granted[owner] = lease.milli_rate
            got[owner] += sum(NOW + from_second * MICROSECOND <= lease.slot(part) < end_us for part in range(parts))
            paced_us[owner] = max(paced_us[owner], now_us) + int(parts * MICROSECOND / asked[owner])
            again_us = max(now_us + 10_000, lease.start_us)
        heapq.heappush(turns, (again_us + rnd.randrange(2_000), next(order), owner))
    return {owner: got[owner] / (seconds - from_second) for owner in asked}


@pytest.mark.parametrize(
    ("rate", "quiet", "left"),
    [(1_000, 9.0, 9.0), (1_000, 6.0, 300.0), (1_000, 4.5, 225.0)],
    ids=["at the fair share", "with room", "without need"],
)
def test_ninety_nine_quiet_campaigns_get_what_they_ask_for_beside_one_that_asks_fifty_times_as_much(
    rate: float, quiet: float, left: float
) -> None:
    asked = {**{f"quiet-{number}": quiet for number in range(99)}, "noisy": 50 * quiet}
    got = parts_per_second(rate, asked)
    noisy = got.pop("noisy")
    assert min(got.values()) >= 0.95 * quiet
    assert noisy >= 0.9 * left, "and what they leave is not wasted"
    assert sum(got.values()) + noisy <= 0.9 * rate * 1.01


def test_who_comes_late_gets_its_share_too() -> None:
    asked = {"noisy": 450.0, **{f"quiet-{number}": 9.0 for number in range(9)}}
    late = {f"quiet-{number}": 5 + number % 3 for number in range(9)}
    got = parts_per_second(100, asked, late=late, from_second=15)
    noisy = got.pop("noisy")
    assert min(got.values()) >= 0.95 * 9
    assert noisy >= 0.9 * 9


@given(
    capacity=st.integers(0, 10**6),
    asked=st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
)
def test_the_water_level_is_max_min_fair(capacity: int, asked: list[int]) -> None:
    level = water_level(capacity, asked)
    given_out = [min(rate, level) for rate in asked]
    if sum(asked) <= capacity:
        assert given_out == asked
    else:
        assert capacity - len(asked) < sum(given_out) <= capacity, "nothing but the rounding is left"
