"""Tables of many rows: taken piece by piece and arranged in steps, they show what they show at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError
from console.view.table import STEP, UNFILTERED_STEP, Column, Kind, Table


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    size: int | None


KIND: Kind[Thing] = Kind(
    name="things",
    columns=(
        Column("name", 0, lambda thing, _: thing.name),
        Column("size", 8, lambda thing, _: str(thing.size), key=lambda thing: thing.size),
    ),
    id=lambda thing: thing.name,
    sort="size",
    descending=True,
)
THINGS = st.lists(
    st.builds(Thing, st.text("abc", min_size=1, max_size=4), st.none() | st.integers(0, 9)),
    unique_by=lambda thing: thing.name,
    max_size=40,
)


def things(number: int) -> list[Thing]:
    return [Thing(f"thing-{place:06d}", place % 97) for place in range(number)]


@given(THINGS, st.integers(0, 40), st.sampled_from(["", "a", "!b", "name:a size:3"]), st.booleans(), st.booleans())
def test_piece_by_piece_is_the_same_as_at_once(
    items: list[Thing], cut: int, wanted: str, by_name: bool, descending: bool
) -> None:
    whole, pieces = Table(KIND), Table(KIND)
    for table, first, second in ((whole, items, items[:0]), (pieces, items[:cut], items[cut:])):
        table.put(first)
        table.narrow(wanted)
        table.order("name" if by_name else "size", descending=descending)
        table.extend(second)
        table.extend(items)
    assert pieces.shown == whole.shown
    assert (pieces.total, list(pieces.items)) == (len(items), items)
    assert all(pieces.item(item.name) is item for item in items)


def test_many_rows_are_arranged_in_steps_and_shown_when_all_are() -> None:
    table = Table(KIND)
    table.put(things(UNFILTERED_STEP))
    assert [table.arranging] == [False]
    before = table.shown
    table.extend(Thing(f"more-{place:06d}", place) for place in range(UNFILTERED_STEP + 1))
    assert [table.arranging] == [True]
    assert table.shown is before
    table.narrow("more")
    assert [table.arranging] == [True]
    assert table.shown is before, "what was shown stays until the new order is there"
    steps = 0
    while table.arranging:
        table.proceed()
        steps += 1
    assert steps == -(-(table.total - STEP) // STEP)
    assert [thing.size for thing in table.shown] == list(range(UNFILTERED_STEP, -1, -1))


def test_rows_that_all_pass_are_arranged_in_longer_steps() -> None:
    table = Table(KIND)
    table.put([*things(3 * UNFILTERED_STEP), Thing("unknown", None)])
    left = [table.arranging]
    while table.arranging:
        table.proceed()
        left.append(table.arranging)
    assert left == [True, True, True, False]
    assert table.shown == [*sorted(things(table.total - 1), key=lambda thing: -(thing.size or 0)), table.items[-1]]


def test_a_filter_that_is_none_changes_nothing() -> None:
    table = Table(KIND)
    table.put(things(20))
    table.narrow("thing-00001")
    with pytest.raises(ConsoleError):
        table.narrow("~(")
    assert len(table.shown) == 10
