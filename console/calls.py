"""How long the console's own calls take and which fail, by API; what they cost stands in `console/spend.py`."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from console.domain import ApiUse
from console.spend import SpendMeter

WINDOW = 256
"""Calls of one API whose times are kept."""
RATE_SECONDS = 60.0
MOST_RECENT = 4_096
"""Calls of all APIs that the rate looks at: 68 a second, more than any beat makes."""


@dataclass(frozen=True, slots=True)
class ApiStats:
    """One API since the start, named `service:Operation`: attempts on the wire, what failed with its last error code,
    milliseconds of the last `WINDOW` calls (None before the first), US dollars."""

    name: str
    calls: int
    errors: int
    last_error: str
    p50_ms: float | None
    p95_ms: float | None
    usd: float


@dataclass(frozen=True, slots=True)
class Usage:
    """All APIs that were called, and calls per second over the last minute."""

    apis: tuple[ApiStats, ...] = ()
    per_second: float = 0.0


@dataclass(slots=True)
class _Api:
    ended: int
    errors: int
    last_error: str
    seconds: deque[float]


class CallMeter:
    """Takes the calls of all threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._apis: dict[str, _Api] = {}
        self._recent: deque[float] = deque(maxlen=MOST_RECENT)

    def note(self, call: str, seconds: float, error: str = "") -> None:
        """One call that ended, with its error code where it failed."""
        with self._lock:
            api = self._apis.setdefault(call, _Api(0, 0, "", deque(maxlen=WINDOW)))
            api.ended += 1
            api.seconds.append(seconds)
            self._recent.append(self._monotonic())
            if error:
                api.errors += 1
                api.last_error = error

    @contextmanager
    def timed(self, call: str) -> Iterator[list[str]]:
        """Times what is inside; an exception is its error, as is what the block appends."""
        began, errors = time.perf_counter(), list[str]()
        try:
            yield errors
        except Exception as error:
            errors.append(type(error).__name__)
            raise
        finally:
            self.note(call, time.perf_counter() - began, errors[-1] if errors else "")

    def per_second(self) -> float:
        """Calls per second over the last minute."""
        since = self._monotonic() - RATE_SECONDS
        with self._lock:
            return sum(at > since for at in self._recent) / RATE_SECONDS

    def usage(self, spend: SpendMeter) -> Usage:
        """All of it, with what `spend` has counted of each API."""
        costs = spend.by_call()
        with self._lock:
            apis = tuple(self._stats(name, costs) for name in sorted({*self._apis, *costs}))
        return Usage(apis, self.per_second())

    def _stats(self, name: str, costs: Mapping[str, ApiUse]) -> ApiStats:
        of = costs.get(name, ApiUse())
        api = self._apis.get(name)
        if api is None:
            return ApiStats(name, of.calls, 0, "", None, None, of.usd)
        return ApiStats(
            name,
            max(of.calls, api.ended),
            api.errors,
            api.last_error,
            percentile_ms(api.seconds, 0.50),
            percentile_ms(api.seconds, 0.95),
            of.usd,
        )


def percentile_ms(seconds: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile in milliseconds; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return 1_000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)]
