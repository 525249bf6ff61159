"""The identity's item: whatever is packed comes out, items of before are read, and it stays small under load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters.calendar_item import calendar_attributes, calendar_of
from lambdas.adapters.dynamo import Table
from lambdas.adapters.limiter import Limiter
from lambdas.core import keys
from lambdas.core.identity_calendar import PRIORITY_MARK, Calendar, IdentityLease
from lambdas.core.pacing import MICROSECOND, Wait
from lambdas.core.single_sending import ANY_RATE
from tests.support.item_size import item_bytes, write_units

NOW = 1_780_000_000_000_000
LEAD_US = 100_000
MOST_WRITE_UNITS = 1_000
"""What DynamoDB takes of one item in a second."""

tags = st.integers(0, 16**12 - 1).map(lambda number: f"{PRIORITY_MARK}{number:012x}")
owners = tags | st.sampled_from(["spring", f"{PRIORITY_MARK}code", f"{PRIORITY_MARK}0123456789AB", PRIORITY_MARK])
leases = st.builds(
    lambda owner, start_us, length_us, rate, asked: IdentityLease(owner, start_us, start_us + length_us, rate, asked),
    owners,
    st.integers(0, NOW * 2),
    st.integers(0, 2**34),
    st.integers(0, 2**34),
    st.sampled_from([0, 0, 5_000]),
)


@given(st.lists(leases, max_size=8), st.lists(leases, max_size=3))
def test_any_calendar_round_trips(booked: list[IdentityLease], recent: list[IdentityLease]) -> None:
    item = calendar_attributes(Calendar(1_000, tuple(booked), tuple(recent)))
    found = calendar_of(item, 2_000)
    assert found.milli_rate == 2_000
    assert sorted(found.leases, key=repr) == sorted([*booked, *recent], key=repr)


def test_an_item_of_before_is_read_whole() -> None:
    owner = f"{PRIORITY_MARK}{keys.customer_tag('c-1')}"
    maps = [
        {"o": "spring", "s": NOW, "e": NOW + 5, "r": 900, "a": 700},
        {"o": owner, "s": NOW + 5, "e": NOW + 6, "r": 1_000},
    ]
    before = calendar_of({"leases": maps, "version": 3}, 1_000)
    assert before.leases == (
        IdentityLease("spring", NOW, NOW + 5, 900, 700),
        IdentityLease(owner, NOW + 5, NOW + 6, 1_000),
    )
    after = calendar_attributes(before)
    assert after["leases"] == maps[:1]
    assert calendar_of(after, 1_000) == before
    assert calendar_of({}, 1_000) == Calendar(1_000)


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.us = NOW

    def now_us(self) -> int:
        return self.us

    def sleep_us(self, microseconds: int) -> None:
        raise AssertionError("the limiter never sleeps on this clock")


class Item:
    """The identity's item, by the two calls that a limiter makes of its table."""

    server_date_s = None

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def get(self, _key: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.item

    def update(self, key: Mapping[str, Any], update: str, values: Mapping[str, Any], *, condition: str) -> Any:
        assert self.item.get("version", 0) == values.get("was", 0)
        self.item = {**key, **{name: values[value] for name, value in re.findall(r"#(\w+) = :(\w+)", update)}}
        return self.item


def load(rate: int, orders_per_second: int, seconds: int = 5) -> tuple[int, int]:
    """The largest item in bytes and its write units, while each order comes from a customer of its own."""
    table, clock = Item(), Clock()
    limiter = Limiter(cast(Table, table), "sms:eu-west-1:+14254147755", parts_per_second=rate, clock=clock)
    most, units, booked = 0, 0, 0
    for number in range(orders_per_second * seconds):
        clock.us = NOW + number * MICROSECOND // orders_per_second
        owner = f"{PRIORITY_MARK}{keys.customer_tag(str(number))}"
        found = limiter.reserve(owner, 1, not_before_us=clock.us + LEAD_US, milli_rate=ANY_RATE, wanted_us=clock.us)
        booked += not isinstance(found, Wait)
        most, units = max(most, item_bytes(table.item)), max(units, write_units(table.item))
    assert booked >= min(orders_per_second, rate) * seconds
    return most, units


def test_a_thousand_customers_in_five_seconds_leave_a_small_item() -> None:
    most, units = load(rate=1_000, orders_per_second=200)
    assert most <= 2_048
    assert units * 200 <= MOST_WRITE_UNITS


def test_an_identity_that_customers_fill_to_the_horizon_can_still_be_written() -> None:
    _, units = load(rate=100, orders_per_second=200, seconds=4)
    assert units * 100 <= MOST_WRITE_UNITS
