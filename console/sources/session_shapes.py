"""Items of the tables of sessions as the console's values: texts safe, whoever speaks and listens hashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.sessions.state import AGE_STEP_MINUTES, AGE_STEPS, Connections, Doubt, SessionState, SessionTerms, Status
from console.text import safe_line
from lambdas.core.attribute_values import Item
from lambdas.core.session import Role, SessionStatus, hashed
from lambdas.core.session_presence import LOST_AFTER_MS

DEFAULT_REFRESH_MINUTES, DEFAULT_WARNING_MINUTES = 100, 105
"""Of the setting `sessions` (docs/deploy.md), where the function's own could not be read."""


def session_of(item: Item) -> SessionState:
    """An item of the sessions table; one that is no longer active is closing."""
    doubt = item.get("suspicion")
    return SessionState(
        id=safe_line(item["sessionId"], 64),
        status=Status.ACTIVE if item["status"] == SessionStatus.ACTIVE else Status.CLOSING,
        source_language=safe_line(item["sourceLanguage"], 16),
        listeners=int(item["listeners"]),
        sequence=int(item["sequence"]),
        created=_seconds(item["createdAt"]),
        changed=_seconds(item["changedAt"]),
        expires=float(item["endsAt"]),
        speaker=hashed(str(item["speaker"])),
        speaker_connection=hashed(str(item["speakerConnection"])),
        speaker_gone=_moment(item.get("speakerGoneAt")),
        ended=_moment(item.get("endedAt")),
        reason=safe_line(item.get("reason", ""), 40),
        doubt=None if doubt is None else Doubt(int(doubt[0]), _seconds(doubt[2])),
    )


def connections_of(rows: Sequence[Item], terms: SessionTerms, now: float) -> Connections:
    """The items of a session's connections, counted."""
    opened = [_seconds(row["openedAt"]) for row in rows]
    ages = [0] * AGE_STEPS
    for each in opened:
        ages[min(AGE_STEPS - 1, max(0, int((now - each) // (60 * AGE_STEP_MINUTES))))] += 1
    refresh = 60 * (terms.refresh_minutes or DEFAULT_REFRESH_MINUTES)
    warning = 60 * (terms.warning_minutes or DEFAULT_WARNING_MINUTES)
    return Connections(
        read=len(rows),
        ages=tuple(ages),
        to_move=sum(now - each >= refresh for each in opened),
        warned=sum(now - each >= warning for each in opened),
        unseen=sum(now * 1000 - int(row["lastSeenAt"]) > LOST_AFTER_MS for row in rows),
        uncounted=sum(row["role"] == Role.LISTENER and not row["counted"] for row in rows),
        oldest=min(opened, default=None),
    )


def terms_of(connection: Mapping[str, Any], heartbeat: Mapping[str, Any]) -> SessionTerms:
    """What the connecting and the heartbeats' function are set to (GetFunctionConfiguration, Lambda API reference)."""
    return SessionTerms(
        _setting(connection, "MAX_ACTIVE_SESSIONS"),
        _setting(connection, "MAX_LISTENERS"),
        _setting(heartbeat, "REFRESH_MINUTES"),
        _setting(heartbeat, "WARNING_MINUTES"),
    )


def _setting(configuration: Mapping[str, Any], name: str) -> int | None:
    text = str(((configuration.get("Environment") or {}).get("Variables") or {}).get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _seconds(milliseconds: Any) -> float:
    return int(milliseconds) / 1000


def _moment(milliseconds: Any) -> float | None:
    return None if milliseconds is None else _seconds(milliseconds)
