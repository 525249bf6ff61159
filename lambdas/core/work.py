"""Work tokens: a token on a channel's queue lets one worker send one campaign for a while."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from lambdas.core.pacing import PRIORITY_SHARE

RUN_SECONDS = 20
"""How long a worker sends before it puts its token back, so that campaigns share the workers."""
HOLD_SECONDS = 42
"""A token's visibility time-out while its worker lives: a dead worker's token is back after this. Longer than the lease
of a chunk (30 s) by what lies between two holds (10 s), so that whoever gets the token finds all its chunks free."""
THREADS = 32
P95_CALL_SECONDS = 0.3
"""Preparing and making one provider call, for planning; a slower provider costs slots, not messages."""
MAX_TOKENS = 20


class WorkToken(NamedTuple):
    """One message of a work queue; with `recover` the worker first looks for chunks whose worker is gone."""

    campaign_id: str
    recover: bool = False

    def to_json(self) -> str:
        """The message's body."""
        return json.dumps({"campaign_id": self.campaign_id, "recover": self.recover})

    @classmethod
    def from_json(cls, body: str) -> WorkToken:
        """The inverse of `to_json`; raises ValueError for anything else."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not a work token: {body[:80]!r}") from error
        campaign_id = document.get("campaign_id") if isinstance(document, dict) else None
        recover = document.get("recover", False) if isinstance(document, dict) else None
        if not isinstance(campaign_id, str) or not campaign_id or not isinstance(recover, bool):
            raise ValueError(f"not a work token: {body[:80]!r}")
        return cls(campaign_id, recover)


def campaign_rate(rate: float) -> float:
    """What campaigns may take of an identity's rate: all but the priority lane."""
    return rate * (1 - PRIORITY_SHARE)


def campaign_rates(rates: Mapping[str, float]) -> dict[str, float]:
    """`campaign_rate` by channel."""
    return {str(channel): campaign_rate(rate) for channel, rate in rates.items()}


def token_count(rate: float) -> int:
    """Workers that a rate needs: rate x p95 latency / threads, rounded up, at least one."""
    return max(1, min(MAX_TOKENS, math.ceil(rate * P95_CALL_SECONDS / THREADS)))


def full_set(tps: float, identity_rate: float) -> int:
    """Workers that a campaign needs on a channel whose identity sends so many parts per second."""
    return token_count(min(tps, campaign_rate(identity_rate)))
