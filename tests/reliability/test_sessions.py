"""Sessions at their limits: 500 listeners of whom a third vanishes without a word, and listeners that do not read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.sessions.handshake import HandshakeRefusedError
from lambdas.core.outputs import StackOutputs
from localcloud.launch import LocalCloud
from localcloud.websocket_profile import WebSocketProfile
from tests.support.session_stack import SessionStack, connection_id, stop_reading, vanish

LISTENERS = 500
GONE = 150
READING, STUCK = 120, 8
LARGE = "x" * 30_000
MOST_LARGE = 500
"""Of these a client that reads nothing takes some two hundred, in the buffers of both ends and of the gateway."""
MOST_GROWTH_KB = 64 * 1024
"""Half of what all of them would take up that were sent to those who do not read."""


@pytest.fixture
def sessions(cloud: LocalCloud) -> Iterator[SessionStack]:
    """The stack's sessions, where nobody is told of a connection's end."""
    cloud.control.set_websocket_profile(WebSocketProfile(lost_disconnect_rate=1.0))
    yield SessionStack(cloud, StackOutputs.from_mapping(cloud.outputs()))
    cloud.control.set_websocket_profile(WebSocketProfile())


def test_500_listeners_of_whom_150_vanish(sessions: SessionStack) -> None:
    async def body() -> None:
        languages = [("de", "fr", "es", "pt-br")[number % 4] for number in range(LISTENERS)]
        async with sessions.session(*languages) as (speaker, listeners):
            with pytest.raises(HandshakeRefusedError) as full:
                await sessions.listener(speaker.session_id)
            assert "503" in str(full.value), "one more is one too many"
            told = (await speaker.broadcast("to all")).message
            assert (told["listeners"], told["reached"], told["failed"]) == (LISTENERS, LISTENERS, 0)
            gone, left = listeners[:GONE], listeners[GONE:]
            for member in gone:
                vanish(member)
            await asyncio.gather(*(member.closed.wait() for member in gone))
            for member in gone:
                await asyncio.to_thread(sessions.age, connection_id(member), 1)
            told = (await speaker.broadcast("to those who stayed")).message
            assert (told["reached"], told["gone"], told["failed"]) == (LISTENERS - GONE, GONE, 0)
            for member in left:
                arrived = [(await asyncio.wait_for(member.message(), 60)).message for _ in range(2)]
                assert [each["payload"] for each in arrived] == ["to all", "to those who stayed"]
                assert {each["sessionId"] for each in arrived} == {speaker.session_id}
            session = sessions.store.session(speaker.session_id)
            assert session is not None
            assert session.listeners == len(sessions.store.listener_ids(speaker.session_id)) == LISTENERS - GONE
            await speaker.end()
            await asyncio.wait_for(asyncio.gather(*(member.ended.wait() for member in left)), 60)

    asyncio.run(body())


def test_listeners_that_do_not_read_hold_up_nobody(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session(*["de"] * READING, *["fr"] * STUCK) as (speaker, listeners):
            readers, stuck = listeners[:READING], listeners[READING:]
            for member in stuck:
                stop_reading(member)
            before_kb = memory_kb(sessions.cloud.pid)
            said: list[str] = []
            for number in range(MOST_LARGE):
                told = (await speaker.broadcast(LARGE, "fr")).message
                if told["reached"] == 0:
                    break
                if number % 20 == 0 or (told["failed"] and len(said) < 50):
                    said.append(f"message {number}")
                    told = (await speaker.broadcast(said[-1])).message
                    assert told["reached"] >= READING, "who does not read is nobody else's trouble"
            assert told["reached"] == 0, "those who read nothing are refused or cut off"
            for member in readers:
                arrived = [(await asyncio.wait_for(member.message(), 60)).message["payload"] for _ in said]
                assert arrived == said
            assert memory_kb(sessions.cloud.pid) - before_kb < MOST_GROWTH_KB

    asyncio.run(body())


def memory_kb(pid: int) -> int:
    """What a process has in memory (proc(5), `VmRSS`)."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1])
