"""One message from order to receipt as people read it: every leg of its chain, what became of it, and why.

Times are epoch milliseconds; gaps are milliseconds since the event before. Nothing here holds a text, and numbers are
masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.core.chain_terms import Cause, Decision, leg_id
from lambdas.core.chains import Chain, End, Ended, Leg, SendLeg, StartLeg, Wait, next_step
from lambdas.core.failures import failure_class
from lambdas.core.lifecycle import Status
from lambdas.core.own_codes import (
    CAMPAIGN_ENDED,
    COUNTRY_NOT_ALLOWED,
    EXPIRED,
    NOT_NEEDED,
    OPTED_OUT,
    PUMPING_GUARD,
    SPEND_CAP,
)

NOT_SENT: Mapping[str, str] = {
    OPTED_OUT: "not sent: the recipient has opted out of this channel",
    EXPIRED: "not sent: it had waited longer than it was valid, or than the next channel waits for it",
    SPEND_CAP: "not sent: the money for it was spent",
    NOT_NEEDED: "not sent: an earlier leg had arrived",
    CAMPAIGN_ENDED: "not sent: its campaign was cancelled or stopped",
    PUMPING_GUARD: "not sent: it looked like SMS pumping",
    COUNTRY_NOT_ALLOWED: "not sent: numbers of its country may not be written to",
}
CAUSES: Mapping[Cause, str] = {
    Cause.RETRY: "the same channel again, after a failure that may pass",
    Cause.FAILED: "the next channel, because the one before had failed",
    Cause.DEADLINE: "the next channel, because the one before had not delivered in time",
}
ENDS: Mapping[End, str] = {
    End.DELIVERED: "delivered",
    End.EXHAUSTED: "every channel has failed",
    End.EXPIRED: "it is older than it was valid",
}


class LegRecord(NamedTuple):
    """One row as far as a timeline shows it; `masked` is its destination."""

    channel: str
    masked: str
    country: str
    parts: int
    estimate_usd: Decimal
    leg: Leg


def timeline(chain: Chain, records: Sequence[LegRecord | None], now_ms: int) -> dict[str, Any]:
    """The whole chain; `records` has one place for each leg, None before it is on record."""
    legs = [_leg(chain, number, record) for number, record in enumerate(records)]
    costs = [leg["cost_usd"] for leg in legs]
    return {
        "message_id": chain.id,
        "channels": list(chain.terms.channels),
        "fallback_after_seconds": chain.terms.fallback_after_s,
        "retries": chain.terms.retries,
        "status": _status(records),
        "cost_usd": round(sum(costs), 6),
        "legs": legs,
        "next": _next(chain, now_ms),
    }


def _status(records: Sequence[LegRecord | None]) -> str:
    """That of the leg that came furthest: a message that arrived on any channel has arrived."""
    arrived = [record for record in records if record is not None and record.leg.arrived_ms is not None]
    last = records[-1]
    if arrived:
        return arrived[0].leg.state.status.value
    return "queued" if last is None else last.leg.state.status.value


def _leg(chain: Chain, number: int, record: LegRecord | None) -> dict[str, Any]:
    decision = chain.decisions[number - 1] if number else None
    choice = decision.choice if decision else 0
    told = {"leg": number, "message_id": leg_id(chain.id, number), "channel": chain.terms.channels[choice]}
    why = {"decided": _decided(decision)} if decision else {}
    if record is None:
        return {**told, **why, "status": "queued", "cost_usd": 0.0, "events": []}
    state = record.leg.state
    charged = record.leg.may_arrive
    code = state.code
    return {
        **told,
        **why,
        "destination": record.masked,
        "country": record.country or None,
        "status": state.status.value,
        "error_code": code,
        "asks_for": failure_class(record.channel, code).value if code else None,
        "explanation": NOT_SENT.get(code or ""),
        "parts": record.parts,
        "cost_usd": float(state.cost_usd if state.cost_usd is not None else record.estimate_usd) if charged else 0.0,
        "cost_is_estimate": charged and state.cost_usd is None,
        "flags": sorted(state.flags),
        "provider_id": state.provider_id,
        "events": _events(state.history),
    }


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "at_ms": decision.at_ms,
        "cause": decision.cause.value,
        "explanation": CAUSES[decision.cause],
        "error_code": decision.code,
        "not_before_ms": decision.not_before_ms,
    }


def _events(history: Mapping[Status, int]) -> list[dict[str, Any]]:
    """The statuses in the order of their times, each with the gap since the one before."""
    events: list[dict[str, Any]] = []
    for status, at_ms in sorted(history.items(), key=lambda entry: entry[1]):
        gap_ms = at_ms - events[-1]["at_ms"] if events else 0
        events.append({"status": status.value, "at_ms": at_ms, "gap_ms": gap_ms})
    return events


def _next(chain: Chain, now_ms: int) -> dict[str, Any]:
    """What the chain waits for, as it stands now."""
    step = next_step(chain, now_ms)
    if isinstance(step, Ended):
        return {"step": "none", "explanation": ENDS[step.why]}
    if isinstance(step, Wait) and step.until_ms is None:
        return {"step": "wait", "explanation": "for a receipt"}
    if isinstance(step, Wait):
        return {"step": "wait", "until_ms": step.until_ms, "explanation": "for a receipt, until the deadline"}
    assert isinstance(step, (StartLeg, SendLeg))
    return {
        "step": "send",
        "channel": chain.terms.channels[step.decision.choice],
        "not_before_ms": step.decision.not_before_ms,
        "explanation": CAUSES[step.decision.cause],
    }
