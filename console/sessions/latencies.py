"""How long something took, many times: percentiles of what was measured, and the targets of the platform."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latencies:
    """Figures of one kind, in seconds; None where nothing was measured."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latencies:
        """Nearest-rank percentiles: each is a value that was measured."""
        ordered = sorted(seconds)
        if not ordered:
            return cls(0, None, None, None, None)
        p50, p95, p99 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95, 0.99))
        return cls(len(ordered), p50, p95, p99, ordered[-1])


CREATION_SECONDS = 2.0
JOIN_SECONDS = 1.0
HEARTBEAT_SECONDS = 0.1
"""What 95 of 100 openings, joins and heartbeats are to stay below, up to the greeting or the answer."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target with what was measured; one of which nothing was measured is missed."""

    name: str
    limit: float
    measured: float | None

    @property
    def met(self) -> bool:
        """Whether it was kept."""
        return self.measured is not None and self.measured < self.limit
