"""The daily cap of campaigns: exact under many workers, on the safe side when they die, a pause and not an end."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.day_cap import DayFull, DayPurse, affordable_rows
from lambdas.core.held_chunks import CHUNK_LEASE_US
from lambdas.core.pacing import MICROSECOND
from lambdas.core.ports import CampaignState, Claim
from lambdas.core.run_report import RunEnd
from tests.support.campaigns import PRICE_USD
from tests.support.fake_ports import DayLedger
from tests.support.fake_world import FakeWorld

DAYS = ("2026-11-20", "2026-11-21")
CAP = Decimal(10)


def only_day(world: FakeWorld) -> str:
    (day,) = world.campaign_day.spent_usd
    return day


def test_a_campaign_pauses_when_the_day_has_no_room_and_goes_on_the_next_day() -> None:
    world = FakeWorld(100, tps=50)
    world.campaign_day.cap_usd = PRICE_USD * 60 + PRICE_USD / 2
    report = world.run_worker("w1")
    assert report.end is RunEnd.NOT_RUNNING
    assert (world.campaign.status, world.campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.DAY_CAP)
    assert len(world.calls) == 60, "to the last message that has room"
    day = only_day(world)
    assert world.campaign_day.spent_usd[day] == PRICE_USD * 60
    assert world.campaign_day.reserved_usd[day] == 0
    world.time.advance_us(24 * 3_600 * MICROSECOND)
    world.set_status(CampaignStatus.RUNNING)
    assert world.run_worker("w2").end is RunEnd.NOTHING_LEFT
    assert world.campaign.status is CampaignStatus.COMPLETED
    assert len(world.accepted()) == 100
    assert sorted(world.campaign_day.spent_usd.values()) == [PRICE_USD * 40, PRICE_USD * 60]


def test_workers_of_three_channels_share_the_day() -> None:
    world = FakeWorld(90, tps=60)
    world.campaign_day.cap_usd = PRICE_USD * 50
    world.run(*(world.worker(f"w{number}").job() for number in range(3)))
    assert len(world.calls) == 50
    assert world.campaign.pause_reason is PauseReason.DAY_CAP
    assert world.overspent_usd <= 0


def test_what_was_refused_comes_back_to_the_day() -> None:
    world = FakeWorld(40, tps=40)
    world.opted_out = {row.destination for row in world.audience[::2]}
    world.campaign_day.cap_usd = PRICE_USD * 40
    world.run_worker()
    day = only_day(world)
    assert world.campaign_day.spent_usd[day] == PRICE_USD * 20
    assert world.campaign_day.reserved_usd[day] == 0


@pytest.mark.parametrize("kill_at", range(1, 60, 2))
def test_a_death_leaves_the_day_on_the_safe_side(kill_at: int) -> None:
    world = FakeWorld(30, tps=10)
    world.campaign_day.cap_usd = PRICE_USD * 300
    world.run(world.worker("dead", kill_at=kill_at).dies())
    world.time.advance_us(3 * CHUNK_LEASE_US)
    for name in ("w2", "w3"):
        world.run_worker(name, recover=True)
        world.time.advance_us(3 * CHUNK_LEASE_US)
    assert world.campaign.status is CampaignStatus.COMPLETED
    ledger = world.campaign_day
    paid = sum(call.accepted for call in world.calls) * PRICE_USD
    taken = sum((ledger.taken_usd(day) for day in [*ledger.reserved_usd]), Decimal(0))
    assert paid <= taken <= paid + PRICE_USD * 40, "what was sent, and at most the dead worker's chunks"
    assert world.overspent_usd <= 0


@pytest.mark.parametrize("lost", range(1, 4))
def test_the_day_pays_for_a_claim_whose_answer_was_lost(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = FakeWorld(60, tps=10)
    worker = world.worker("unlucky")
    claim, numbers = worker.campaigns.claim, itertools.count(1)

    def claim_unheard(*arguments: Any) -> Claim | CampaignState:
        answer = claim(*arguments)
        if isinstance(answer, Claim) and next(numbers) == lost:
            raise ConnectionError("the answer is lost")
        return answer

    monkeypatch.setattr(worker.campaigns, "claim", claim_unheard)
    with pytest.raises(ConnectionError):
        world.run(worker.job())
    for name in ("w2", "w3"):
        world.time.advance_us(3 * CHUNK_LEASE_US)
        world.run_worker(name, recover=True)
    assert len(world.accepted()) == 60
    ledger = world.campaign_day
    assert sum((ledger.taken_usd(day) for day in [*ledger.reserved_usd]), Decimal(0)) >= PRICE_USD * 60


def test_how_many_rows_fit() -> None:
    assert affordable_rows(Decimal("0.05"), Decimal("0.01"), 100) == 5
    assert affordable_rows(Decimal("0.0499"), Decimal("0.01"), 100) == 4
    assert affordable_rows(Decimal("-1"), Decimal("0.01"), 100) == 0
    assert affordable_rows(Decimal(0), Decimal(0), 7) == 7


class OneDay:
    """A run's view of a ledger, on the day that it is."""

    def __init__(self, machine: DayMachine) -> None:
        self._machine = machine

    def reserve(self, amount_usd: Decimal) -> str | DayFull:
        return self._machine.ledger.reserve(self._machine.day, amount_usd)

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        self._machine.ledger.settle(day, reserved_usd, spent_usd)


class DayMachine(RuleBasedStateMachine):
    """Runs reserve, claim, settle, end and die in any order, over a midnight."""

    @initialize(cap=st.decimals("0.01", "10", places=2))
    def set_up(self, cap: Decimal) -> None:
        self.ledger, self.day = DayLedger(cap), DAYS[0]
        self.purses: dict[int, DayPurse] = {}
        self.claims: list[tuple[str, Decimal]] = []
        self.paid = dict.fromkeys(DAYS, Decimal(0))
        self.lost = False

    @rule(run=st.integers(0, 5), amount=st.decimals("0.01", "4", places=2), claims=st.booleans())
    def reserve(self, run: int, amount: Decimal, claims: bool) -> None:
        purse = self.purses.setdefault(run, DayPurse(OneDay(self)))
        full = purse.hold(amount)
        if full is not None:
            assert full.room_usd < amount
        elif claims:
            self.claims.append((purse.pay(amount), amount))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), share=st.sampled_from([0, Decimal("0.5"), 1]))
    def close(self, data: st.DataObject, share: Decimal) -> None:
        day, amount = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        self.paid[day] += amount * share
        self.ledger.settle(day, amount, amount * share)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), share=st.sampled_from([0, 1]))
    def die_with_a_chunk(self, data: st.DataObject, share: int) -> None:
        day, amount = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        self.paid[day] += amount * share
        self.lost = True

    @rule(run=st.integers(0, 5), dies=st.booleans())
    def end(self, run: int, dies: bool) -> None:
        purse = self.purses.pop(run, None)
        if purse is not None and not dies:
            purse.give_back()
        self.lost |= dies

    @rule()
    def midnight(self) -> None:
        self.day = DAYS[1]

    @invariant()
    def no_day_is_ever_over_its_cap(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.over_usd() <= 0

    @invariant()
    def what_was_paid_is_taken(self) -> None:
        if not hasattr(self, "ledger"):
            return
        for day in DAYS:
            claimed = sum((amount for paid_by, amount in self.claims if paid_by == day), Decimal(0))
            assert self.paid[day] + claimed <= self.ledger.taken_usd(day)
            assert self.ledger.reserved_usd[day] >= claimed

    def teardown(self) -> None:
        if not hasattr(self, "ledger") or self.lost:
            return
        for purse in self.purses.values():
            purse.give_back()
        for day, amount in self.claims:
            self.ledger.settle(day, amount, amount)
        assert all(reserved == 0 for reserved in self.ledger.reserved_usd.values())


TestDay = DayMachine.TestCase
