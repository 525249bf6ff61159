"""A redrive in words, and which letters it is about."""

from __future__ import annotations

from collections import Counter

import pytest

from console.domain import ConsoleError
from console.queues import Course, Letter, StackQueue
from console.services.interrupts import Stop
from console.services.redrive import Pace
from console.services.selection import Rehearsal, Selection, require_movable
from console.sources.fake_letters import LETTERS, FakeLetters
from console.view.glyphs import UNICODE
from console.view.queues import outcome_lines
from console.view.redrive import counted_lines, moving_lines, purpose_lines
from console.view.segments import text_of, width

QUEUE = StackQueue("receipts", "https://sqs/receipts", "https://sqs/receipts-dlq")
STREAM = StackQueue("campaign-counters", "", "https://sqs/counters-dlq")


def rehearsal(reason: str, *, stop: Stop | None = None, most: int | None = None) -> tuple[Rehearsal, FakeLetters]:
    letters, stop = FakeLetters("receipts", 0, lambda _: None), stop or Stop()
    pace = Pace(10.0, lambda _: None, lambda: stop.wished)
    return Rehearsal(letters, Selection(QUEUE, {"sms"}, reason), pace, most=most), letters


def test_a_rehearsal_counts_by_reason_and_leaves_everything_as_it_was() -> None:
    counting, letters = rehearsal("JSON")
    course = counting.run()
    assert counting.reasons == {"it cannot be read: not JSON": 1}
    assert (course.left, course.moved) == (len(LETTERS["receipts"]), 0)
    assert (letters.waiting(), letters.in_flight, letters.taken) == (3, 0, [])
    assert rehearsal("", most=2)[0].run().left == 3
    text = text_of(counted_lines(counting.reasons, course, QUEUE, 60))
    assert text == "1 would go to receipts, 2 would stay\n     1  it cannot be read: not JSON"


def test_a_rehearsal_that_is_stopped_says_that_it_saw_only_a_part() -> None:
    stop = Stop()
    stop.wish()
    counting, letters = rehearsal("", stop=stop)
    course = counting.run()
    assert (course.interrupted, course.left, letters.in_flight) == (True, 0, 0)
    assert "so far: it was stopped" in text_of(counted_lines(counting.reasons, course, QUEUE, 60))


def test_reports_of_a_stream_are_never_moved() -> None:
    report = '{"requestContext":{"condition":"RetryAttemptsExhausted"},"DDBStreamBatchInfo":{"batchSize":3}}'
    assert not Selection(STREAM, {"sms"}).holds(Letter("m", report, 0, 1, "h"))
    with pytest.raises(ConsoleError, match="positions in a stream"):
        require_movable(STREAM)
    require_movable(QUEUE)


def test_the_course_of_a_redrive_fits_its_dialog_and_tells_what_is_left() -> None:
    course = Course(moved=30, left=4, came_back=1, refused=Counter({"InvalidMessageContents": 2}))
    lines = moving_lines(course, 120, 10.0, 60, UNICODE)
    assert all(width(each) <= 60 for each in lines)
    text = text_of(lines)
    for words in ("30/120", "25.0 %", "moved 30", "left 4", "refused 2", "came back 1", "10.0/s, 9.0 s to go"):
        assert words in text
    assert "about 1 message" in text_of(purpose_lines(QUEUE, 1))
    assert "its messages" in text_of(purpose_lines(QUEUE, None))


def test_how_it_ended_is_told_in_sentences() -> None:
    done = Course(moved=5, came_back=1, refused=Counter({"TooLarge": 2}), interrupted=True)
    assert text_of(outcome_lines(QUEUE, done, 7)).splitlines() == [
        "5 moved from receipts-dlq to receipts",
        "1 failed again and came back: is their cause corrected?",
        "receipts refused 2 (TooLarge); they stay in receipts-dlq",
        "interrupted: 5 were moved, about 7 are left in receipts-dlq; nothing is lost, ask again to go on",
    ]
    assert text_of(outcome_lines(QUEUE, Course(moved=5), 0)) == "5 moved from receipts-dlq to receipts"
