"""What the minute's look at all sessions finds: lost connections, lost speakers, wrong counts, half-closed sessions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lambdas.core.session import Connection, EndReason, Session, Suspicion
from lambdas.core.session_ending import close_again, end_session
from lambdas.core.session_entry import account_for, forget_gone
from lambdas.core.session_ports import Posting, SessionStore
from lambdas.core.session_presence import (
    LOOKED_AT_EVERY_MIN,
    LOST_AFTER_MS,
    OPENING_MS,
    is_confirmed,
    is_due,
    is_lost,
    is_suspected,
    speaker_is_lost,
    without_place,
)


@dataclass(slots=True)
class Look:
    """What one look has found, and how many sessions and listeners are left."""

    active_sessions: int = 0
    listeners: int = 0
    lost: int = 0
    ended: int = 0
    recounted: int = 0
    troubles: list[Exception] = field(default_factory=list)


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
        for session_id in _in_turn(roster.active, now_ms):
            with self._one(found):
                self._look_at(sessions.get(session_id), session_id, now_ms, found)
        for session_id in _in_turn(roster.closing, now_ms):
            with self._one(found):
                close_again(self.store, self.posting, session_id, now_ms)
        return found

    @staticmethod
    @contextmanager
    def _one(found: Look) -> Iterator[None]:
        """The trouble with one session is told, and keeps nobody from the others."""
        try:
            yield
        except Exception as error:
            found.troubles.append(error)

    def _look_at(self, session: Session | None, session_id: str, now_ms: int, found: Look) -> None:
        if session is None or not session.active:
            self.store.move_to_closing(session_id)
            return
        reason = self._reason_to_end(session, now_ms)
        if reason is not None:
            gone_ms = session.speaker_gone_ms if reason is EndReason.SPEAKER_LOST else None
            found.ended += end_session(self.store, self.posting, session_id, reason, now_ms, gone_since_ms=gone_ms)
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
        removed = [row for row in (self.store.remove_lost(each, now_ms - LOST_AFTER_MS) for each in lost) if row]
        for row in removed:
            account_for(self.store, row, now_ms)
        found.lost += len(removed)
        self.posting.close_all([row.id for row in removed])
        self._let_go_without_place(rows, now_ms, found)
        if not lost:
            self._check_number(session, sum(row.counted for row in rows), now_ms, found)
        return self.store.session(session.id) or session

    def _let_go_without_place(self, rows: Collection[Connection], now_ms: int, found: Look) -> None:
        """Nobody listens beside the number."""
        left_over = [row.id for row in without_place(rows, now_ms)]
        found.lost += forget_gone(self.store, left_over, now_ms - OPENING_MS, now_ms)
        self.posting.close_all(left_over)

    def _check_number(self, session: Session, counted: int, now_ms: int, found: Look) -> None:
        if counted == session.listeners:
            return
        if is_confirmed(session, counted, now_ms):
            found.recounted += self.store.recount(session, counted, now_ms)
        elif not is_suspected(session, counted):
            self.store.suspect(session, Suspicion(counted, session.changed_ms, now_ms))


def _in_turn(session_ids: Collection[str], now_ms: int) -> list[str]:
    """Another one is the first each minute, so that a look which takes too long does not leave out the same ones."""
    ordered = sorted(session_ids)
    first = now_ms // 60_000 % max(1, len(ordered))
    return ordered[first:] + ordered[:first]
