"""A bounded runner of blocking calls: one daemon thread each, a deadline, nothing that can hold up the exit.

Textual's thread workers share asyncio's small pool: eight hanging calls would keep a ninth waiting for seconds, and
the process would not end before the last of them. A daemon thread per call is abandoned at its deadline instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar

from console.clock import Clock, SystemClock
from console.services.errors import BusyError, DeadlineError

T = TypeVar("T")


class Job(Generic[T]):
    """One call under way; poll `done`, then take `result`."""

    def __init__(self, deadline: float, clock: Clock) -> None:
        self._clock = clock
        self._ended = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._value: T | None = None
        self._error: BaseException | None = None
        self.deadline = deadline
        self.started = clock.monotonic()
        self.took = 0.0

    @property
    def done(self) -> bool:
        """Whether there is a result, or the deadline has passed."""
        return self._ended.is_set() or self.overdue

    @property
    def ended(self) -> bool:
        """Whether the call itself has come to its end, late or not."""
        return self._ended.is_set()

    @property
    def overdue(self) -> bool:
        """Whether the call is still out after its deadline."""
        return not self._ended.is_set() and self.elapsed >= self.deadline

    @property
    def elapsed(self) -> float:
        """Seconds since it was started."""
        return self._clock.monotonic() - self.started

    def result(self) -> T:
        """The value; raises what the call raised, or `DeadlineError`."""
        if not self._ended.is_set():
            raise DeadlineError(self.deadline)
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def wait(self) -> T:
        """Block until the call or its deadline ends (for commands without a screen)."""
        self._ended.wait(max(0.0, self.deadline - self.elapsed))
        return self.result()

    async def wait_async(self) -> T:
        """The same without blocking the event loop."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        self._on_end(lambda: _wake(loop, arrived))
        try:
            await asyncio.wait_for(arrived.wait(), max(0.0, self.deadline - self.elapsed))
        except TimeoutError:
            pass
        return self.result()

    def _on_end(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if not self._ended.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def _end(self, value: T | None, error: BaseException | None) -> None:
        self._value, self._error = value, error
        self.took = self.elapsed
        with self._lock:
            self._ended.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


def _wake(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(arrived.set)
    except RuntimeError:
        pass  # the loop has closed: nobody waits any more


class Lane(StrEnum):
    """What calls are for: those of one lane take no room from another's."""

    STANDING = "standing"
    PLACES = "places"
    DEEDS = "deeds"


MOST: Mapping[Lane, int] = {Lane.STANDING: 16, Lane.PLACES: 8, Lane.DEEDS: 4}
"""Calls at once. What is read of the whole stack is as many feeds at most, each with one call; what places, keys and
searches ask may hang without keeping alarms or a pause of a campaign waiting."""


class Runner:
    """Starts calls, in each lane a few at once (`places` in that of places); those abandoned at their deadline count
    until they really end, which clients see to by their time-outs."""

    def __init__(self, places: int = MOST[Lane.PLACES], clock: Clock | None = None) -> None:
        self._most = {**MOST, Lane.PLACES: places}
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._out: Counter[Lane] = Counter()
        self._known: dict[str, Job[Any]] = {}

    @property
    def limit(self) -> int:
        """Calls of all lanes that may be out at once."""
        return sum(self._most.values())

    @property
    def out(self) -> int:
        """Calls that have not ended."""
        return self._out.total()

    def start(
        self, call: Callable[[], T], *, deadline: float, name: str = "call", lane: Lane = Lane.PLACES, key: str = ""
    ) -> Job[T]:
        """Run `call` in a thread of its own; raises `BusyError` when its lane is full of calls that are out.

        Of a `key` one call is out at most: who asks again gets that one, and `BusyError` once it is overdue.
        """
        with self._lock:
            earlier = self._known.get(key)
            if earlier is not None and not earlier.done:
                return earlier
            if earlier is not None or self._out[lane] >= self._most[lane]:
                raise BusyError(name)
            job: Job[T] = Job(deadline, self._clock)
            self._out[lane] += 1
            if key:
                self._known[key] = job
        self._spawn(partial(self._run, call, job, lane, key), name)
        return job

    def _spawn(self, run: Callable[[], None], name: str) -> None:
        threading.Thread(target=run, name=f"console-{name}", daemon=True).start()

    def _run(self, call: Callable[[], Any], job: Job[Any], lane: Lane, key: str) -> None:
        value: Any = None
        error: BaseException | None = None
        try:
            value = call()
        except BaseException as raised:  # it is the job's result, whatever it is
            error = raised
        finally:
            with self._lock:
                self._out[lane] -= 1
                self._known.pop(key, None)
            job._end(value, error)
