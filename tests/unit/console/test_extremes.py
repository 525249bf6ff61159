"""Whatever numbers and times a broken row holds, every kind of rows can be shown, sorted, filtered and exported."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import console.view.tables
from console.domain import StackFacts
from console.view.export import sheet_of
from console.view.segments import width
from console.view.table import Kind, Look, Table
from console.view.table_lines import layout, row

STACK = StackFacts("p", "local", "local", "000000000000", "us-east-1", "1", actions_allowed=False)
MOST = 10**38
LARGEST = 1e125
"""DynamoDB keeps 38 digits of a number, up to 9.99e125 (developer guide, "Data types"); SQS and CloudWatch less."""


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Everything of a type that a source could hand in."""
    if kind is int:
        return st.integers(-MOST, MOST)
    if kind is float:
        return st.floats(-LARGEST, LARGEST)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: values(hints[each.name]) for each in dataclasses.fields(kind)})
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return st.none() | st.text(max_size=3)
    if type(None) in arguments:
        return st.none() | st.one_of([values(each) for each in arguments if each is not type(None)])
    if origin is Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    return st.from_type(kind)


def kinds() -> Iterator[Any]:
    """Each kind of rows and the type of its items."""
    for each in pkgutil.iter_modules(console.view.tables.__path__):
        module = importlib.import_module(f"console.view.tables.{each.name}")
        for name, hint in get_type_hints(module).items():
            if get_origin(hint) is Kind:
                yield pytest.param(getattr(module, name), get_args(hint)[0], id=f"{each.name}.{name}")


@pytest.mark.parametrize(("kind", "item_type"), list(kinds()))
@given(data=st.data(), cells=st.integers(1, 300), now=st.floats(0, 1e11))
def test_every_row_has_a_line_of_its_width(
    kind: Kind[Any], item_type: Any, data: st.DataObject, cells: int, now: float
) -> None:
    items = data.draw(st.lists(values(item_type), max_size=4, unique_by=kind.id))
    table: Table[Any] = Table(kind, Look(now))
    table.put(items)
    columns = layout(kind.columns, cells)
    for item in table.shown:
        assert width(row(table, item, columns)) == sum(each for _, each in columns) + 2 * max(0, len(columns) - 1)
        for copied in (kind.arn, kind.command):
            if copied is not None:
                copied(item, STACK)
    for column in kind.columns:
        for descending in (True, False):
            table.order(column.name, descending=descending)
            assert len(table.shown) == len(items)
    sheet = sheet_of(table)
    assert sheet.csv()
    assert sheet.json()
    table.narrow("no such word in any row of these")
