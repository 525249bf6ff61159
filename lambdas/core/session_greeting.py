"""The first message on a connection, and the moment in which it takes over from an older one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lambdas.core import session_envelopes as envelopes
from lambdas.core.session import Connection, Role, Session
from lambdas.core.session_entry import account_for
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_ports import Admission, Posting, SessionStore
from lambdas.core.session_presence import NoticeTimes

OPENING_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Waits before the tries of a greeting: API Gateway knows a connection only when `$connect` has returned, and answers
410 until then (API Gateway developer guide, "Use @connections commands in your backend service")."""

_FULL = Refusal(SessionError.SESSION_FULL, "the session filled up while this connection was away; try again later")


class Greeting(StrEnum):
    """What became of a new connection."""

    GREETED = "greeted"
    ENDED = "ended"
    GONE = "gone"
    FULL = "full"
    STALE = "stale"
    """The row is not there any more. One that is there is greeted again: streams deliver at least once."""


@dataclass(frozen=True, slots=True)
class Greeter:
    """Greets connections; `sleep` takes seconds."""

    store: SessionStore
    posting: Posting
    times: NoticeTimes
    max_listeners: int
    sleep: Callable[[float], None]

    def greet(self, connection_id: str, now_ms: int) -> Greeting:
        """Greet a connection whose row has appeared; the older one that it replaces is closed afterwards."""
        connection = self.store.connection(connection_id)
        if connection is None:
            return Greeting.STALE
        session = self.store.session(connection.session_id)
        if session is None or not session.active:
            return self._turn_away(connection, session)
        refresh_at_ms = self.times.refresh_at_ms(connection.id, connection.opened_ms)
        told = envelopes.encoded(envelopes.greeting(session, connection, refresh_at_ms))
        if not self._reaches(connection.id, told):
            self._give_up(connection, now_ms)
            return Greeting.GONE
        if connection.role is Role.SPEAKER:
            return self._speak(connection, session)
        return self._listen(connection, now_ms)

    def _reaches(self, connection_id: str, text: str) -> bool:
        for wait_s in OPENING_WAITS_S:
            if self.posting.post(connection_id, text):
                return True
            self.sleep(wait_s)
        return self.posting.post(connection_id, text)

    def _give_up(self, connection: Connection, now_ms: int) -> None:
        """A listener may be very slow to open, and is found by the index later; speakers are not in it."""
        removed = self.store.remove_connection(connection.id) if connection.role is Role.SPEAKER else None
        if removed is not None:
            account_for(self.store, removed, now_ms)

    def _turn_away(self, connection: Connection, session: Session | None) -> Greeting:
        reason = session.reason if session else ""
        self._reaches(connection.id, envelopes.encoded(envelopes.ended(connection.session_id, reason)))
        self._let_go(connection.id)
        return Greeting.ENDED

    def _speak(self, connection: Connection, session: Session | None) -> Greeting:
        """Make it the speaker's connection: the one before is let go first, so that no second one can be left over."""
        while session is not None and session.active:
            before = session.speaker_connection
            if self.store.connection(connection.id) is None:
                return Greeting.STALE  # another one has taken over meanwhile, and let this one go
            if before != connection.id:
                self._let_go(before)
            if self.store.speaker_arrived(session.id, connection.id, before):
                return Greeting.GREETED
            session = self.store.session(session.id)
        return self._turn_away(connection, session)

    def _listen(self, connection: Connection, now_ms: int) -> Greeting:
        if not connection.counted and not self._count(connection, now_ms):
            self.posting.post(connection.id, envelopes.encoded(_FULL.answer()))
            self._let_go(connection.id)
            return Greeting.FULL
        if connection.replaces is not None:
            self._let_go(connection.replaces)
        return Greeting.GREETED

    def _let_go(self, connection_id: str) -> None:
        self.store.remove_connection(connection_id)
        self.posting.close_all([connection_id])

    def _count(self, connection: Connection, now_ms: int) -> bool:
        """Take over the place of the connection that is replaced, or a new one if that had been given back."""
        self.store.touch(connection.session_id, now_ms)
        old = self.store.remove_connection(connection.replaces) if connection.replaces else None
        if old is None or not old.counted:
            admission = self.store.admit(connection.session_id, self.max_listeners, now_ms)
            if admission is not Admission.ADMITTED:
                return False
        if not self.store.mark_counted(connection.id):
            self.store.dismiss(connection.session_id, 1, now_ms)
        return True
