"""A search of messages read to its end: one page at a time, not faster than told, going on after errors."""

from __future__ import annotations

import random
from collections.abc import Callable

from console.clock import Clock
from console.domain import Message, Problem
from console.services.errors import NOBODY, BusyError, Caller, classify
from console.services.feed import BACKOFF_FIRST, BACKOFF_MOST
from console.services.runner import Job, Runner
from console.telemetry import MessagePage

DEADLINE = 20.0
EVERY = 0.05
"""Seconds from one page to the next at least: 200 rows each are 4,000 rows/s at most, for half a read unit a row."""

ReadPage = Callable[[str | None], MessagePage]
"""Reads the page that a cursor leads to, the first one for None; blocks."""


class Search:
    """Call `tick` at each beat; it never blocks.

    `read` counts the messages that came, `total` is how many there are where that is known, `at` the epoch second of
    the last page. A page that fails is asked for again after 2, 4, 8 ... 120 s with a jitter of a quarter (`error`,
    `retry_at`); what has come stays.
    """

    def __init__(
        self,
        page: ReadPage,
        *,
        runner: Runner,
        clock: Clock,
        every: float = EVERY,
        caller: Caller = NOBODY,
        key: str = "",
    ) -> None:
        self.read = 0
        self.total: int | None = None
        self.complete = False
        self.error: Problem | None = None
        self.at: float | None = None
        self.retry_at: float | None = None
        self._page = page
        self._runner = runner
        self._clock = clock
        self._every = every
        self._caller = caller
        self._key = key
        self._cursor: str | None = None
        self._job: Job[MessagePage] | None = None
        self._due = clock.monotonic()
        self._failures = 0
        self._rng = random.Random()

    def hurry(self) -> None:
        """Ask at the next beat for what failed."""
        if self.error is not None:
            self._due = self._clock.monotonic()

    def tick(self, *, start: bool = True, slowness: float = 1.0) -> tuple[Message, ...]:
        """One beat: the messages that have arrived. The next page is asked for when it is due, unless `start` is false;
        `slowness` stretches the time between two."""
        arrived: tuple[Message, ...] = ()
        if self._job is not None and self._job.done:
            arrived, self._job = self._harvest(self._job), None
        if start and self._job is None and not self.complete and self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + self._every * slowness
            self._start()
        return arrived

    def _start(self) -> None:
        cursor = self._cursor
        key = f"{self._key} {cursor}" if self._key else ""
        try:
            self._job = self._runner.start(lambda: self._page(cursor), deadline=DEADLINE, name="search", key=key)
        except BusyError as error:
            self._failed(error)

    def _harvest(self, job: Job[MessagePage]) -> tuple[Message, ...]:
        try:
            page = job.result()
        except Exception as error:
            self._failed(error)
            return ()
        self._failures, self.error, self.retry_at = 0, None, None
        self._cursor, self.complete = page.cursor, page.cursor is None
        self.read += len(page.messages)
        self.total = page.total
        self.at = self._clock.now()
        return page.messages

    def _failed(self, error: Exception) -> None:
        self.error = classify(error, self._caller)
        wait = min(BACKOFF_MOST, BACKOFF_FIRST * 2**self._failures) * (1 + 0.25 * self._rng.random())
        self._failures = min(self._failures + 1, 10)
        self._due = self._clock.monotonic() + wait
        self.retry_at = self._clock.now() + wait
