"""Sends on a pool: what one of them fails with ends the run, whenever the others end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest

from lambdas.core.attempts import Attempts, ScheduledSend
from lambdas.core.ports import SendTerms
from tests.support.campaigns import planned_row
from tests.support.fake_world import FakeWorld

TERMS = SendTerms("spring", "TRANSACTIONAL")


class Ending(Future[None]):
    """A send beside whose end something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """How it ended."""
        self._meanwhile()
        return super().exception(timeout)


class Pool:
    """`ThreadPoolExecutor` whose sends end when a test ends them."""

    def __init__(self, *futures: Future[None]) -> None:
        self._futures = iter(futures)

    def submit(self, *_: Any) -> Future[None]:
        """The next one."""
        return next(self._futures)


def test_a_failure_while_another_send_ends_well_is_raised_by_the_next() -> None:
    worker = FakeWorld(1).worker("w1")
    attempts = Attempts(worker.tracking, cast(Any, None), worker.opt_outs, worker, owner="w1")
    failing: Future[None] = Future()

    def fail() -> None:
        if not failing.done():
            failing.set_exception(ConnectionError("the store is away"))

    ending = Ending(fail)
    pool = cast(ThreadPoolExecutor, Pool(ending, failing, Future()))
    send = ScheduledSend(cast(Any, None), "m-1", planned_row(0), opt_out_read_us=0)
    attempts.submit(pool, send, TERMS)
    attempts.submit(pool, send, TERMS)
    ending.set_result(None)
    with pytest.raises(ConnectionError):
        attempts.submit(pool, send, TERMS)
