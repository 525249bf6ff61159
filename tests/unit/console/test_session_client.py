"""Members of a session over real sockets: answers find their questions, refusals and losses are one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from console.domain import ConsoleError, ProblemKind
from console.sessions.client import AnsweredError, ListenerClient, LostError, SpeakerClient, Waits
from console.sessions.handshake import MEANINGS, HandshakeRefusedError
from tests.support.awaited import awaited
from tests.support.session_server import TOKEN, Flaws, SessionServer

SOON = Waits(handshake=5.0, greeting=0.2, answer=0.2)


@asynccontextmanager
async def speaking(server: SessionServer, waits: Waits | None = None) -> AsyncIterator[SpeakerClient]:
    async with await SpeakerClient.create(server.endpoint, TOKEN, "en", waits=waits) as speaker:
        yield speaker


@awaited
async def test_a_session_from_its_opening_to_its_end() -> None:
    async with SessionServer() as server, speaking(server) as speaker:
        german = await ListenerClient.join(server.endpoint, speaker.session_id, "de")
        french = await ListenerClient.join(server.endpoint, speaker.session_id, "fr")
        assert (await german.heartbeat()).type == "heartbeatAck"
        assert (await speaker.broadcast("hello")).message["reached"] == 2
        assert (await speaker.broadcast({"a": [1]}, "de")).message["reached"] == 1
        assert [(await german.message()).message["payload"] for _ in range(2)] == ["hello", {"a": [1]}]
        assert (await french.message()).message["sequence"] == 1
        assert (await speaker.end()).message["reason"] == "endedBySpeaker"
        async with asyncio.timeout(5):
            await french.ended.wait()
            assert (await german.message()).message["type"] == "sessionEnded"
            await german.closed.wait()
        with pytest.raises(LostError):
            await german.message()
        with pytest.raises(LostError):
            await german.heartbeat()
        await french.close()


@awaited
async def test_answers_find_their_questions_however_many_are_asked_at_once() -> None:
    async with SessionServer() as server, speaking(server) as speaker:
        answers = await asyncio.gather(*(speaker.broadcast(number) for number in range(50)))
        assert [answer.message["sequence"] for answer in answers] == list(range(1, 51))


@awaited
async def test_a_member_moves_and_hears_what_comes_after() -> None:
    async with SessionServer() as server, speaking(server) as speaker:
        before = await ListenerClient.join(server.endpoint, speaker.session_id, "de")
        await speaker.broadcast("missed by none")
        async with await before.moved() as after:
            await before.close()
            await speaker.broadcast("after the move")
            assert (await after.message()).message["payload"] == "after the move"
            assert (await after.replay(0)).message["complete"]
            assert (await after.message()).message["payload"] == "missed by none"


@awaited
async def test_an_error_is_raised_with_its_code() -> None:
    async with SessionServer() as server, speaking(server) as speaker:
        listener = await ListenerClient.join(server.endpoint, speaker.session_id, "de")
        with pytest.raises(AnsweredError, match="broadcast was refused with NOT_SPEAKER: only the session") as told:
            await listener.ask("broadcast", payload="me too")
        assert told.value.code == "NOT_SPEAKER"
        await listener.close()


@pytest.mark.parametrize("status", sorted(MEANINGS))
@awaited
async def test_a_refused_handshake_is_one_sentence_with_status_code_and_remedy(status: int) -> None:
    async with SessionServer(Flaws(refused={0: status})) as server:
        with pytest.raises(HandshakeRefusedError) as told:
            await ListenerClient.join(server.endpoint, "session-1", "de")
    problem = told.value.problem
    assert (told.value.status, problem.kind) == (status, MEANINGS[status][0])
    assert problem.sentence.startswith(f"the handshake was refused with {status} {told.value.code}: ")
    assert problem.remedy


@awaited
async def test_a_refusal_without_a_body_and_of_an_unknown_status_is_told_as_well() -> None:
    async with SessionServer(Flaws(refused={0: 500}, bodies=False)) as server:
        with pytest.raises(HandshakeRefusedError, match="refused with 500: this is none of a session's answers"):
            await ListenerClient.join(server.endpoint, "session-1", "de")


@awaited
async def test_no_token_and_a_wrong_one_are_told_apart() -> None:
    async with SessionServer() as server:
        with pytest.raises(HandshakeRefusedError, match="403"):
            await SpeakerClient.create(server.endpoint, "another", "en")


@awaited
async def test_a_listener_who_is_never_greeted_leaves_no_connection_behind() -> None:
    async with SessionServer(Flaws(ungreeted=frozenset({0}))) as server, speaking(server) as speaker:
        with pytest.raises(ConsoleError, match=r"no greeting came within 0\.2 s") as told:
            await ListenerClient.join(server.endpoint, speaker.session_id, "de", waits=SOON)
        assert told.value.problem.kind is ProblemKind.TIMED_OUT
        async with asyncio.timeout(5):
            while server.listeners:
                await asyncio.sleep(0)


@awaited
async def test_a_question_without_an_answer_and_one_whose_server_dies() -> None:
    async with SessionServer(Flaws(silent=frozenset({"heartbeat"}), dies_at=1)) as server:
        async with speaking(server, SOON) as speaker:
            with pytest.raises(ConsoleError, match=r"heartbeat was not answered within 0\.2 s"):
                await speaker.heartbeat()
        async with speaking(server) as speaker:
            with pytest.raises(LostError, match="the connection has ended"):
                await speaker.broadcast("the last words")


@awaited
async def test_nobody_there_is_one_sentence_that_keeps_the_token_to_itself() -> None:
    async with SessionServer() as server:
        endpoint = server.endpoint
    with pytest.raises(ConsoleError, match="no session answers at ws://127") as told:
        await SpeakerClient.create(endpoint, "secret-token", "en")
    assert "secret-token" not in str(told.value)
    with pytest.raises(ConsoleError, match="is no address of sessions"):
        await SpeakerClient.create("https://example.com/prod", "secret-token", "en")


@awaited
async def test_what_is_no_message_reaches_whoever_listens_as_an_empty_one() -> None:
    async def nonsense(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "sessionJoined", "sessionId": "\x1b[2Jsession"}))
        for text in ("{", "[1]", "[" * 100_000, '{"type": "heartbeatAck", "requestId": {}}'):
            await connection.send(text)
        await connection.wait_closed()

    async with serve(nonsense, "127.0.0.1", 0) as server:
        endpoint = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        async with await ListenerClient.join(endpoint, "session-1", "de") as listener:
            assert listener.session_id == "[2Jsession"
            assert [(await listener.message()).message.get("type") for _ in range(4)] == [None] * 3 + ["heartbeatAck"]
