"""Requests to HTTP APIs as API Gateway counts them: each one, whoever answered it, with its status and latency."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from localcloud.service_metrics import Publish, count_request

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_ADDRESS = re.compile(r"/_aws/execute-api/([^/]+)/")
"""The path form of an API's address, the only one that resolves here."""


def observed(path: str, send: Send, publish: Publish) -> Send:
    """`send` that also counts the answer, if `path` is one of an API; otherwise `send` itself."""
    address = _ADDRESS.match(path)
    if address is None:
        return send
    began = time.monotonic()

    async def counting(message: Message) -> None:
        if message["type"] == "http.response.start":
            latency_ms = 1_000 * (time.monotonic() - began)
            count_request(publish, address[1], status=int(message["status"]), latency_ms=latency_ms)
        await send(message)

    return counting
