"""What a campaign's leg takes of its campaign's cap and of the day that all campaigns share, on the real tables."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from lambdas.adapters.campaign_budget import CampaignBudget, CampaignHalted
from lambdas.adapters.campaign_day import CampaignDay, day_key
from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.dynamo import Table
from lambdas.core.days import utc_day
from localcloud.launch import LocalCloud
from tests.support.bare_tables import dynamo, make_tables, put_campaign

NOTHING, PRICE = Decimal(0), Decimal("0.01")
NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> Table:
    """The campaigns table by a client that makes each call once."""
    tables = make_tables(dynamo(cloud), "leg-budget")
    return Table(dynamo(cloud, attempts=1), tables.campaigns.name)


class Site:
    """One campaign with money for two legs, on a day of its own that has room for so many."""

    def __init__(self, table: Table, campaign_id: str, day: int, *, day_legs: int) -> None:
        self._table, self._id = table, campaign_id
        self._now_ms = NOW_MS + day * 86_400_000
        put_campaign(table, campaign_id, rows=0, tps=1, price=PRICE, cap=2 * PRICE)
        cap = CampaignDay(table, cap_usd=float(PRICE * day_legs), now_ms=lambda: self._now_ms)
        self.budget = CampaignBudget(table, campaign_id, cap)

    def edit(self, status: str) -> None:
        self._table.update(meta_key(self._id), "SET #status = :status", {"status": status})

    def sums(self) -> tuple[Decimal, Decimal, Decimal]:
        """What the campaign has left and has spent, and what is taken of the day."""
        meta = self._table.get(meta_key(self._id)) or {}
        day = self._table.get(day_key(utc_day(self._now_ms))) or {}
        assert not Decimal(day.get("reserved", 0)), "nothing stays reserved of the day"
        return Decimal(meta["budget_left"]), Decimal(meta["spent"]), Decimal(day.get("taken", 0))


def test_a_leg_takes_of_both_caps_and_gives_back_to_both(table: Table, unique: str) -> None:
    site = Site(table, unique, 1, day_legs=10)
    site.budget.require_day(PRICE)
    days = [site.budget.take(PRICE) for _ in range(2)]
    assert days == [utc_day(NOW_MS + 86_400_000)] * 2
    assert site.sums() == (NOTHING, 2 * PRICE, 2 * PRICE)
    assert site.budget.take(PRICE) is None, "the campaign's own cap is spent"
    assert site.sums() == (NOTHING, 2 * PRICE, 2 * PRICE)
    site.budget.give_back(PRICE, str(days[0]))
    assert site.sums() == (PRICE, PRICE, PRICE)


def test_a_leg_that_the_day_cannot_pay_waits_before_it_asks_for_a_slot(table: Table, unique: str) -> None:
    site = Site(table, unique, 2, day_legs=1)
    site.budget.require_day(PRICE)
    assert site.budget.take(PRICE)
    for ask in (site.budget.require_day, site.budget.take):
        with pytest.raises(CampaignHalted, match="is spent"):
            ask(PRICE)
    assert site.sums() == (PRICE, PRICE, PRICE)


@pytest.mark.parametrize("status", ["paused", "cancelled", "stopped"])
def test_a_campaign_that_does_not_send_pays_no_leg(table: Table, unique: str, status: str) -> None:
    site = Site(table, unique, 3, day_legs=10)
    site.edit(status)
    _, _, before = site.sums()
    with pytest.raises(CampaignHalted, match="does not send"):
        site.budget.take(PRICE)
    assert site.sums() == (2 * PRICE, NOTHING, before)
