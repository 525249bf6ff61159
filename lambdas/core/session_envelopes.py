"""What clients are sent: each message is a JSON object with a `type`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambdas.core.session import Connection, Role, Session
from lambdas.core.session_errors import echoed
from lambdas.core.session_history import Replay
from lambdas.core.session_ports import Posted


def encoded(message: Mapping[str, Any]) -> str:
    """The text of a message; one with half a surrogate pair, which UTF-8 cannot have, is escaped instead."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(message, separators=(",", ":"))
    return text


def greeting(session: Session, connection: Connection, refresh_at_ms: int) -> dict[str, Any]:
    """The first message on a connection."""
    told: dict[str, Any] = {
        "type": "sessionCreated" if connection.role is Role.SPEAKER else "sessionJoined",
        "sessionId": session.id,
        "connectionId": connection.id,
        "sourceLanguage": session.source_language,
        "sequence": session.latest_for(connection.language),
        "refreshAt": refresh_at_ms,
    }
    if connection.language is not None:
        told["targetLanguage"] = connection.language
    if connection.replaces is not None:
        told["replaces"] = connection.replaces
    return told


def spoken(
    session_id: str, sequence: int, previous: Mapping[str, int], payload: Any, language: str | None, now_ms: int
) -> dict[str, Any]:
    """A broadcast as listeners receive it; `previous` has the number of the message before it by language."""
    told = {
        "type": "message",
        "sessionId": session_id,
        "sequence": sequence,
        "previous": previous,
        "sentAt": now_ms,
        "payload": payload,
    }
    return told if language is None else {**told, "targetLanguage": language}


def acknowledged(sequence: int, posted: Posted) -> dict[str, Any]:
    """The answer to a broadcast; `failed` listeners can ask for a replay."""
    reached, gone, failed = len(posted.reached), len(posted.gone), len(posted.failed)
    return {
        "type": "broadcastAck",
        "sequence": sequence,
        "listeners": reached + gone + failed,
        "reached": reached,
        "gone": gone,
        "failed": failed,
    }


def replayed(replay: Replay) -> dict[str, Any]:
    """The answer to a replay, after the messages; where `to` is not yet the `latest`, there is more to ask for."""
    told = {"from": replay.first, "to": replay.last, "latest": replay.latest, "complete": replay.complete}
    return {"type": "replayed", **told}


def refresh_token_issued(token: str, seconds: int) -> dict[str, Any]:
    """The answer to `refreshConnection`."""
    return {"type": "connectionRefresh", "refreshToken": token, "expiresIn": seconds}


def ended(session_id: str, reason: str) -> dict[str, Any]:
    """The last message of a session."""
    return {"type": "sessionEnded", "sessionId": session_id, "reason": reason}


def answering(request: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with the request's `requestId`, if it has one that is short."""
    return {**answer, **echoed(request, "requestId")}
