"""Limits of API Gateway on frames, set where hypercorn still sees frames: ASGI knows whole messages only.

hypercorn makes a `WSStream` for each WebSocket; `install` puts one in its place that counts bytes per frame and per
message, negotiates no compression, and remembers how the connection was closed.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from hypercorn.protocol import h11
from hypercorn.protocol.events import Event, Request
from hypercorn.protocol.ws_stream import FrameTooLargeError, WebsocketBuffer, WSStream
from wsproto.events import CloseConnection, Message
from wsproto.events import Event as FrameEvent

LARGEST_FRAME = 32 * 1024
LARGEST_MESSAGE = 128 * 1024
"""Bytes (API Gateway developer guide, "Quotas for configuring and running a WebSocket in API Gateway"): what is
larger closes the connection with 1009."""
EXTENSION = "localcloud.stream"
"""Where an ASGI scope's `extensions` hold the connection's `LimitedStream`."""
TOO_BIG = "localcloud.too_big"
"""Type of the ASGI message by which the application hears that the client was closed for it."""


class LimitedStream(WSStream):
    """A WebSocket within API Gateway's limits. `closed_with` is the code and reason of the first close frame."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer = self._frames = FrameBuffer()
        self.closed_with: tuple[int, str] | None = None

    def abort(self) -> None:
        """Cut the connection without a word, as for a client that reads nothing and so would not hear one."""
        protocol: Any = self.send
        protocol.__self__.send.__self__.writer.transport.abort()

    async def handle(self, event: Event) -> None:
        await super().handle(event)
        if isinstance(event, Request) and not self.closed:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self
            self.handshake.extensions = None  # AWS offers no permessage-deflate: bytes on the wire are bytes counted

    async def _send_wsproto_event(self, event: FrameEvent) -> None:
        await super()._send_wsproto_event(event)
        if not isinstance(event, CloseConnection) or self.closed_with is not None:
            return
        self.closed_with = (int(event.code), event.reason or "")
        if self._frames.refused and self.app_put is not None:
            await self.app_put({"type": TOO_BIG})


class FrameBuffer(WebsocketBuffer):
    """Collects a message from its frames; what comes after a refusal is dropped."""

    def __init__(self) -> None:
        super().__init__(LARGEST_MESSAGE)
        self._frame = 0
        self.refused = False

    def extend(self, event: Message[Any]) -> None:
        """Take what has come of a frame; raises `FrameTooLargeError`."""
        size = len(event.data.encode()) if isinstance(event.data, str) else len(event.data)
        self._frame += size
        self.refused = self.refused or self._frame > LARGEST_FRAME or self.length + size > LARGEST_MESSAGE
        if self.refused:
            raise FrameTooLargeError
        super().extend(event)
        if isinstance(self.value, StringIO):  # hypercorn counted characters
            self.length += size - len(event.data)
        if event.frame_finished:
            self._frame = 0


def install() -> None:
    """Put `LimitedStream` in place of hypercorn's; call before the server starts."""
    vars(h11)["WSStream"] = LimitedStream
