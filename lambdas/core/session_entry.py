"""Coming into a session and leaving it: what `$connect` and `$disconnect` do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from lambdas.core.session import Connection, Role, Session, hashed
from lambdas.core.session_drift import Blur
from lambdas.core.session_errors import SESSION_ENDED, Refusal, SessionError
from lambdas.core.session_limits import Operation
from lambdas.core.session_moving import RefreshToken
from lambdas.core.session_ports import Admission, RateLimits, SessionStore
from lambdas.core.session_requests import (
    ConnectRequest,
    CreateSession,
    JoinSession,
    ResumeSession,
    TakeOver,
)

HOUR_S = 3600
MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How much there may be; sessions live `session_max_hours` at most."""

    max_active_sessions: int
    max_listeners: int
    sessions_per_hour: int
    joins_per_minute: int
    attempts_per_minute: int
    session_max_hours: int


class Caller(NamedTuple):
    """Who connects: `source` is an address, `speaker` the subject of a verified token, None without one."""

    connection_id: str
    source: str
    speaker: str | None


_TOKEN_REQUIRED = Refusal(SessionError.TOKEN_REQUIRED, "speakers need a token; sign in and pass it as token")
_NOT_FOUND = Refusal(SessionError.SESSION_NOT_FOUND, "there is no such session; ask the speaker for its id")
_FULL = Refusal(SessionError.SESSION_FULL, "the session has as many listeners as it may; try again later")
_TOO_MANY = Refusal(SessionError.TOO_MANY_SESSIONS, "there are as many sessions as there may be; try again later")
_REFRESH_TOKEN = Refusal(
    SessionError.REFRESH_TOKEN_INVALID,
    "the refresh token was used, has expired or has outlived its connection; ask for another one, or join again",
)
_REFUSED_ENTRY = {Admission.FULL: _FULL, Admission.ENDED: SESSION_ENDED, Admission.UNKNOWN: _NOT_FOUND}


def _limited(operation: Operation) -> Refusal:
    return Refusal(SessionError.RATE_LIMITED, "too many attempts; wait before the next one", operation)


class Entry:
    """Decides about each connection before it stands, and writes what follows from it."""

    def __init__(
        self, store: SessionStore, rates: RateLimits, limits: SessionLimits, new_session_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._rates = rates
        self._limits = limits
        self._new_session_id = new_session_id

    def connect(self, request: ConnectRequest | Refusal, caller: Caller, now_ms: int) -> Refusal | None:
        """Let a connection in, or say why not; nothing but the attempt is written for one that is refused.

        A request that could not be read counts as an attempt too.
        """
        if not self._within(Operation.ATTEMPT, caller.source, self._limits.attempts_per_minute, MINUTE_S, now_ms):
            return _limited(Operation.ATTEMPT)
        if isinstance(request, Refusal):
            return request
        if isinstance(request, CreateSession):
            return self._create(request, caller, now_ms)
        if isinstance(request, ResumeSession):
            return self._resume(request, caller, now_ms)
        if isinstance(request, JoinSession):
            return self._join(request, caller, now_ms)
        return self._take_over(request, caller, now_ms)

    def _within(self, operation: Operation, who: str, limit: int, window_s: int, now_ms: int) -> bool:
        return self._rates.allow(operation, hashed(who), limit=limit, window_s=window_s, now_ms=now_ms)

    def _create(self, request: CreateSession, caller: Caller, now_ms: int) -> Refusal | None:
        if caller.speaker is None:
            return _TOKEN_REQUIRED
        if not self._within(Operation.SESSION, caller.speaker, self._limits.sessions_per_hour, HOUR_S, now_ms):
            return _limited(Operation.SESSION)
        session = Session(
            id=self._new_session_id(),
            speaker=caller.speaker,
            speaker_connection=caller.connection_id,
            source_language=request.source_language,
            created_ms=now_ms,
            expires_s=now_ms // 1000 + self._limits.session_max_hours * HOUR_S,
            changed_ms=now_ms,
        )
        if not self._store.open_session(session, self._limits.max_active_sessions):
            return _TOO_MANY
        self._store.put_connection(_speaker(session.id, caller, now_ms))
        return None

    def _resume(self, request: ResumeSession, caller: Caller, now_ms: int) -> Refusal | None:
        if caller.speaker is None:
            return _TOKEN_REQUIRED
        session = self._store.session(request.session_id)
        if session is None or session.speaker != caller.speaker:
            return _NOT_FOUND
        if not session.active:
            return SESSION_ENDED
        self._store.put_connection(_speaker(session.id, caller, now_ms, replaces=session.speaker_connection))
        return None

    def _join(self, request: JoinSession, caller: Caller, now_ms: int) -> Refusal | None:
        if not self._within(Operation.JOIN, caller.source, self._limits.joins_per_minute, MINUTE_S, now_ms):
            return _limited(Operation.JOIN)
        admission = self._store.admit(request.session_id, self._limits.max_listeners, now_ms)
        if admission is not Admission.ADMITTED:
            return _REFUSED_ENTRY[admission]
        self._store.put_connection(
            Connection(
                id=caller.connection_id,
                session_id=request.session_id,
                role=Role.LISTENER,
                opened_ms=now_ms,
                last_seen_ms=now_ms,
                language=request.target_language,
                counted=True,
            )
        )
        return None

    def _take_over(self, request: TakeOver, caller: Caller, now_ms: int) -> Refusal | None:
        """Let in the next connection of a member; an earlier one that has not taken over yet loses its claim."""
        token = RefreshToken.read(request.refresh_token)
        if token is None:
            return _REFRESH_TOKEN
        old = self._store.take_refresh_token(token.connection_id, token.digest, caller.connection_id, now_ms)
        if old is None:
            return _REFRESH_TOKEN
        if old.successor is not None:
            disconnect(self._store, old.successor, now_ms)
        self._store.put_connection(old.succeeded_by(caller.connection_id, now_ms))
        return None


def _speaker(session_id: str, caller: Caller, now_ms: int, replaces: str | None = None) -> Connection:
    return Connection(
        id=caller.connection_id,
        session_id=session_id,
        role=Role.SPEAKER,
        opened_ms=now_ms,
        last_seen_ms=now_ms,
        speaker=caller.speaker,
        replaces=replaces,
    )


def account_for(store: SessionStore, removed: Collection[Connection], now_ms: int) -> None:
    """Tell the sessions of connections whose rows were just deleted, each once; `now_ms` is when that began.

    A function that dies before it gives the places back leaves the numbers too high, never too low.
    """
    for row in removed:
        if row.role is Role.SPEAKER:
            store.speaker_left(row.session_id, row.id, now_ms)
    counted = [row for row in removed if row.role is Role.LISTENER and row.counted]
    # Where the move to a removed connection had not ended, the place is the one's before it again.
    back = set(store.mark_all_counted([row.replaces for row in counted if row.replaces is not None]))
    left: defaultdict[str, list[Connection]] = defaultdict(list)
    for row in counted:
        if row.replaces not in back:
            left[row.session_id].append(row)
    for session_id, rows in left.items():
        store.dismiss(session_id, len(rows), now_ms, Blur.of(rows, now_ms))


def disconnect(store: SessionStore, connection_id: str, now_ms: int) -> Connection | None:
    """Take a closed connection out of its session; None if that was done before."""
    removed = store.remove_connection(connection_id)
    if removed is not None:
        account_for(store, [removed], now_ms)
    return removed


def forget_gone(store: SessionStore, connection_ids: Collection[str], opened_before_ms: int, now_ms: int) -> int:
    """Take connections that API Gateway no longer has out of their session; how many were still in it.

    One that was opened after `opened_before_ms` may be unknown to API Gateway because it is still opening.
    """
    removed = store.remove_gone(connection_ids, opened_before_ms)
    account_for(store, removed, now_ms)
    return len(removed)
