"""Time as an argument: everything that looks at a clock is given one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for what people read, monotonic time for what is measured; both in seconds."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...


class SteeredClock(Clock, Protocol):
    """Wall time that somebody moves: that of a replay, between `begin` and `end` (epoch seconds)."""

    begin: float
    end: float
    speed: float

    def seek(self, at: float) -> None:
        """Go to a moment."""
        ...

    def run(self, speed: float) -> None:
        """Go on `speed` times as fast as real time, 0 to stand still."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()
