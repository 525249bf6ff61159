"""What the minute's look at all sessions finds: lost connections, lost speakers, wrong counts, half-closed sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lambdas.core.session import Connection, EndReason, Role, Session
from lambdas.core.session_drift import is_ripe, surplus, suspicion
from lambdas.core.session_ending import close_again, end_session
from lambdas.core.session_entry import account_for, forget_gone
from lambdas.core.session_ports import Posting, Roster, SessionStore
from lambdas.core.session_presence import (
    LOOKED_AT_EVERY_MIN,
    LOST_AFTER_MS,
    OPENING_MS,
    is_due,
    is_lost,
    speaker_is_lost,
    without_place,
)

LOOKING_MS = 40_000
"""After so long no further session is begun: the function has a minute, and the last session may take a third of it."""


@dataclass(frozen=True, slots=True)
class Census:
    """Which sessions there are, and how they are, before anything is done about them."""

    roster: Roster
    sessions: dict[str, Session]

    @property
    def active_sessions(self) -> int:
        """How many can be joined."""
        return sum(session.active for session in self.sessions.values())

    @property
    def listeners(self) -> int:
        """How many listeners these have by their numbers."""
        return sum(session.listeners for session in self.sessions.values() if session.active)


@dataclass(slots=True)
class Look:
    """What one look has found, and how many sessions are left to the next one."""

    lost: int = 0
    ended: int = 0
    recounted: int = 0
    left: int = 0
    troubles: list[Exception] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Looks at every session each minute, and at its connections in one of `every_min` minutes; `clock` in epoch ms."""

    store: SessionStore
    posting: Posting
    clock: Callable[[], int]
    every_min: int = LOOKED_AT_EVERY_MIN
    _left: set[str] = field(default_factory=set)
    """Sessions that the last look had no time for: the next one begins with them."""

    def census(self) -> Census:
        """Read what there is: two calls, whatever is wrong with it."""
        roster = self.store.roster()
        return Census(roster, {session.id: session for session in self.store.sessions(roster.active)})

    def look(self, census: Census) -> Look:
        """Correct what was lost, for as long as there is time."""
        found, began_ms = Look(), self.clock()
        turns = _in_turn(census.roster.active | census.roster.closing, self._left, began_ms)
        overdue = frozenset(self._left)
        self._left.clear()
        for session_id in turns:
            if self.clock() - began_ms >= LOOKING_MS:
                self._left.add(session_id)
                continue
            with self._one(found):
                if session_id in census.roster.active:
                    self._look_at(census.sessions.get(session_id), session_id, session_id in overdue, found)
                else:
                    close_again(self.store, self.posting, session_id, self.clock())
        found.left = len(self._left)
        return found

    @staticmethod
    @contextmanager
    def _one(found: Look) -> Iterator[None]:
        """The trouble with one session is told, and keeps nobody from the others."""
        try:
            yield
        except Exception as error:
            found.troubles.append(error)

    def _look_at(self, session: Session | None, session_id: str, overdue: bool, found: Look) -> None:
        now_ms = self.clock()
        if session is None or not session.active:
            self.store.move_to_closing(session_id)
            return
        reason = self._reason_to_end(session, now_ms)
        if reason is not None:
            gone_ms = session.speaker_gone_ms if reason is EndReason.SPEAKER_LOST else None
            found.ended += end_session(self.store, self.posting, session_id, reason, now_ms, gone_since_ms=gone_ms)
        elif overdue or session.suspicion is not None or is_due(session_id, self.every_min, now_ms):
            self._check_members(session_id, found)

    @staticmethod
    def _reason_to_end(session: Session, now_ms: int) -> EndReason | None:
        if now_ms >= session.expires_s * 1000:
            return EndReason.EXPIRED
        return EndReason.SPEAKER_LOST if speaker_is_lost(session, now_ms) else None

    def _check_members(self, session_id: str, found: Look) -> None:
        now_ms, session = self.clock(), self.store.session(session_id)
        if session is None:
            return
        listener_ids = self.store.listener_ids(session_id)
        rows = self.store.connections([*listener_ids, session.speaker_connection])
        if not any(row.id == session.speaker_connection for row in rows):
            self.store.speaker_left(session_id, session.speaker_connection, now_ms)
        lost = [row.id for row in rows if is_lost(row, now_ms)]
        removed = self.store.remove_lost(lost, now_ms - LOST_AFTER_MS)
        account_for(self.store, removed, now_ms)
        found.lost += len(removed)
        self.posting.close_all([row.id for row in removed])
        self._let_go_without_place(rows, now_ms, found)
        if not lost:
            self._check_number(session, [row for row in rows if row.role is Role.LISTENER], found)

    def _let_go_without_place(self, rows: Collection[Connection], now_ms: int, found: Look) -> None:
        """Nobody listens beside the number."""
        left_over = [row.id for row in without_place(rows, now_ms)]
        found.lost += forget_gone(self.store, left_over, now_ms - OPENING_MS, now_ms)
        self.posting.close_all(left_over)

    def _check_number(self, session: Session, rows: Collection[Connection], found: Look) -> None:
        now_ms, noted = self.clock(), session.suspicion
        if noted is not None and not is_ripe(noted, now_ms):
            return
        if noted is not None and (places := surplus(noted, rows)):
            found.recounted += self.store.write_off(session.id, noted, places, now_ms)
        elif (doubtful := suspicion(session, rows, now_ms)) is not None:
            self.store.suspect(session, doubtful)
        elif noted is not None:
            self.store.withdraw(session.id, noted)


def _in_turn(session_ids: Collection[str], first: Collection[str], now_ms: int) -> list[str]:
    """Those of `first`, then the others; of these another one leads each minute, so that what takes too long does not
    leave out the same ones."""
    ordered = sorted(session_ids)
    turn = now_ms // 60_000 % max(1, len(ordered))
    return sorted(ordered[turn:] + ordered[:turn], key=lambda each: each not in first)
