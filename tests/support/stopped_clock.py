"""A clock for the console's tests."""

from __future__ import annotations

START = 1_763_726_400.0
"""2025-11-21T12:00:00Z."""


class StoppedClock:
    """Wall and monotonic time in one, which stands still until `time` is changed or it is told to `advance`."""

    def __init__(self, time: float = START) -> None:
        self.time = time

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def monotonic(self) -> float:
        """The same."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
