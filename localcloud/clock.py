"""The embedded cloud's clock: wall time, made faster by a factor and moved forward on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch as the cloud's alarms and schedules see them; safe to use from any thread.

    It starts at wall time and runs `speed` times as fast. `advance` jumps forward; nothing moves it back.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self._speed = speed
        self._wall = wall
        self._monotonic = monotonic
        self._origin = wall()
        self._started = monotonic()
        self._advanced = 0.0
        self._jumps: list[tuple[float, float]] = []
        self._lock = threading.Lock()

    @property
    def speed(self) -> float:
        """How many of the cloud's seconds pass in one real second."""
        return self._speed

    def now(self) -> float:
        """The cloud's time in seconds since the epoch."""
        with self._lock:
            return self._origin + (self._monotonic() - self._started) * self._speed + self._advanced

    def advance(self, seconds: float) -> None:
        """Jump forward by `seconds` (0 or more)."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back by {-seconds} s")
        with self._lock:
            self._advanced += seconds
            self._jumps.append((self._wall(), seconds))

    def jumped_since(self, wall: float) -> float:
        """Seconds by which `advance` moved the clock on since `wall` (wall time, seconds since the epoch)."""
        with self._lock:
            return sum(seconds for at, seconds in self._jumps if at >= wall)

    def offset(self) -> float:
        """Seconds by which the cloud's time is ahead of wall time."""
        return self.now() - self._wall()
