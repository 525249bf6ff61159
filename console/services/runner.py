"""A bounded runner of blocking calls: one daemon thread each, a deadline, nothing that can hold up the exit.

Textual's thread workers share asyncio's small pool: eight hanging calls would keep a ninth waiting for seconds, and
the process would not end before the last of them. A daemon thread per call is abandoned at its deadline instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
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


class Runner:
    """Starts calls, at most `limit` at once; calls abandoned at their deadline count until they really end."""

    def __init__(self, limit: int = 8, clock: Clock | None = None) -> None:
        self.limit = limit
        self._clock = clock or SystemClock()
        self._slots = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        self._out = 0

    @property
    def out(self) -> int:
        """Calls that have not ended."""
        return self._out

    def start(self, call: Callable[[], T], *, deadline: float, name: str = "call") -> Job[T]:
        """Run `call` in a thread of its own; raises `BusyError` when `limit` calls are out."""
        if not self._slots.acquire(blocking=False):
            raise BusyError(name)
        job: Job[T] = Job(deadline, self._clock)
        self._count(1)
        threading.Thread(target=self._run, args=(call, job), name=f"console-{name}", daemon=True).start()
        return job

    def _count(self, calls: int) -> None:
        with self._lock:
            self._out += calls

    def _run(self, call: Callable[[], Any], job: Job[Any]) -> None:
        value: Any = None
        error: BaseException | None = None
        try:
            value = call()
        except BaseException as raised:  # it is the job's result, whatever it is
            error = raised
        finally:
            self._count(-1)
            self._slots.release()
            job._end(value, error)
