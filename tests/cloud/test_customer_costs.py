"""What a customer's messages have cost, summed over the embedded stack's rows, page by page."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from lambdas.adapters.customer_rows import CustomerRows
from lambdas.adapters.tracking import TrackingTable
from lambdas.core.costs import Cursor, CustomerCosts, parse_period
from lambdas.core.lifecycle import Status, StatusEvent
from tests.cloud.campaign_client import StackClient
from tests.support.campaigns import PRICE_USD, planned_row

DAY_MS = 1_793_491_200_000
"""1 November 2026."""
CHARGED = Decimal("0.02")
PERIOD = parse_period("2026-11-01", "2026-11-01")


@pytest.fixture
def customer(stack: StackClient, unique: str) -> str:
    """A customer with seven messages in a day, and one on the next: five charged, one estimated, one refused."""
    tracking = TrackingTable(stack.tracking, retention_days=3_650)
    for number in range(8):
        message_id, at_ms = f"{unique}-{number}", DAY_MS + (number * 1_000 if number < 7 else 86_400_000)
        row = replace(planned_row(number), customer_id=unique)
        tracking.intend("" if number % 2 else "spring", row, message_id, "test", at_ms, 0)
        if number == 6:
            tracking.refused(message_id, "ValidationException", at_ms)
            continue
        tracking.accepted(message_id, f"provider-{message_id}", at_ms)
        if number < 5:
            tracking.fold(message_id, [StatusEvent(Status.DELIVERED, at_ms + 1, price_usd=CHARGED)])
    return unique


def test_pages_add_up_to_what_receipts_and_estimates_say(stack: StackClient, customer: str) -> None:
    rows, costs, pages = CustomerRows(stack.tracking), CustomerCosts(), 0
    cursor: Cursor | None = None
    while pages == 0 or cursor is not None:
        page = rows.page(customer, PERIOD, after=cursor, limit=3)
        costs.add(page.rows)
        cursor, pages = page.next, pages + 1
    assert pages == 3
    assert (costs.total.messages, costs.total.charged_usd, costs.total.estimated_usd) == (7, 5 * CHARGED, PRICE_USD)


def test_the_api_shows_them_by_channel_campaign_and_status(stack: StackClient, customer: str) -> None:
    status, shown = stack.call("GET", f"/api/customers/{customer}/costs?from=2026-11-01&to=2026-11-01")
    assert status == 200, shown
    assert (shown["complete"], shown["next_cursor"], shown["messages"]) == (True, None, 7)
    assert (shown["charged_usd"], shown["estimated_usd"]) == (0.1, float(PRICE_USD))
    assert shown["by_channel"].keys() == {"sms"}
    assert shown["by_campaign"]["spring"]["messages"] == 4
    assert {name: group["messages"] for name, group in shown["by_status"].items()} == {
        "delivered": 5, "sent": 1, "failed": 1,
    }  # fmt: skip
    both = stack.call("GET", f"/api/customers/{customer}/costs?from=2026-11-01&to=2026-11-02")[1]
    assert both["messages"] == 8
    assert stack.call("GET", "/api/customers/nobody/costs?from=2026-11-01&to=2026-11-02")[1]["messages"] == 0


@pytest.mark.parametrize(
    "query", ["", "from=2026-11-02&to=2026-11-01", "from=x&to=y", "from=2026-11-01&to=2026-11-01&cursor=x",
              f"from=2026-11-01&to=2026-11-01&cursor={Cursor(1, 'a').to_text()}"],
)  # fmt: skip
def test_what_cannot_be_asked_for(stack: StackClient, query: str) -> None:
    status, answer = stack.call("GET", f"/api/customers/1/costs?{query}")
    assert (status, answer["error"]["code"]) == (400, "invalid_request")
