"""Sessions of an embedded cloud: tried out by the command, seen by the console, gone when they have ended."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.exit_codes import ExitCode
from console.services.connect import Options, connect
from console.services.embedded import Ready
from console.sessions.client import ListenerClient, SpeakerClient
from console.sessions.speakers import temporary_speaker
from console.sessions.state import SessionState, SpeakerState, Status
from console.sources.base import Connection
from tests.console.processes import hearing_ctrl_c, until

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120.0


@pytest.fixture
def connection(cloud: Ready) -> Iterator[Connection]:
    """A console over the embedded cloud."""
    opened = connect(Options(endpoint_url=cloud.endpoint_url), lambda step: None)
    yield opened
    opened.close()


def command(cloud: Ready, *words: str) -> list[str]:
    """`session test` as a person types it."""
    return [sys.executable, "-m", "console.cli", "session", "test", "--endpoint-url", cloud.endpoint_url, *words]


def speakers(connection: Connection) -> list[str]:
    """The users of the speakers' pool."""
    assert connection.clients is not None
    pool = connection.outputs.sessions.session_user_pool_id
    answer: dict[str, Any] = connection.clients.client("cognito-idp").list_users(UserPoolId=pool)
    return [user["Username"] for user in answer["Users"]]


def open_sessions(connection: Connection) -> list[SessionState]:
    """The sessions that are open."""
    return [each for each in connection.sessions.roster().sessions if each.status is Status.ACTIVE]


def test_a_session_is_tried_out_and_nothing_of_it_is_left(cloud: Ready, connection: Connection) -> None:
    words = ("--listeners", "12", "--ramp", "20", "--languages", "de,fr", "--broadcasts", "2", "--json")
    done = subprocess.run(
        command(cloud, *words), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == ExitCode.OK, done.stderr
    told = json.loads(done.stdout)
    assert told["listeners"] == {"wanted": 12, "joined": 12, "refused": 0, "connections_lost": 0}
    assert told["messages"] == {"expected": 24, "lost": 0, "twice": 0}
    assert (told["broken"], told["left"], told["troubles"]) == (None, [], {})
    assert {name: each["count"] > 0 for name, each in told["latencies"].items()} == dict.fromkeys(
        told["latencies"], True
    )
    assert speakers(connection) == []
    assert told["session_id"] not in [each.id for each in open_sessions(connection)]


def test_ctrl_c_leaves_neither_session_nor_speaker(cloud: Ready, connection: Connection) -> None:
    child = subprocess.Popen(
        command(cloud, "--listeners", "500", "--ramp", "2"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hearing_ctrl_c,
    )
    try:
        until(lambda: any(each.listeners >= 2 for each in open_sessions(connection)), "two have joined")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE_SECONDS)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == ExitCode.INTERRUPTED, err
    assert "left" not in err
    assert "was not ended" not in err
    assert speakers(connection) == []
    assert [each.id for each in open_sessions(connection)] == []


def test_what_the_screen_tells_of_a_session_follows_it(connection: Connection) -> None:
    sessions, outputs, clients = connection.sessions, connection.outputs.sessions, connection.clients
    assert clients is not None

    async def speak(token: str) -> str:
        endpoint = outputs.websocket_api_endpoint
        speaker = await SpeakerClient.create(endpoint, token, "en")
        listeners = [await ListenerClient.join(endpoint, speaker.session_id, each) for each in ("de", "de", "fr")]
        await speaker.broadcast("hello")
        await asyncio.to_thread(seen, speaker.session_id)
        await speaker.end()
        for each in (*listeners, speaker):
            await each.close()
        return speaker.session_id

    def seen(session_id: str) -> None:
        until(lambda: sessions.session(session_id).found == 3, "the index has all listeners")
        detail = sessions.session(session_id)
        assert detail.by_language == {"de": 2, "fr": 1}
        assert (detail.session.listeners, detail.session.sequence, detail.session.source_language) == (3, 1, "en")
        assert detail.session.speaker_state(detail.session.created) is SpeakerState.CONNECTED
        assert (detail.connections.read, detail.connections.to_move, detail.connections.unseen) == (4, 0, 0)
        assert (detail.terms.max_active, detail.terms.max_listeners, detail.terms.refresh_minutes) == (100, 500, 100)

    with temporary_speaker(clients, outputs, pytest.fail) as token:
        ended = asyncio.run(speak(token))
    assert ended not in [each.id for each in open_sessions(connection)]
    until(lambda: sessions.gauges().active.points[-1] is not None, "the gauges answer")
    until(lambda: sessions.hour().join.p95 is not None, "joins were measured")
