"""A replay on a real terminal: the stack as it was, moved through by time, and nothing that could be done to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.domain import CampaignRequest
from console.services.errors import classify
from console.sources.codec import PORTS
from console.sources.fake import FakeStack
from console.sources.intercept import intercepted
from console.sources.recording import Recorder
from tests.console.processes import CONSOLE
from tests.console.terminal import Terminal
from tests.support.stopped_clock import StoppedClock


def recorded(path: Path) -> None:
    """Ten minutes of a stack that sends a campaign from the fifth on."""
    clock = StoppedClock()
    stack = FakeStack(clock, environment="dev")
    recorder = Recorder(path, stack.outputs, clock, classify)
    connection = intercepted(stack.connection(), recorder, tuple(PORTS))
    for beat in range(120):
        if beat == 60:
            stack.send(CampaignRequest(10_000, 20.0, "x", "k"))
        campaigns = connection.source.campaigns()
        connection.source.messages(campaigns)
        connection.source.alarms()
        connection.source.spend()
        clock.time += 5
    recorder.close()


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Terminal]:
    path = tmp_path / "incident.jsonl"
    recorded(path)
    terminal = Terminal([*CONSOLE, "--replay", str(path), "--allow-actions"], columns=120, rows=30)
    yield terminal
    terminal.close()


def obey(terminal: Terminal, command: str) -> None:
    """Type a command."""
    terminal.until(lambda text: "esc leave" not in text)
    terminal.press(":")
    terminal.shows("esc leave")
    terminal.press(f"{command}\r")


def test_a_recorded_stack_is_shown_at_each_of_its_moments(replay: Terminal) -> None:
    text = replay.shows("replay of incident.jsonl")
    for words in ("DEV", "ai-cpaas-demo/dev RO", "REPLAY  2025-11-21 12:00:"):
        assert words in text
    assert "fake-001" not in text
    obey(replay, "speed 0")
    replay.shows("the replay stands still")
    obey(replay, "at 12:06:00")
    replay.shows("REPLAY  2025-11-21 12:06:00")
    replay.shows("fake-001")
    obey(replay, "at start")
    replay.until(lambda text: "fake-001" not in text)
    obey(replay, "at end")
    replay.shows("REPLAY  2025-11-21 12:09:55")
    replay.shows("fake-001")
    obey(replay, "at noon")
    replay.shows("noon is no moment")
    replay.press("a")
    replay.shows("this is a replay: nothing can be done in it")
    replay.press("q")
    assert replay.ended() == 0
