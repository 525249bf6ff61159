"""A customer's costs: every dollar once, told apart by how well it is known, and pages that add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.costs import MAX_DAYS, CostRow, Cursor, CustomerCosts, parse_period
from lambdas.core.lifecycle import MessageState, Status

CENT = Decimal("0.01")
STATES = [
    MessageState(Status.SENDING, {Status.SENDING: 1}),
    MessageState(Status.IN_DOUBT, {Status.IN_DOUBT: 1}),
    MessageState(Status.SENT, {Status.SENT: 1}),
    MessageState(Status.DELIVERED, {Status.SENT: 1, Status.DELIVERED: 2}, cost_usd=3 * CENT),
    MessageState(Status.FAILED, {Status.SENT: 1, Status.FAILED: 2}, cost_usd=2 * CENT),
    MessageState(Status.FAILED, {Status.FAILED: 2}, code="ValidationException"),
]
rows = st.builds(
    CostRow, st.sampled_from(["sms", "email"]), st.sampled_from(["", "spring"]), st.just(1), st.just(CENT),
    st.sampled_from(STATES),
)  # fmt: skip


def costs_of(*states: MessageState) -> CustomerCosts:
    costs = CustomerCosts()
    costs.add(CostRow("sms", "", 1, CENT, state) for state in states)
    return costs


def test_actual_prices_estimates_and_doubts_are_told_apart() -> None:
    total = costs_of(*STATES).total
    assert (total.messages, total.charged_usd, total.estimated_usd, total.in_doubt_usd) == (6, 5 * CENT, CENT, CENT)


def test_what_was_refused_costs_nothing() -> None:
    assert costs_of(STATES[-1]).to_json()["cost_usd"] == 0


@given(st.lists(rows, max_size=30), st.integers(0, 30))
def test_each_breakdown_and_all_pages_add_up_to_the_total(found: list[CostRow], cut: int) -> None:
    whole, first, second = CustomerCosts(), CustomerCosts(), CustomerCosts()
    whole.add(found)
    first.add(found[:cut])
    second.add(found[cut:])
    for groups in (whole.by_channel, whole.by_campaign, whole.by_status):
        assert sum(group.messages for group in groups.values()) == whole.total.messages == len(found)
        assert sum((group.charged_usd for group in groups.values()), Decimal(0)) == whole.total.charged_usd
        assert sum((group.estimated_usd for group in groups.values()), Decimal(0)) == whole.total.estimated_usd
    assert first.total.charged_usd + second.total.charged_usd == whole.total.charged_usd
    assert first.total.estimated_usd + second.total.estimated_usd == whole.total.estimated_usd


def test_a_period_is_whole_days() -> None:
    period = parse_period("2026-11-01", "2026-11-30")
    assert period.from_ms == 1_793_491_200_000
    assert period.to_ms - period.from_ms == 30 * 86_400_000 - 1


@pytest.mark.parametrize(
    ("first", "last"), [("", ""), ("2026-11-01", "today"), ("2026-11-02", "2026-11-01"), ("2024-01-01", "2026-11-01")]
)
def test_what_is_no_period(first: str, last: str) -> None:
    with pytest.raises(ValueError, match=f"YYYY-MM-DD|{MAX_DAYS} days"):
        parse_period(first, last)


@given(st.integers(0, 10**14), st.text("abc-_0", min_size=1, max_size=64))
def test_a_cursor_travels(at_ms: int, message_id: str) -> None:
    cursor = Cursor(at_ms, message_id)
    assert Cursor.from_text(cursor.to_text()) == cursor


@given(st.text(max_size=40))
def test_what_is_no_cursor_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="next_cursor"):
        Cursor.from_text(f"!{text}")
