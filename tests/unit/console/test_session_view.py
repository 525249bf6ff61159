"""Sessions as rows and panels: what is loud, what gives way where there is little room, what is not known."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import Problem, ProblemKind
from console.sessions.latencies import Latencies
from console.sessions.state import (
    AGE_STEPS,
    Connections,
    Doubt,
    Percentiles,
    SessionDetail,
    SessionGauges,
    SessionHour,
    SessionState,
    SessionTerms,
    Status,
)
from console.telemetry import Series
from console.view import session_trial, sessions
from console.view.glyphs import ASCII, UNICODE
from console.view.segments import Line, Role, plain, width
from console.view.table import Look, Table
from console.view.tables import sessions as rows

NOW = 1_763_726_400.0
SESSION = SessionState(
    id="kT9xQ2",
    status=Status.ACTIVE,
    source_language="en",
    listeners=37,
    sequence=1_204,
    created=NOW - 3_700,
    changed=NOW - 12,
    expires=NOW + 7_300,
    speaker="0123456789abcdef" * 2,
    speaker_connection="fedcba9876543210" * 2,
)
CONNECTIONS = Connections(
    read=38, ages=(20, 0, 0, 0, 10, 8), to_move=8, warned=2, unseen=1, uncounted=0, oldest=NOW - 6_900
)
DETAIL = SessionDetail(
    session=SESSION,
    terms=SessionTerms(100, 500, 90, 95),
    by_language={"de": 30, "fr": 7},
    complete=True,
    connections=CONNECTIONS,
)
HOUR = SessionHour(
    Percentiles(NOW - 300, 310.0, 2_000.0, 2_400.0),
    Percentiles(NOW - 300, 84.0, 999.9, 1_200.0),
    Percentiles(),
    {"RATE_LIMITED": 90, "SESSION_FULL": 5, "BAD_JSON": 5, "TOKEN_REFUSED": 1},
    {"attempt": 2, "join": 88},
)


def table(*sessions: SessionState, now: float = NOW, most: int | None = 500) -> Table[SessionState]:
    found = Table(rows.kind(lambda: now, lambda: most), Look(now, UNICODE))
    found.put(sessions)
    return found


def cells(session: SessionState, now: float = NOW, most: int | None = 500) -> dict[str, tuple[str, Role]]:
    found = table(session, now=now, most=most)
    return {each.name: (each.text(session, found.look), each.role(session)) for each in found.kind.columns}


def texts(lines: list[Line]) -> list[str]:
    return [plain(line).rstrip() for line in lines]


def test_a_row_says_who_speaks_how_many_listen_and_for_how_long() -> None:
    found = cells(SESSION)
    assert {name: text for name, (text, _) in found.items()} == {
        "status": "▸ active",
        "session": "kT9xQ2",
        "from": "en",
        "listeners": "37/500",
        "last": "1,204",
        "age": "1h",
        "ends in": "2h",
        "speaker": "● connected",
        "gone": "-",
    }


@pytest.mark.parametrize(
    ("seconds", "words", "role"),
    [(5, "◆ gone", Role.WARN), (59.9, "◆ gone", Role.WARN), (60, "▲ lost", Role.ALARM)],
)
def test_a_speaker_who_is_away_is_loud(seconds: float, words: str, role: Role) -> None:
    away = dataclasses.replace(SESSION, speaker_gone=NOW - seconds)
    assert cells(away)["speaker"] == (words, role)
    assert cells(away)["gone"][1] is role


@pytest.mark.parametrize(
    ("listeners", "most", "shown", "role"),
    [
        (449, 500, "449/500", Role.PLAIN),
        (450, 500, "450/500", Role.WARN),
        (500, 500, "500/500", Role.ALARM),
        (500, None, "500", Role.PLAIN),
        (0, 1, "0/1", Role.PLAIN),
    ],
)
def test_a_session_that_fills_up_is_loud(listeners: int, most: int | None, shown: str, role: Role) -> None:
    assert cells(dataclasses.replace(SESSION, listeners=listeners), most=most)["listeners"] == (shown, role)


def test_active_ones_come_first_and_those_with_most_listeners_before_the_others() -> None:
    full = dataclasses.replace(SESSION, id="full", listeners=500)
    closing = dataclasses.replace(SESSION, id="closing", listeners=900, status=Status.CLOSING, ended=NOW - 5)
    found = table(closing, SESSION, full)
    assert [session.id for session in found.shown] == ["full", "kT9xQ2", "closing"]
    assert cells(closing)["speaker"] == ("-", Role.MUTED)
    found.narrow("speaker:connected")
    assert [session.id for session in found.shown] == ["full", "kT9xQ2"]


def test_what_is_only_told_in_part_is_told_in_details() -> None:
    ended = dataclasses.replace(SESSION, status=Status.CLOSING, ended=NOW - 5, reason="expired")
    assert "ended        expired, 5s ago" in texts(rows.details(ended, 500, NOW, UNICODE))
    doubted = dataclasses.replace(SESSION, doubt=Doubt(35, NOW - 44))
    assert texts(rows.details(doubted, 500, NOW, UNICODE))[-1] == (
        "◆ 35 were counted 44s ago; counted again before it is changed"
    )
    told = "\n".join(texts(rows.details(SESSION, 500, NOW, UNICODE)))
    assert SESSION.speaker[: rows.SHORT_HASH] in told
    assert SESSION.speaker not in told


def test_one_session_in_a_few_lines() -> None:
    assert texts(sessions.session_lines(DETAIL, NOW, UNICODE)) == [
        "▸ active  kT9xQ2",
        "opened 2025-11-21 10:58Z, 1h ago, ends in 2h at the latest",
        "37/500 listeners, somebody came or went 12s ago",
        "from en, last message 1,204",
        "speaker      ● connected  0123456789ab on fedcba987654",
    ]


def test_languages_are_told_by_their_share_and_the_rest_in_sum() -> None:
    lines = sessions.language_lines(DETAIL, columns=40, rows=5, glyphs=UNICODE)
    assert [text.split()[0] for text in texts(lines)] == ["de", "fr"]
    assert all(width(line) == 40 for line in lines)
    assert texts(lines)[0].endswith("30  81.1 %")
    many = dataclasses.replace(DETAIL, by_language={f"x{number:02d}": 1 for number in range(9)})
    assert texts(sessions.language_lines(many, columns=40, rows=4, glyphs=UNICODE))[-1] == (
        "6 more languages, 6 listeners"
    )
    none = dataclasses.replace(DETAIL, by_language={})
    assert texts(sessions.language_lines(none, columns=40, rows=4, glyphs=UNICODE)) == ["nobody listens"]
    assert sessions.language_note(dataclasses.replace(DETAIL, complete=False)) == "37 and more"


def test_connections_that_have_to_move_come_before_their_ages() -> None:
    lines = sessions.connection_lines(DETAIL, NOW, columns=40, glyphs=UNICODE)
    assert texts(lines)[:5] == [
        "oldest 1 h 55 m, 38 read",
        "    8  asked to move, past 90 min",
        "    2  warned: the end is near",
        "    1  unseen, about to be removed",
        "    0  not in the session's number",
    ]
    assert [line[0].role for line in lines[1:5]] == [Role.WARN, Role.ALARM, Role.WARN, Role.MUTED]
    assert [text.split()[0] for text in texts(lines)[5:]] == ["0-20", "20-40", "40-60", "60-80", "80-100", "100+"]
    nothing = dataclasses.replace(CONNECTIONS, read=0, ages=(0,) * AGE_STEPS, oldest=None)
    assert texts(
        sessions.connection_lines(dataclasses.replace(DETAIL, connections=nothing), NOW, columns=40, glyphs=ASCII)
    ) == ["no connection was found"]


def test_latencies_are_loud_where_a_target_is_missed_and_missing_where_nothing_was_measured() -> None:
    lines = sessions.latency_lines(HOUR)
    assert texts(lines) == [
        "ms           p50   p95   p99",
        "creation     310 2,000 2,400  11:55",
        "join          84 1,000 1,200  11:55",
        "broadcast      -     -     -",
    ]
    assert [line[2].role for line in lines[1:]] == [Role.WARN, Role.STRONG, Role.STRONG]


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (6, ["     90  RATE_LIMITED", "      5  BAD_JSON", "      5  SESSION_FULL", "      1  TOKEN_REFUSED"]),
        (4, ["     90  RATE_LIMITED", "      5  BAD_JSON", "      6  of 2 other codes"]),
        (1, ["    101  of 4 other codes"]),
    ],
)
def test_refusals_are_summed_up_where_there_is_no_room(room: int, shown: list[str]) -> None:
    assert texts(sessions.refusal_lines(HOUR, room)) == [*shown, "limits met: join 88, attempt 2"]


def test_an_hour_without_refusals_says_so() -> None:
    quiet = dataclasses.replace(HOUR, refused={}, limited={})
    assert texts(sessions.refusal_lines(quiet, 4)) == ["nothing was refused in the last hour"]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 10**4), max_size=20), st.integers(1, 12))
def test_whatever_was_refused_all_of_it_is_in_the_figures(refused: dict[str, int], room: int) -> None:
    lines = sessions.refusal_lines(dataclasses.replace(HOUR, refused=refused, limited={}), room)
    assert len(lines) <= max(1, room)
    if refused:
        figures = [int(plain(line).split()[0].replace(",", "")) for line in lines]
        assert sum(figures) == sum(refused.values())


def test_latencies_of_a_trial_are_milliseconds_with_as_many_digits_as_they_need() -> None:
    kinds = (("heartbeat", Latencies.of([0.0123, 0.5])), ("join to greeting", Latencies.of([])))
    assert texts(session_trial.latency_table(kinds)) == [
        "ms                        count      p50      p95      p99  longest",
        "heartbeat                     2     12.3      500      500      500",
        "join to greeting              0        -        -        -        -",
    ]
    assert session_trial.latency_document(kinds[0][1]) == {
        "count": 2,
        "p50_ms": 12.3,
        "p95_ms": 500.0,
        "p99_ms": 500.0,
        "longest_ms": 500.0,
    }


def gauges(ago: float | None, refused: float = 0.0) -> SessionGauges:
    """Three sessions with 1,200 listeners, counted each minute until `ago` seconds before now, or never."""

    def series(label: str, value: float) -> Series:
        minutes = [NOW - 60.0 * minute for minute in range(60, -1, -1)]
        known = [value if ago is not None and at <= NOW - ago else None for at in minutes]
        return Series(label, 60, tuple(zip(minutes, known, strict=True)))

    return SessionGauges(series("sessions", 3.0), series("listeners", 1_200.0), series("refused", refused))


def pulse(found: SessionGauges, columns: int = 116) -> str:
    return plain(sessions.pulse_line(found, NOW, name="sessions  ", columns=columns, glyphs=UNICODE))


def test_sessions_are_one_line_that_gives_up_its_course_first() -> None:
    whole, narrow = pulse(gauges(0)), pulse(gauges(0), 76)
    assert "\u25cf OK  3 open  1,200 listeners  0 refused in 1 h" in narrow
    assert "counted 12:00" in narrow
    assert sessions.SPARK * "\u2588" in whole
    assert "\u2588" not in narrow
    assert len(pulse(gauges(0), 50)) <= 50


def test_what_was_refused_is_added_up_and_loud() -> None:
    line = sessions.pulse_line(gauges(0, 2.0), NOW, name="", columns=116, glyphs=UNICODE)
    assert next(piece for piece in line if piece.text == "122").role is Role.WARN


@pytest.mark.parametrize(("ago", "state"), [(60.0, "OK"), (sessions.SILENT_SECONDS + 60, "NODATA"), (None, "NODATA")])
def test_gauges_that_nobody_publishes_are_no_data(ago: float | None, state: str) -> None:
    line = sessions.pulse_line(gauges(ago), NOW, name="", columns=116, glyphs=UNICODE)
    assert state in plain(line)
    assert ("nothing has counted" in plain(line)) is (ago is None)


def test_a_stack_without_sessions_says_so_in_one_line() -> None:
    off = Problem(
        ProblemKind.NOT_FOUND, "the stack dev has no sessions", "the setting `sessions` turns them on, as by x"
    )
    text = plain(sessions.off_line(off, name="sessions  ", columns=76))
    assert text == "sessions  none in this stack; the setting `sessions` turns them on"
