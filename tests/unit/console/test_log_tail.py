"""Lines of many groups: merged in order, none lost, none twice, bounded; read by the page, failing one by one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError, ProblemKind
from console.services.log_merge import LogBuffer, merged, order
from console.services.log_tail import AT_ONCE, DEADLINE, LATE, LOOK_BACK, OVERLAP, LogRange, LogTail
from console.services.runner import Runner
from console.sources.fake import FakeStack
from console.telemetry import LogLine, LogPage
from tests.support.stopped_clock import START, StoppedClock

GROUPS = ("/p/s/a", "/p/s/b", "/p/s/c")


def line(group: str, number: int, at: float) -> LogLine:
    return LogLine(f"{group}-{number}", at, group, "stream", "INFO", f"line {number}")


LINES = st.lists(st.tuples(st.sampled_from(GROUPS), st.integers(0, 40)), max_size=60).map(
    lambda found: [line(group, number, float(at)) for number, (group, at) in enumerate(found)]
)
PAGES = LINES.flatmap(
    lambda lines: st.lists(st.sets(st.integers(0, max(0, len(lines) - 1))), max_size=8).map(
        lambda chosen: [sorted((lines[place] for place in each if lines), key=order) for each in chosen]
    )
)


@given(PAGES)
def test_merging_keeps_every_line_once_and_in_order(pages: list[list[LogLine]]) -> None:
    found = merged(pages)
    assert [order(each) for each in found] == sorted(order(each) for each in found)
    assert sorted(each.id for each in found) == sorted({each.id for page in pages for each in page})


@given(st.lists(PAGES, max_size=6), st.integers(1, 25))
def test_a_buffer_holds_the_newest_lines_and_counts_the_rest(arrivals: list[list[list[LogLine]]], most: int) -> None:
    known: dict[str, LogLine] = {}
    buffer = LogBuffer(most)
    for number, pages in enumerate(arrivals):
        renamed = [
            [line(each.group, number * 1_000 + int(each.id.rpartition("-")[2]), each.at) for each in page]
            for page in pages
        ]
        before, held = set(known), buffer.lines
        known.update({each.id: each for page in renamed for each in page})
        assert buffer.add(renamed) == len(known) - len(before)
        assert (buffer.lines is held) == (set(known) == before)
        assert len(buffer.lines) <= most
        assert len(buffer.lines) + buffer.dropped == len(known)
        assert [order(each) for each in buffer.lines] == sorted(order(each) for each in known.values())[-most:]


def test_what_was_dropped_does_not_come_back_by_being_read_again() -> None:
    buffer = LogBuffer(2)
    page = [line("/a", number, float(number)) for number in range(4)]
    assert buffer.add([page]) == 4
    assert buffer.add([page]) == 0
    assert (buffer.dropped, [each.at for each in buffer.lines]) == (2, [2.0, 3.0])
    for number in range(4, 30):
        again = [line("/a", earlier, float(earlier)) for earlier in range(number - 3, number + 1)]
        assert buffer.add([again, again[2:]]) == 1
    assert [each.at for each in buffer.lines] == [28.0, 29.0]
    assert buffer.dropped == 28


def test_lines_of_one_moment_stay_in_the_order_in_which_they_came() -> None:
    buffer = LogBuffer()
    buffer.add([[line("/b", 2, 1.0), line("/b", 1, 1.0)]])
    buffer.add([[line("/b", 0, 1.0)], [line("/a", 9, 1.0)]])
    assert [each.id for each in buffer.lines] == ["/a-9", "/b-2", "/b-1", "/b-0"]


class Groups:
    """Telemetry of groups whose lines a test writes; `page` of them at a time."""

    def __init__(self, page: int = 3) -> None:
        self.lines: dict[str, list[LogLine]] = {group: [] for group in GROUPS}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, float, float, str | None]] = []
        self._page = page

    def write(self, group: str, *ats: float) -> None:
        lines = self.lines[group]
        lines += [line(group, len(lines) + number, at) for number, at in enumerate(ats)]
        lines.sort(key=order)

    def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
        self.asked.append((group, start, end, cursor))
        if group in self.denied:
            raise ConsoleError(ProblemKind.FORBIDDEN, "not allowed: logs:FilterLogEvents", "ask for it")
        found = [each for each in self.lines[group] if start <= each.at <= end]
        first = int(cursor or 0)
        more = str(first + self._page) if first + self._page < len(found) else None
        return LogPage(tuple(found[first : first + self._page]), more)


def tail_of(telemetry: Any, wanted: LogRange, clock: StoppedClock, groups: Sequence[str] = GROUPS) -> LogTail:
    return LogTail(telemetry, groups, wanted, runner=Runner(clock=clock), clock=clock, rng=random.Random(1))


def run(tail: LogTail, until: Callable[[], bool]) -> None:
    """Beat until something holds; calls are on threads of their own."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        tail.tick()
        if until():
            return
        time.sleep(0.001)
    raise AssertionError("it did not happen")


def ids(tail: LogTail) -> list[str]:
    return [each.id for each in tail.buffer.lines]


def everything(telemetry: Groups) -> list[str]:
    return [each.id for each in sorted((each for lines in telemetry.lines.values() for each in lines), key=order)]


def test_a_past_range_is_read_once_through_all_pages_and_then_rests() -> None:
    clock, telemetry = StoppedClock(), Groups()
    for number, group in enumerate(GROUPS):
        telemetry.write(group, *(START - 500 + 7 * each + number for each in range(20)))
        telemetry.write(group, START - 900, START - 10)
    tail = tail_of(telemetry, LogRange(START - 600, START - 100), clock)
    assert not tail.complete
    run(tail, lambda: tail.complete)
    wanted = [each for each in everything(telemetry) if each.rpartition("-")[2] not in ("20", "21")]
    assert ids(tail) == wanted
    assert tail.reached == START - 100
    asked = len(telemetry.asked)
    clock.time += 60
    for _ in range(5):
        tail.tick()
    assert len(telemetry.asked) == asked


def test_progress_is_the_time_up_to_which_all_groups_are_there() -> None:
    clock, telemetry = StoppedClock(), Groups(page=1)
    for group in GROUPS:
        telemetry.write(group, START - 300, START - 200)
    tail = tail_of(telemetry, LogRange(START - 600, START), clock)
    seen: list[float] = []

    def through() -> bool:
        seen.append(tail.reached)
        return tail.caught_up

    run(tail, through)
    assert seen == sorted(seen)
    assert seen[0] == START - 600
    assert START - 300 in seen


def test_the_present_is_followed_and_late_lines_find_their_place() -> None:
    clock, telemetry = StoppedClock(), Groups()
    telemetry.write(GROUPS[0], START - 50)
    tail = tail_of(telemetry, LogRange.of({}, START), clock)
    run(tail, lambda: tail.caught_up)
    assert tail.reached == START
    assert {start for _, start, _, _ in telemetry.asked} == {START - LOOK_BACK}
    clock.time += 5
    telemetry.write(GROUPS[1], START + 4)
    telemetry.write(GROUPS[2], START - 20)
    run(tail, lambda: len(tail.buffer.lines) == 3)
    assert [each.at for each in tail.buffer.lines] == [START - 50, START - 20, START + 4]
    assert telemetry.asked[-1][1] == START - OVERLAP
    assert not tail.complete


def test_a_range_that_ends_in_the_future_is_followed_to_its_end() -> None:
    clock, telemetry = StoppedClock(), Groups()
    tail = tail_of(telemetry, LogRange(START - 60, START + 30), clock)
    run(tail, lambda: tail.caught_up)
    assert not tail.complete
    telemetry.write(GROUPS[0], START + 29)
    telemetry.write(GROUPS[0], START + 31)
    clock.time = START + 30 + LATE
    run(tail, lambda: tail.complete)
    assert ids(tail) == ["/p/s/a-0"]


def test_a_group_that_fails_is_named_and_the_others_go_on() -> None:
    clock, telemetry = StoppedClock(), Groups()
    telemetry.denied = {GROUPS[1]}
    for group in GROUPS:
        telemetry.write(group, START - 5)
    tail = tail_of(telemetry, LogRange.of({}, START), clock)
    run(tail, lambda: len(tail.buffer.lines) == 2 and tail.states[GROUPS[1]].error is not None)
    assert tail.caught_up
    assert [each.group for each in tail.buffer.lines] == [GROUPS[0], GROUPS[2]]
    problem = tail.states[GROUPS[1]].error
    assert problem is not None
    assert problem.kind is ProblemKind.FORBIDDEN
    telemetry.denied = set()
    tail.again()
    run(tail, lambda: len(tail.buffer.lines) == 3)
    assert tail.states[GROUPS[1]].error is None


def test_a_group_that_hangs_keeps_nobody_waiting() -> None:
    gate = threading.Event()

    class Hanging(Groups):
        def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
            if group == GROUPS[0]:
                gate.wait(30)
            return super().logs(group, start, end, cursor=cursor, text=text)

    clock, telemetry = StoppedClock(), Hanging()
    for group in GROUPS:
        telemetry.write(group, START - 5)
    tail = tail_of(telemetry, LogRange.of({}, START), clock)
    run(tail, lambda: len(tail.buffer.lines) == 2)
    assert not tail.caught_up
    clock.time += DEADLINE
    telemetry.write(GROUPS[1], START + 1)
    run(tail, lambda: len(tail.buffer.lines) == 3)
    problem = tail.states[GROUPS[0]].error
    assert problem is not None
    assert problem.kind is ProblemKind.TIMED_OUT
    gate.set()
    clock.time += 300
    run(tail, lambda: len(tail.buffer.lines) == 4)


def test_few_groups_are_read_at_once_and_each_gets_its_turn() -> None:
    stack = FakeStack(StoppedClock())
    clock = stack.clock
    assert isinstance(clock, StoppedClock)
    groups = stack.telemetry.log_groups()
    tail = tail_of(stack.telemetry, LogRange(START - 7_200, START), clock, groups)
    most = 0

    def through() -> bool:
        nonlocal most
        most = max(most, sum(state.reading_since is not None for state in tail.states.values()))
        return tail.caught_up

    run(tail, through)
    assert 0 < most <= AT_ONCE < len(groups)
    assert {each.group for each in tail.buffer.lines} == set(groups)
    assert len(ids(tail)) == len(set(ids(tail))) > 10_000


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, LogRange(START - LOOK_BACK)),
        ({"from": "1000"}, LogRange(1000.0)),
        ({"from": "1000", "to": "1600"}, LogRange(1000.0, 1600.0)),
        ({"from": f"{START - 600:.0f}", "to": f"{START + 600:.0f}"}, LogRange(START - 600, START + 600)),
        ({"from": "nan", "to": "5"}, LogRange(START - LOOK_BACK)),
        ({"from": "5", "to": "4"}, LogRange(START - LOOK_BACK)),
        ({"from": f"{START + 1e6}"}, LogRange(START - LOOK_BACK)),
        ({"to": "4"}, LogRange(START - LOOK_BACK)),
        ({"from": "x"}, LogRange(START - LOOK_BACK)),
        ({"from": "0", "to": "inf"}, LogRange(START - LOOK_BACK)),
    ],
)
def test_links_say_which_time_is_wanted(params: dict[str, str], expected: LogRange) -> None:
    assert LogRange.of(params, START) == expected


def test_a_range_is_moved_by_half_its_length_and_follows_the_present_at_its_end() -> None:
    live = LogRange.of({}, START)
    earlier = live.panned(-1, START)
    assert earlier == LogRange(START - 1.5 * LOOK_BACK, START - LOOK_BACK / 2)
    assert earlier.panned(-1, START) == LogRange(START - 2 * LOOK_BACK, START - LOOK_BACK)
    assert earlier.panned(1, START) == live
    assert LogRange.of(earlier.params(), START) == earlier
    assert live.params() == {"from": "", "to": ""}
    assert LogRange(100.0, 500.0).panned(-1, START).start == 0.0
