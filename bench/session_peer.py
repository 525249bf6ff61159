"""`python -m bench.session_peer`: the same protocol by a plain `websockets` server, as one writes it for one machine.

It keeps everything in memory, checks no token, remembers nothing and ends with its process: what the stack pays for
more than that is the distance between its figures and ours. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve

NUMBERS = count(1)
LISTENERS: dict[str, set[ServerConnection]] = {}


async def member(socket: ServerConnection) -> None:
    """One connection, from its greeting to its end."""
    assert socket.request is not None
    query = {name: values[0] for name, values in parse_qs(urlsplit(socket.request.path).query).items()}
    speaks = query["action"] == "createSession"
    session = f"session-{next(NUMBERS)}" if speaks else query["sessionId"]
    listeners = LISTENERS.setdefault(session, set())
    if not speaks:
        listeners.add(socket)
    kind = "sessionCreated" if speaks else "sessionJoined"
    await socket.send(json.dumps({"type": kind, "sessionId": session, "connectionId": str(id(socket))}))
    try:
        async for text in socket:
            answer = _answer(json.loads(text), session, listeners)
            await socket.send(json.dumps(answer))
    finally:
        listeners.discard(socket)


def _answer(request: dict[str, Any], session: str, listeners: set[ServerConnection]) -> dict[str, Any]:
    if request["action"] == "heartbeat":
        return {"type": "heartbeatAck", "requestId": request["requestId"]}
    ended = request["action"] == "endSession"
    told = {"type": "sessionEnded" if ended else "message", "sessionId": session, "payload": request.get("payload")}
    broadcast(listeners, json.dumps(told))
    answer = {"type": "sessionEnded" if ended else "broadcastAck", "requestId": request["requestId"]}
    return {**answer, "reached": len(listeners)}


async def main() -> None:
    """Serve until stdin ends."""
    async with serve(member, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
