"""A session and its connections."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CONNECTION_SECONDS = 2 * 3600
"""API Gateway ends a WebSocket connection after two hours (API Gateway quotas, "WebSocket API")."""

ROW_SPARE_SECONDS = 600
"""A connection's row is forgotten by itself so long after the connection must have ended."""

TO_ALL = "*"
"""Stands where a language could, for what is said to listeners of every language."""

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
MAX_LANGUAGE = 30
"""Characters of a language tag."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class Role(StrEnum):
    """What a connection is to its session."""

    SPEAKER = "speaker"
    LISTENER = "listener"


class SessionStatus(StrEnum):
    """A session ends once and for all."""

    ACTIVE = "active"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a session ended, as its members are told."""

    ENDED_BY_SPEAKER = "endedBySpeaker"
    SPEAKER_LOST = "speakerLost"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """That a session's number is too high: at `at_ms` there were `listeners`, and so many places `unaccounted` for.

    Listeners who had only just come are among the latter (`lambdas.core.session_drift`).
    """

    listeners: int
    unaccounted: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session; times in epoch milliseconds, `expires_s` in seconds.

    `listeners` is never above the limit and never below those who are there; `changed_ms` is when somebody last came or
    went. `sequence` is the number of the last message, `to_all` that of the last one to all, and `to_languages` holds
    those of later ones to one language. `speaker_gone_ms` is set while the speaker has no connection.
    """

    id: str
    speaker: str
    speaker_connection: str
    source_language: str
    created_ms: int
    expires_s: int
    changed_ms: int
    status: SessionStatus = SessionStatus.ACTIVE
    listeners: int = 0
    sequence: int = 0
    to_all: int = 0
    to_languages: Mapping[str, int] = field(default_factory=dict)
    speaker_gone_ms: int | None = None
    ended_ms: int | None = None
    reason: str = ""
    suspicion: Suspicion | None = None

    @property
    def active(self) -> bool:
        """Whether it can be joined and spoken in."""
        return self.status is SessionStatus.ACTIVE

    def latest_for(self, language: str | None) -> int:
        """The number of the last message to a listener of `language`; to a speaker (None) it is the last one of all."""
        return self.sequence if language is None else self.to_languages.get(language, self.to_all)

    def before_next(self, language: str | None) -> dict[str, int]:
        """By language and `TO_ALL`, which stands for the others: what was the last message before one to `language`."""
        if language is not None:
            return {language: self.latest_for(language)}
        return {TO_ALL: self.to_all, **self.to_languages}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One WebSocket connection of a session; times in epoch milliseconds.

    `counted` says that the session's `listeners` has it in; `replaces` names the connection that it takes over from,
    `successor` the last one that came to take over from it. `language` is a listener's and `speaker` a speaker's.
    """

    id: str
    session_id: str
    role: Role
    opened_ms: int
    last_seen_ms: int
    language: str | None = None
    speaker: str | None = None
    counted: bool = False
    replaces: str | None = None
    successor: str | None = None

    @property
    def forgotten_s(self) -> int:
        """When its row may go by itself, in epoch seconds."""
        return self.opened_ms // 1000 + CONNECTION_SECONDS + ROW_SPARE_SECONDS

    def succeeded_by(self, connection_id: str, now_ms: int) -> Connection:
        """The same member's next connection, opened now; it has no place yet."""
        return Connection(
            id=connection_id,
            session_id=self.session_id,
            role=self.role,
            opened_ms=now_ms,
            last_seen_ms=now_ms,
            language=self.language,
            speaker=self.speaker,
            replaces=self.id,
        )


def session_id(text: str | None) -> str | None:
    """`text` if it can be a session's id."""
    return text if text and _SESSION_ID.fullmatch(text) else None


def language(text: str | None) -> str | None:
    """A language tag in lower case, None for what is none (BCP 47 without its rarer forms)."""
    return text.lower() if text and _LANGUAGE.fullmatch(text) else None


def hashed(text: str) -> str:
    """What a log or a key may say of a connection, a speaker, an address or a secret: who knows it finds it again."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
