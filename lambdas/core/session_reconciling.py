"""What the minute's look at all sessions finds: lost connections, lost speakers, wrong counts, half-closed sessions."""

from __future__ import annotations

from dataclasses import dataclass

from lambdas.core.session import EndReason, Session, Suspicion
from lambdas.core.session_ending import close_again, end_session
from lambdas.core.session_entry import account_for
from lambdas.core.session_ports import Posting, SessionStore
from lambdas.core.session_presence import (
    LOOKED_AT_EVERY_MIN,
    LOST_AFTER_MS,
    is_confirmed,
    is_due,
    is_lost,
    speaker_is_lost,
)


@dataclass(slots=True)
class Look:
    """What one look has found, and how many sessions and listeners are left."""

    active_sessions: int = 0
    listeners: int = 0
    lost: int = 0
    ended: int = 0
    recounted: int = 0


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Looks at every session each minute, and at its connections in one of `every_min` minutes."""

    store: SessionStore
    posting: Posting
    every_min: int = LOOKED_AT_EVERY_MIN

    def look(self, now_ms: int) -> Look:
        """Correct what was lost and sum up what there is."""
        found = Look()
        roster = self.store.roster()
        sessions = {session.id: session for session in self.store.sessions(roster.active)}
        for session_id in sorted(roster.active):
            self._look_at(sessions.get(session_id), session_id, now_ms, found)
        for session_id in sorted(roster.closing):
            close_again(self.store, self.posting, session_id, now_ms)
        return found

    def _look_at(self, session: Session | None, session_id: str, now_ms: int, found: Look) -> None:
        if session is None or not session.active:
            self.store.move_to_closing(session_id)
            return
        reason = self._reason_to_end(session, now_ms)
        if reason is not None:
            found.ended += end_session(self.store, self.posting, session_id, reason, now_ms)
            return
        if is_due(session_id, self.every_min, now_ms):
            session = self._check_members(session, now_ms, found)
        found.active_sessions += 1
        found.listeners += session.listeners

    @staticmethod
    def _reason_to_end(session: Session, now_ms: int) -> EndReason | None:
        if now_ms >= session.expires_s * 1000:
            return EndReason.EXPIRED
        return EndReason.SPEAKER_LOST if speaker_is_lost(session, now_ms) else None

    def _check_members(self, session: Session, now_ms: int, found: Look) -> Session:
        listener_ids = self.store.listener_ids(session.id)
        rows = self.store.connections([*listener_ids, session.speaker_connection])
        if not any(row.id == session.speaker_connection for row in rows):
            self.store.speaker_left(session.id, session.speaker_connection, now_ms)
        lost = [row.id for row in rows if is_lost(row, now_ms)]
        for connection_id in lost:
            removed = self.store.remove_lost(connection_id, now_ms - LOST_AFTER_MS)
            if removed is not None:
                account_for(self.store, removed, now_ms)
                found.lost += 1
        if lost:
            self.posting.close_all(lost)
        else:
            self._check_number(session, sum(row.counted for row in rows), now_ms, found)
        return self.store.session(session.id) or session

    def _check_number(self, session: Session, counted: int, now_ms: int, found: Look) -> None:
        if counted == session.listeners:
            return
        if is_confirmed(session, counted, now_ms):
            found.recounted += self.store.recount(session, counted, now_ms)
        elif session.suspicion is None or session.suspicion.listeners != counted:
            self.store.suspect(session, Suspicion(counted, session.changed_ms, now_ms))
