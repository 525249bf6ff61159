"""What a session's callers can do wrong, and how they are told: by the handshake's status or by a message."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class SessionError(StrEnum):
    """Codes in refusals and error messages; each is a value of the dimension `Code` of ConnectionErrors."""

    TOKEN_REQUIRED = "TOKEN_REQUIRED"  # noqa: S105 - a code
    TOKEN_REFUSED = "TOKEN_REFUSED"  # noqa: S105 - a code
    REFRESH_TOKEN_INVALID = "REFRESH_TOKEN_INVALID"  # noqa: S105 - a code
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_ENDED = "SESSION_ENDED"
    SESSION_FULL = "SESSION_FULL"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    RATE_LIMITED = "RATE_LIMITED"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_JSON = "BAD_JSON"
    UNKNOWN_ACTION = "UNKNOWN_ACTION"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    NOT_CONNECTED = "NOT_CONNECTED"
    NOT_SPEAKER = "NOT_SPEAKER"
    UNAVAILABLE = "UNAVAILABLE"


STATUSES: Mapping[SessionError, int] = {
    SessionError.BAD_REQUEST: 400,
    SessionError.TOKEN_REQUIRED: 401,
    SessionError.REFRESH_TOKEN_INVALID: 403,
    SessionError.SESSION_NOT_FOUND: 404,
    SessionError.SESSION_ENDED: 410,
    SessionError.RATE_LIMITED: 429,
    SessionError.SESSION_FULL: 503,
    SessionError.TOO_MANY_SESSIONS: 503,
    SessionError.UNAVAILABLE: 503,
}
"""Handshake statuses of what can be refused while connecting."""


ECHO_CHARACTERS = 128


def echoed(request: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What an answer repeats of its request: of these fields the ones that are short, as answers are."""
    fields = {name: request.get(name) for name in names}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, (str, int)) and len(str(value)) <= ECHO_CHARACTERS
    }


class Refusal(NamedTuple):
    """Why something was not done; `message` is one sentence with the remedy."""

    code: SessionError
    message: str
    operation: str = ""
    """Which limit was met, of RATE_LIMITED."""

    def handshake(self) -> dict[str, Any]:
        """The answer of `$connect`'s integration."""
        return {"statusCode": STATUSES[self.code], "body": f'{{"code":"{self.code}"}}'}

    def answer(self, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The error message that answers `request`."""
        told: dict[str, Any] = {"type": "error", "code": self.code.value, "message": self.message}
        return told if request is None else {**told, **echoed(request, "action", "requestId")}


UNKNOWN_ACTION = Refusal(
    SessionError.UNKNOWN_ACTION,
    "there is no such action; send heartbeat, refreshConnection, broadcast, replay or endSession",
)
NOT_CONNECTED = Refusal(SessionError.NOT_CONNECTED, "this connection belongs to no session; connect again")
NOT_SPEAKER = Refusal(SessionError.NOT_SPEAKER, "only the session's speaker may do this")
SESSION_ENDED = Refusal(SessionError.SESSION_ENDED, "the session has ended; open or join another one")
