"""Rate limiters of the field, each driven as its documentation shows: acquire, then call, as fast as it allows.

A peer that can share its state between processes without a database server is measured with eight of them as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bench.report import PeerMissing

Acquire = Callable[[], None]
"""Blocks until one call is allowed."""


def _until(acquire: Acquire, seconds: float) -> list[float]:
    """Start times (monotonic seconds) of the calls a limiter allows within `seconds` of the first."""
    acquire()
    calls = [time.monotonic()]
    while calls[-1] - calls[0] < seconds:
        acquire()
        calls.append(time.monotonic())
    return calls


def aiolimiter(rate: int, seconds: float) -> list[float]:
    """`AsyncLimiter(rate, 1)`: a leaky bucket of one second."""
    try:
        from aiolimiter import AsyncLimiter
    except ImportError as error:
        raise PeerMissing("aiolimiter is not installed; it is left out of this row") from error

    async def drive() -> list[float]:
        limiter = AsyncLimiter(rate, 1)
        calls: list[float] = []
        while not calls or calls[-1] - calls[0] < seconds:
            async with limiter:
                calls.append(time.monotonic())
        return calls

    return asyncio.run(drive())


def limits_fixed_window(rate: int, seconds: float) -> list[float]:
    """`FixedWindowRateLimiter`, waiting for the reset time it names."""
    return _limits("FixedWindowRateLimiter", rate, seconds)


def limits_moving_window(rate: int, seconds: float) -> list[float]:
    """`MovingWindowRateLimiter`, waiting for the reset time it names."""
    return _limits("MovingWindowRateLimiter", rate, seconds)


def _limits(strategy: str, rate: int, seconds: float) -> list[float]:
    try:
        import limits
        import limits.strategies
    except ImportError as error:
        raise PeerMissing("limits is not installed; it is left out of this row") from error
    limiter = getattr(limits.strategies, strategy)(limits.storage.MemoryStorage())
    item = limits.RateLimitItemPerSecond(rate)

    def acquire() -> None:
        while not limiter.hit(item):
            time.sleep(max(0.0005, limiter.get_window_stats(item).reset_time - time.time()))

    return _until(acquire, seconds)


def pyrate_limiter(rate: int, seconds: float) -> list[float]:
    """`Limiter(Rate(rate, SECOND))` with its default, a sliding window log."""
    return drive_pyrate(pyrate_bucket(rate, smooth=False, shared=False), seconds)


def pyrate_limiter_gcra(rate: int, seconds: float) -> list[float]:
    """GCRA with a burst of one, its smoothest setting."""
    return drive_pyrate(pyrate_bucket(rate, smooth=True, shared=False), seconds)


def pyrate_bucket(rate: int, *, smooth: bool, shared: bool) -> Any:
    """A bucket of pyrate-limiter, in memory or (`shared`) in its manager process."""
    try:
        import pyrate_limiter as pyrate
    except ImportError as error:
        raise PeerMissing("pyrate-limiter is not installed; it is left out of this row") from error
    if smooth:
        store = pyrate.MultiprocessStateStore.init() if shared else pyrate.InMemoryStateStore()
        return pyrate.StateBucket([pyrate.Rate(rate, pyrate.Duration.SECOND, burst=1)], pyrate.GCRA(), store)
    rates = [pyrate.Rate(rate, pyrate.Duration.SECOND)]
    return pyrate.MultiprocessBucket.init(rates) if shared else pyrate.InMemoryBucket(rates)


def drive_pyrate(bucket: Any, seconds: float) -> list[float]:
    """Acquire from a bucket for `seconds`; waits end 1 ms late instead of the default 50 ms, which favours the peer."""
    import pyrate_limiter as pyrate

    limiter = pyrate.Limiter(bucket, buffer_ms=1)

    def acquire() -> None:
        limiter.try_acquire("bench", blocking=True)

    return _until(acquire, seconds)


ONE_PROCESS: dict[str, Callable[[int, float], list[float]]] = {
    "aiolimiter": aiolimiter,
    "limits, fixed window": limits_fixed_window,
    "limits, moving window": limits_moving_window,
    "pyrate-limiter, sliding log": pyrate_limiter,
    "pyrate-limiter, GCRA burst 1": pyrate_limiter_gcra,
}
SHARED_BUCKETS = {"pyrate-limiter, sliding log": False, "pyrate-limiter, GCRA burst 1": True}
"""Peers with a store for many processes: name -> smooth."""
