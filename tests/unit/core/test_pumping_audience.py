"""A campaign's audience that somebody has counted up is found, and no ordinary one is."""

from __future__ import annotations

import random
import tempfile
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.pumping_audience import AT_ONCE, BLOCK, AudienceRanges, SuspiciousRange
from lambdas.core.simulator import SUCCESS_BY_COUNTRY
from tests.unit.core.test_pumping_guard import PLANS

Numbers = Iterable[tuple[str, str]]


def found(*audiences: Numbers) -> tuple[SuspiciousRange, ...]:
    ranges = AudienceRanges()
    for number, country in dict(each for audience in audiences for each in audience).items():
        ranges.add(number, country)
    return ranges.suspicious()


def customers(country: str, number: int, seed: int = 1) -> Numbers:
    chance = random.Random(f"{country}-{seed}")
    return [(PLANS[country](chance), country) for _ in range(number)]


def ivorians(block: int, numbers: int, step: int = 1) -> Numbers:
    """Mobile numbers of Ivory Coast that follow one another."""
    return [(f"+2250700{block:03d}{place * step:03d}", "CI") for place in range(numbers)]


def strewn_in_ivory_coast(numbers: int) -> Numbers:
    chance = random.Random(225)
    return [(f"+22507{chance.randrange(10**8):08d}", "CI") for _ in range(numbers)]


def counted_up(prefix: str, numbers: int, country: str = "US") -> Numbers:
    digits = 12 - len(prefix)
    return [(f"{prefix}{place:0{digits}d}", country) for place in range(numbers)]


@pytest.mark.parametrize(
    "audience",
    [
        customers("US", 5_000),
        customers("US", 60),
        customers("DE", 5_000),
        customers("AD", 5_000),
        customers("AD", 25_000),
        [each for country in PLANS for each in customers(country, 1_000)],
        counted_up("+12067771", BLOCK - 1),
        [*customers("US", 3_000), *counted_up("+12067771", 150)],
        [(number, country) for country, number in SUCCESS_BY_COUNTRY.items()] * 500,
        [(f"+1206777{block}{line:03d}", "US") for block in range(10) for line in range(0, 1000, 10)],
        [*customers("US", 1_000), *counted_up("+12067771", 49), *counted_up("+12069991", 40)],
        [*customers("AD", 40_000), *counted_up("+376312", 49, "AD")],
        [*customers("US", 100_000), *(each for block in range(6) for each in counted_up(f"+1206777{block}", 150))],
        [],
    ],
    ids=["national", "small", "another plan", "a small country", "a quarter of a small country", "many countries",
         "a block of extensions", "extensions amid customers", "simulator numbers", "a town", "two companies",
         "a company in a small country", "companies amid a nation", "nobody"],
)  # fmt: skip
def test_an_ordinary_audience_is_left_alone(audience: Numbers) -> None:
    assert found(audience) == ()


@pytest.mark.parametrize(
    ("audience", "ranges"),
    [
        (counted_up("+1206777", 5_000), 5),
        (counted_up("+12067771", 100), 1),
        (counted_up("+120677712", 100), 1),
        ([*customers("US", 5_000), *counted_up("+12067771", 600)], 1),
        ([*customers("US", 2_000), *counted_up("+12067771", 250)], 1),
        ([*customers("AD", 10_000), *((f"+3763{n:05d}", "AD") for n in range(1_000))], 1),
        ([(f"+120677{block:02d}{line:03d}", "US") for block in range(40) for line in range(550)], 40),
        ([*strewn_in_ivory_coast(1_200), *ivorians(4, 190)], 1),
        ([*customers("US", 20_000), *(each for block in range(20) for each in ivorians(block, 49))], 20),
        ([*strewn_in_ivory_coast(20_000), *(each for block in range(20) for each in ivorians(block, 49))], 20),
        ([*customers("US", 3_000), *(each for block in range(20) for each in ivorians(block, 40, step=3))], 20),
    ],
    ids=["5,000 in a row", "100 in a row", "two digits", "amid many", "amid some", "in a small country", "many ranges",
         "190 in a row", "small blocks", "small blocks amid many", "in steps"],
)  # fmt: skip
def test_numbers_that_were_counted_up_are_found(audience: Numbers, ranges: int) -> None:
    assert len(found(audience)) == ranges


@given(st.integers(0, 10**9), st.lists(st.sampled_from(sorted(PLANS)), min_size=1, max_size=4), st.integers(1, 300))
def test_random_customers_are_never_suspicious(seed: int, countries: list[str], number: int) -> None:
    chance = random.Random(seed)
    audience = [(PLANS[country](chance), country) for country in countries for _ in range(number)]
    assert found(audience) == ()


def test_ranges_travel_with_a_checkpoint() -> None:
    ranges = AudienceRanges()
    for number, country in [*counted_up("+12067771", 100), *customers("DE", 500)]:
        ranges.add(number, country)
    with tempfile.TemporaryFile() as file:
        ranges.write(file)
        file.seek(0)
        read = AudienceRanges.read(file, ranges.sizes)
        assert file.read() == b""
    assert (read.sizes, read.suspicious()) == (ranges.sizes, ranges.suspicious())


def test_many_numbers_are_judged_in_the_memory_that_is_promised() -> None:
    """In several passes, which find what one would."""
    strewn, ranges = 2 * AT_ONCE + 100, AudienceRanges()
    for place in range(strewn):
        ranges.add(f"+1425{place:06d}{place % 1_000:03d}", "US")
    for number, country in [(f"+1206777{place:04d}", "US") for place in range(3_000)]:
        ranges.add(number, country)
    tracemalloc.start()
    suspicious = ranges.suspicious()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(each.numbers, each.prefix) for each in suspicious] == [
        (1_000, prefix) for prefix in ("+12067772", "+12067771", "+12067770")
    ]
    assert peak < 6e6


def test_a_range_is_shown_without_its_numbers() -> None:
    (one,) = found(counted_up("+12067771", 100))
    assert one.to_json() == {"country": "US", "range": "+12067771xxx", "numbers": 100}
