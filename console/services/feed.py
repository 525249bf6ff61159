"""One feed: a read repeated at a beat, its last good value, its trouble and its back-off."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from console.clock import Clock
from console.domain import Fetched, Problem
from console.services.errors import NOBODY, BusyError, Caller, classify
from console.services.runner import Job, Lane, Runner

T = TypeVar("T")

BACKOFF_FIRST = 2.0
BACKOFF_MOST = 120.0


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """A read to be repeated: `every` is the seconds between two, while somebody looks; `read` blocks.

    Whoever reads the same `name` may be given the same answer.
    """

    name: str
    read: Callable[[], Any]
    every: float


class Feed(Generic[T]):
    """Reads when due, never twice at once: a beat that finds the last read still out is dropped, not queued.

    `every` and `deadline` are seconds. After an error the last good value stays, and the next attempt waits
    2, 4, 8 ... 120 s with a jitter of a quarter, so that many consoles do not return at once. Feeds of the same `key`
    share a read that is out; without one each makes its own.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], T],
        *,
        every: float,
        deadline: float,
        source: str,
        runner: Runner,
        clock: Clock,
        rng: random.Random,
        caller: Caller = NOBODY,
        lane: Lane = Lane.PLACES,
        key: str = "",
    ) -> None:
        self.name = name
        self.every = every
        self.dropped = 0
        self.reads = 0
        self.failures = 0
        self.state: Fetched[T] = Fetched(source=source)
        self._read = read
        self._deadline = deadline
        self._runner = runner
        self._clock = clock
        self._rng = rng
        self._caller = caller
        self._lane = lane
        self._key = key
        self._job: Job[T] | None = None
        self._due = self._started = clock.monotonic()
        self._failures = 0

    @property
    def reading(self) -> bool:
        """Whether a read is out."""
        return self._job is not None

    def ask(self) -> None:
        """Make the next beat read, whatever the schedule or the back-off says."""
        self._due = self._clock.monotonic()

    def hurry(self) -> None:
        """Somebody looks again: what is older than `every` is read at the next beat, unless it is backing off."""
        if self.state.error is None:
            self._due = min(self._due, self._started + self.every)

    def rest(self) -> None:
        """Nobody looks any more: what is out is not waited for, what was read is let go, how it went stays."""
        self._job = None
        self.state = dataclasses.replace(self.state, value=None, reading_since=None, retry_at=None)

    def tick(self, *, start: bool = True) -> bool:
        """One beat: take what arrived, start what is due (unless `start` is false); whether a read ended."""
        ended = False
        if self._job is not None and self._job.done:
            self._harvest(self._job)
            self._job, ended = None, True
        if start and self._clock.monotonic() >= self._due:
            if self._job is not None:
                self.dropped += 1
                self._due = self._clock.monotonic() + self.every
            else:
                ended |= self._start()
        return ended

    def _start(self) -> bool:
        self._started = self._clock.monotonic()
        self._due = self._started + self.every
        try:
            self._job = self._runner.start(
                self._read, deadline=self._deadline, name=self.name, lane=self._lane, key=self._key
            )
        except BusyError as error:
            self._failed(classify(error, self._caller), took=0.0)
            return True
        self.state = dataclasses.replace(self.state, reading_since=self._clock.now())
        return False

    def _harvest(self, job: Job[T]) -> None:
        took = self._clock.monotonic() - job.started if job.overdue else job.took
        self.reads += 1
        try:
            value = job.result()
        except Exception as error:
            self._failed(classify(error, self._caller), took)
            return
        self._failures = 0
        self.state = Fetched(value, self._clock.now(), took, self.state.source)

    def _failed(self, problem: Problem, took: float) -> None:
        self.failures += 1
        wait = min(BACKOFF_MOST, max(self.every, BACKOFF_FIRST * 2**self._failures))
        wait *= 1 + 0.25 * self._rng.random()
        self._failures = min(self._failures + 1, 10)
        self._due = self._clock.monotonic() + wait
        self.state = dataclasses.replace(
            self.state, error=problem, took=took, retry_at=self._clock.now() + wait, reading_since=None
        )


AnyFeed = Feed[Any]
