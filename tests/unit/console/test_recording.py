"""What was recorded is replayed as it was: every type, every moment, after a crash, and out of hostile files too."""

from __future__ import annotations

import dataclasses
import itertools
import json
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.cli import main
from console.domain import CampaignChange, CampaignRequest, ChangeKind, ConsoleError, Problem, ProblemKind
from console.exit_codes import ExitCode
from console.services.errors import classify
from console.sources.base import Connection
from console.sources.codec import PORTS, answer, encode
from console.sources.fake import FakeStack
from console.sources.intercept import intercepted
from console.sources.recording import Recorder
from console.sources.replay import ReplayClock, open_recording
from console.telemetry import LogPage, MessageSearch
from tests.support.stopped_clock import START, StoppedClock

METHODS = {
    f"{port}.{name}": method
    for port, protocol in PORTS.items()
    for name, method in vars(protocol).items()
    if not name.startswith("_") and callable(method) and name != "use"
}
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=["C", "Z"]), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**53), 2**53),
    float: NUMBERS,
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=6),
    type(None): st.none(),
    Any: st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    ),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a protocol answers with."""
    if kind in LEAVES:
        return LEAVES[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, inner))
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return st.lists(values(inner[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, inner))
    if origin is frozenset:
        return st.frozensets(values(inner[0]), max_size=3)
    if origin in (dict, Mapping):
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert isinstance(kind, type)
    assert dataclasses.is_dataclass(kind), kind
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_answer_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    method = METHODS[name]
    value = data.draw(values(get_type_hints(method)["return"]))
    assert answer(method, msgspec.Raw(encode(value))) == value


class Session:
    """A made-up stack that is recorded for some minutes."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path, self.clock = path, StoppedClock()
        self.stack = FakeStack(self.clock, environment="dev")
        self.recorder = Recorder(path, self.stack.outputs, self.clock, classify, **options)
        self.connection = intercepted(self.stack.connection(), self.recorder, tuple(PORTS))

    def poll(self) -> tuple[Any, ...]:
        """What a screen reads at one beat."""
        return polled(self.connection)


def polled(connection: Connection) -> tuple[Any, ...]:
    source, telemetry = connection.source, connection.telemetry
    campaigns = source.campaigns()
    rest = (source.spend(), telemetry.queues(), telemetry.bill())
    return (campaigns, source.alarms(), source.messages(campaigns), *rest)


def test_each_moment_is_told_as_it_was_told_then(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    session.stack.send(CampaignRequest(500, 2.0, "x", "k"))
    told = {}
    for _ in range(20):
        told[session.clock.time] = session.poll()
        session.clock.time += 7
    session.recorder.close()
    replayed = open_recording(session.path, clock=StoppedClock())
    clock = replayed.clock
    assert isinstance(clock, ReplayClock)
    assert (clock.now(), clock.end) == (START, max(told))
    assert replayed.outputs == session.stack.outputs
    for at, expected in told.items():
        for moment in (at, at + 6.9):
            clock.seek(moment)
            assert polled(replayed) == expected
    assert replayed.source.use().calls == 0
    assert replayed.note() == "replay of r.jsonl"


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    for _ in range(50):
        session.connection.source.alarms()
    lines = session.path.read_bytes().splitlines()
    assert len(lines) == 51
    assert all(len(line) < 120 for line in lines[2:])


def test_questions_of_their_own_are_answered_from_what_was_asked(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    live, clock = session.connection, session.clock
    sent = session.stack.send(CampaignRequest(450, 400.0, "x", "k"))
    clock.time += 60
    name = session.stack.alarm_list[1].name
    detail = live.telemetry.alarm(name)
    assert detail.rule is not None
    names = [alarm.name for alarm in session.stack.alarm_list]
    some = live.telemetry.rules([names[0], names[2]])
    live.telemetry.series(detail.rule, clock.time - 1_200, clock.time - 600)
    live.telemetry.series(detail.rule, clock.time - 900, clock.time)
    live.telemetry.rates(clock.time - 1_200, clock.time - 600)
    live.telemetry.rates(clock.time - 900, clock.time)
    group = live.telemetry.log_groups()[0]
    live.telemetry.logs(group, clock.time - 1_200, clock.time - 600)
    live.telemetry.logs(group, clock.time - 900, clock.time)
    first = live.records.search(MessageSearch(campaign_id=sent.id))
    second = live.records.search(MessageSearch(campaign_id=sent.id), first.cursor)
    timeline = live.records.timeline(first.messages[0].id)
    letters = live.telemetry.letters("receipts")
    session.recorder.close()

    replayed = open_recording(session.path, at_end=True, clock=StoppedClock())
    telemetry, records, stack = replayed.telemetry, replayed.records, session.stack
    assert telemetry.alarm(name) == detail
    assert set(some) == {names[0], names[2]}
    assert telemetry.rules(names) == some | {name: detail.rule}
    assert telemetry.rules(names[2:3]) == {names[2]: some[names[2]]}
    assert telemetry.rules(["another"]) == {}
    span = (clock.time - 1_100, clock.time - 10)
    assert telemetry.series(detail.rule, *span) == stack.telemetry.series(detail.rule, *span)
    assert telemetry.rates(*span) == stack.telemetry.rates(*span)
    assert {
        at for each in telemetry.rates(clock.time - 200_000, clock.time) for at, known in each.points if known
    } == set()
    page = telemetry.logs(group, *span)
    assert page == LogPage(stack.telemetry.logs(group, *span).lines, None)
    text = page.lines[0].message
    assert page.lines[0] in telemetry.logs(group, *span, text=text).lines
    assert all(text in line.message for line in telemetry.logs(group, *span, text=text).lines)
    assert records.search(MessageSearch(campaign_id=sent.id)) == first
    assert records.search(MessageSearch(campaign_id=sent.id), first.cursor) == second
    assert records.timeline(first.messages[0].id) == timeline
    assert telemetry.letters("receipts") == letters
    for ask in (
        telemetry.resources,
        lambda: telemetry.letters("outbox"),
        lambda: telemetry.logs("/other", 0, 1),
        lambda: telemetry.series(dataclasses.replace(detail.rule, queries="[]"), 0, 60),
        lambda: replayed.source.campaign("nope"),
    ):
        with pytest.raises(ConsoleError, match="the recording has no") as caught:
            ask()
        assert caught.value.problem.kind is ProblemKind.NOT_FOUND


def test_a_campaign_is_found_in_the_list_where_it_was_not_asked_for(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    sent = session.stack.send(CampaignRequest(5, 1.0, "x", "k"))
    (campaign,) = session.connection.source.campaigns()
    assert open_recording(session.path, at_end=True).source.campaign(sent.id) == campaign


def test_trouble_is_recorded_and_is_over_when_it_was(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    alarms = session.connection.source.alarms()
    session.clock.time += 10
    session.stack.error = TimeoutError()
    with pytest.raises(TimeoutError):
        session.connection.source.alarms()
    session.stack.error = None
    session.clock.time += 10
    session.connection.source.alarms()
    replayed = open_recording(session.path, clock=StoppedClock())
    assert isinstance(replayed.clock, ReplayClock)
    for seconds, well in ((0, True), (10, False), (20, True)):
        replayed.clock.seek(START + seconds)
        if well:
            assert replayed.source.alarms() == alarms
        else:
            with pytest.raises(ConsoleError) as caught:
                replayed.source.alarms()
            assert caught.value.problem.kind is ProblemKind.TIMED_OUT


def test_a_recording_is_readable_wherever_its_console_died(tmp_path: Path) -> None:
    session = Session(tmp_path / "whole.jsonl")
    for _ in range(4):
        session.poll()
        session.clock.time += 5
    whole = session.path.read_bytes()
    head = whole.index(b"\n") + 1
    cut = tmp_path / "cut.jsonl"
    for end in itertools.chain(range(head, len(whole), 97), [len(whole)]):
        cut.write_bytes(whole[:end])
        replayed = open_recording(cut, at_end=True, clock=StoppedClock())
        lines = whole[:end].count(b"\n") - 1
        assert (replayed.clock.now() == START) if lines <= 6 else (replayed.clock.now() > START)  # type: ignore[union-attr]


def test_a_full_recording_ends_and_the_console_goes_on(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl", max_bytes=6_000)
    session.connection.source.alarms()
    for number in range(40):
        session.stack.send(CampaignRequest(5, 1.0, "x", f"k{number}"))
        session.poll()
        session.clock.time += 1
    assert session.path.stat().st_size <= 6_000
    assert "full" in session.recorder.note()
    assert open_recording(session.path, at_end=True).source.alarms() == session.stack.alarm_list


def test_nothing_is_overwritten_and_only_its_owner_reads_a_recording(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    assert session.path.stat().st_mode & 0o077 == 0
    assert session.recorder.note().startswith("recording to r.jsonl")
    for path in (session.path, tmp_path / "nowhere" / "r.jsonl"):
        with pytest.raises(ConsoleError, match="cannot be recorded to") as caught:
            Session(path)
        assert caught.value.problem.kind is ProblemKind.BAD_INPUT


@pytest.mark.parametrize(
    "text",
    ["", "\n", "{}\n", '{"schema": 99, "at": 1, "outputs": {}}\n', '{"schema": 1, "at": 1, "outputs": {}}\n'],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    with pytest.raises(ConsoleError, match="cannot be replayed") as caught:
        open_recording(path)
    assert "--record" in caught.value.problem.remedy
    with pytest.raises(ConsoleError, match="cannot be replayed"):
        open_recording(tmp_path / "nowhere")


def test_a_hostile_recording_drives_no_terminal(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    session.connection.source.alarms()
    session.connection.telemetry.queues()
    text = session.path.read_text().replace("Threshold Crossed", "\\u001b]52;c;ZXZpbA==\\u0007Crossed")
    text = text.replace("fake-receipts", "\\u202e\\u001b[2J")
    session.path.write_text(text)
    replayed = open_recording(session.path, at_end=True)
    assert "\x1b" not in repr(replayed.outputs)
    assert any(alarm.reason.startswith("]52;c;ZXZpbA==Crossed") for alarm in replayed.source.alarms())
    assert not any(mark in state.queue.url for state in replayed.telemetry.queues() for mark in "\x1b\u202e")
    broken = session.path.read_text().replace('"ALARM"', '"LOUD"')
    session.path.write_text(broken)
    with pytest.raises(ConsoleError, match="shape") as caught:
        open_recording(session.path, at_end=True).source.alarms()
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER
    session.path.write_text(broken.replace('{"at"', "{at", 1))
    with pytest.raises(ConsoleError, match="line 2 is broken"):
        open_recording(session.path)


def test_nothing_can_be_done_in_a_replay(tmp_path: Path) -> None:
    session = Session(tmp_path / "r.jsonl")
    api = open_recording(session.path).api
    for act in (
        lambda: api.plan(CampaignRequest(1, 1.0, "x", "k")),
        lambda: api.send(CampaignRequest(1, 1.0, "x", "k")),
        lambda: api.state("c"),
        lambda: api.change("c", CampaignChange(ChangeKind.PAUSE), 1),
        api.ping,
    ):
        with pytest.raises(ConsoleError, match="replay") as caught:
            act()
        assert caught.value.problem.kind is ProblemKind.FORBIDDEN


def test_the_replays_clock_runs_stands_and_ends() -> None:
    real = StoppedClock(50.0)
    clock = ReplayClock(1_000.0, 1_100.0, real)
    real.time += 10
    assert (clock.now(), clock.monotonic()) == (1_010.0, 60.0)
    clock.run(4)
    real.time += 10
    assert clock.now() == 1_050.0
    clock.run(0)
    real.time += 99
    assert clock.now() == 1_050.0
    clock.run(1)
    real.time += 1_000
    assert clock.now() == 1_100.0
    clock.seek(1_020.0)
    assert clock.now() == 1_020.0


def test_a_snapshot_of_a_replay_is_that_of_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(tmp_path / "r.jsonl")
    session.stack.send(CampaignRequest(40, 2.0, "x", "k"))
    session.poll()
    session.clock.time += 30
    session.poll()
    session.recorder.close()
    assert main(["--replay", str(session.path), "--once", "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["stack"], shown["campaigns"][0]["id"]) == ("dev", "fake-001")
    send = ["campaign", "send", "--recipients", "5", "--tps", "1", "--allow-actions", "--confirm", "dev"]
    assert main([*send, "--replay", str(session.path)]) == ExitCode.CANNOT
    assert "replay" in capsys.readouterr().err
    assert main(["--replay", str(session.path), "--record", "x", "--once"]) == ExitCode.CANNOT
    assert "not recorded again" in capsys.readouterr().err


def test_a_problem_keeps_its_words() -> None:
    problem = Problem(ProblemKind.CREDENTIALS, "a", "b", "aws sso login")
    assert msgspec.json.decode(encode(problem), type=Problem) == problem
