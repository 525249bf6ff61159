"""Attacks on single messages are stopped within 20 messages, ordinary traffic never."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.pumping_guard import (
    CROWD_FACTOR,
    DAY_S,
    HOUR_S,
    MIX_DAYS,
    WIDE_FACTOR,
    GuardLimits,
    Kind,
    UsualMix,
    Watch,
    Watched,
)
from lambdas.core.pumping_verdict import Verdict, is_allowed

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

NEIGHBOURS = {"US": 20, "DE": 20, "FR": 20, "BR": 20, "MT": 100}
"""More than so many of 400 random numbers are never in the range of another."""
NATIONAL = UsualMix({"US": 20_000})
WORLDWIDE = UsualMix({"US": 50_000, "DE": 9_000, "FR": 8_000, "BR": 2_000, "MT": 900})
SMALL_SHOP = UsualMix({"US": 300})


class Guard:
    """The guard's items in memory: implements `Watches`."""

    def __init__(self, mix: UsualMix, limits: GuardLimits = LIMITS) -> None:
        self.mix = mix
        self.limits = limits
        self.items: defaultdict[str, Watch] = defaultdict(Watch)
        self.writes = 0
        self.orders = 0
        self.now_s = START_S

    def allows(self, at_s: int, number: str, country: str) -> bool:
        """A message of its own to a number."""
        self.now_s = START_S + at_s
        self.orders += 1
        usual = self.mix.is_usual(country, self.limits)
        return is_allowed(self, f"m-{self.orders}", number, country, usual=usual, limits=self.limits)

    def is_blocked(self, what: Watched) -> bool:
        return self.items[what.id].is_blocked(self.now_s)

    def judge(self, what: Watched, number: str, most: int) -> Verdict:
        before = self.items[what.id]
        allowed = self._changed(what, before.judge(number, self.now_s, self.limits, most))
        after = self.items[what.id]
        return Verdict(allowed, allowed and after != before and after.has_others(number, self.now_s, self.limits))

    def admit(self, what: Watched, message_id: str) -> bool:
        return self._changed(what, self.items[what.id].admit(message_id, self.now_s, self.limits))

    def _changed(self, what: Watched, answer: tuple[Watch, bool]) -> bool:
        after, allowed = answer
        self.writes += after != self.items[what.id]
        self.items[what.id] = after
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
        (UsualMix({}), [each for country in PLANS.keys() - {"AD"} for each in ordinary(country, 50, 3_600)]),
        (UsualMix({"US": 50_000, "MT": 3_000}), list(ordinary("MT", 7_500, 3 * 3_600))),
        (NATIONAL, list(ordinary("FR", 12, 600))),
        (NATIONAL, [(at * 180, "+33612345678", "FR") for at in range(20)]),
        (NATIONAL, [(at * 2_160, "+12065551234", "US") for at in range(40)]),
        (NATIONAL, [(at, f"+12065551{at % 15:03d}", "US") for at in range(300)]),
    ],
    ids=["national", "small shop", "many countries", "a small country", "a new stack", "much of a small country",
         "a few travellers", "twenty codes in an hour", "forty messages in a day", "fifteen extensions"],
)  # fmt: skip
def test_ordinary_traffic_is_left_alone(mix: UsualMix, orders: list[Order]) -> None:
    assert Guard(mix).allowed(orders) == sorted(orders)


@given(st.integers(0, 10**9), st.sampled_from(sorted(PLANS.keys() - {"AD"})), st.integers(1, 400))
def test_random_customers_of_a_usual_country_are_never_stopped(seed: int, country: str, messages: int) -> None:
    chance = random.Random(seed)
    orders = [(chance.randrange(600), PLANS[country](chance), country) for _ in range(messages)]
    guard = Guard(UsualMix({country: 10_000}))
    assert len(guard.allowed(orders)) == messages
    assert guard.writes <= 2 * messages + 2 * NEIGHBOURS[country], "its number, its range, and neighbours are rare"


@pytest.mark.parametrize("every_s", [0, 1, 30])
@pytest.mark.parametrize(("number", "country"), [("+12067771234", "US"), ("+33899123456", "FR")])
def test_one_number_takes_a_persons_messages_and_no_more(number: str, country: str, every_s: int) -> None:
    orders = [(place * every_s, number, country) for place in range(10_000)]
    passed = Guard(NATIONAL).allowed(orders)
    assert len([at for at, _, _ in passed if at < HOUR_S]) == LIMITS.messages_per_hour <= BAR
    days = 1 + orders[-1][0] // DAY_S
    assert len(passed) <= LIMITS.messages_per_day * days


def test_a_message_that_comes_again_counts_once() -> None:
    guard, what = Guard(NATIONAL), Watched.of(Kind.NUMBER, "+12067771234")
    assert all(guard.admit(what, "m-1") for _ in range(50))
    assert all(guard.admit(what, f"n-{place}") for place in range(LIMITS.messages_per_hour - 1))
    assert not guard.admit(what, "another")
    assert guard.admit(what, "m-1"), "it was let through before"


@pytest.mark.parametrize("turns", [True, False], ids=["in turns", "one after the other"])
@pytest.mark.parametrize("seed", range(3))
def test_an_attack_over_many_ranges_is_held_close(seed: int, turns: bool) -> None:
    """Fifteen numbers in each of two hundred ranges, beside ordinary customers."""
    chance = random.Random(seed)
    nearby = [f"+12067{place:03d}" for place in range(200)]
    strewn = [PLANS["US"](chance)[:9] for _ in range(200)]
    customers = list(ordinary("US", 2_000, 600, seed))
    for ranges, most in ((nearby, 2 * (WIDE_FACTOR * LIMITS.numbers + 100)), (strewn, CROWD_FACTOR * 15 + 220)):
        numbers = [(f"{prefix}{line:03d}") for prefix in ranges for line in range(15)]
        if turns:
            numbers.sort(key=lambda number: number[-3:])
        attack = {(place // 5, number, "US") for place, number in enumerate(numbers)}
        passed = set(Guard(NATIONAL).allowed([*attack, *customers]))
        assert len(passed & attack) <= most
        assert len(set(customers) - passed) <= len(customers) // 500, "who has a neighbour by chance"


def test_an_attack_over_many_ranges_gets_less_each_time() -> None:
    """The ranges of a country that is held close are blocked at their second number."""
    guard, chance = Guard(NATIONAL), random.Random(7)
    ranges = [PLANS["US"](chance)[:9] for _ in range(100)]
    orders = [(at, f"{ranges[at % 100]}{at // 100 % 1_000:03d}", "US") for at in range(DAY_S)]
    passed = guard.allowed(orders)
    assert len([at for at, _, _ in passed if at > HOUR_S]) <= 1_000, "of 82,800"


def test_lifting_lets_a_country_its_wide_ranges_and_numbers_go() -> None:
    guard = Guard(NATIONAL)
    for kind, number in ((Kind.WIDE, "+12067771234"), (Kind.RANGE, "+12067771234")):
        watch = Watch(blocked_until_s=START_S + 100)
        guard.items[Watched.of(kind, number).id] = watch
        assert not guard.allows(0, number, "US")
        guard.items[Watched.of(kind, number).id] = watch.lift(START_S, 600)
        assert guard.allows(0, number, "US")
    what = Watched.of(Kind.NUMBER, "+12065550000")
    assert sum(guard.allows(1, "+12065550000", "US") for _ in range(30)) == LIMITS.messages_per_hour
    guard.items[what.id] = guard.items[what.id].lift(START_S, 600)
    assert all(guard.allows(2, "+12065550000", "US") for _ in range(30))


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
    key = Watched.of(Kind.RANGE, "+12067771299").id
    now_s = START_S + 20
    assert not guard.allows(20, "+12067771299", "US")
    assert guard.items[key].lift(now_s, 600).judge("+12067771299", now_s, LIMITS, LIMITS.numbers)[1]
    assert guard.allows(20 + LIMITS.block_s, "+12067771299", "US")


def test_what_is_stored_is_what_is_read() -> None:
    watch = Watch({"ab": 5}, 6, 7, 8, 9)
    assert Watch.from_item({**watch.attributes(1, LIMITS), "version": 9}) == watch
    assert Watch.from_item(None) == Watch()
    assert GuardLimits.from_text(LIMITS.to_text()) == LIMITS
    with pytest.raises(ValueError, match="PUMPING_GUARD"):
        GuardLimits.from_text("[]")


@pytest.mark.parametrize(
    "text", ["range:+1425555", "wide:+14255", "number:+14255550100", "crowd:US", "country:FR", "country:001"]
)
def test_a_block_has_a_name(text: str) -> None:
    found = Watched.from_id(text)
    assert found is not None
    assert found.id == text


@pytest.mark.parametrize(
    "text",
    ["", "range:", "range:1425555", "range:+1x", "country:", "country:F R", "fax:1", "crowd:", "number:US",
     "wide:+1٣", "number:+1234567890123456", "x"],
)  # fmt: skip
def test_nothing_else_names_one(text: str) -> None:
    assert Watched.from_id(text) is None


def test_a_country_is_usual_by_share_by_rate_or_by_name() -> None:
    assert WORLDWIDE.is_usual("DE", LIMITS)
    assert not WORLDWIDE.is_usual("MT", LIMITS), "neither its share nor one a window"
    assert UsualMix({"US": 500_000, "MT": MIX_DAYS * DAY_S // LIMITS.window_s}).is_usual("MT", LIMITS)
    assert not NATIONAL.is_usual("FR", LIMITS)
    assert NATIONAL.is_usual("FR", GuardLimits(usual_countries=("FR",)))
    assert not UsualMix({}).is_usual("FR", LIMITS), "nothing is usual before there is a mix"
    assert UsualMix({}).is_usual("US", GuardLimits(usual_countries=("US",)))
    assert not UsualMix({}).is_usual("FR", GuardLimits(usual_countries=("US",)))
