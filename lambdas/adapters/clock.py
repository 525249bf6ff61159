"""The clock of a function: wall time anchored once per invocation, carried on by the monotonic clock."""

from __future__ import annotations

import time


class AnchoredClock:
    """Implements `lambdas.core.ports.Clock`."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return (self._offset_ns + time.monotonic_ns()) // 1_000

    def sleep_us(self, microseconds: int) -> None:
        """Wait; returns at once for zero and below."""
        if microseconds > 0:
            time.sleep(microseconds / 1_000_000)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
