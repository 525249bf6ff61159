"""Many reservations at once against the real tables: two campaigns that share a day, each claim a row; and single
messages that take their money and give some of it back. What follows a reservation may fail, with its effect or
without; a reservation does not, because one made twice would make up for the others.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.adapters.campaign_day import CampaignDay, day_key
from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.dynamo import Table
from lambdas.core.day_cap import DayFull, DayPurse
from lambdas.core.days import utc_day
from lambdas.core.lanes import Lane
from lambdas.core.pacing import Booking, BookingKind
from lambdas.core.ports import Claim
from lambdas.core.single_sending import DayBudgetPort
from tests.support.bare_tables import BareTables, put_campaign

PRICE = Decimal("0.01102")
NOW_US = 1_900_000_000_000_000
DAY_MS = NOW_US // 1_000
FAILED = (BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm of reservations came to; money in US dollars."""

    granted: int
    day_full: int
    paid_usd: Decimal
    day: dict[str, Decimal]
    campaigns: list[dict[str, Decimal]]


def storm(
    tables: BareTables,
    name: str,
    *,
    attempts: int,
    day_rows: int,
    campaign_rows: int,
    threads: int,
    through: Table | None = None,
) -> Outcome:
    """`attempts` claims of a row from `threads` threads; the day has room for `day_rows`, each of the two campaigns for
    `campaign_rows`. Of three chunks one spends all, one half, and one worker is never heard of again. All but
    reservations of the day go `through` a campaigns table that may fail; a row whose claim was made unheard is sent by
    a successor."""
    table = through or tables.campaigns
    ids = [f"{name}-{number}" for number in range(2)]
    for campaign_id in ids:
        put_campaign(tables.campaigns, campaign_id, rows=attempts, tps=10_000, price=PRICE, cap=PRICE * campaign_rows)
    day, settling = (
        CampaignDay(each, cap_usd=float(PRICE * day_rows), now_ms=lambda: DAY_MS) for each in (tables.campaigns, table)
    )
    store = CampaignLane(table, "sms", claims=table)
    lane = Lane("sms", 0, attempts, PRICE)

    def attempt(number: int) -> tuple[str, Decimal]:
        purse = DayPurse(day)
        if isinstance(purse.hold(PRICE), DayFull):
            return "full", Decimal(0)
        paid_by = purse.pay(PRICE)
        claim: object = None
        try:
            for kind in (BookingKind.EXTEND, BookingKind.RESTART):
                booking = Booking(kind, NOW_US, 1, 1)
                if not isinstance(claim, Claim):
                    claim = store.claim(ids[number % 2], booking, lane, 1, PRICE)
        except FAILED:
            return "failed", Decimal(0)
        if not isinstance(claim, Claim):
            purse.take_back(PRICE)
            purse.give_back()
            return "refused", Decimal(0)
        if number % 3 == 0:
            return "granted", PRICE
        spent = PRICE if number % 3 == 1 else PRICE / 2
        with suppress(*FAILED):
            settling.settle(paid_by, PRICE, spent)
        return "granted", spent

    numbers = list(range(attempts))
    random.Random(9).shuffle(numbers)
    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(attempt, numbers))
    kinds = [kind for kind, _ in answers]
    found = [item for each in ids if (item := tables.campaigns.get(meta_key(each)))]
    stored = tables.campaigns.get(day_key(utc_day(DAY_MS))) or {}
    unheard = sum(int(item["claimed_rows"]) for item in found) - kinds.count("granted")
    return Outcome(
        granted=kinds.count("granted"),
        day_full=kinds.count("full"),
        paid_usd=sum((spent for _, spent in answers), PRICE * unheard),
        day={key: Decimal(stored[key]) for key in ("taken", "reserved", "spent")},
        campaigns=[{key: Decimal(item[key]) for key in ("reserved", "spent", "budget_left", "cap")} for item in found],
    )


def assert_exact(outcome: Outcome, *, day_rows: int, campaign_rows: int, threads: int) -> None:
    """Not a hundredth of a cent over, and nothing left unused but what is reserved."""
    day = outcome.day
    assert day["taken"] == day["reserved"] + day["spent"] <= PRICE * day_rows, "$0.00 over the day's cap"
    assert outcome.paid_usd <= day["taken"]
    for campaign in outcome.campaigns:
        assert campaign["reserved"] + campaign["spent"] <= campaign["cap"] == PRICE * campaign_rows, "$0.00 over"
        assert campaign["budget_left"] == campaign["cap"] - campaign["reserved"] - campaign["spent"]
    assert outcome.day_full > 0, "the cap was reached"
    assert PRICE * day_rows - day["taken"] < PRICE * threads, "what the last settlements freed, and no more"


def single_storm(budget: DayBudgetPort, failing: DayBudgetPort, *, attempts: int, threads: int) -> Decimal:
    """What was spent by `attempts` messages at `PRICE`, of which each third finds no slot and gives its money back, by
    way of `failing`."""

    def attempt(number: int) -> Decimal:
        day = budget.take(PRICE)
        if day is None or number % 3:
            return PRICE if day else Decimal(0)
        with suppress(*FAILED):
            failing.give_back(PRICE, day)
        return Decimal(0)

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(attempt, range(attempts)), Decimal(0))
