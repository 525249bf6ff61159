"""Opening a WebSocket to the sessions of a stack, and what a handshake that failed means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException
from websockets.http11 import Response

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line
from lambdas.core.session_requests import MAX_MESSAGE_BYTES

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
MAX_BODY = 4_096

MEANINGS: Mapping[int, tuple[ProblemKind, str, str]] = {
    400: (ProblemKind.BAD_INPUT, "a parameter is missing or malformed", "are console and stack of the same version?"),
    401: (ProblemKind.FORBIDDEN, "speakers need a token", "give an ID token of the stack's user pool"),
    403: (
        ProblemKind.FORBIDDEN,
        "the token was not accepted",
        "get a fresh one: it has expired, was used, or is of another user pool",
    ),
    404: (ProblemKind.NOT_FOUND, "there is no such session", "the speaker's greeting names the session's id"),
    410: (ProblemKind.NOT_FOUND, "the session has ended", "open another one"),
    429: (
        ProblemKind.THROTTLED,
        "too many attempts, joins or sessions by the same caller",
        "wait a minute, or raise joins_per_minute, attempts_per_minute or sessions_per_hour of the setting sessions",
    ),
    503: (
        ProblemKind.THROTTLED,
        "the session has all its listeners, or the stack all its sessions",
        "wait, or raise max_listeners or max_active_sessions of the setting sessions",
    ),
}
"""Statuses of refusals with their kind, sentence and remedy (docs/sessions.md, "Connecting")."""


class HandshakeRefusedError(ConsoleError):
    """The other side has answered the handshake with a status that lets nobody in.

    `code` is the refusal's code, empty where the answer's body was kept back.
    """

    def __init__(self, status: int, code: str) -> None:
        kind, means, remedy = MEANINGS.get(
            status, (ProblemKind.UNEXPECTED, "this is none of a session's answers", "the functions' logs say more")
        )
        named = f" {code}" if code else ""
        super().__init__(kind, f"the handshake was refused with {status}{named}: {means}", remedy)
        self.status = status
        self.code = code


async def open_socket(endpoint: str, query: Mapping[str, str], seconds: float = OPEN_SECONDS) -> ClientConnection:
    """An open WebSocket; raises `HandshakeRefusedError`, or `ConsoleError` where nobody has answered.

    No pings of our own: heartbeats are what a session asks for. A loopback address is reached without any proxy.
    """
    try:
        return await connect(
            f"{endpoint}?{urlencode(query)}",
            open_timeout=seconds,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            proxy=None if endpoint.startswith("ws://") else True,
        )
    except InvalidStatus as error:
        raise HandshakeRefusedError(error.response.status_code, _code(error.response)) from error
    except TimeoutError as error:
        raise ConsoleError(
            ProblemKind.TIMED_OUT, f"the handshake was not answered within {seconds:g} s", "is the stack there?"
        ) from error
    except InvalidURI as error:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{safe_line(endpoint, 200)} is no address of sessions",
            "see `cpaas-console outputs`",
        ) from error
    except (OSError, InvalidHandshake, WebSocketException, EOFError) as error:
        raise ConsoleError(
            ProblemKind.UNREACHABLE,
            f"no session answers at {safe_line(endpoint, 200)} ({safe_line(error, 120) or type(error).__name__})",
            "check the address and the network",
        ) from error


def _code(response: Response) -> str:
    """The refusal's code out of a body like `{"code": "RATE_LIMITED"}`."""
    try:
        document = json.loads((response.body or b"")[:MAX_BODY])
    except (ValueError, RecursionError):
        return ""
    code = document.get("code") if isinstance(document, dict) else None
    return safe_line(code, 40) if isinstance(code, str) else ""
