"""Several campaigns on one identity, as a state machine over the calendar."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lambdas.core.identity_calendar import (
    MILLI,
    PRIORITY_MARK,
    REMEMBER_US,
    Calendar,
    IdentityLease,
)
from lambdas.core.pacing import HORIZON_US, MICROSECOND, Wait

NOW = 1_780_000_000_000_000
OWNERS = ("spring", "summer", "autumn", f"{PRIORITY_MARK}code", f"{PRIORITY_MARK}answer")


class CalendarMachine(RuleBasedStateMachine):
    """Owners book while time moves on; every lease ever granted is kept for the invariants."""

    @initialize(milli_rate=st.sampled_from([1, 500, 1_000, 3_000, 10_000, 100_000, 1_000_000]))
    def set_up(self, milli_rate: int) -> None:
        self.now_us = NOW
        self.calendar = Calendar(milli_rate)
        self.granted: list[tuple[IdentityLease, int]] = []

    @rule(
        owner=st.sampled_from(OWNERS),
        parts=st.integers(1, 100),
        share=st.sampled_from([0.001, 0.1, 0.25, 0.5, 1.0, 3.0]),
        ahead_us=st.sampled_from([-MICROSECOND, 0, 1, MICROSECOND, HORIZON_US]),
    )
    def book(self, owner: str, parts: int, share: float, ahead_us: int) -> None:
        milli_rate = max(1, int(self.calendar.milli_rate * share))
        not_before = self.now_us + ahead_us
        earliest = max(self.now_us, not_before)
        booked = self.calendar.reserve(
            owner, parts, now_us=self.now_us, not_before_us=not_before, milli_rate=milli_rate
        )
        now_us, waits = self.now_us, 0
        if isinstance(booked, Wait) and not owner.startswith(PRIORITY_MARK):
            self.calendar = self.calendar.waits(owner, milli_rate, now_us) or self.calendar
        while isinstance(booked, Wait):
            assert booked.microseconds > 0
            now_us, waits = max(now_us, not_before) + booked.microseconds, waits + 1
            assert waits <= len(self.calendar.leases), "each wait must lead past at least one lease"
            booked = self.calendar.reserve(owner, parts, now_us=now_us, not_before_us=not_before, milli_rate=milli_rate)
        if waits:
            return
        lease, self.calendar = booked
        assert lease.owner == owner
        assert earliest <= lease.start_us <= earliest + HORIZON_US
        assert 1 <= lease.milli_rate <= min(max(1, milli_rate), self.calendar.milli_rate)
        slots = [lease.slot(part) for part in range(parts)]
        assert slots[0] == lease.start_us
        assert slots[-1] < lease.end_us
        floor_gap = MICROSECOND * MILLI // lease.milli_rate
        assert all(floor_gap <= after - before <= floor_gap + 1 for before, after in pairwise(slots))
        assert lease.end_us - slots[-1] >= floor_gap
        assert (lease.end_us - lease.start_us) * lease.milli_rate >= parts * MICROSECOND * MILLI
        self.granted.append((lease, parts))

    @rule(microseconds=st.sampled_from([1, 1_000, 200_000, MICROSECOND, 10 * MICROSECOND, 500 * MICROSECOND]))
    def time_passes(self, microseconds: int) -> None:
        self.now_us += microseconds

    @invariant()
    def rates_add_up_to_at_most_the_identity_s(self) -> None:
        if not hasattr(self, "calendar"):
            return
        leases = [lease for lease, _ in self.granted]
        for instant in {lease.start_us for lease in leases[-6:]}:
            assert sum(lease.milli_rate for lease in leases if lease.covers(instant)) <= self.calendar.milli_rate
            assert self.calendar.load(instant) <= self.calendar.milli_rate
            campaigns = sum(lease.milli_rate for lease in leases if lease.covers(instant) and not lease.is_priority)
            assert campaigns <= max(1, int(self.calendar.milli_rate * 0.9))

    @invariant()
    def who_is_active_is_known_once(self) -> None:
        if not hasattr(self, "calendar"):
            return
        current = self.calendar.current(self.now_us)
        recent = [lease.owner for lease in current.recent]
        assert len(recent) == len(set(recent))
        assert not set(recent) & {lease.owner for lease in current.leases}
        assert all(self.now_us - REMEMBER_US < lease.end_us <= self.now_us for lease in current.recent)

    @invariant()
    def leases_of_one_owner_never_overlap(self) -> None:
        if not hasattr(self, "calendar"):
            return
        for owner in OWNERS:
            own = sorted((lease for lease, _ in self.granted if lease.owner == owner), key=lambda x: x.start_us)
            assert all(before.end_us <= after.start_us for before, after in pairwise(own))

    @invariant()
    def free_parts_are_what_is_not_leased(self) -> None:
        if not hasattr(self, "calendar"):
            return
        end = self.now_us + 60 * MICROSECOND
        booked = sum(
            lease.milli_rate * (min(lease.end_us, end) - max(lease.start_us, self.now_us))
            for lease, _ in self.granted
            if lease.start_us < end and lease.end_us > self.now_us
        )
        assert (
            self.calendar.free_parts(self.now_us)
            == (self.calendar.milli_rate * 60 - -(-booked // MICROSECOND)) // MILLI
        )

    @invariant()
    def what_has_passed_is_dropped(self) -> None:
        if not hasattr(self, "calendar"):
            return
        assert all(lease.end_us > self.now_us for lease in self.calendar.current(self.now_us).leases)
        if self.granted:
            assert self.calendar.booked_until() is not None


TestCalendar = CalendarMachine.TestCase


@pytest.mark.parametrize("rate", [0.45, 0.9, 2.7, 9, 90, 900])
def test_the_worst_second_of_one_owner_at_full_rate(rate: float) -> None:
    calendar, now = Calendar(round(rate * MILLI / 0.9)), NOW
    slots: list[int] = []
    while len(slots) < max(30, rate * 4):
        parts = max(1, min(100, int(2 * rate)))
        booked = calendar.reserve("spring", parts, now_us=now, not_before_us=now, milli_rate=int(rate * MILLI))
        if isinstance(booked, Wait):
            now += booked.microseconds
            continue
        lease, calendar = booked
        slots += [lease.slot(part) for part in range(parts)]
    first = worst = 0
    for last, slot in enumerate(slots):
        while slot - slots[first] >= MICROSECOND:
            first += 1
        worst = max(worst, last - first + 1)
    assert worst <= max(rate + 1, 1.02 * rate)
    assert (len(slots) - 1) / ((slots[-1] - slots[0]) / MICROSECOND) >= 0.99 * rate


def test_slow_campaigns_share_the_same_seconds() -> None:
    calendar, starts = Calendar(100 * MILLI), []
    for number in range(9):
        booked = calendar.reserve(f"c{number}", 20, now_us=NOW, not_before_us=NOW, milli_rate=10 * MILLI)
        assert not isinstance(booked, Wait)
        lease, calendar = booked
        starts.append(lease.start_us)
    assert starts == [NOW] * 9
    booked = calendar.reserve("tenth", 20, now_us=NOW, not_before_us=NOW, milli_rate=10 * MILLI)
    assert not isinstance(booked, Wait)
    assert booked[0].start_us == NOW + 2 * MICROSECOND


def test_greedy_owners_get_their_share_when_they_ask_in_any_order() -> None:
    rnd = random.Random(10)
    calendar, now = Calendar(round(10 * MILLI / 0.9)), NOW
    granted = dict.fromkeys((f"c{number}" for number in range(10)), 0)
    for _ in range(5 * 1_000):
        for owner in rnd.sample(sorted(granted), len(granted)):
            booked = calendar.reserve(owner, 20, now_us=now, not_before_us=now, milli_rate=10 * MILLI)
            if not isinstance(booked, Wait):
                granted[owner] += 20
                calendar = booked[1]
        now += 200_000
    assert 10_000 <= sum(granted.values()) <= 10_100
    assert min(granted.values()) >= 500


def test_a_calendar_survives_a_lower_rate() -> None:
    booked = Calendar(100 * MILLI).reserve("spring", 100, now_us=NOW, not_before_us=NOW, milli_rate=100 * MILLI)
    assert not isinstance(booked, Wait)
    slower = Calendar(10 * MILLI, booked[1].leases)
    again = slower.reserve("summer", 10, now_us=NOW, not_before_us=NOW, milli_rate=10 * MILLI)
    assert not isinstance(again, Wait)
    assert again[0].start_us == booked[0].end_us
    assert slower.free_parts(NOW) == 499


@pytest.mark.parametrize("rate", [1, 3, 10, 100])
def test_single_messages_have_a_tenth_of_the_rate_beside_a_campaign_that_wants_all(rate: int) -> None:
    calendar = Calendar(rate * MILLI)
    while not isinstance(
        booked := calendar.reserve("spring", 100, now_us=NOW, not_before_us=NOW, milli_rate=rate * MILLI), Wait
    ):
        calendar = booked[1]
    single = calendar.reserve(f"{PRIORITY_MARK}code", 1, now_us=NOW, not_before_us=NOW, milli_rate=10**9)
    assert not isinstance(single, Wait)
    assert single[0].slot(0) == NOW
    assert single[0].milli_rate == rate * MILLI - int(rate * MILLI * 0.9)

    tenth_us = 10 * MICROSECOND // rate
    assert abs(single[0].end_us - NOW - tenth_us) <= 1, "one part at a tenth of the rate"
    second = single[1].reserve(f"{PRIORITY_MARK}answer", 1, now_us=NOW, not_before_us=NOW, milli_rate=10**9)
    if tenth_us > HORIZON_US:
        assert second == Wait(single[0].end_us - NOW - HORIZON_US)
    else:
        assert not isinstance(second, Wait)
        assert second[0].slot(0) == single[0].end_us


def test_a_single_message_takes_the_whole_rate_where_it_is_free_and_campaigns_wait_for_it() -> None:
    calendar = Calendar(10 * MILLI)
    booked = calendar.reserve(f"{PRIORITY_MARK}code", 5, now_us=NOW, not_before_us=NOW, milli_rate=10**9)
    assert not isinstance(booked, Wait)
    assert (booked[0].start_us, booked[0].end_us) == (NOW, NOW + MICROSECOND // 2)
    campaign = booked[1].reserve("spring", 9, now_us=NOW, not_before_us=NOW, milli_rate=10 * MILLI)
    assert not isinstance(campaign, Wait)
    assert (campaign[0].start_us, campaign[0].end_us) == (NOW + MICROSECOND // 2, NOW + 3 * MICROSECOND // 2)
