"""The command line: what is typed becomes a place, a command or a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commandline import Verb, complete, parse_command, parse_moment, parse_seconds, parse_speed
from console.domain import ConsoleError
from console.places import Place
from console.sources.replay import ReplayClock
from tests.support.stopped_clock import START, StoppedClock

ALIASES = {"alarms": "alarms", "al": "alarms", "overview": "overview", "messages": "messages"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("alarms", Place("alarms")),
        ("AL", Place("alarms")),
        (" al  receipts-dlq ", Place("alarms", "receipts-dlq")),
        ("q", Verb("quit")),
        ("every 5", Verb("every", "5")),
        ("export json", Verb("export", "json")),
        ("cpaas://dev/al/x?filter=y", Place("alarms", "x", {"filter": "y"})),
    ],
)
def test_what_is_meant(text: str, wanted: Place | Verb) -> None:
    assert parse_command(text, ALIASES, "dev") == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alrams", "did you mean al"),
        ("xyz", "tab completes"),
        ("cpaas://prod/alarms", "leads to the stack prod"),
        ("cpaas://dev/nowhere", "no such screen"),
    ],
)
def test_what_is_not_understood_is_told(text: str, words: str) -> None:
    with pytest.raises(ConsoleError, match=words):
        parse_command(text, ALIASES, "dev")


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e9", "soon"])
def test_no_number_of_seconds(text: str) -> None:
    with pytest.raises(ConsoleError, match="no number of seconds"):
        parse_seconds(text)


def test_seconds() -> None:
    assert (parse_seconds("5"), parse_seconds("0.5"), parse_seconds("auto")) == (5.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("ala", "alarms"),
        ("AL", "alarms"),
        ("al re", "al receipts"),
        ("alarms receipts", None),
        ("zz", None),
        ("messages r", None),
        ("qu", "quit"),
    ],
)
def test_completion(text: str, completed: str | None) -> None:
    assert complete(text, ALIASES, {"alarms": ["receipts"]}) == completed


@given(st.text())
def test_no_line_is_a_traceback(text: str) -> None:
    complete(text, ALIASES, {})
    try:
        parse_command(text, ALIASES, "dev")
    except ConsoleError as error:
        if not error.problem.remedy:
            raise AssertionError(f"{error} has no remedy") from error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:05", START + 300),
        ("00:00:07", START - 43_193),
        ("+90", START + 95),
        ("-5", START),
        ("start", START - 100),
        ("end", START + 100),
    ],
)
def test_a_moment_of_a_replay_is_named(text: str, expected: float) -> None:
    clock = ReplayClock(START - 100, START + 100, StoppedClock())
    assert parse_moment(text, START + 5, clock) == expected


@pytest.mark.parametrize("text", ["", "noon", "24:00", "12:60", "+", "90", "1:5", "\x1b[2J", "+1e3"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConsoleError, match="is no moment"):
        parse_moment(text, START, ReplayClock(START, START, StoppedClock()))


@pytest.mark.parametrize("text", ["", "fast", "-1", "nan", "inf", "1001"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ConsoleError, match="is no speed"):
        parse_speed(text)
    assert parse_speed("0.5") == 0.5
