"""One open WebSocket: what waits to be sent, what is in work, and its limits of time and size."""

from __future__ import annotations

import asyncio
import enum
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from localcloud.websocket_events import Socket
from localcloud.websocket_frames import EXTENSION, TOO_BIG
from localcloud.websocket_routes import SocketApi

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
OnMessage = Callable[["Connection", str], "asyncio.Task[None]"]
"""Puts a message into work."""

IDLE_SECONDS = 600
LIFE_SECONDS = 7_200
"""API Gateway developer guide, "Quotas for configuring and running a WebSocket in API Gateway": idle connection
time-out, and connection duration. Messages in either direction count, pings do not."""
BUFFERED_BYTES = 1024 * 1024
"""What waits for a client that does not read; AWS names no size."""
STUCK_SECONDS = 10.0
"""For how long a client with a full buffer may read nothing (real seconds); AWS names no time."""
MESSAGES_IN_WORK = 16
"""Functions at work for one connection; further messages wait in the socket."""
_FLUSH_SECONDS = 1.0


class Ending(enum.Enum):
    """What is left to do for the client when its connection ends."""

    TELL = enum.auto()
    GONE = enum.auto()
    CUT = enum.auto()
    """It reads nothing, so it would not hear of it either."""


@dataclass(frozen=True, slots=True)
class Close:
    """Why a connection ended: a code of RFC 6455 (1006: nobody said) and its reason."""

    code: int
    reason: str = ""
    ending: Ending = Ending.TELL


GOING_AWAY = Close(1001, "Going away")
_UNSUPPORTED = Close(1003, "Unsupported data")
"""API Gateway developer guide, "Binary media types for WebSocket APIs": binary frames are not taken."""
_TOO_BIG = Close(1009, "Message too big")
_STUCK = Close(1006, "", Ending.CUT)


class Connection:
    """A client that has been let in. `now` is the cloud's clock."""

    def __init__(
        self,
        api: SocketApi,
        socket: Socket,
        authorizer: Mapping[str, str] | None,
        scope: Mapping[str, Any],
        send: Send,
        now: Callable[[], float],
    ) -> None:
        self.api = api
        self.socket = socket
        self.authorizer = authorizer
        self._stream = scope["extensions"][EXTENSION]
        self._send = send
        self._now = now
        self._opened = now()
        self._touch()
        self._closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._turns = asyncio.Semaphore(MESSAGES_IN_WORK)
        self._outbox: deque[str] = deque()
        self._outbox_bytes = 0
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._emptied.set()
        self._taken_at = time.monotonic()

    def put(self, text: str) -> bool:
        """Queue a message for the client; False when too much is waiting already."""
        size = len(text.encode())
        if self._outbox and self._outbox_bytes + size > BUFFERED_BYTES:
            return False
        if not self._outbox:
            self._taken_at = time.monotonic()
        self._outbox.append(text)
        self._outbox_bytes += size
        self._emptied.clear()
        self._filled.set()
        self._touch()
        return True

    def close(self, close: Close) -> None:
        """End the connection; the first reason counts."""
        if not self._closing.done():
            self._closing.set_result(close)

    def check(self, now: float) -> None:
        """End it if a limit is reached at the clock's time `now`."""
        if now - self._opened >= LIFE_SECONDS or now - self._active >= IDLE_SECONDS:
            self.close(GOING_AWAY)
        elif self._outbox and time.monotonic() - self._taken_at >= STUCK_SECONDS:
            self.close(_STUCK)

    async def live(self, receive: Receive, on_message: OnMessage) -> Close:
        """Read and write until somebody closes; what is in work by then goes on."""
        reading = asyncio.ensure_future(self._read(receive, on_message))
        writing = asyncio.ensure_future(self._write())
        try:
            await asyncio.wait({reading, self._closing}, return_when=asyncio.FIRST_COMPLETED)
            close = self._closing.result() if self._closing.done() else reading.result()
            if close.ending is Ending.TELL:  # what was sent before the end still arrives
                await _within(_FLUSH_SECONDS, self._emptied.wait())
            return close
        finally:
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    async def end(self, close: Close, receive: Receive) -> None:
        """Take leave of the client, and wait a moment for its own close frame: what it still sends is dropped."""
        if close.ending is Ending.CUT:
            self._stream.abort()
        elif close.ending is Ending.TELL:
            await _within(_FLUSH_SECONDS, self._take_leave(close, receive))

    async def _take_leave(self, close: Close, receive: Receive) -> None:
        await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})
        while (await receive())["type"] != "websocket.disconnect":
            continue

    async def _read(self, receive: Receive, on_message: OnMessage) -> Close:
        while True:
            await self._turns.acquire()
            message = await receive()
            if message["type"] == TOO_BIG:
                return _TOO_BIG
            if message["type"] == "websocket.disconnect":
                code, reason = self._stream.closed_with or (1006, "")
                return Close(code, reason, Ending.GONE)
            if message.get("text") is None:
                return _UNSUPPORTED
            self._touch()
            on_message(self, message["text"]).add_done_callback(lambda _: self._turns.release())

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            while self._outbox:
                await self._send({"type": "websocket.send", "text": self._outbox[0]})
                self._outbox_bytes -= len(self._outbox.popleft().encode())
                self._taken_at = time.monotonic()
            self._filled.clear()
            self._emptied.set()

    def _touch(self) -> None:
        self._active = self._now()
        self.last_active_at = time.time()


async def _within(seconds: float, work: Awaitable[Any]) -> None:
    """Wait for `work`, but not for ever: the client may have stopped to listen."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return
