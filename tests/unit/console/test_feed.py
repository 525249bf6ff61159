"""One read repeated: when it is due, what an error leaves of it, and answers that come too late."""

from __future__ import annotations

import random
import threading

from console.domain import ProblemKind
from console.services.feed import BACKOFF_MOST, Feed
from console.services.runner import Runner
from tests.support.stopped_clock import StoppedClock
from tests.support.threads import until


class Reader:
    """A read that is let through, or made to fail, by the test."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return self.calls


def make_feed(reader: Reader, clock: StoppedClock) -> Feed[int]:
    return Feed(
        "numbers",
        reader,
        every=2,
        deadline=8,
        source="test",
        runner=Runner(clock=clock),
        clock=clock,
        rng=random.Random(1),
    )


def finish(feed: Feed[int]) -> None:
    """Beat without starting anything until the read that is out has ended."""

    def ended() -> bool:
        feed.tick(start=False)
        return not feed.reading

    until(ended)


def test_a_feed_reads_when_due_and_not_before() -> None:
    clock, reader = StoppedClock(), Reader()
    feed = make_feed(reader, clock)
    feed.tick()
    finish(feed)
    assert feed.state.value == 1
    assert feed.state.at == clock.time
    feed.tick()
    assert reader.calls == 1
    clock.time += 2
    feed.tick()
    finish(feed)
    assert feed.state.value == 2


def test_beats_are_dropped_not_queued() -> None:
    clock, reader = StoppedClock(), Reader()
    reader.gate.clear()
    feed = make_feed(reader, clock)
    for _ in range(3):
        feed.tick()
        clock.time += 2
    assert reader.calls == 1
    assert feed.dropped == 2
    reader.gate.set()
    finish(feed)
    assert feed.state.value == 1


def test_an_error_keeps_the_last_value_and_backs_off() -> None:
    clock, reader = StoppedClock(), Reader()
    feed = make_feed(reader, clock)
    feed.tick()
    finish(feed)
    read_at = clock.time
    reader.error = ConnectionRefusedError("refused")
    waits = []
    for _ in range(9):
        feed.ask()
        feed.tick()
        finish(feed)
        assert feed.state.retry_at is not None
        waits.append(feed.state.retry_at - clock.time)
    assert feed.state.value == 1
    assert feed.state.at == read_at
    assert feed.state.error is not None
    assert feed.state.error.kind is ProblemKind.UNREACHABLE
    assert 2 <= waits[0] <= 2.5
    assert waits[3] > 4 * waits[0] / 1.25
    assert BACKOFF_MOST <= waits[-1] <= 1.25 * BACKOFF_MOST
    reader.error = None
    feed.ask()
    feed.tick()
    finish(feed)
    recovered = feed.state
    assert (recovered.error, recovered.retry_at) == (None, None)


def test_an_overdue_read_is_an_error_and_its_late_answer_is_dropped() -> None:
    clock, reader = StoppedClock(), Reader()
    reader.gate.clear()
    feed = make_feed(reader, clock)
    feed.tick()
    clock.time += 8
    feed.tick(start=False)
    assert feed.state.error is not None
    assert feed.state.error.kind is ProblemKind.TIMED_OUT
    reader.gate.set()
    feed.tick(start=False)
    assert feed.state.value is None
