"""The control API under `/_cpaas/`: what a test or a scenario asks of the embedded cloud itself. Loopback, JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import unquote

from localcloud.carriers import Carriers
from localcloud.decisions import Decisions
from localcloud.meters import Meters
from localcloud.profile import CarrierProfile, ProfileError
from localcloud.websocket_profile import WebSocketProfile

PREFIX = "/_cpaas/"
_KILL = re.compile(r"functions/([^/]+)/kill")


class Functions(Protocol):
    """What the control API asks of the function host."""

    def crash(self, function_name: str) -> list[int]:
        """SIGKILL the function's processes; the pids killed."""


class Sockets(Protocol):
    """What the control API asks of the WebSocket gateway."""

    @property
    def profile(self) -> WebSocketProfile: ...

    def set_profile(self, profile: WebSocketProfile) -> None: ...

    def open_connections(self) -> int: ...


class Control:
    """Answers the calls of docs/architecture.md, "Control API". `advance` moves the clock and answers alarm states."""

    def __init__(
        self,
        *,
        carriers: Carriers,
        sockets: Sockets,
        meters: Meters,
        decisions: Decisions,
        functions: Functions,
        status: Callable[[], dict[str, Any]],
        advance: Callable[[float], Awaitable[dict[str, str]]],
    ) -> None:
        self._carriers = carriers
        self._sockets = sockets
        self._meters = meters
        self._decisions = decisions
        self._functions = functions
        self._status = status
        self._move_clock = advance
        self._routes: dict[tuple[str, str], Callable[[bytes], Any]] = {
            ("GET", "status"): lambda _: self._status(),
            ("GET", "carrier/profile"): lambda _: self._carriers.profile.to_mapping(),
            ("PUT", "carrier/profile"): self._set_profile,
            ("GET", "carrier/calls"): lambda _: self._carriers.calls.listed(),
            ("DELETE", "carrier/calls"): lambda _: self._carriers.calls.forget(),
            ("PUT", "carrier/template"): self._set_template_status,
            ("GET", "websockets"): lambda _: {"open": self._sockets.open_connections()},
            ("GET", "websockets/profile"): lambda _: self._sockets.profile.to_mapping(),
            ("PUT", "websockets/profile"): self._set_socket_profile,
            ("GET", "meters"): lambda _: self._meters.report(),
            ("DELETE", "meters"): lambda _: self._meters.clear(),
            ("GET", "grants"): lambda _: self._decisions.report(),
            ("DELETE", "grants"): lambda _: self._decisions.clear(),
        }

    async def respond(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """HTTP status and JSON value (dataclasses among it); None means no content. Call it on the event loop."""
        call = path.removeprefix(PREFIX)
        try:
            if (method, call) == ("POST", "clock"):
                return 200, await self._advance(body)
            return self._answer(method, call, body)
        except (ProfileError, ValueError) as error:
            return 400, {"message": str(error)}

    def _answer(self, method: str, call: str, body: bytes) -> tuple[int, Any]:
        kill = _KILL.fullmatch(call)
        if kill is not None and method == "POST":
            return 200, {"killed": self._functions.crash(unquote(kill.group(1)))}
        route = self._routes.get((method, call))
        if route is None:
            known = any(call == name for _, name in self._routes) or kill is not None or call == "clock"
            return (405 if known else 404), {"message": f"the control API does not answer {method} {PREFIX}{call}"}
        answer = route(body)
        return (204, None) if answer is None else (200, answer)

    async def _advance(self, body: bytes) -> dict[str, Any]:
        seconds = _json(body).get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise ValueError("advance_seconds must be a number of seconds, 0 or more")
        if seconds < 0:
            raise ValueError("the clock cannot go back; advance_seconds must be 0 or more")
        return {"alarms": await self._move_clock(float(seconds))}

    def _set_profile(self, body: bytes) -> dict[str, Any]:
        self._carriers.set_profile(CarrierProfile.from_mapping(_json(body)))
        return self._carriers.profile.to_mapping()

    def _set_template_status(self, body: bytes) -> None:
        wanted = _json(body)
        account, name, language, status = (
            str(wanted.get(key)) for key in ("business_account_id", "name", "language", "status")
        )
        self._carriers.set_template_status(account, name, language, status)

    def _set_socket_profile(self, body: bytes) -> dict[str, Any]:
        self._sockets.set_profile(WebSocketProfile.from_mapping(_json(body)))
        return self._sockets.profile.to_mapping()


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise ValueError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")
    return value
