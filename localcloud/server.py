"""The cloud itself: ministack's ASGI application with our parts around it, on one event loop.

Import it only after `host.prepare_environment`: ministack reads its settings when it is imported.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from ministack.app import app as ministack_app

from localcloud import api_requests, deliveries, metrics_plane, websocket_frames
from localcloud.carriers import Carriers
from localcloud.clock import Clock
from localcloud.control import PREFIX, Control
from localcloud.decisions import Decisions
from localcloud.emulator import Publisher, authorize, enter_request, install_batch_actions, install_transport
from localcloud.event_sources import EventSources
from localcloud.functions import ArchiveStore, make_interpreter
from localcloud.invocations import FunctionHost
from localcloud.logs import LogPlane
from localcloud.mailbox import Mailbox
from localcloud.meters import Meters
from localcloud.profile import CarrierProfile
from localcloud.schedules import Schedules
from localcloud.simulated_service import SimulatedService
from localcloud.websocket_connections_api import ConnectionsApi, Target, target
from localcloud.websocket_gateway import WebSocketGateway
from localcloud.websocket_routes import addressed
from localcloud.wire import Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/[0-9]{8}/[^/]+/([^/]+)/aws4_request")
_FUNCTION_THREADS = 64
_SOCKET_FUNCTIONS = 8
"""Functions behind WebSockets that can all be as busy as one may be."""
_LONGEST_BODY = 64 * 1024 * 1024
"""Bytes of a request to a carrier or the control API: more than the greatest mail (40 MB) in base64."""


class Cloud:
    """All parts of one embedded cloud. Create and use it on the event loop."""

    def __init__(
        self,
        *,
        state: Path,
        endpoint_url: str,
        account_id: str,
        region: str,
        clock: Clock,
        profile: CarrierProfile,
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self.started = asyncio.Event()
        self._state = state
        self._clock = clock
        self._executor = ThreadPoolExecutor(_FUNCTION_THREADS, "function")
        self._tasks: list[asyncio.Task[None]] = []
        self.logs = LogPlane(account_id=account_id, region=region)
        self.meters = Meters()
        self.decisions = Decisions()
        self.schedules = Schedules(clock)
        self.sources = EventSources(self._executor)
        self.metrics = metrics_plane.install(clock=clock, speed=clock.speed, region=region, account_id=account_id)
        self.carriers = Carriers(
            account_id=account_id,
            region=region,
            publisher=Publisher(account_id=account_id, region=region),
            post=Mailbox(),
            profile=profile,
        )
        self.functions = FunctionHost(
            interpreter=state / "interpreter" / "bin" / "python",
            archives=ArchiveStore(state / "archives"),
            scratch=state / "tmp",
            endpoint_url=endpoint_url,
            logs=self.logs,
        )
        width = self.functions.width
        self._socket_executor = ThreadPoolExecutor(_SOCKET_FUNCTIONS * width, "socket-function")
        self.sockets = WebSocketGateway(
            clock=clock, executor=self._socket_executor, width=width, publish=self.metrics.intake.publish
        )
        self.connections_api = ConnectionsApi(self.sockets, account_id=account_id, region=region)
        self.control = Control(
            carriers=self.carriers,
            sockets=self.sockets,
            meters=self.meters,
            decisions=self.decisions,
            functions=self.functions,
            status=status,
            advance=self._advance,
        )

    async def start(self, layer_lock: Path) -> None:
        """Install every bend and start the loops; the functions' interpreter is made on the way."""
        websocket_frames.install()
        install_transport()
        deliveries.install(self.meters.counting(self.metrics.intake.publish))
        install_batch_actions()
        self.logs.install()
        self.meters.install()
        self.decisions.install()
        self.schedules.install()
        self.sources.install()
        self.functions.install()
        self.logs.subscribe(self.metrics.intake.on_log_events)
        self.logs.subscribe(self.meters.count_log_events)
        self.functions.subscribe(self.metrics.intake.on_invocation)
        self.functions.subscribe(self.meters.count_invocation)
        self.meters.subscribe(self.metrics.intake.on_write_units)
        self.sources.subscribe(self.metrics.on_stream_batch)
        self.metrics.watch_streams(self.sources.behind)
        await asyncio.to_thread(make_interpreter, self._state / "interpreter", layer_lock)
        self.metrics.start()
        loop = asyncio.get_running_loop()
        loops = (self.schedules.run(), self.sources.run(), self.sockets.run())
        self._tasks = [loop.create_task(each) for each in loops]

    async def stop(self) -> None:
        """Stop the loops, close every WebSocket and end every function process."""
        await self.sockets.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.metrics.stop()
        await asyncio.to_thread(self.functions.stop)
        for executor in (self._executor, self._socket_executor):
            executor.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await ministack_app(scope, receive, self._noticing_start(send))
            return
        if scope["type"] != "http":
            await self._socket(scope, receive, send)
            return
        if scope["path"].startswith(PREFIX):
            await self._control(scope, receive, send)
            return
        about = target(scope["path"])
        if about is not None:
            await self._connections(about, scope, receive, send)
            return
        # Policies that deny plain HTTP mean the network; this endpoint stands for AWS's TLS endpoints, on loopback.
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        send = api_requests.observed(scope["path"], send, self.metrics.intake.publish)
        service = _signing_name(scope)
        self.meters.count_request(service or "unsigned")
        carrier = self.carriers.serving(service, scope["method"], scope["path"])
        if carrier is not None:
            await self._carrier(carrier, scope, receive, send)
        else:
            await ministack_app(scope, receive, send)

    async def _advance(self, seconds: float) -> dict[str, str]:
        self.schedules.tick()  # what was made since the last tick counts from before the jump
        self._clock.advance(seconds)
        self.schedules.tick()
        self.sockets.tick()
        # Alarm actions may call back into this server, so the evaluation must not hold its loop.
        return await asyncio.to_thread(self.metrics.evaluate_all)

    def _noticing_start(self, send: Send) -> Send:
        async def noticing(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self.started.set()

        return noticing

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        address = addressed(host, scope["path"])
        if address is None:  # another service's
            await ministack_app(scope, receive, send)
        else:
            await self.sockets.serve(scope, receive, send, address)

    async def _connections(self, about: Target, scope: Scope, receive: Receive, send: Send) -> None:
        headers, _, body = await _entered(scope, receive, named=False)
        self.meters.count_request("execute-api")
        answer = self.connections_api.respond(
            scope["method"], about, body, lambda action, arn: authorize(headers, "execute-api", action, arn)
        )
        await _answer(send, answer)

    async def _carrier(self, carrier: SimulatedService, scope: Scope, receive: Receive, send: Send) -> None:
        headers, query, body = await _entered(scope, receive)
        answer = await carrier.respond(
            method=scope["method"],
            path=scope["path"],
            query=query,
            headers=headers,
            body=body,
            authorize=lambda action, arn: authorize(headers, carrier.signing_name, action, arn),
        )
        await _answer(send, answer)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        host = _headers(scope).get("host", "").rpartition(":")[0]
        if host not in ("127.0.0.1", "localhost"):  # a web page whose name was rebound to this address
            status, answer = 403, {"message": "the control API answers on 127.0.0.1 only"}
        else:
            status, answer = await self.control.respond(scope["method"], scope["path"], body)
        text = b"" if answer is None else await asyncio.to_thread(_json, answer)
        await _send(send, status, {"Content-Type": "application/json"}, text)


def _signing_name(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            found = _CREDENTIAL.search(value.decode("latin-1"))
            return found.group(1) if found else None
    return None


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _json(value: Any) -> bytes:
    return json.dumps(value, default=dataclasses.asdict).encode()


async def _entered(
    scope: Scope, receive: Receive, *, named: bool = True
) -> tuple[dict[str, str], dict[str, list[str]], bytes]:
    """Headers, query and body of a request that is answered here, its caller made known to IAM."""
    body = await _body(receive)
    headers = _headers(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    enter_request(
        method=scope["method"],
        raw_path=(scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        query=query,
        raw_headers=scope["headers"],
        headers=headers,
        body=body,
        named=named,
    )
    return headers, query, body


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        size += len(message.get("body", b""))
        if size <= _LONGEST_BODY:
            parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _answer(send: Send, answer: Response) -> None:
    await _send(send, answer.status, answer.headers, answer.body)


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    fields = {**headers, "Content-Length": str(len(body))}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
