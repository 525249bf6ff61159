"""When a connection was last heard of, when it must be renewed, and when it counts as lost."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from lambdas.core.session import Connection, Role, Session

SEEN_AGAIN_MS = 3 * 60_000
"""A heartbeat is written down when the last one that was is older: a write costs more than the heartbeat's read."""

LOST_AFTER_MS = 7 * 60_000
"""Two renewals of `last_seen_ms` missed, and a minute: the connection is gone whatever `$disconnect` said."""

OPENING_MS = 30_000
"""So long after its handshake a connection may be unknown to API Gateway because it is still opening."""

SPEAKER_GRACE_MS = 60_000
"""A session whose speaker is lost ends after this; a minute bridges a change of network."""

JITTER_MS = 4 * 60_000
"""Connections of one minute are asked to move within four: 50,000 of them are 208 a second, and an account may open
500 a second (API Gateway quotas, "WebSocket API")."""

LOOKED_AT_EVERY_MIN = 5
"""A session's connections are looked at in one of so many minutes: 50,000 rows in five cost 5,000 reads a minute."""


class Notice(StrEnum):
    """Message types that answer a heartbeat."""

    NONE = "heartbeatAck"
    REFRESH = "connectionRefreshRequired"
    WARNING = "connectionWarning"


class NoticeTimes(NamedTuple):
    """Ages of a connection in milliseconds: from `refresh_ms` on it is asked to move, from `warning_ms` on warned."""

    refresh_ms: int
    warning_ms: int

    @classmethod
    def of_minutes(cls, refresh: int, warning: int) -> NoticeTimes:
        """From the settings."""
        return cls(refresh * 60_000, warning * 60_000)

    def refresh_at_ms(self, connection_id: str, opened_ms: int) -> int:
        """When this connection is to move: a moment of its own between the refresh and the warning."""
        spread = min(JITTER_MS, self.warning_ms - self.refresh_ms)
        share = int.from_bytes(hashlib.sha256(connection_id.encode()).digest()[:4]) / 2**32
        return opened_ms + self.refresh_ms + int(spread * share)

    def notice(self, connection: Connection, now_ms: int) -> Notice:
        """What a heartbeat at `now_ms` is answered with."""
        if now_ms - connection.opened_ms >= self.warning_ms:
            return Notice.WARNING
        if now_ms >= self.refresh_at_ms(connection.id, connection.opened_ms):
            return Notice.REFRESH
        return Notice.NONE


def is_lost(connection: Connection, now_ms: int) -> bool:
    """Whether nothing was heard of a connection for too long."""
    return now_ms - connection.last_seen_ms > LOST_AFTER_MS


def without_place(rows: Collection[Connection], now_ms: int) -> list[Connection]:
    """Listeners that no number has in though they are not opening, nor is one that replaces them: their move died."""
    moving = {row.replaces for row in rows if row.opened_ms > now_ms - OPENING_MS}
    settled = [row for row in rows if row.role is Role.LISTENER and row.opened_ms <= now_ms - OPENING_MS]
    return [row for row in settled if not row.counted and row.id not in moving]


def is_due(session_id: str, every_min: int, now_ms: int) -> bool:
    """Whether this is the session's minute of so many."""
    turn = int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:4]) % every_min
    return (now_ms // 60_000) % every_min == turn


def speaker_is_lost(session: Session, now_ms: int) -> bool:
    """Whether a session has waited long enough for its speaker."""
    return session.speaker_gone_ms is not None and now_ms - session.speaker_gone_ms >= SPEAKER_GRACE_MS
