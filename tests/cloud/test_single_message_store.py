"""The conditional writes behind single messages, against the emulator's tables: one id, one order; one day, one cap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from lambdas.adapters.day_budget import OUTBOX, DayBudget
from lambdas.adapters.orders import KEEP_SECONDS, KnownOrder, Orders
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.days import DAY_COUNTER_SECONDS, utc_day
from lambdas.core.intents import INTENT_LIFE_MS, IntentOutcome
from tests.cloud.campaign_client import StackClient
from tests.support.campaigns import planned_row

DAY_MS = 86_400_000
PRICE = Decimal("0.00881")


@pytest.fixture
def now_ms(unique: str) -> int:
    """Noon of a day of the test's own, far in the future."""
    return (40_000 + int(unique[-8:], 16) % 1_000_000) * DAY_MS + DAY_MS // 2


def spent(stack: StackClient, day: str) -> Decimal:
    """What single messages have cost on a day."""
    item = stack.campaigns.get({"pk": keys.spend_day(day), "sk": OUTBOX})
    return Decimal(item["spent"]) if item else Decimal(0)


def test_the_cap_is_exact_to_the_cent_and_under_many_senders(stack: StackClient, now_ms: int) -> None:
    budget = DayBudget(stack.money, cap_usd=0.10, now_ms=lambda: now_ms)
    with ThreadPoolExecutor(10) as pool:
        days = list(pool.map(lambda _: budget.take(PRICE), range(40)))
    assert days.count(utc_day(now_ms)) == 11
    assert days.count(None) == 29
    assert spent(stack, utc_day(now_ms)) == PRICE * 11
    assert budget.take(Decimal("0.10") - PRICE * 11) == utc_day(now_ms), "the very last of it"
    assert budget.take(Decimal("0.000001")) is None


def test_what_is_given_back_may_be_spent_again(stack: StackClient, now_ms: int) -> None:
    budget = DayBudget(stack.money, cap_usd=float(PRICE), now_ms=lambda: now_ms)
    day = budget.take(PRICE)
    assert day is not None
    assert budget.take(PRICE) is None
    budget.give_back(PRICE, day)
    assert budget.take(PRICE) == day


def test_money_goes_back_to_the_day_that_paid(stack: StackClient, now_ms: int) -> None:
    times = [now_ms, now_ms + DAY_MS]
    budget = DayBudget(stack.money, cap_usd=1, now_ms=lambda: times[0])
    day = budget.take(PRICE)
    assert day == utc_day(now_ms)
    del times[0]
    budget.give_back(PRICE, day)
    assert spent(stack, day) == 0
    assert spent(stack, utc_day(now_ms + DAY_MS)) == 0
    assert budget.take(PRICE) == utc_day(now_ms + DAY_MS)


def test_a_message_dearer_than_the_cap_writes_nothing(stack: StackClient, now_ms: int) -> None:
    assert DayBudget(stack.money, cap_usd=0, now_ms=lambda: now_ms).take(PRICE) is None
    assert stack.campaigns.get({"pk": keys.spend_day(utc_day(now_ms)), "sk": OUTBOX}) is None


def test_a_day_s_item_is_forgotten_in_time(stack: StackClient, now_ms: int) -> None:
    DayBudget(stack.money, cap_usd=1, now_ms=lambda: now_ms).take(PRICE)
    item = stack.campaigns.get({"pk": keys.spend_day(utc_day(now_ms)), "sk": OUTBOX})
    assert item is not None
    assert item["ttl"] == now_ms // 1_000 + DAY_COUNTER_SECONDS


def test_the_first_order_of_an_id_is_the_one_that_counts(stack: StackClient, unique: str) -> None:
    orders = Orders(stack.campaigns)
    assert orders.find(unique) is None
    assert orders.remember(unique, "hash", 1_900_000_000_000) is None
    first = KnownOrder("hash", 1_900_000_000_000)
    assert orders.remember(unique, "hash", 1_900_000_005_000) == first
    assert orders.remember(unique, "another", 1_900_000_005_000) == first
    assert orders.find(unique) == first
    item = stack.campaigns.get({"pk": keys.order(unique), "sk": "ORDER"})
    assert item is not None
    assert item["ttl"] == 1_900_000_000 + KEEP_SECONDS


def test_of_many_senders_of_one_order_one_is_first(stack: StackClient, unique: str) -> None:
    orders = Orders(stack.campaigns)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: orders.remember(unique, f"hash-{number}", number), range(8)))
    assert found.count(None) == 1
    winner = orders.find(unique)
    assert set(found) == {None, winner}


def test_an_intent_without_an_answer_is_held_as_long_as_its_sender_may_live(stack: StackClient, unique: str) -> None:
    tracking, row, put_ms = TrackingTable(stack.tracking), planned_row(0), 1_900_000_000_000

    def intend(owner: str, after_ms: int, campaign: str = "") -> IntentOutcome:
        return tracking.intend(campaign, row, unique, owner, put_ms + after_ms, 0)

    assert intend("first", 0) is IntentOutcome.CREATED
    assert intend("first", 1) is IntentOutcome.CREATED, "our own put, repeated"
    assert intend("second", INTENT_LIFE_MS - 1) is IntentOutcome.HELD
    assert intend("second", INTENT_LIFE_MS) is IntentOutcome.UNANSWERED
    assert intend("second", 1, "campaign") is IntentOutcome.UNANSWERED
    assert not tracking.withdraw(unique, "second"), "it is another's"
    assert tracking.withdraw(unique, "first")
    assert tracking.withdraw(unique, "first"), "our own withdrawal, repeated"
    assert intend("second", 1) is IntentOutcome.CREATED
    tracking.in_doubt(unique, put_ms)
    assert not tracking.withdraw(unique, "second"), "somebody has changed it"
    assert intend("third", 2) is IntentOutcome.ANSWERED
