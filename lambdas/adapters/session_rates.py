"""The session rate limits table: an item per operation, caller and window."""

from __future__ import annotations

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core.session_limits import window_end_ms, window_key

REMEMBERED = 1_000


class RateLimitTable:
    """Implements `lambdas.core.session_ports.RateLimits` with one write each time.

    Who was found above a limit is remembered until the window ends, so a flood costs no more writes (a condition that
    fails is billed as one).
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._refused: dict[str, int] = {}

    def allow(self, operation: str, who: str, *, limit: int, window_s: int, now_ms: int) -> bool:
        """Count one `operation` of `who`, unless it is above `limit` in this window."""
        key = window_key(operation, who, window_s, now_ms)
        if key in self._refused:
            return False
        try:
            self._table.update(
                {"identifier": key},
                "SET #expiresAt = :expires ADD #count :one",
                {"expires": window_end_ms(window_s, now_ms) // 1000 + window_s, "one": 1, "limit": limit},
                condition="attribute_not_exists(#count) OR #count < :limit",
            )
        except ConditionFailed:
            self._remember(key, window_end_ms(window_s, now_ms), now_ms)
            return False
        return True

    def _remember(self, key: str, until_ms: int, now_ms: int) -> None:
        if len(self._refused) >= REMEMBERED:
            self._refused = {each: end for each, end in self._refused.items() if end > now_ms}
        if len(self._refused) < REMEMBERED:
            self._refused[key] = until_ms
