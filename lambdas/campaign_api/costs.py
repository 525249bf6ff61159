"""What a customer's messages have cost: `GET /api/customers/{id}/costs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from lambdas.adapters.customer_rows import CustomerRows
from lambdas.campaign_api.answers import Answer, ApiError
from lambdas.core.costs import Cursor, CustomerCosts, Period, parse_period

PAGE_ROWS = 1_000
"""Rows of one answer: some twenty calls of the table, a few seconds at most."""
MAX_CUSTOMER_ID = 128

Verb = Callable[[Mapping[str, str], Mapping[str, str]], Answer]


class CostService:
    """Sums a customer's rows."""

    def __init__(self, rows: CustomerRows) -> None:
        self._rows = rows

    def verbs(self) -> Mapping[str, Verb]:
        """Each route of the resource, by its key; a verb takes the path's parameters and the query's."""
        return {"GET /api/customers/{id}/costs": self.show}

    def show(self, parameters: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        """200 with the sums over one page of the customer's rows, oldest first, and where the next one begins.

        A page that is not `complete` covers the rows up to `covered_to_ms` only: add up the pages.
        """
        customer_id = unquote(parameters.get("id", ""))
        if not 1 <= len(customer_id) <= MAX_CUSTOMER_ID:
            raise ApiError(400, "invalid_request", f"a customer's id has 1-{MAX_CUSTOMER_ID} characters")
        period, cursor = _asked(query)
        page = self._rows.page(customer_id, period, after=cursor, limit=PAGE_ROWS)
        costs = CustomerCosts()
        costs.add(page.rows)
        return Answer(
            200,
            {
                "customer_id": customer_id,
                "from": period.first.isoformat(),
                "to": period.last.isoformat(),
                "complete": page.next is None,
                "covered_from_ms": cursor.at_ms if cursor else period.from_ms,
                "covered_to_ms": page.next.at_ms if page.next else period.to_ms,
                "next_cursor": page.next.to_text() if page.next else None,
                **costs.to_json(),
            },
        )


def _asked(query: Mapping[str, str]) -> tuple[Period, Cursor | None]:
    try:
        period = parse_period(query.get("from", ""), query.get("to", ""))
        cursor = Cursor.from_text(query["cursor"]) if "cursor" in query else None
        if cursor is not None and not period.from_ms <= cursor.at_ms <= period.to_ms:
            raise ValueError("the cursor belongs to another period; ask with the same from and to")
    except ValueError as error:
        raise ApiError(400, "invalid_request", str(error)) from error
    return period, cursor
