"""The data plane of WebSocket APIs: handshakes, messages, pushes and the end of connections, as API Gateway has them.

Messages of one connection go to their functions without waiting for each other: API Gateway keeps no order either.
Everything here runs on the event loop; functions run in threads (`websocket_routes.Integrations`).
"""

from __future__ import annotations

import asyncio
import http
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from concurrent.futures import Executor
from typing import Any

from ministack.services import apigateway

from localcloud import websocket_routes as routes
from localcloud.clock import Clock
from localcloud.service_metrics import Publish, count_on_sockets
from localcloud.websocket_connection import GOING_AWAY, Close, Connection
from localcloud.websocket_events import (
    CONNECT,
    DISCONNECT,
    Socket,
    Upgrade,
    connect_event,
    disconnect_event,
    failure,
    message_event,
    selected,
)
from localcloud.websocket_profile import WebSocketProfile
from localcloud.websocket_routes import IntegrationFailed, Integrations, Refused, SocketApi

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_ADDRESS = 4096
"""Characters (API Gateway developer guide, "Quotas for configuring and running a WebSocket in API Gateway")."""
_TICK_SECONDS = 1.0
_FORBIDDEN = "Forbidden"


class WebSocketGateway:
    """All connections to all WebSocket APIs."""

    def __init__(self, *, clock: Clock, executor: Executor, width: int, publish: Publish) -> None:
        self._clock = clock
        self._publish = publish
        self._integrations = Integrations(executor, width, publish)
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.set_profile(WebSocketProfile())

    @property
    def profile(self) -> WebSocketProfile:
        """How connections misbehave."""
        return self._profile

    def set_profile(self, profile: WebSocketProfile) -> None:
        """Change how connections misbehave; the sequence of chances starts anew."""
        self._profile = profile
        self._chance = random.Random(profile.seed)

    def connection(self, api_id: str, stage: str, connection_id: str) -> Connection | None:
        """An open connection to this stage; what is still in `$connect` is not open yet."""
        found = self._connections.get(connection_id)
        return found if found and (found.socket.api_id, found.socket.stage) == (api_id, stage) else None

    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def run(self) -> None:
        """Close what has been open or idle for too long, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Look at every connection's limits at the clock's time."""
        now = self._clock.now()
        for connection in list(self._connections.values()):
            connection.check(now)

    async def stop(self) -> None:
        """Close every connection; nobody is told by `$disconnect`, whose functions are about to end too."""
        self._stopping = True
        for connection in self._connections.values():
            connection.close(GOING_AWAY)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve(self, scope: Scope, receive: Receive, send: Send, address: tuple[str, str, str]) -> None:
        """One WebSocket from its handshake to its end; `address` is API id, stage and the rest of the path."""
        await receive()
        api_id, stage, _ = address
        socket = Socket.new(api_id, stage, Upgrade.of(scope))
        try:
            api = self._find(address, scope)
            authorizer = await self._authorize(api, socket, scope)
            subprotocol = await self._connect(api, socket, authorizer)
        except Refused as refused:
            await _refuse(send, refused.status, failure(str(refused), socket.context(CONNECT, "CONNECT", None)))
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        await self._live(Connection(api, socket, authorizer, scope, send, self._clock.now), receive)

    def _find(self, address: tuple[str, str, str], scope: Scope) -> SocketApi:
        api_id, stage, rest = address
        if len(scope["raw_path"]) + len(scope["query_string"]) >= LONGEST_ADDRESS:
            raise Refused(414, _phrase(414))
        api = routes.find(api_id, stage) if rest in ("", "/") else None
        if api is None:
            raise Refused(403, _FORBIDDEN)
        return api

    async def _authorize(self, api: SocketApi, socket: Socket, scope: Scope) -> dict[str, str] | None:
        """The authorizer's context, None without an authorizer; raises `Refused`."""
        route = api.route(CONNECT) or {}
        kind = str(route.get("authorizationType") or "NONE")
        try:
            if kind == "CUSTOM":
                return await self._integrations.authorize(api, route, socket)
            if kind == "AWS_IAM":
                headers = {name: values[-1] for name, values in socket.upgrade.headers.items()}
                arn = api.arn(f"{api.stage}/{CONNECT}")
                denied = apigateway._authorize_ws_iam(scope, arn, headers, dict(socket.upgrade.query), api.region)
                if denied is not None:
                    raise Refused(*denied)
        except Refused as refused:
            if refused.status < 500:
                count_on_sockets(self._publish, api.api_id, api.stage, ClientError=1.0)
            raise
        return None

    async def _connect(self, api: SocketApi, socket: Socket, authorizer: Mapping[str, str] | None) -> str | None:
        """Ask the `$connect` route, if there is one; the subprotocol it chose. Raises `Refused`.

        API Gateway developer guide, "Manage connected users and client apps: $connect and $disconnect routes", and
        "Set up a $connect route that requires a WebSocket subprotocol": what is not 2xx is the handshake's status.
        """
        count_on_sockets(self._publish, api.api_id, api.stage, ConnectCount=1.0)
        route = api.route(CONNECT)
        if route is None:
            return None
        try:
            answer = await self._integrations.call(api, route, connect_event(socket, authorizer))
        except IntegrationFailed as failed:
            raise Refused(failed.status, str(failed)) from failed
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, _phrase(answer.status))
        return {name.lower(): value for name, value in answer.headers.items()}.get("sec-websocket-protocol")

    async def _live(self, connection: Connection, receive: Receive) -> None:
        id_ = connection.socket.connection_id
        self._connections[id_] = connection
        if self._stopping:
            connection.close(GOING_AWAY)
        try:
            close = await connection.live(receive, self._on_message)
        finally:
            del self._connections[id_]
        await connection.end(close, receive)
        if not self._stopping and self._chance.random() >= self._profile.lost_disconnect_rate:
            self._start(self._disconnect(connection, close))

    def _on_message(self, connection: Connection, text: str) -> asyncio.Task[None]:
        return self._start(self._dispatch(connection, text))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _dispatch(self, connection: Connection, text: str) -> None:
        """One message: its route's function, and what goes back."""
        api, socket = connection.api, connection.socket
        count_on_sockets(self._publish, api.api_id, api.stage, MessageCount=1.0)
        key = selected(api.expression, text)
        route = api.route(key)
        event = message_event(socket, str(route["routeKey"] if route else key), text, connection.authorizer)
        context = event["requestContext"]
        if route is None:
            count_on_sockets(self._publish, api.api_id, api.stage, ClientError=1.0)
            self.push(connection, failure(_FORBIDDEN, context))
            return
        try:
            answer = await self._integrations.call(api, route, event)
        except IntegrationFailed as failed:
            self.push(connection, failure(str(failed), context))
            return
        if answer.body and api.answers(route):
            self.push(connection, answer.body)

    def push(self, connection: Connection, text: str) -> bool:
        """Send a message to a client; False when its buffer is full."""
        if not connection.put(text):
            return False
        count_on_sockets(self._publish, connection.api.api_id, connection.api.stage, MessageCount=1.0)
        return True

    async def _disconnect(self, connection: Connection, close: Close) -> None:
        route = connection.api.route(DISCONNECT)
        if route is None:
            return
        event = disconnect_event(connection.socket, close.code, close.reason, connection.authorizer)
        try:
            await self._integrations.call(connection.api, route, event)
        except IntegrationFailed:  # its log and its metric tell of it; there is no client to tell
            return


async def _refuse(send: Send, status: int, body: str) -> None:
    content = body.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": content})


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return _FORBIDDEN
