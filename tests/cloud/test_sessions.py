"""Sessions of the provisioned stack, end to end: real tokens, real sockets, the functions as they are deployed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from console.sessions.client import AnsweredError, ListenerClient, Member, SpeakerClient
from lambdas.core.outputs import StackOutputs
from localcloud.launch import LocalCloud
from localcloud.websocket_profile import WebSocketProfile
from tests.support.session_stack import WAITS, SessionStack, connection_id, vanish


@pytest.fixture(scope="module")
def sessions(cloud: LocalCloud) -> SessionStack:
    return SessionStack(cloud, StackOutputs.from_mapping(cloud.outputs()))


@pytest.fixture
def lost_disconnects(cloud: LocalCloud) -> Iterator[None]:
    """API Gateway tells of no connection's end."""
    cloud.control.set_websocket_profile(WebSocketProfile(lost_disconnect_rate=1.0))
    yield
    cloud.control.set_websocket_profile(WebSocketProfile())


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


async def until(probe: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that the functions do when they come to it."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(probe):
            await asyncio.sleep(0.05)


async def refused(asking: Awaitable[Any]) -> str:
    with pytest.raises(AnsweredError) as error:
        await asking
    return error.value.code


def test_a_speaker_and_listeners_of_two_languages(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de", "fr", "de") as (speaker, (german, french, other)):
            assert speaker.greeting["type"] == "sessionCreated"
            assert (german.greeting["targetLanguage"], german.greeting["sourceLanguage"]) == ("de", "en")
            assert (await speaker.heartbeat()).type == (await french.heartbeat()).type == "heartbeatAck"
            told = (await speaker.broadcast({"text": "Hello \U0001f600"})).message
            assert (told["sequence"], told["listeners"], told["reached"]) == (1, 3, 3)
            assert (await speaker.broadcast("guten Tag", "de")).message["reached"] == 2
            for listener, payloads in ((german, 2), (other, 2), (french, 1)):
                arrived = [(await listener.message()).message for _ in range(payloads)]
                assert [each["payload"] for each in arrived] == [{"text": "Hello \U0001f600"}, "guten Tag"][:payloads]
                assert [each["sequence"] for each in arrived] == list(range(1, payloads + 1))
            replayed = (await french.replay(0)).message
            assert (replayed["from"], replayed["to"], replayed["complete"]) == (1, 2, True)
            assert (await french.message()).message["sequence"] == 1
            assert await refused(german.ask("broadcast", payload="not mine")) == "NOT_SPEAKER"
            await speaker.end()
            for listener in (german, french, other):
                await asyncio.wait_for(listener.ended.wait(), 20)
                await asyncio.wait_for(listener.closed.wait(), 20)
            assert speaker.session_id in sessions.store.roster().closing
            assert sessions.store.listener_ids(speaker.session_id) == []
        sessions.look(minutes_ahead=1)
        assert speaker.session_id not in sessions.store.roster().closing

    run(body())


def test_old_connections_are_told_and_move_without_a_gap(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de") as (speaker, (listener,)):
            session_id = speaker.session_id
            sessions.age(connection_id(listener), 104.5)
            assert (await listener.heartbeat()).type == "connectionRefreshRequired"
            sessions.age(connection_id(speaker), 105)
            assert (await speaker.heartbeat()).type == "connectionWarning"
            new_listener, new_speaker = await listener.moved(), await speaker.moved()
            async with new_listener, new_speaker:
                for old in (listener, speaker):
                    await asyncio.wait_for(old.closed.wait(), 20)
                assert (await new_listener.heartbeat()).type == "heartbeatAck"
                assert new_listener.greeting["targetLanguage"] == "de"
                assert (await new_speaker.broadcast("from the new one")).message["reached"] == 1
                assert (await new_listener.message()).message["payload"] == "from the new one"
                session = sessions.store.session(session_id)
                assert session is not None
                assert (session.listeners, session.speaker_connection) == (1, connection_id(new_speaker))
                assert session.speaker_gone_ms is None
                await new_speaker.end()

    run(body())


def test_a_refresh_token_is_good_once_and_the_last_one_only(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de") as (_, (listener,)):
            first, last = [(await listener.ask("refreshConnection")).message["refreshToken"] for _ in range(2)]
            assert await status(sessions, {"action": "refreshConnection", "refreshToken": first}) == 403
            query = {"action": "refreshConnection", "refreshToken": last}
            async with await ListenerClient.enter(sessions.endpoint, query, waits=WAITS):
                assert await status(sessions, query) == 403

    run(body())


def test_who_vanishes_is_missed_by_nobody(sessions: SessionStack, lost_disconnects: None) -> None:
    async def body() -> None:
        async with sessions.session(*["de"] * 8) as (speaker, listeners):
            gone, left = listeners[:3], listeners[3:]
            for member in gone:
                vanish(member)
                await member.closed.wait()
            # A connection that has just opened is never taken for gone.
            assert (await speaker.broadcast("one")).message["reached"] == 5
            for member in gone:
                sessions.age(connection_id(member), 1)
            told = (await speaker.broadcast("two")).message
            assert (told["reached"], told["gone"]) == (5, 3)
            for member in left:
                assert [(await member.message()).message["payload"] for _ in "12"] == ["one", "two"]
            session = sessions.store.session(speaker.session_id)
            assert session is not None
            assert session.listeners == len(sessions.store.listener_ids(speaker.session_id)) == 5

    run(body())


def test_a_connection_that_went_silently_is_found_lost(sessions: SessionStack, lost_disconnects: None) -> None:
    async def body() -> None:
        async with sessions.session("de", "de") as (speaker, (first, second)):
            vanish(first)
            await first.closed.wait()
            sessions.age(connection_id(first), 8)
            assert sessions.look().lost >= 1
            session = sessions.store.session(speaker.session_id)
            assert session is not None
            assert session.listeners == 1
            assert (await second.heartbeat()).type == "heartbeatAck"

    run(body())


def test_a_close_is_told_and_counted(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de", "de") as (speaker, (first, _)):
            await first.close()
            await until(lambda: getattr(sessions.store.session(speaker.session_id), "listeners", None) == 1)

    run(body())


async def status(sessions: SessionStack, query: dict[str, str]) -> int:
    """The status that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as error:
        async with connect(f"{sessions.endpoint}?{urlencode(query)}", open_timeout=30):
            pass
    return error.value.response.status_code


def test_handshakes_are_refused_with_a_reason(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session() as (speaker, _):
            ours = {"sessionId": speaker.session_id}
            token = await asyncio.to_thread(sessions.token)
            create = {"action": "createSession", "sourceLanguage": "en"}
            head, payload, signature = token.split(".")
            for query, expected in (
                ({}, 400),
                ({"action": "dance"}, 400),
                ({"action": "joinSession", **ours}, 400),
                ({"action": "joinSession", "sessionId": "x", "targetLanguage": "de"}, 400),
                ({"action": "joinSession", "sessionId": "session-none", "targetLanguage": "de"}, 404),
                (create, 401),
                ({**create, "token": f"{head}.{payload}.{signature[:-8]}AAAAAAAA"}, 403),
                ({**create, "token": "no token"}, 403),
                ({"action": "resumeSession", **ours}, 401),
                ({"action": "resumeSession", **ours, "token": token}, 404),
                ({"action": "refreshConnection", "refreshToken": "none"}, 403),
            ):
                assert await status(sessions, dict(query)) == expected, query
        assert await status(sessions, {"action": "joinSession", **ours, "targetLanguage": "de"}) == 410

    run(body())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no json", "BAD_JSON"),
        ("[1]", "BAD_REQUEST"),
        ('{"action": 1}', "BAD_REQUEST"),
        ('{"action": "dance"}', "UNKNOWN_ACTION"),
        ('{"action": "replay", "after": -1}', "BAD_REQUEST"),
        ('{"action": "broadcast"}', "BAD_REQUEST"),
        (json.dumps({"action": "broadcast", "payload": "x" * 131_020}), "MESSAGE_TOO_LARGE"),
    ],
)
def test_messages_are_answered_with_a_code(sessions: SessionStack, text: str, code: str) -> None:
    async def body() -> None:
        token = await asyncio.to_thread(sessions.token)
        query = urlencode({"action": "createSession", "sourceLanguage": "en", "token": token})
        async with connect(f"{sessions.endpoint}?{query}", open_timeout=30) as socket:
            assert json.loads(await asyncio.wait_for(socket.recv(), 30))["type"] == "sessionCreated"
            # In frames of 30 KB, as API Gateway wants them.
            await socket.send([text[at : at + 30_000] for at in range(0, len(text), 30_000)])
            told = json.loads(await asyncio.wait_for(socket.recv(), 30))
            assert (told["type"], told["code"]) == ("error", code)
            assert told["message"].count(".") == 0
            await socket.send(json.dumps({"action": "endSession"}))
            assert json.loads(await asyncio.wait_for(socket.recv(), 30))["type"] == "sessionEnded"

    run(body())


def test_a_frame_that_is_too_long_closes_the_connection(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de") as (_, (listener,)):
            await listener._socket.send("x" * 33_000)
            await asyncio.wait_for(listener.closed.wait(), 30)
            assert listener._socket.close_code == 1009

    run(body())


def test_nobody_speaks_in_a_session_of_others(sessions: SessionStack) -> None:
    async def body() -> None:
        async with sessions.session("de") as (one, (mine,)), sessions.session("de") as (other, (theirs,)):
            await one.ask("broadcast", payload="for mine", sessionId=other.session_id)
            await other.broadcast("for theirs")
            assert (await theirs.message()).message["payload"] == "for theirs"
            assert (await mine.message()).message["payload"] == "for mine"
            assert await refused(mine.ask("endSession", sessionId=other.session_id)) == "NOT_SPEAKER"
            for member in (one, other):
                assert (await member.heartbeat()).type == "heartbeatAck"

    run(body())


def test_no_token_or_connection_is_in_any_log(sessions: SessionStack, cloud: LocalCloud) -> None:
    secrets: list[str] = []

    async def body() -> None:
        token = await asyncio.to_thread(sessions.token)
        secrets.append(token.split(".")[2])
        speaker: Member = await SpeakerClient.create(sessions.endpoint, token, "en", waits=WAITS)
        async with speaker:
            secrets.append((await speaker.ask("refreshConnection")).message["refreshToken"])
            secrets.append(connection_id(speaker))
            await speaker.ask("endSession")

    run(body())
    logs = cloud.client("logs")
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        if "/session-" in group["logGroupName"]
    ]
    written = [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    assert any('"operation":"$connect"' in line for line in written)
    assert not [line for line in written if any(secret in line for secret in secrets)]
