"""Log lines as rows and pieces, how many there were when, one line whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import Fetched, Problem, ProblemKind
from console.services.monitor import stack_facts
from console.sources.fake import FakeStack
from console.telemetry import LogLine
from console.view import logs as view
from console.view.glyphs import ASCII, UNICODE, Glyphs
from console.view.json_lines import json_lines
from console.view.segments import Role, line, plain, text_of, width
from console.view.table import Look, Table
from console.view.table_lines import layout
from console.view.tables import log_lines as rows
from tests.support.stopped_clock import START

LINE = LogLine(
    "1", START, "/p/s/sweeper", "2025/x", "ERROR", "swept rows=3 " + "x" * 100, '{"event": "swept", "rows": 3}'
)


def test_a_row_says_when_how_bad_and_where() -> None:
    assert Table(rows.KIND).texts(LINE, rows.KIND.columns[:3]) == ("12:00:00.000", "▲ ERROR", "sweeper")
    assert rows.level_word("WARNING", ASCII) == "~ WARN"
    assert rows.level_word("", UNICODE) == ""
    assert [column.name for column in rows.of_one_group(rows.KIND).columns] == ["time", "level", "message"]


def test_filters_find_levels_and_groups_by_what_is_shown() -> None:
    table = Table(rows.KIND)
    table.put([LINE, replace(LINE, id="2", level="INFO"), replace(LINE, id="3", group="/p/s/plan", level="WARNING")])
    for text, expected in (("level:error", "1"), ("group:plan", "3"), ("!level:error !group:plan", "2")):
        table.narrow(text)
        assert [each.id for each in table.shown] == [expected]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=120), st.integers(60, 160))
def test_pieces_hold_the_whole_message_and_fit_their_column(message: str, cells: int) -> None:
    each = replace(LINE, message=message)
    pieces = rows.Wrapping(rows.KIND).pieces([each, replace(each, id="2")], cells)
    column = {column.name: size for column, size in layout(rows.KIND.columns, cells)}["message"]
    mine = [piece for piece in pieces if piece.line.id == "1"]
    assert "".join(piece.text for piece in mine).replace(" ", "") == message.replace(" ", "")
    assert all(width(line(piece.text)) <= column for piece in mine)
    assert [piece.number for piece in mine] == list(range(len(mine)))
    assert len({rows.in_pieces(rows.KIND).id(piece) for piece in pieces}) == len(pieces)


def test_only_the_first_piece_says_when_and_where() -> None:
    kind = rows.in_pieces(rows.KIND)
    first, second, *_ = rows.Wrapping(rows.KIND).pieces([LINE], 80)
    look = Look()
    assert [column.text(first, look) for column in kind.columns[:3]] == ["12:00:00.000", "▲ ERROR", "sweeper"]
    assert [column.text(second, look) for column in kind.columns[:3]] == ["", "", ""]
    assert kind.names == rows.KIND.names


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_histogram_shows_where_errors_were(glyphs: Glyphs) -> None:
    lines = [replace(LINE, id=str(n), at=START + n, level="ERROR" if n == 50 else "INFO") for n in range(100)]
    bar = view.histogram(lines, START, START + 100, columns=80, glyphs=glyphs)
    assert width(bar) == 80
    assert plain(bar).startswith(" 12:00:00 ")
    assert plain(bar).rstrip().endswith("1 error")
    loud = [segment for segment in bar[1:-2] if segment.role is Role.ALARM]
    assert [len(segment.text) for segment in loud] == [1]
    before = sum(len(segment.text) for segment in bar[1 : bar.index(loud[0])])
    bars = sum(len(segment.text) for segment in bar[1:-2])
    assert before == bars // 2
    assert "no errors" in plain(view.histogram([], START, START + 100, columns=80, glyphs=glyphs))
    assert width(view.histogram(lines, START, START + 100, columns=30, glyphs=glyphs)) <= 30


def test_groups_with_the_same_trouble_are_named_together() -> None:
    denied: Fetched[object] = Fetched(
        error=Problem(ProblemKind.FORBIDDEN, "not allowed", "ask for it"), retry_at=START + 8
    )
    slow: Fetched[object] = Fetched(error=Problem(ProblemKind.TIMED_OUT, "no answer"), retry_at=START + 2)
    words = text_of(
        view.trouble_lines({"/p/s/a": denied, "/p/s/b": denied, "/p/s/c": slow, "/d": Fetched()}, START, UNICODE)
    )
    assert words == "◆ a, b: not allowed; ask for it; again in 8s\n◆ c: no answer; again in 2s"
    both = view.trouble_lines({"/p/s/a": denied, "/p/s/b": denied}, START, UNICODE)
    assert text_of(both).startswith("◆ all groups: not allowed")
    assert view.trouble_lines({"/p/s/a": Fetched(1)}, START, UNICODE) == []


def test_a_line_is_shown_whole_and_its_json_laid_out() -> None:
    whole = text_of(view.whole_lines(LINE, UNICODE)).split("\n")
    assert whole == [
        "2025-11-21T12:00:00.000Z  ▲ ERROR",
        "group   /p/s/sweeper",
        "stream  2025/x",
        "",
        "{",
        "  event: swept",
        "  rows: 3",
        "}",
    ]
    text = text_of(view.whole_lines(replace(LINE, raw="Traceback:\n  boom"), UNICODE))
    assert text.endswith("\n\nTraceback:\n  boom")


def test_json_is_laid_out_by_role_and_harmless() -> None:
    document = {"a": {"b": [1, True, None, []]}, "trace": "one\ntwo", "evil\x1b": "\x1b]52;c;x\x07\u202e[@click=x]"}
    lines = json_lines(document)
    assert text_of(lines).split("\n") == [
        "{",
        "  a: {",
        "    b: [",
        "      1",
        "      true",
        "      null",
        "      []",
        "    ]",
        "  }",
        "  trace: one",
        "  two",
        "  evil: ]52;c;x[@click=x]",
        "}",
    ]
    roles = {segment.text: segment.role for each in lines for segment in each}
    assert (roles["1"], roles["true"], roles["a: "]) == (Role.THIRD, Role.FOURTH, Role.ACCENT)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e)
    )
)
def test_any_json_becomes_lines(value: object) -> None:
    lines = json_lines(json.loads(json.dumps(value)))
    assert lines
    assert not any("\n" in segment.text or "\x1b" in segment.text for each in lines for segment in each)


def test_the_command_asks_for_the_lines_second() -> None:
    stack = stack_facts(FakeStack(environment="dev").connection(), allow_actions=False)
    words = rows.command(replace(LINE, at=START + 0.7), stack)
    assert words[words.index("--start-time") + 1] == f"{START:.0f}000"
    assert words[words.index("--end-time") + 1] == f"{START:.0f}999"
