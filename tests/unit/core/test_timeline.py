"""What people see of a chain: each leg with its times and reasons, and what comes next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lambdas.core.chain_terms import Cause, ChainTerms, Decision
from lambdas.core.chains import Chain, Leg
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.own_codes import CAMPAIGN_ENDED, EXPIRED, NOT_NEEDED, OPTED_OUT, SPEND_CAP
from lambdas.core.timeline import NOT_SENT, LegRecord, timeline

T = 1_800_000_000_000
PRICE = Decimal("0.01")


def record(channel: str, *events: StatusEvent, at_ms: int = T) -> LegRecord:
    state = fold(MessageState(Status.SENDING, {Status.SENDING: at_ms}), events)
    return LegRecord(channel, "+1******0100", "US", 1, PRICE, Leg(state, at_ms))


def sent(ms: int, at_ms: int = T) -> StatusEvent:
    return StatusEvent(Status.SENT, at_ms + ms, provider_id="p")


def shown(*records: LegRecord | None, decisions: tuple[Decision, ...] = (), **terms: Any) -> dict[str, Any]:
    chain_terms = ChainTerms(**{"channels": ("sms", "email"), **terms})
    legs = tuple(None if each is None else each.leg for each in records)
    return timeline(Chain("code", chain_terms, decisions, legs), records, T + 10_000)


def test_each_status_has_its_time_and_the_gap_before_it() -> None:
    delivered = StatusEvent(Status.DELIVERED, T + 2_500, price_usd=Decimal("0.02"))
    (leg,) = shown(record("sms", delivered, sent(40)))["legs"]
    assert leg["events"] == [
        {"status": "sending", "at_ms": T, "gap_ms": 0},
        {"status": "sent", "at_ms": T + 40, "gap_ms": 40},
        {"status": "delivered", "at_ms": T + 2_500, "gap_ms": 2_460},
    ]
    assert (leg["cost_usd"], leg["cost_is_estimate"], leg["destination"]) == (0.02, False, "+1******0100")


def test_a_leg_says_why_it_was_started_and_the_chain_what_all_of_it_cost() -> None:
    failed = StatusEvent(Status.FAILED, T + 900, code="SPAM")
    decision = Decision(1, Cause.FAILED, T + 1_000, T + 1_000, "SPAM")
    second = record("email", sent(10, T + 1_100), at_ms=T + 1_100)
    answer = shown(record("sms", sent(40), failed), second, decisions=(decision,))
    first, then = answer["legs"]
    assert (first["asks_for"], first["error_code"]) == ("fail_over", "SPAM")
    assert "decided" not in first
    assert (then["decided"]["cause"], then["decided"]["error_code"]) == ("failed", "SPAM")
    assert (then["message_id"], then["channel"], then["leg"]) == ("code_1", "email", 1)
    assert (answer["status"], answer["cost_usd"]) == ("sent", 0.02)
    assert answer["next"] == {"step": "wait", "explanation": "for a receipt"}


def test_a_message_that_arrived_on_any_channel_has_arrived() -> None:
    late = record("sms", sent(40), StatusEvent(Status.DELIVERED, T + 5_000))
    decision = Decision(1, Cause.DEADLINE, T + 1_000, T + 1_000)
    lost = record("email", sent(10), StatusEvent(Status.FAILED, T + 4_000, code="Permanent/General"))
    answer = shown(late, lost, decisions=(decision,))
    assert (answer["status"], answer["next"]["step"]) == ("delivered", "none")


@pytest.mark.parametrize("code", [OPTED_OUT, EXPIRED, SPEND_CAP, NOT_NEEDED, CAMPAIGN_ENDED])
def test_what_was_never_sent_costs_nothing_and_says_why(code: str) -> None:
    (leg,) = shown(record("sms", StatusEvent(Status.FAILED, T + 5, code=code)), channels=("sms",))["legs"]
    assert (leg["cost_usd"], leg["cost_is_estimate"], leg["explanation"]) == (0.0, False, NOT_SENT[code])
    assert leg["explanation"].startswith("not sent: ")


def test_what_comes_next_is_told() -> None:
    waiting = shown(record("sms", sent(40)), fallback_after_s=60)
    assert waiting["next"]["until_ms"] == T + 60_000
    failed = record("sms", sent(40), StatusEvent(Status.FAILED, T + 900, code="UNREACHABLE"))
    again = shown(failed, retries=1)["next"]
    assert (again["step"], again["channel"], again["not_before_ms"]) == ("send", "sms", T + 70_000)
    queued = shown(failed, None, decisions=(Decision(1, Cause.FAILED, T + 1_000, T + 1_000),))
    assert (queued["status"], queued["legs"][1]["status"], queued["next"]["step"]) == ("queued", "queued", "send")
    ended = shown(failed, channels=("sms",))["next"]
    assert ended == {"step": "none", "explanation": "every channel has failed"}


def test_a_message_in_doubt_may_have_cost_its_estimate() -> None:
    (leg,) = shown(record("sms", StatusEvent(Status.IN_DOUBT, T + 50)))["legs"]
    assert (leg["cost_usd"], leg["cost_is_estimate"]) == (0.01, True)
