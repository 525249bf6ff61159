"""Sessions over real WebSockets on this machine: the protocol of docs/sessions.md, and what can go wrong with it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Queue
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

TOKEN = "a token"
CODES = {400: "BAD_REQUEST", 401: "TOKEN_REQUIRED", 403: "TICKET_INVALID", 404: "SESSION_NOT_FOUND"}


@dataclass(slots=True)
class Flaws:
    """What goes wrong: listeners by the number of their joining (from 0), messages by their sequence (from 1).

    `dies_at` ends every connection when that message is sent.
    """

    ungreeted: frozenset[int] = frozenset()
    refused: Mapping[int, int] = field(default_factory=dict)
    lost: frozenset[tuple[int, int]] = frozenset()
    doubled: frozenset[tuple[int, int]] = frozenset()
    dies_at: int | None = None
    silent: frozenset[str] = frozenset()
    bodies: bool = True


@contextmanager
def serving(flaws: Flaws | None = None, token: str = TOKEN) -> Iterator[SessionServer]:
    """A server in a thread of its own, for callers without an event loop."""
    started: Queue[SessionServer] = Queue()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve_until_over() -> None:
        async with SessionServer(flaws, token) as server:
            started.put(server)
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve_until_over()))
    thread.start()
    try:
        yield started.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


class SessionServer:
    """One session at `endpoint`, while entered; `asked` counts the actions of its members."""

    def __init__(self, flaws: Flaws | None = None, token: str = TOKEN) -> None:
        self.flaws = flaws or Flaws()
        self._token = token
        self.asked: Counter[str] = Counter()
        self.listeners: dict[ServerConnection, tuple[int, str]] = {}
        self.speaker: ServerConnection | None = None
        self.ended = False
        self._joins = 0
        self._sequence = 0
        self._sent: list[dict[str, Any]] = []
        self._moves: dict[str, dict[str, str]] = {}
        self._queries: dict[ServerConnection, dict[str, str]] = {}
        self._stack = AsyncExitStack()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await self._stack.enter_async_context(
            serve(self._talk, "127.0.0.1", 0, process_request=self._let_in, ping_interval=None)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/prod"

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        query = dict(parse_qsl(urlsplit(request.path).query))
        if query.get("action") == "refreshConnection":
            query = self._moves.pop(query.get("refreshToken", ""), {})
            status = 200 if query else 403
        elif query.get("action") == "joinSession":
            status = self._joining(query)
        else:
            status = 200 if query.get("token") == self._token else 403 if "token" in query else 401
        if status != 200:
            body = json.dumps({"code": CODES.get(status, "RATE_LIMITED")}) if self.flaws.bodies else ""
            return connection.respond(HTTPStatus(status), body)
        self._queries[connection] = query
        return None

    def _joining(self, query: dict[str, str]) -> int:
        number, self._joins = self._joins, self._joins + 1
        query["number"] = str(number)
        if self.ended:
            return 410
        return self.flaws.refused.get(number, 200) if query.get("sessionId") == "session-1" else 404

    async def _talk(self, connection: ServerConnection) -> None:
        query = self._queries[connection]
        number = int(query.get("number", -1))
        if number < 0:
            self.speaker, kind = connection, "sessionCreated"
        else:
            self.listeners[connection], kind = (number, query["targetLanguage"]), "sessionJoined"
        try:
            if number not in self.flaws.ungreeted:
                greeting = {"type": kind, "sessionId": "session-1", "sequence": self._sequence, "refreshAt": 0}
                await connection.send(json.dumps({**greeting, "connectionId": str(connection.id)}))
            async for text in connection:
                await self._answer(connection, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.listeners.pop(connection, None)

    async def _answer(self, connection: ServerConnection, asked: dict[str, Any]) -> None:
        action = str(asked["action"])
        self.asked[action] += 1
        if action in self.flaws.silent:
            return
        answers = {
            "heartbeat": self._heartbeat,
            "refreshConnection": self._refresh,
            "broadcast": self._broadcast,
            "replay": self._replay,
            "endSession": self._end,
        }
        answer = await answers[action](connection, asked)
        await connection.send(json.dumps({**answer, "requestId": asked.get("requestId")}))

    async def _heartbeat(self, connection: ServerConnection, asked: dict[str, Any]) -> dict[str, Any]:
        return {"type": "heartbeatAck", "serverTime": 0}

    async def _refresh(self, connection: ServerConnection, asked: dict[str, Any]) -> dict[str, Any]:
        token = f"token-{connection.id}"
        self._moves[token] = self._queries[connection]
        return {"type": "connectionRefresh", "refreshToken": token, "expiresIn": 60}

    async def _broadcast(self, connection: ServerConnection, asked: dict[str, Any]) -> dict[str, Any]:
        if connection is not self.speaker:
            return {"type": "error", "code": "NOT_SPEAKER", "message": "only the session's speaker may do this"}
        self._sequence += 1
        if self._sequence == self.flaws.dies_at:
            for each in (*self.listeners, connection):
                each.transport.abort()
        wanted = asked.get("targetLanguage")
        told = {"type": "message", "sessionId": "session-1", "sequence": self._sequence, "payload": asked["payload"]}
        self._sent.append(told)
        reached = {each: number for each, (number, spoken) in self.listeners.items() if wanted in (None, spoken)}
        for flaw, times in ((self.flaws.lost, 0), (self.flaws.doubled, 2)):
            for each in [each for each, number in reached.items() if (number, self._sequence) in flaw]:
                for _ in range(times):
                    await each.send(json.dumps(told))
        flawed = self.flaws.lost | self.flaws.doubled
        broadcast(
            [each for each, number in reached.items() if (number, self._sequence) not in flawed], json.dumps(told)
        )
        count = len(reached)
        return {"type": "broadcastAck", "sequence": self._sequence, "listeners": count, "reached": count, "gone": 0}

    async def _replay(self, connection: ServerConnection, asked: dict[str, Any]) -> dict[str, Any]:
        for told in self._sent[asked["after"] :]:
            await connection.send(json.dumps(told))
        return {"type": "replayed", "from": asked["after"] + 1, "to": self._sequence, "complete": True}

    async def _end(self, connection: ServerConnection, asked: dict[str, Any]) -> dict[str, Any]:
        self.ended = True
        told = {"type": "sessionEnded", "sessionId": "session-1", "reason": "endedBySpeaker"}
        listeners = list(self.listeners)
        broadcast(listeners, json.dumps(told))
        for each in listeners:
            asyncio.get_running_loop().create_task(each.close())
        return told
