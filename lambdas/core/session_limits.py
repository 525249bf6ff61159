"""How often somebody may do something: a fixed window, counted under one key."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Operation(StrEnum):
    """What callers are limited in; values of the dimension `Operation` of RateLimitExceeded.

    The last ones are routes of the WebSocket API.
    """

    ATTEMPT = "attempt"
    SESSION = "session"
    JOIN = "join"
    HEARTBEAT = "heartbeat"
    BROADCAST = "broadcast"
    REPLAY = "replay"
    REFRESH_CONNECTION = "refreshConnection"
    END_SESSION = "endSession"


def window_key(operation: str, who: str, window_s: int, now_ms: int) -> str:
    """The item that counts one operation of one caller in the window of `now_ms`.

    Windows begin at whole multiples of their length, so twice the limit may pass around the end of one.
    """
    return f"{operation}#{who}#{now_ms // 1000 // window_s}"


def window_end_ms(window_s: int, now_ms: int) -> int:
    """When the window of `now_ms` is over."""
    return (now_ms // 1000 // window_s + 1) * window_s * 1000


ACTIONS_PER_MINUTE: Mapping[str, int] = {
    Operation.BROADCAST: 600,
    Operation.REPLAY: 12,
    Operation.REFRESH_CONNECTION: 6,
    Operation.END_SESSION: 6,
}
"""What one connection may ask for, by each execution environment for itself: each of these costs many times what asking
does."""


class LocalWindow:
    """Counts in this process alone, for what happens so often that a write each time would cost more than it does.

    `capacity` bounds how many callers are remembered; the oldest are forgotten first.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._counts: dict[str, int] = {}

    def allow(self, operation: str, who: str, *, limit: int, window_s: int, now_ms: int) -> bool:
        """Count one `operation` of `who`, unless it is above `limit` in this window."""
        key = window_key(operation, who, window_s, now_ms)
        count = self._counts.get(key, 0)
        if count >= limit:
            return False
        if key not in self._counts and len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = count + 1
        return True
