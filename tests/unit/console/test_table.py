"""Tables without a screen: order, filter, marks and layout."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.domain import Alarm, AlarmState, ConsoleError
from console.view.columns import parse_columns
from console.view.export import sheet_of
from console.view.segments import Role, width
from console.view.table import MARK_SECONDS, Column, Kind, Look, Table
from console.view.table_lines import GAP, header, layout, layout_all, row
from console.view.tables import alarms, campaigns, messages


@dataclass(frozen=True, slots=True)
class Thing:
    """A row."""

    id: str
    size: int | None
    at: float = 0.0


KIND: Kind[Thing] = Kind(
    name="things",
    columns=(
        Column("id", 0, lambda thing, _: thing.id),
        Column(
            "size", 6, lambda thing, _: "-" if thing.size is None else str(thing.size), key=lambda t: t.size, right=True
        ),
        Column("age", 4, lambda thing, look: f"{look.now - thing.at:.0f}", key=lambda t: t.at, live=True, need=40),
    ),
    id=lambda thing: thing.id,
    sort="id",
)
THINGS = st.lists(
    st.builds(Thing, st.text("abc", min_size=1, max_size=3), st.none() | st.integers(0, 9)), unique_by=lambda t: t.id
)


def table(*things: Thing) -> Table[Thing]:
    made = Table(KIND)
    made.put(things)
    return made


@given(THINGS, st.booleans())
def test_sorted_rows_are_all_rows_with_the_unknown_last(things: list[Thing], descending: bool) -> None:
    made = table(*things)
    made.order("size", descending=descending)
    assert sorted(made.shown, key=lambda t: t.id) == sorted(things, key=lambda t: t.id)
    known = [thing.size for thing in made.shown if thing.size is not None]
    assert known == sorted(known, reverse=descending)
    assert all(thing.size is None for thing in made.shown[len(known) :])


@given(THINGS, st.sampled_from(["a", "!a", "id:b", "size:3", "!size:3", "a b", "~^a"]))
def test_a_filter_keeps_exactly_what_passes(things: list[Thing], text: str) -> None:
    made = table(*things)
    made.narrow(text)
    kept = {thing.id for thing in made.shown}
    made.narrow("")
    assert {thing.id for thing in made.shown} == {thing.id for thing in things}
    expected: Callable[[Thing], bool] = {
        "a": lambda t: "a" in t.id,
        "!a": lambda t: "a" not in t.id,
        "id:b": lambda t: "b" in t.id,
        "size:3": lambda t: t.size == 3,
        "!size:3": lambda t: t.size != 3,
        "a b": lambda t: "a" in t.id and "b" in t.id,
        "~^a": lambda t: t.id.startswith("a"),
    }[text]
    assert kept == {thing.id for thing in things if expected(thing)}


def test_no_filter_leaves_the_old_one() -> None:
    made = table(Thing("a", 1), Thing("b", 2))
    made.narrow("a")
    with pytest.raises(ConsoleError):
        made.narrow("~(")
    assert [thing.id for thing in made.shown] == ["a"]


def test_a_filter_never_looks_at_what_the_clock_changes() -> None:
    made = table(Thing("a", 1, at=-7.0))
    made.narrow("7")
    assert made.shown == []
    made.narrow("age:7")
    assert made.shown == []


def test_what_changed_is_marked_for_a_moment() -> None:
    made = table(Thing("a", 1), Thing("b", 2))
    made.put((Thing("a", 5, at=3.0), Thing("b", 2, at=3.0), Thing("c", 1)))
    marks = {thing.id: made.marks(thing) for thing in made.shown}
    assert marks == {"a": {"size"}, "b": frozenset(), "c": frozenset()}
    cells = layout(KIND.columns, 60)
    assert [segment.role for segment in row(made, made.shown[0], cells)][2] is Role.CHANGED
    made.look = Look(now=MARK_SECONDS + 0.1)
    assert made.marks(made.shown[0]) == frozenset()


def test_a_changed_row_is_found_by_its_new_text() -> None:
    made = table(Thing("a", 1), Thing("b", 2))
    made.narrow("size:2")
    made.put((Thing("a", 2), Thing("b", 3)))
    assert [thing.id for thing in made.shown] == ["a"]
    made.narrow("3")
    assert [thing.id for thing in made.shown] == ["b"]


@given(st.integers(0, 200))
def test_rows_and_names_are_exactly_as_wide_as_their_columns(cells: int) -> None:
    made = table(Thing("x" * 300, 10**9))
    columns = layout(KIND.columns, cells)
    line = row(made, made.shown[0], columns)
    names = header(columns, "size", True, "id", made.look.glyphs)
    assert width(line) == width(names)
    if cells >= 20:
        assert width(line) == cells
    assert all(cell_len(segment.text) > 0 for segment in line)


@pytest.mark.parametrize("cells", range(78, 131))
def test_messages_are_told_apart_and_campaigns_show_what_failed_at_every_width(cells: int) -> None:
    shown = {column.name: width for column, width in layout(messages.KIND.columns, cells)}
    assert shown["id"] >= 20
    assert shown["reason"] >= 10
    shown = {column.name: width for column, width in layout(campaigns.KIND.columns, cells)}
    assert shown["id"] >= 12
    assert "failed" in shown


@given(st.integers(20, 200), st.integers(0, 7))
def test_all_columns_can_be_reached_however_few_fit(cells: int, chosen: int) -> None:
    shown = layout_all(messages.KIND.columns, cells, chosen)
    names = [column.name for column, _ in shown]
    assert names[0] == "status"
    if cells >= 40:
        assert messages.KIND.names[chosen] in names
    assert names == [name for name in messages.KIND.names if name in names], "in their order"
    assert sum(width for _, width in shown) + GAP * (len(shown) - 1) <= max(cells, 11)


def test_chosen_columns_are_checked_by_name() -> None:
    assert parse_columns(["messages=id, Reason,id", "alarms="]) == {"messages": ("id", "reason"), "alarms": ()}
    with pytest.raises(ConsoleError, match="no table 'logs'"):
        parse_columns(["logs=time"])
    with pytest.raises(ConsoleError, match=r"no column .price.*status, created"):
        parse_columns(["messages=price"])


def test_a_change_into_a_state_keeps_the_colour_of_the_state() -> None:
    made = Table(alarms.KIND)
    calm = Alarm("a", AlarmState.OK, "critical", 1.0, "", "")
    made.put((calm,))
    made.put((dataclasses.replace(calm, state=AlarmState.ALARM, reason="crossed"),))
    state, *_ = row(made, made.shown[0], layout(alarms.KIND.columns, 120))
    assert "state" in made.marks(made.shown[0])
    assert state.role is Role.ALARM


def loud(thing: Thing) -> Role:
    return Role.ALARM if (thing.size or 0) > 5 else Role.PLAIN


def raw(thing: Thing, _: Look) -> str:
    value: Any = thing.size
    return "a number" if isinstance(value, int) else value


DELICATE: Kind[Thing] = Kind(
    name="delicate",
    columns=(
        Column("id", 0, lambda thing, _: thing.id),
        Column("size", 6, lambda thing, _: f"{thing.size:.0f}", key=lambda thing: -(thing.size or 0), role=loud),
        Column("raw", 6, raw, key=lambda thing: thing.size),
    ),
    id=lambda thing: thing.id,
    sort="size",
)
FOREIGN: tuple[Any, ...] = ("9", (), {}, b"1", object())


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_value_that_cannot_be_drawn_is_a_mark_and_is_told(foreign: Any) -> None:
    made = Table(DELICATE)
    made.put((Thing("a", 1), Thing("b", foreign), Thing("c", 7)))
    columns = layout(DELICATE.columns, 40)
    drawn = {thing.id: row(made, thing, columns) for thing in made.shown}
    assert {width(each) for each in drawn.values()} == {40}
    assert (drawn["b"][2].text.strip(), drawn["b"][2].role) == ("?", Role.WARN)
    assert (drawn["c"][2].text.strip(), drawn["c"][2].role) == ("7", Role.ALARM)
    assert made.flaw is not None
    assert made.flaw.problem.sentence.startswith(("column size, ", "column raw, "))
    made.put((Thing("a", 1),))
    assert made.flaw is None


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("descending", [True, False])
def test_rows_that_cannot_be_ordered_are_all_there_and_can_be_filtered_compared_and_copied(
    foreign: Any, descending: bool
) -> None:
    made = Table(DELICATE)
    made.put((Thing("a", 1), Thing("b", foreign), Thing("c", 7)))
    for name in DELICATE.names:
        made.order(name, descending=descending)
        assert {thing.id for thing in made.shown} == {"a", "b", "c"}
    assert made.flaw is not None
    made.narrow("size:?")
    assert {thing.id for thing in made.shown} == {"b"}
    made.narrow("")
    made.put((Thing("a", foreign), Thing("b", 2), Thing("c", 7)))
    assert made.marks(Thing("b", 2)) == {"size", "raw"}
    assert sheet_of(made).csv().splitlines()[0] == "id,size,raw"


def test_an_export_has_what_is_shown_and_no_formula() -> None:
    made = table(Thing("=cmd()", 1), Thing("b", None), Thing("c", 3))
    made.narrow("!id:~^c$")
    sheet = sheet_of(made)
    assert sheet.csv().splitlines() == ["id,size,age", "'=cmd(),1,0", "b,'-,0"]
    assert '"id": "=cmd()"' in sheet.json()
    assert [json.loads(each) for each in sheet.ndjson().splitlines()] == json.loads(sheet.json())
