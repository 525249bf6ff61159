"""Failures that say nothing against a campaign: nobody wanted the message any more, or something follows it.

Told from the failed row alone, so that the stream's consumer and a recount count it the same. A campaign's failures are
the rest: its messages that reached nobody.
"""

from __future__ import annotations

from enum import StrEnum

from lambdas.core.chain_terms import ChainTerms
from lambdas.core.chains import Chain, Leg, StartLeg, next_step
from lambdas.core.lifecycle import MessageState, Status
from lambdas.core.own_codes import WISHES


class Excuse(StrEnum):
    """Why a failed row is no failure of its campaign."""

    UNWANTED = "unwanted"
    PASSED_ON = "passed_on"


def excuse(state: MessageState, created_ms: int, rest: ChainTerms | None) -> Excuse | None:
    """The excuse of a row that is on record since `created_ms` (epoch) and whose chain may come to `rest` from it on;
    None of one that has not failed, or has failed for good."""
    if state.status is not Status.FAILED:
        return None
    if state.code in WISHES:
        return Excuse.UNWANTED
    if rest is None:
        return None
    step = next_step(Chain("", rest, (), (Leg(state, created_ms),)), state.history[Status.FAILED])
    return Excuse.PASSED_ON if isinstance(step, StartLeg) else None
