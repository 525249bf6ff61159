"""Attacks on single messages are stopped within 20 messages, ordinary traffic never."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.pumping_guard import (
    DAY_S,
    MIX_DAYS,
    GuardLimits,
    UsualMix,
    Watch,
    Watched,
    range_of,
    watched,
)

LIMITS = GuardLimits()
BAR = 20
START_S = 1_780_000_000
Order = tuple[int, str, str]
"""When a message is ordered (seconds after the start), its number and country."""

PLANS = {
    "US": lambda chance: f"+1{chance.randrange(201, 990)}{chance.randrange(200, 1000)}{chance.randrange(10_000):04d}",
    "DE": lambda chance: f"+49{chance.choice(['151', '160', '170', '176'])}{chance.randrange(10**8):08d}",
    "FR": lambda chance: f"+33{chance.choice('67')}{chance.randrange(10**8):08d}",
    "BR": lambda chance: f"+55{chance.randrange(11, 100)}9{chance.randrange(10**8):08d}",
    "MT": lambda chance: f"+356{chance.choice(['79', '77', '99'])}{chance.randrange(10**6):06d}",
    "AD": lambda chance: f"+3763{chance.randrange(10**5):05d}",
}
"""A random mobile number of a country's numbering plan."""

NATIONAL = UsualMix({"US": 20_000})
WORLDWIDE = UsualMix({"US": 50_000, "DE": 9_000, "FR": 8_000, "BR": 2_000, "MT": 900})
SMALL_SHOP = UsualMix({"US": 300})


class Guard:
    """The guard's items in memory."""

    def __init__(self, mix: UsualMix, limits: GuardLimits = LIMITS) -> None:
        self.mix = mix
        self.limits = limits
        self.items: defaultdict[str, Watch] = defaultdict(Watch)
        self.writes = 0

    def allows(self, at_s: int, number: str, country: str) -> bool:
        key = watched(number, country, self.mix, self.limits).id
        after, allowed = self.items[key].judge(number, START_S + at_s, self.limits)
        self.writes += after != self.items[key]
        self.items[key] = after
        return allowed

    def allowed(self, orders: Iterable[Order]) -> list[Order]:
        return [order for order in sorted(orders) if self.allows(*order)]


def ordinary(country: str, messages: int, seconds: int, seed: int = 1) -> Iterator[Order]:
    """Codes for random customers, evenly spread over the time."""
    chance = random.Random(f"{country}-{seed}")
    for place in range(messages):
        yield place * seconds // messages, PLANS[country](chance), country


def sequence(prefix: str, digits: int, country: str, per_second: int = 1, numbers: int = 500) -> list[Order]:
    """An attack that counts numbers up."""
    return [(place // per_second, f"{prefix}{place % 10**digits:0{digits}d}", country) for place in range(numbers)]


@pytest.mark.parametrize("per_second", [1, 10, 100])
@pytest.mark.parametrize("digits", [2, 3])
@pytest.mark.parametrize("mix", [NATIONAL, WORLDWIDE, SMALL_SHOP, UsualMix({})])
def test_a_range_that_is_counted_up_is_stopped(mix: UsualMix, digits: int, per_second: int) -> None:
    prefix = "+1206777123456"[: 12 - digits]
    attack = sequence(prefix, digits, "US", per_second, numbers=min(10**digits, 600))
    assert len(Guard(mix).allowed(attack)) <= BAR


@pytest.mark.parametrize("seed", range(5))
def test_a_range_in_random_order_amid_ordinary_traffic_is_stopped(seed: int) -> None:
    chance = random.Random(seed)
    attack = [(at, f"+120677712{chance.randrange(100):02d}", "US") for at in range(600)]
    guard = Guard(NATIONAL)
    customers = list(ordinary("US", 3_000, 600, seed))
    passed = guard.allowed([*attack, *customers])
    assert len(set(passed) & set(attack)) <= BAR * 40, "repeats to numbers that were let through"
    assert len({number for _, number, _ in set(passed) & set(attack)}) <= BAR
    assert set(customers) <= set(passed)


@pytest.mark.parametrize("country", ["FR", "DE", "BR"])
@pytest.mark.parametrize("seconds", [10, 60, 300])
def test_a_country_that_nobody_writes_to_is_stopped(country: str, seconds: int) -> None:
    attack = list(ordinary(country, 400, seconds))
    guard = Guard(NATIONAL)
    customers = list(ordinary("US", 1_000, 300))
    passed = set(guard.allowed([*attack, *customers]))
    assert len(passed & set(attack)) <= BAR
    assert set(customers) <= passed


def test_an_attack_that_goes_on_gets_less_each_time() -> None:
    guard = Guard(NATIONAL)
    passed = [at for at, _, _ in guard.allowed((at, f"+3369{at:07d}", "FR") for at in range(0, 2 * DAY_S, 5))]
    assert len(passed) <= 7 * LIMITS.numbers
    assert len([at for at in passed if at > DAY_S]) <= 2 * LIMITS.numbers


@pytest.mark.parametrize(
    ("mix", "orders"),
    [
        (NATIONAL, list(ordinary("US", 20_000, 3_600))),
        (SMALL_SHOP, list(ordinary("US", 40, 86_400))),
        (WORLDWIDE, [each for name, number in WORLDWIDE.messages.items() for each in ordinary(name, number, DAY_S)]),
        (UsualMix({"US": 50_000, "MT": 3_000}), list(ordinary("MT", 300, 3_600))),
        (UsualMix({}), [each for country in PLANS for each in ordinary(country, 50, 3_600)]),
        (NATIONAL, list(ordinary("FR", 12, 600))),
        (NATIONAL, [(at, "+33612345678", "FR") for at in range(300)]),
        (NATIONAL, [(at, f"+12065551{at % 15:03d}", "US") for at in range(600)]),
    ],
    ids=["national", "small shop", "many countries", "a small country", "a new stack", "a few travellers",
         "one number again and again", "fifteen extensions"],
)  # fmt: skip
def test_ordinary_traffic_is_left_alone(mix: UsualMix, orders: list[Order]) -> None:
    assert Guard(mix).allowed(orders) == sorted(orders)


@given(st.integers(0, 10**9), st.sampled_from(sorted(PLANS.keys() - {"AD"})), st.integers(1, 400))
def test_random_customers_of_a_usual_country_are_never_stopped(seed: int, country: str, messages: int) -> None:
    chance = random.Random(seed)
    orders = [(chance.randrange(600), PLANS[country](chance), country) for _ in range(messages)]
    guard = Guard(UsualMix({country: 10_000}))
    assert len(guard.allowed(orders)) == messages
    assert guard.writes <= messages, "at most one write a message"


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 40)), max_size=200),
    st.integers(1, 20),
)
def test_no_window_holds_more_numbers_than_the_limit(orders: list[tuple[int, int]], numbers: int) -> None:
    limits = GuardLimits(numbers=numbers)
    guard = Guard(NATIONAL, limits)
    passed = guard.allowed((at, f"+1206777{suffix:04d}", "US") for at, suffix in orders)
    first: dict[str, int] = {}
    for at, number, _ in passed:
        if number not in first or at - first[number] >= limits.window_s:
            first[number] = at
            recent = [seen for seen in first.values() if seen > at - limits.window_s]
            assert len(recent) <= numbers


def test_a_block_ends_by_itself_and_can_be_lifted() -> None:
    guard = Guard(NATIONAL)
    assert len(guard.allowed(sequence("+120677712", 2, "US", numbers=16))) == 15
    key = f"range:{range_of('+12067771299')}"
    now_s = START_S + 20
    assert not guard.allows(20, "+12067771299", "US")
    assert guard.items[key].lift(now_s, 600).judge("+12067771299", now_s, LIMITS)[1]
    assert guard.allows(20 + LIMITS.block_s, "+12067771299", "US")


def test_what_is_stored_is_what_is_read() -> None:
    watch = Watch({"ab": 5}, 6, 7, 8, 9)
    assert Watch.from_item({**watch.attributes(1, LIMITS), "version": 9}) == watch
    assert Watch.from_item(None) == Watch()
    assert GuardLimits.from_text(LIMITS.to_text()) == LIMITS
    with pytest.raises(ValueError, match="PUMPING_GUARD"):
        GuardLimits.from_text("[]")


@pytest.mark.parametrize("text", ["range:+1425555", "country:FR", "country:001"])
def test_a_block_has_a_name(text: str) -> None:
    found = Watched.from_id(text)
    assert found is not None
    assert found.id == text


@pytest.mark.parametrize("text", ["", "range:", "range:1425555", "range:+1x", "country:", "country:F R", "fax:1", "x"])
def test_nothing_else_names_one(text: str) -> None:
    assert Watched.from_id(text) is None


def test_a_country_is_usual_by_share_by_rate_or_by_name() -> None:
    assert WORLDWIDE.is_usual("DE", LIMITS)
    assert not WORLDWIDE.is_usual("MT", LIMITS), "neither its share nor one a window"
    assert UsualMix({"US": 500_000, "MT": MIX_DAYS * DAY_S // LIMITS.window_s}).is_usual("MT", LIMITS)
    assert not NATIONAL.is_usual("FR", LIMITS)
    assert NATIONAL.is_usual("FR", GuardLimits(usual_countries=("FR",)))
    assert UsualMix({}).is_usual("FR", LIMITS)
    assert not UsualMix({}).is_usual("FR", GuardLimits(usual_countries=("US",)))
