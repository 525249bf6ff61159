"""A clock that only tests move."""

from __future__ import annotations


class SetClock:
    """Wall and monotonic time in seconds, both moved by `advance`."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """The same; it never runs backwards here."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
