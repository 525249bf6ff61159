"""What clients ask for: connecting with a query string, and messages on the connection."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdas.core.session import language, session_id
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_history import GREATEST_SEQUENCE

MAX_MESSAGE_BYTES = 128 * 1024
"""Of a message in either direction (API Gateway quotas, "WebSocket API")."""

MAX_REFRESH_TOKEN_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class CreateSession:
    """A speaker opens a session."""

    source_language: str


@dataclass(frozen=True, slots=True)
class ResumeSession:
    """A speaker comes back to a session."""

    session_id: str


@dataclass(frozen=True, slots=True)
class JoinSession:
    """A listener joins a session."""

    session_id: str
    target_language: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The next connection of a member; the refresh token is a secret."""

    refresh_token: str


ConnectRequest = CreateSession | ResumeSession | JoinSession | TakeOver

_ACTIONS = "createSession, resumeSession, joinSession or refreshConnection"


def connect_request(query: Mapping[str, str]) -> ConnectRequest | Refusal:
    """Read the query string of a handshake."""
    action = query.get("action")
    if action == "createSession":
        source = language(query.get("sourceLanguage"))
        return CreateSession(source) if source else _bad("sourceLanguage", "a language tag such as en or pt-BR")
    if action == "refreshConnection":
        token = query.get("refreshToken", "")
        fits = 0 < len(token) <= MAX_REFRESH_TOKEN_CHARACTERS
        return TakeOver(token) if fits else _bad("refreshToken", "what refreshConnection was answered with")
    if action not in ("resumeSession", "joinSession"):
        return _bad("action", _ACTIONS)
    session = session_id(query.get("sessionId"))
    if session is None:
        return _bad("sessionId", "the id that the speaker was greeted with")
    if action == "resumeSession":
        return ResumeSession(session)
    target = language(query.get("targetLanguage"))
    return JoinSession(session, target) if target else _bad("targetLanguage", "a language tag such as de or pt-BR")


def _bad(name: str, wanted: str) -> Refusal:
    return Refusal(SessionError.BAD_REQUEST, f"{name} is missing or malformed; give {wanted}")


def message(body: str | None) -> dict[str, Any] | Refusal:
    """Read a message of a client: a JSON object with an `action`."""
    if len((body or "").encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        return Refusal(SessionError.MESSAGE_TOO_LARGE, "a message has at most 128 KB; send less at a time")
    try:
        read = json.loads(body or "", parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return Refusal(SessionError.BAD_JSON, "the message is not JSON; send an object with an action")
    if not isinstance(read, dict) or not isinstance(read.get("action"), str):
        return Refusal(SessionError.BAD_REQUEST, "the message has no action; send an object with an action")
    return read


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """A number that can be written down again: `1e999` would come out as `Infinity`."""
    number = float(text)
    return number if math.isfinite(number) else _no_constant(text)


class Broadcast(NamedTuple):
    """What a speaker sends, to listeners of one language or of all."""

    payload: Any
    language: str | None


def broadcast(request: Mapping[str, Any]) -> Broadcast | Refusal:
    """Read a `broadcast`."""
    if "payload" not in request:
        return _bad("payload", "what the listeners are to receive")
    wanted = request.get("targetLanguage")
    if wanted is None:
        return Broadcast(request["payload"], None)
    target = language(wanted) if isinstance(wanted, str) else None
    return (
        Broadcast(request["payload"], target) if target else _bad("targetLanguage", "a language tag, or leave it out")
    )


def replay_after(request: Mapping[str, Any]) -> int | Refusal:
    """Read a `replay`: the sequence number of the last message that arrived."""
    after = request.get("after")
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < GREATEST_SEQUENCE:
        return _bad("after", "the sequence number of the last message that arrived, or 0")
    return after
