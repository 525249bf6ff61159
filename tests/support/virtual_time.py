"""Time that passes only while every thread waits: hours of pacing in milliseconds, and no timing noise.

A thread counts as running from the moment its task is submitted until it sleeps, waits for a future or ends. When the
last running thread stops, the clock jumps to the earliest sleeper and wakes that one alone.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
START_US = 1_780_000_000_000_000


class VirtualTime:
    """Implements `lambdas.core.ports.Clock` for the threads of its own executors."""

    def __init__(self, start_us: int = START_US) -> None:
        self._lock = threading.Lock()
        self._now_us = start_us
        self._running = 0
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, threading.Event]] = []

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return self._now_us

    def advance_us(self, microseconds: int) -> None:
        """Let time pass between runs, while nothing is running."""
        self._now_us += microseconds

    def sleep_us(self, microseconds: int) -> None:
        """Wait until everybody else waits too and it is our turn."""
        if microseconds <= 0:
            return
        wake = threading.Event()
        with self._lock:
            heapq.heappush(self._sleepers, (self._now_us + microseconds, next(self._order), wake))
            self._stop_one()
        wake.wait()

    def run(self, *jobs: Callable[[], T]) -> list[T]:
        """Run jobs side by side to their end and return what they return; raises what the first one raised."""
        with self._lock:
            self._running += 1
        try:
            with VirtualExecutor(self, len(jobs)) as executor:
                return [future.result() for future in [executor.submit(job) for job in jobs]]
        finally:
            with self._lock:
                self._running -= 1

    def _stop_one(self) -> None:
        self._running -= 1
        if self._running == 0 and self._sleepers:
            target, _, wake = heapq.heappop(self._sleepers)
            self._now_us = max(self._now_us, target)
            self._running += 1
            wake.set()

    def _start_one(self) -> None:
        self._running += 1

    def await_end(self, future: VirtualFuture[Any]) -> None:
        """Wait for a future without raising what it failed with."""
        with self._lock:
            if future.ended:
                return
            future.waiters += 1
            self._stop_one()
        future.woken.wait()


class VirtualFuture(Future[T], Generic[T]):
    """A future whose waiters do not hold up time."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time
        self.ended = False
        self.waiters = 0
        self.woken = threading.Event()

    def result(self, timeout: float | None = None) -> T:
        """The outcome, waited for in virtual time."""
        self._time.await_end(self)
        return super().result(timeout)


class VirtualExecutor:
    """A thread pool in virtual time."""

    def __init__(self, time: VirtualTime, max_workers: int) -> None:
        self._time = time
        self._max_workers = max_workers
        self._pool = ThreadPoolExecutor(max_workers)
        self._active = 0
        self._backlog = 0
        self._futures: deque[VirtualFuture[Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def submit(self, task: Callable[..., T], *arguments: Any) -> VirtualFuture[T]:
        """Run a task as soon as a thread is free."""
        future: VirtualFuture[T] = VirtualFuture(self._time)
        with self._time._lock:
            if self._active < self._max_workers:
                self._active += 1
                self._time._start_one()
            else:
                self._backlog += 1
        self._futures.append(future)
        self._pool.submit(self._work, future, task, arguments)
        return future

    def _work(self, future: VirtualFuture[T], task: Callable[..., T], arguments: tuple[Any, ...]) -> None:
        error: BaseException | None = None
        value: T | None = None
        try:
            value = task(*arguments)
        except BaseException as raised:  # as the standard executor does
            error = raised
        with self._time._lock:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(value)  # type: ignore[arg-type]
            future.ended = True
            self._time._running += future.waiters
            if self._backlog:
                self._backlog -= 1
            else:
                self._active -= 1
                self._time._stop_one()
        future.woken.set()

    def shutdown(self, wait: bool = True) -> None:
        """Wait for every task, then end the threads."""
        while self._futures:
            self._time.await_end(self._futures.popleft())
        self._pool.shutdown(wait=wait)


def wait_for_all(futures: Iterable[Future[Any]]) -> None:
    """`concurrent.futures.wait` in virtual time."""
    for future in list(futures):
        assert isinstance(future, VirtualFuture)
        future._time.await_end(future)
