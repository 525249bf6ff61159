"""The share of a campaign's latest messages that failed, as the worker that sends them sees it."""

from __future__ import annotations

import threading

LATEST = 100
"""Messages that are looked at, so that an outage shows whatever went well before."""
LEAST = 50
"""Messages before which a share says nothing."""
MOST_WATCHES = 100


class ErrorWatch:
    """The latest outcomes, one for each message: a call that failed and is repeated counts as failed until it succeeds.

    Whoever shares it shares what has been seen, so that slow campaigns, whose runs have few messages, are watched too.
    """

    def __init__(self) -> None:
        self._failed: dict[str, bool] = {}
        self._failures = 0
        self._lock = threading.Lock()
        self._since_ms: int | None = None

    def begin(self, since_ms: int | None) -> None:
        """Forget what was before the campaign was last started, if that is not the start known already."""
        with self._lock:
            if since_ms != self._since_ms:
                self._since_ms = since_ms
                self._failed.clear()
                self._failures = 0

    def record(self, message_id: str, *, failed: bool) -> None:
        """Take in how a call ended."""
        with self._lock:
            self._failures += int(failed) - int(self._failed.pop(message_id, False))
            self._failed[message_id] = failed
            if len(self._failed) > LATEST:
                oldest = next(iter(self._failed))
                self._failures -= int(self._failed.pop(oldest))

    def exceeds(self, rate: float) -> bool:
        """Whether more than this share of the latest messages failed; 1 is never exceeded."""
        with self._lock:
            return len(self._failed) >= LEAST and self._failures > rate * len(self._failed)


class ErrorWatches:
    """One watch for each of the campaigns that a container has sent for of late."""

    def __init__(self) -> None:
        self._watches: dict[str, ErrorWatch] = {}

    def of(self, campaign_id: str) -> ErrorWatch:
        """The campaign's watch; the one that was not asked for the longest gives way to a new one."""
        watch = self._watches.pop(campaign_id, None) or ErrorWatch()
        self._watches[campaign_id] = watch
        if len(self._watches) > MOST_WATCHES:
            del self._watches[next(iter(self._watches))]
        return watch
