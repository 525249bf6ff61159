"""Rows and campaigns for tests, without invented people: destinations are AWS's simulator numbers and test ranges."""

from __future__ import annotations

from decimal import Decimal

from lambdas.core.content import Content
from lambdas.core.planned_row import PlannedRow

PRICE_USD = Decimal("0.00881")


def destination(row: int) -> str:
    """A number of its own for each row, from the North American range kept for fiction (555-01XX), else unassigned."""
    return f"+1425555{row:04d}"


def planned_row(
    row: int, *, parts: int = 1, to: str | None = None, channel: str = "sms", price_usd: Decimal = PRICE_USD
) -> PlannedRow:
    """One planned message, an SMS unless told otherwise; `price_usd` is that of one part."""
    address = to or (f"simulator+{row}@example.com" if channel == "email" else destination(row))
    country = "" if channel == "email" else "US"
    content = Content(f"text {row}", f"subject {row}" if channel == "email" else "")
    return PlannedRow(row, f"customer-{row}", channel, address, country, content, parts, price_usd * parts)
