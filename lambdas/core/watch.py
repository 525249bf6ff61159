"""Messages of the fallback queue: chains to be looked at, at once or when their deadline has come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

LONGEST_DELAY_S = 900
"""Of a message of SQS (API reference, SendMessage, `DelaySeconds`): longer waits are made of several."""
CHAINS_OF_A_WATCH = 25
"""Each takes a write or two, and the function that looks has a minute for ten watches."""
LOOK_AGAIN_S = 300
"""How often chains are looked at whose campaign is paused."""


class UnreadableWatch(ValueError):
    """A message that is no watch; its text says why, without quoting it."""


class Watch(NamedTuple):
    """Look at the chains of these ids, not before `due_ms` (epoch; 0 at once)."""

    chain_ids: tuple[str, ...]
    due_ms: int = 0

    def to_json(self) -> str:
        """The message's body."""
        return json.dumps({"chain_ids": self.chain_ids, "due_ms": self.due_ms}, separators=(",", ":"))

    @classmethod
    def from_json(cls, body: str) -> Watch:
        """The inverse of `to_json`; raises `UnreadableWatch`."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise UnreadableWatch("it is not JSON") from error
        chain_ids = document.get("chain_ids") if isinstance(document, dict) else None
        due_ms = document.get("due_ms", 0) if isinstance(document, dict) else None
        if not isinstance(chain_ids, list) or not all(isinstance(each, str) and each for each in chain_ids):
            raise UnreadableWatch("it names no chains")
        if isinstance(due_ms, bool) or not isinstance(due_ms, int):
            raise UnreadableWatch("its due_ms is no time in milliseconds")
        return cls(tuple(chain_ids), due_ms)

    def delay_s(self, now_ms: int) -> int:
        """Seconds that SQS holds it back now: as long as it may, at most until it is due."""
        return max(0, min(LONGEST_DELAY_S, -((now_ms - self.due_ms) // 1_000)))


def watches(chain_ids: Sequence[str], due_ms: int = 0) -> list[Watch]:
    """Watches over chains, each over as many as one look can take."""
    starts = range(0, len(chain_ids), CHAINS_OF_A_WATCH)
    return [Watch(tuple(chain_ids[start : start + CHAINS_OF_A_WATCH]), due_ms) for start in starts]
