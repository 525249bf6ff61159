"""Answering heartbeats: who is still there, and whose connection is getting old."""

from __future__ import annotations

from typing import Any, Protocol

from lambdas.core.session import Connection, Session, hashed
from lambdas.core.session_errors import NOT_CONNECTED, UNKNOWN_ACTION, Refusal, SessionError
from lambdas.core.session_limits import Operation
from lambdas.core.session_ports import RateLimits
from lambdas.core.session_presence import SEEN_AGAIN_MS, NoticeTimes

_TOO_OFTEN = Refusal(
    SessionError.RATE_LIMITED, "heartbeats come too often; send one in thirty seconds", Operation.HEARTBEAT
)


class Rows(Protocol):
    """The part of the session store that heartbeats need."""

    def connection(self, connection_id: str) -> Connection | None:
        """One row, as it is now."""

    def session(self, session_id: str) -> Session | None:
        """One session, as it is now."""

    def mark_seen(self, connection_id: str, now_ms: int) -> None:
        """A heartbeat came; nothing happens to a row that is gone."""


class Heartbeats:
    """Answers what arrives at the heartbeat's route and at the default one."""

    def __init__(self, rows: Rows, rates: RateLimits, times: NoticeTimes, per_minute: int) -> None:
        self._rows = rows
        self._rates = rates
        self._times = times
        self._per_minute = per_minute

    def answer(self, connection_id: str, route: str, now_ms: int) -> dict[str, Any] | Refusal:
        """Each heartbeat has one answer, which may be a notice; one that is written down also tells `sequence`, the
        number of the last message to this member."""
        if route != Operation.HEARTBEAT:
            return UNKNOWN_ACTION
        who = hashed(connection_id)
        # One more than the rate: of heartbeats at an even pace, one too many falls into some windows.
        if not self._rates.allow(Operation.HEARTBEAT, who, limit=self._per_minute + 1, window_s=60, now_ms=now_ms):
            return _TOO_OFTEN
        connection = self._rows.connection(connection_id)
        if connection is None:
            return NOT_CONNECTED
        told = {"type": self._times.notice(connection, now_ms).value, "serverTime": now_ms}
        if now_ms - connection.last_seen_ms > SEEN_AGAIN_MS:
            self._rows.mark_seen(connection_id, now_ms)
            session = self._rows.session(connection.session_id)
            if session is not None:
                told["sequence"] = session.latest_for(connection.language)
        return told
