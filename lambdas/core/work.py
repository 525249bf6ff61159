"""Work tokens: a token on a channel's queue lets one worker send one campaign for a while."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

RUN_SECONDS = 20
"""How long a worker sends before it puts its token back, so that campaigns share the workers."""
HOLD_SECONDS = 30
"""A token's visibility time-out while its worker lives: a dead worker's token is back after this."""
THREADS = 32
P95_CALL_SECONDS = 0.3
"""Preparing and making one provider call, for planning; a slower provider costs slots, not messages."""
MAX_TOKENS = 20


@dataclass(frozen=True, slots=True)
class WorkToken:
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


def sending_rate(tps: float, *, parts_per_second: float, requests_per_second: float) -> float:
    """The rate at which a campaign can really go: its own, the identity's or the account's, whichever is lowest."""
    return min(tps, parts_per_second, requests_per_second)


def token_count(rate: float) -> int:
    """Workers that a rate needs: rate x p95 latency / threads, rounded up, at least one."""
    return max(1, min(MAX_TOKENS, math.ceil(rate * P95_CALL_SECONDS / THREADS)))
