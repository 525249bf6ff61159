"""The embedded cloud as a child: its protocol, its failures, its end, with real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from console.domain import ConsoleError
from console.services.embedded import EmbeddedCloud


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """These children ignore their stdin or obey at once."""
    monkeypatch.setattr("console.services.child.STOP_SECONDS", 1.0)


def child(code: str) -> EmbeddedCloud:
    """A child that runs `code` after the imports."""
    return EmbeddedCloud([sys.executable, "-c", f"import json, sys, time\n{code}"])


def event(**values: object) -> str:
    """Code that prints one event."""
    return f"print({json.dumps(json.dumps(values))}, flush=True)\n"


READY = event(event="ready", endpoint_url="http://127.0.0.1:1", outputs_file="/tmp/outputs.json", region="us-east-1")


def test_progress_is_told_until_it_is_ready_and_it_ends_with_its_stdin() -> None:
    cloud = child(
        event(event="progress", stage="start", done=None, total=None, detail="")
        + event(event="progress", stage="provision", done=3, total=9, detail="Table \x1b[31mcampaigns")
        + READY
        + "print('later talk', flush=True)\nsys.stdin.read()\n"
    )
    steps: list[str] = []
    ready = cloud.start(steps.append)
    assert steps == ["start", "provision 3/9 Table [31mcampaigns"]
    assert ready.endpoint_url == "http://127.0.0.1:1"
    assert ready.outputs_file == Path("/tmp/outputs.json")
    assert cloud._child is not None
    process = cloud._child.process
    assert process.poll() is None
    cloud.stop()
    assert process.poll() is not None
    cloud.stop()


def test_a_child_that_will_not_end_is_killed() -> None:
    cloud = child(READY + "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n")
    cloud.start(lambda _: None)
    assert cloud._child is not None
    process = cloud._child.process
    cloud.stop()
    assert process.poll() == -9


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (event(event="error", message="port taken"), "port taken"),
        ("print('boom', file=sys.stderr)\nsys.exit(3)\n", "ended before it was ready: boom"),
        ("print('not an event', flush=True)\ntime.sleep(600)\n", "no event"),
        ("print('[1]', flush=True)\ntime.sleep(600)\n", "no event"),
        (event(event="ready", region="us-east-1") + "time.sleep(600)\n", "no endpoint"),
    ],
)
def test_a_child_that_fails_is_one_sentence_and_gone(code: str, words: str) -> None:
    cloud = child(code)
    with pytest.raises(ConsoleError, match=words):
        cloud.start(lambda _: None)
    assert not cloud.alive
