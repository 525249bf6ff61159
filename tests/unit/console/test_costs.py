"""Costs: days as asked for, pages added up to the last digit, tables."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from console.campaigns import make_request
from console.costs import CustomerCosts, parse_days
from console.domain import ConsoleError
from console.exit_codes import ExitCode
from console.headless import costs as commands
from console.sources.fake import FakeStack
from console.view.costs import customer_lines
from console.view.segments import text_of

TODAY = date(2026, 11, 25)


def figures(messages: int, charged: float, estimated: float) -> dict[str, Any]:
    return {
        "messages": messages,
        "cost_usd": round(charged + estimated, 6),
        "charged_usd": charged,
        "estimated_usd": estimated,
        "in_doubt_usd": 0.0,
    }


def page(messages: int, charged: float, campaign: str) -> dict[str, Any]:
    sums = figures(messages, charged, 0.000001)
    return {**sums, "by_channel": {"sms": sums}, "by_campaign": {campaign: sums}, "by_status": {"delivered": sums}}


def test_pages_add_up_exactly() -> None:
    costs = CustomerCosts()
    for _ in range(10):
        costs.add(page(1_000, 0.1, "spring"))
    costs.add(page(3, 0.000002, ""))
    document = costs.to_json()
    assert document["messages"] == 10_003
    assert (document["charged_usd"], document["estimated_usd"]) == (1.000002, 0.000011)
    assert document["by_campaign"]["spring"]["charged_usd"] == 1.0
    rows = [row.split() for row in text_of(customer_lines(costs)).splitlines()]
    assert rows[1][:3] == ["together", "10,003", "$1.0000"]
    assert ["single", "messages", "3"] in [row[:3] for row in rows]


@pytest.mark.parametrize(
    "answer", [{}, {**page(1, 0.1, "c"), "by_channel": None}, {**page(1, 0.1, "c"), "messages": "x"}]
)
def test_an_answer_without_costs_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(ConsoleError, match="no costs"):
        CustomerCosts().add(answer)


def test_days_are_this_month_unless_they_are_named() -> None:
    days = parse_days(None, None, TODAY)
    assert (days.first, days.last) == (date(2026, 11, 1), TODAY)
    days = parse_days("2026-10-01", "2026-10-31", TODAY)
    assert (days.first, days.last) == (date(2026, 10, 1), date(2026, 10, 31))
    for first, last, words in (("x", None, "no day"), (None, "2026-13-01", "no day"), ("2026-12-01", None, "is after")):
        with pytest.raises(ConsoleError, match=words):
            parse_days(first, last, TODAY)


def test_a_campaigns_costs_by_channel(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack()
    campaign_id = stack.send(make_request(5_000, 5)).id
    assert commands.campaign(stack.connection(), campaign_id, as_json=True) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"campaign_id", "cost_usd", "spend", "by_channel"}
    assert set(document["by_channel"]["sms"]) == {"sent", "cost_usd"}
    assert commands.campaign(stack.connection(), campaign_id, as_json=False) == ExitCode.OK
    assert "cap $50.00" in capsys.readouterr().out
