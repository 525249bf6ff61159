"""A session at its limit: 500 listeners, of whom a third vanishes without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from console.sessions.handshake import HandshakeRefusedError
from lambdas.core.outputs import StackOutputs
from localcloud.launch import LocalCloud
from localcloud.websocket_profile import WebSocketProfile
from tests.support.session_stack import SessionStack, connection_id, vanish

LISTENERS = 500
GONE = 150


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
