"""The daily cap of campaigns against the emulator's table, and who resumes what it has paused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from lambdas.adapters.campaign_budget import CampaignBudget
from lambdas.adapters.campaign_day import CampaignDay, day_key
from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.day_budget import OUTBOX, DayBudget
from lambdas.adapters.dynamo import Table
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.day_cap import DayFull
from lambdas.core.days import DAY_COUNTER_SECONDS, utc_day
from lambdas.sweeper import day_cap
from localcloud.launch import LocalCloud
from tests.support.bare_tables import BareTables, dynamo, make_tables, put_campaign
from tests.support.faults import Faults
from tests.support.reservations import PRICE, assert_exact, single_storm, storm

NOW_MS = 1_950_000_000_000
DAY_MS = 86_400_000


@pytest.fixture
def tables(bare_cloud: LocalCloud, unique: str) -> Iterator[BareTables]:
    client = dynamo(bare_cloud, attempts=1)
    made = make_tables(client, unique)
    yield made
    for table in (made.campaigns, made.tracking, made.limits):
        client.delete_table(TableName=table.name)


def test_four_hundred_reservations_at_once_are_not_a_cent_over(tables: BareTables, unique: str) -> None:
    outcome = storm(tables, unique, attempts=400, day_rows=200, campaign_rows=150, threads=16)
    assert_exact(outcome, day_rows=200, campaign_rows=150, threads=16)


@pytest.fixture
def failing(bare_cloud: LocalCloud, tables: BareTables, unique: str) -> Table:
    """The campaigns table by a client of which a fifth of the calls fail, half of them once they have had effect."""
    client = dynamo(bare_cloud, attempts=1)
    Faults(0.2, unique).spoil(client)
    return Table(client, tables.campaigns.name)


def test_answers_that_are_lost_do_not_loosen_the_caps(tables: BareTables, failing: Table, unique: str) -> None:
    outcome = storm(tables, unique, attempts=400, day_rows=150, campaign_rows=110, threads=16, through=failing)
    assert_exact(outcome, day_rows=150, campaign_rows=110, threads=16)


def test_single_messages_whose_answers_are_lost_stay_within_their_day(tables: BareTables, failing: Table) -> None:
    budgets = (
        DayBudget(each, cap_usd=float(PRICE * 100), now_ms=lambda: NOW_MS) for each in (tables.campaigns, failing)
    )
    paid_usd = single_storm(*budgets, attempts=400, threads=16)
    item = tables.campaigns.get({"pk": keys.spend_day(utc_day(NOW_MS)), "sk": OUTBOX})
    assert item is not None
    assert paid_usd <= item["spent"] <= PRICE * 100


def test_fallback_legs_whose_answers_are_lost_stay_within_their_campaign(
    tables: BareTables, failing: Table, unique: str
) -> None:
    put_campaign(tables.campaigns, unique, rows=500, tps=10, price=PRICE, cap=PRICE * 100)
    budgets = (
        CampaignBudget(each, unique, CampaignDay(each, cap_usd=float(PRICE * 400), now_ms=lambda: NOW_MS))
        for each in (tables.campaigns, failing)
    )
    paid_usd = single_storm(*budgets, attempts=400, threads=16)
    meta, shared = tables.campaigns.get(meta_key(unique)), tables.campaigns.get(day_key(utc_day(NOW_MS)))
    assert meta is not None
    assert shared is not None
    assert paid_usd <= meta["spent"] == meta["cap"] - meta["budget_left"] <= meta["cap"]
    assert paid_usd <= shared["taken"] <= PRICE * 400


def test_a_day_says_what_room_it_has(tables: BareTables) -> None:
    times = [NOW_MS]
    day = CampaignDay(tables.campaigns, cap_usd=1, now_ms=lambda: times[0])
    today = utc_day(NOW_MS)
    assert day.room() == 1
    assert day.reserve(Decimal("1.5")) == DayFull(today, Decimal(1)), "dearer than the whole cap"
    assert day.reserve(Decimal("0.75")) == today
    assert day.reserve(Decimal("0.5")) == DayFull(today, Decimal("0.25"))
    times[0] += DAY_MS
    assert day.reserve(Decimal("0.5")) == utc_day(NOW_MS + DAY_MS), "a new day"
    day.settle(today, Decimal("0.75"), Decimal("0.25"))
    item = tables.campaigns.get(day_key(today))
    assert item is not None
    assert (item["taken"], item["reserved"], item["spent"]) == (Decimal("0.25"), 0, Decimal("0.25"))
    assert item["ttl"] == NOW_MS // 1_000 + DAY_COUNTER_SECONDS


def test_a_campaign_goes_on_when_the_day_has_room_for_a_chunk(tables: BareTables, unique: str) -> None:
    store = CampaignTable(tables.campaigns)
    put_campaign(tables.campaigns, unique, rows=500, tps=10, price=Decimal("0.01"), cap=Decimal(50))
    times = [NOW_MS]
    day = CampaignDay(tables.campaigns, cap_usd=3, now_ms=lambda: times[0])
    today = day.reserve(Decimal("2.5"))
    assert isinstance(today, str)

    def resumed() -> bool:
        meta, summary = tables.campaigns.get(meta_key(unique)), store.summary(unique)
        assert meta is not None
        assert summary is not None
        return day_cap.resume(store, day, meta, summary, now_ms=times[0])

    assert not resumed(), "it runs"
    store.pause(unique, PauseReason.OPERATOR)
    assert not resumed(), "somebody wants it paused"
    meta = tables.campaigns.get(meta_key(unique))
    assert meta is not None
    store.change(unique, {"status": "running"}, status=CampaignStatus.PAUSED, version=int(meta["version"]))
    store.pause(unique, PauseReason.DAY_CAP)
    assert not resumed(), "half a dollar is no chunk of a hundred rows"
    day.settle(today, Decimal("2.5"), Decimal(2))
    assert resumed()
    summary = store.summary(unique)
    assert summary is not None
    assert (summary.status, summary.pause_reason) == (CampaignStatus.RUNNING, None)
    assert day.reserve(Decimal(1)) == today
    store.pause(unique, PauseReason.DAY_CAP)
    assert not resumed()
    times[0] += DAY_MS
    assert resumed(), "the next day has begun"


def test_a_campaign_that_is_held_meanwhile_stays_paused(tables: BareTables, unique: str) -> None:
    store = CampaignTable(tables.campaigns)
    put_campaign(tables.campaigns, unique, rows=500, tps=10, price=Decimal("0.01"), cap=Decimal(50))
    store.pause(unique, PauseReason.DAY_CAP)
    meta, summary = tables.campaigns.get(meta_key(unique)), store.summary(unique)
    assert meta is not None
    assert summary is not None
    held = {"pause_reason": PauseReason.OPERATOR.value}
    store.change(unique, held, status=CampaignStatus.PAUSED, version=int(meta["version"]))
    day = CampaignDay(tables.campaigns, cap_usd=100, now_ms=lambda: NOW_MS)
    assert not day_cap.resume(store, day, meta, summary, now_ms=NOW_MS), "what it had read is not so any more"
    after = store.summary(unique)
    assert after is not None
    assert (after.status, after.pause_reason) == (CampaignStatus.PAUSED, PauseReason.OPERATOR)
