"""Rows and campaigns for tests, without invented people: destinations are AWS's simulator numbers and test ranges."""

from __future__ import annotations

from decimal import Decimal

from lambdas.core.content import Content
from lambdas.core.planned_row import PlannedRow

PRICE_USD = Decimal("0.00881")


def destination(row: int) -> str:
    """A number of its own for each row, from the North American range kept for fiction (555-01XX), else unassigned."""
    return f"+1425555{row:04d}"


def planned_row(row: int, *, parts: int = 1, to: str | None = None) -> PlannedRow:
    """One planned SMS."""
    return PlannedRow(
        row, f"customer-{row}", "sms", to or destination(row), "US", Content(f"text {row}"), parts, PRICE_USD * parts
    )
