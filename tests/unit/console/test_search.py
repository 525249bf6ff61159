"""A search read to its end: one page at a time, paced, slowed, held, and going on after trouble."""

from __future__ import annotations

import threading

import pytest

from console.domain import ConsoleError, Message, ProblemKind
from console.searches import parse_search, parse_status, search_text
from console.services.runner import Runner
from console.services.search import Search
from console.telemetry import MessagePage, MessageSearch
from tests.support.stopped_clock import StoppedClock


class Records:
    """Pages of two messages; `gate` holds a page back, `trouble` is raised once each."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.asked: list[str | None] = []
        self.trouble: list[Exception] = []
        self.answered = threading.Semaphore(0)

    def page(self, cursor: str | None) -> MessagePage:
        self.asked.append(cursor)
        try:
            if self.trouble:
                raise self.trouble.pop()
            number = int(cursor or 0)
            found = tuple(Message(f"m-{number}-{place}", "c", "sms", "sent", 0) for place in range(2))
            return MessagePage(found, str(number + 1) if number + 1 < self.pages else None, 2 * self.pages)
        finally:
            self.answered.release()


def beat(search: Search, records: Records, clock: StoppedClock, seconds: float, **how: object) -> int:
    """Let time pass, start what is due, wait for it and take it."""
    clock.time += seconds
    before = len(records.asked)
    arrived = list(search.tick(**how))  # type: ignore[arg-type]
    while search._job is not None and not search._job.done:
        pass
    assert len(records.asked) - before <= 1
    return len(arrived) + len(search.tick(start=False))


def test_pages_come_one_at_a_time_not_faster_than_told() -> None:
    records, clock = Records(3), StoppedClock()
    search = Search(records.page, runner=Runner(clock=clock), clock=clock, every=1.0)
    assert beat(search, records, clock, 0.0) == 2
    assert (search.read, search.total, search.complete) == (2, 6, False)
    assert beat(search, records, clock, 0.5) == 0
    assert beat(search, records, clock, 0.5, start=False) == 0, "held"
    assert beat(search, records, clock, 0.0, slowness=4.0) == 2
    assert beat(search, records, clock, 3.0) == 0, "the budget slows"
    assert beat(search, records, clock, 1.0) == 2
    assert search.complete
    assert beat(search, records, clock, 100.0) == 0
    assert records.asked == [None, "1", "2"]


def test_a_page_that_fails_is_asked_for_again_and_nothing_is_lost() -> None:
    records, clock = Records(2), StoppedClock()
    search = Search(records.page, runner=Runner(clock=clock), clock=clock, every=1.0)
    assert beat(search, records, clock, 0.0) == 2
    read_at = search.at
    records.trouble = [ConsoleError(ProblemKind.THROTTLED, "slow down"), ConsoleError(ProblemKind.THROTTLED, "slow")]
    assert beat(search, records, clock, 1.0) == 0
    assert search.error is not None
    assert search.retry_at is not None
    assert (search.error.kind, search.read, search.at) == (ProblemKind.THROTTLED, 2, read_at)
    assert 2.0 <= search.retry_at - clock.now() <= 2.5
    assert beat(search, records, clock, 1.9) == 0
    search.hurry()
    assert beat(search, records, clock, 0.0) == 0
    assert 4.0 <= search.retry_at - clock.now() <= 5.0
    assert beat(search, records, clock, 5.0) == 2
    assert search.complete
    assert [search.error, search.retry_at] == [None, None]
    assert records.asked == [None, "1", "1", "1"]


def test_a_runner_without_room_is_trouble_like_any_other() -> None:
    clock, gate = StoppedClock(), threading.Event()
    runner = Runner(places=1, clock=clock)
    hanging = runner.start(gate.wait, deadline=1_000.0)
    search = Search(Records(1).page, runner=runner, clock=clock)
    search.tick()
    assert search.error is not None
    gate.set()
    hanging.wait()


def test_searches_as_people_write_them() -> None:
    assert parse_search("campaign=spring") == MessageSearch(campaign_id="spring")
    assert parse_search(search_text("customer", "a=b")) == MessageSearch(customer_id="a=b")
    with pytest.raises(ConsoleError, match="not searched by colour"):
        parse_search("colour=red")
    assert parse_status("status=failed") == ("", "failed")
    assert parse_status("campaign=c-1 status=in_doubt") == ("campaign=c-1", "in_doubt")
    assert parse_status("c-1-0000001") == ("c-1-0000001", "")
    with pytest.raises(ConsoleError, match="no message is lost"):
        parse_status("status=lost")
    assert parse_search("message=m-1") == MessageSearch(message_id="m-1")
    assert parse_search("spring-0000001") is None
    with pytest.raises(ConsoleError, match="no campaign is named"):
        parse_search("campaign= ")
    with pytest.raises(ConsoleError, match="not searched by nothing"):
        parse_search("=spring")


@pytest.mark.parametrize("message_id", ["h00165ha[@click=app.export]x[/]", "m-1=2", 'x";y=z', "a b=c\nd"])
def test_whatever_a_row_has_as_its_id_is_opened_as_a_message(message_id: str) -> None:
    assert parse_search(message_id) is None
