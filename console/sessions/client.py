"""Members of a session: what one asks is answered where it asked, what others send waits in the order of its arrival.

The protocol is docs/sessions.md. All times are seconds of the clock that the member was given.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.domain import ConsoleError, ProblemKind
from console.sessions.handshake import OPEN_SECONDS, open_socket
from console.text import safe_line

GREETING_SECONDS = 15.0
"""The greeting comes by the stream of the connections table; after this it has been lost."""
ANSWER_SECONDS = 30.0
"""API Gateway waits 29 s for a function (API Gateway quotas, "WebSocket API")."""
GREETINGS = frozenset({"sessionCreated", "sessionJoined"})

Message = dict[str, Any]
"""A JSON object of the other side, its texts foreign until shown."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message and when it came."""

    message: Message
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with, and after how many seconds."""

    message: Message
    took: float

    @property
    def type(self) -> str:
        """The message's type."""
        return safe_line(self.message.get("type", ""), 40)


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that are waited for the handshake, the greeting and each answer."""

    handshake: float = OPEN_SECONDS
    greeting: float = GREETING_SECONDS
    answer: float = ANSWER_SECONDS


class AnsweredError(ConsoleError):
    """A request was answered with an error message; `code` is the session's own word for it."""

    def __init__(self, action: str, message: Mapping[str, Any]) -> None:
        self.code = safe_line(message.get("code", "unknown"), 40)
        why = safe_line(message.get("message", "no reason was given"), 200)
        super().__init__(ProblemKind.CONFLICT, f"{action} was refused with {self.code}: {why}")


class LostError(ConsoleError):
    """The connection has ended; nothing more comes of it."""

    def __init__(self, why: str) -> None:
        super().__init__(ProblemKind.UNREACHABLE, f"the connection has ended ({why})", "connect again")


class Member:
    """One connection of a session; `connected` and `greeted` are seconds since connecting began.

    `ended` is set once the session has told its end; `closed` once the connection is no more.
    """

    def __init__(self, endpoint: str, socket: ClientConnection, waits: Waits, monotonic: Callable[[], float]) -> None:
        self.greeting: Message = {}
        self.connected = 0.0
        self.greeted = 0.0
        self.ended = asyncio.Event()
        self.closed = asyncio.Event()
        self._endpoint = endpoint
        self._socket = socket
        self._waits = waits
        self._monotonic = monotonic
        self._lost: LostError | None = None
        self._greeting: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[Arrival]] = {}
        self._numbers = itertools.count(1)
        self._messages: asyncio.Queue[Arrival | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def enter(
        cls,
        endpoint: str,
        query: Mapping[str, str],
        *,
        waits: Waits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Connect and wait for the greeting; raises `ConsoleError` and leaves no connection behind without one."""
        waits = waits or Waits()
        began = monotonic()
        member = cls(endpoint, await open_socket(endpoint, query, waits.handshake), waits, monotonic)
        member.connected = monotonic() - began
        try:
            arrival = await member._within(member._greeting, waits.greeting, "no greeting came")
        except BaseException:
            await member.close()
            raise
        member.greeting, member.greeted = arrival.message, arrival.at - began
        return member

    async def moved(self) -> Self:
        """A new connection that takes this one's place; the session closes this one when the other is greeted."""
        token = str((await self.ask("refreshConnection")).message.get("refreshToken", ""))
        query = {"action": "refreshConnection", "refreshToken": token}
        return await self.enter(self._endpoint, query, waits=self._waits, monotonic=self._monotonic)

    @property
    def session_id(self) -> str:
        """The session's id."""
        return safe_line(self.greeting.get("sessionId", ""), 64)

    async def ask(self, action: str, **fields: object) -> Answer:
        """Send a message and wait for its answer; raises `AnsweredError` for an error message, `LostError`."""
        number = next(self._numbers)
        answered: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        began = self._monotonic()
        try:
            await self._send({"action": action, **fields, "requestId": number})
            arrival = await self._within(answered, self._waits.answer, f"{action} was not answered")
        finally:
            self._waiting.pop(number, None)
        if arrival.message.get("type") == "error":
            raise AnsweredError(action, arrival.message)
        return Answer(arrival.message, arrival.at - began)

    async def heartbeat(self) -> Answer:
        """Say that somebody is still there; notices about an old connection are answers too."""
        return await self.ask("heartbeat")

    async def message(self) -> Arrival:
        """The next message of the session; raises `LostError` when none can come any more."""
        arrival = await self._messages.get()
        if arrival is None:
            self._messages.put_nowait(None)
            raise self._lost or LostError("closed")
        return arrival

    async def close(self) -> None:
        """Close the connection, and wait until it is."""
        await self._socket.close()
        await self._reader

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, message: Mapping[str, object]) -> None:
        try:
            await self._socket.send(json.dumps(message, separators=(",", ":")))
        except ConnectionClosed as error:
            raise self._lost or LostError(_why(self._socket)) from error

    async def _within(self, answered: asyncio.Future[Arrival], seconds: float, missing: str) -> Arrival:
        if self._lost is not None:
            raise self._lost
        try:
            async with asyncio.timeout(seconds):
                return await answered
        except TimeoutError as error:
            raise ConsoleError(
                ProblemKind.TIMED_OUT, f"{missing} within {seconds:g} s", "the functions' logs say more"
            ) from error

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._received(text, self._monotonic())
        except ConnectionClosed:
            pass  # told below, as the end that was agreed on is
        finally:
            self._lost = LostError(_why(self._socket))
            for waiting in (self._greeting, *self._waiting.values()):
                if not waiting.done():
                    waiting.set_exception(self._lost)
                    waiting.exception()  # whoever still waits is told; a greeting may have nobody left
            self._messages.put_nowait(None)
            self.closed.set()

    def _received(self, text: str | bytes, at: float) -> None:
        message = _message(text)
        kind, number = message.get("type"), message.get("requestId")
        arrival = Arrival(message, at)
        if kind == "sessionEnded":
            self.ended.set()
        waiting = self._waiting.get(number) if isinstance(number, int) else None
        if waiting is None and kind in GREETINGS:
            waiting = self._greeting
        if waiting is None:
            self._messages.put_nowait(arrival)
        elif not waiting.done():
            waiting.set_result(arrival)


def _message(text: str | bytes) -> Message:
    """A message, `{}` for what is none of this protocol."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _why(socket: ClientConnection) -> str:
    code, reason = socket.close_code, safe_line(socket.close_reason or "", 120)
    return f"{code} {reason}".strip() if code is not None else "closed by us"


class SpeakerClient(Member):
    """The speaker of a session; `token` is a Cognito ID token, which travels in the query string."""

    @classmethod
    async def create(cls, endpoint: str, token: str, source_language: str, **how: Any) -> Self:
        """Open a session; `how` is as `enter` has it."""
        query = {"action": "createSession", "sourceLanguage": source_language, "token": token}
        return await cls.enter(endpoint, query, **how)

    @classmethod
    async def resume(cls, endpoint: str, token: str, session_id: str, **how: Any) -> Self:
        """Come back to a session that has lost its speaker."""
        return await cls.enter(endpoint, {"action": "resumeSession", "sessionId": session_id, "token": token}, **how)

    async def broadcast(self, payload: object, language: str | None = None) -> Answer:
        """Send to the listeners of one language or of all; the answer says how many were reached."""
        wanted = {} if language is None else {"targetLanguage": language}
        return await self.ask("broadcast", payload=payload, **wanted)

    async def end(self) -> Answer:
        """End the session for everybody."""
        return await self.ask("endSession")


class ListenerClient(Member):
    """A listener of a session in one language."""

    @classmethod
    async def join(cls, endpoint: str, session_id: str, language: str, **how: Any) -> Self:
        """Join a session; `how` is as `enter` has it."""
        query = {"action": "joinSession", "sessionId": session_id, "targetLanguage": language}
        return await cls.enter(endpoint, query, **how)

    async def replay(self, after: int) -> Answer:
        """Ask for the messages after that sequence number again; they come before the answer, as `message`s."""
        return await self.ask("replay", after=after)
