"""The report of rows left out: every row once, nothing in it runs in a spreadsheet, nobody's number in clear."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.plan_row import ExcludedRow, Exclusion
from lambdas.core.report import report_header, report_line
from lambdas.core.spreadsheet import neutral


def cells(*rows: ExcludedRow) -> list[list[str]]:
    data = report_header() + b"".join(map(report_line, rows))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def test_a_report_names_the_line_the_customer_and_why() -> None:
    rows = cells(
        ExcludedRow(7, Exclusion.MISSING_VARIABLE, 'name, "town"', "c-7"),
        ExcludedRow(9, Exclusion.DUPLICATE, customer_id="c\n9"),
    )
    assert rows == [
        ["line", "customer_id", "reason", "detail"],
        ["7", "c-7", "missing_variable", 'name, "town"'],
        ["9", "c\n9", "duplicate", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
def test_a_formula_becomes_text(start: str) -> None:
    hostile = f"{start}cmd|'/c calc'!A1"
    (_, row) = cells(ExcludedRow(1, Exclusion.INVALID_ROW, hostile, hostile))
    assert row[1:4:2] == [f"'{hostile}"] * 2


def test_numbers_and_addresses_are_masked_and_are_formulas_too() -> None:
    (_, row) = cells(ExcludedRow(1, Exclusion.DUPLICATE, "to ada@example.com", "+14255550100"))
    assert row == ["1", "'+1******0100", "duplicate", "to a**@example.com"]


@given(st.text(), st.text())
def test_every_cell_comes_back_and_none_begins_like_a_formula(customer_id: str, detail: str) -> None:
    _, *rows = cells(ExcludedRow(1, Exclusion.INVALID_ROW, detail, customer_id))
    (row,) = rows
    for cell in row[1:]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert not cell.startswith(("\t", "\r", "\n"))


def test_what_is_harmless_stays_as_it_is() -> None:
    assert [neutral(text) for text in ("c-1", "1=1", "", "Zoë")] == ["c-1", "1=1", "", "Zoë"]
