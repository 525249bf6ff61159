"""The first message on a connection, and the moment in which it takes over from an older one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lambdas.core import session_envelopes as envelopes
from lambdas.core.session import Connection, Role, Session
from lambdas.core.session_entry import disconnect
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_moving import take_place, undo_move
from lambdas.core.session_ports import Admission, Posting, SessionStore
from lambdas.core.session_presence import OPENING_MS, NoticeTimes
from lambdas.core.session_replaying import missed_by, send_again

OPENING_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Waits before the tries of a greeting: API Gateway knows a connection only when `$connect` has returned, and answers
410 until then (API Gateway developer guide, "Use @connections commands in your backend service"). Whoever opens later
is greeted `again_in_s` later."""

INDEX_WAITS_S = (0.05, 0.1, 0.2, 0.4)
"""Waits between looks for a connection in the index of listeners, which follows its table "within a fraction of a
second, under normal conditions" (DynamoDB developer guide, "Data synchronization between tables and Global Secondary
Indexes")."""

_FULL = Refusal(SessionError.SESSION_FULL, "the session filled up while this connection was away; try again later")


class Greeting(StrEnum):
    """What became of a new connection."""

    GREETED = "greeted"
    OPENING = "opening"
    """API Gateway does not know it yet: it is to be greeted again."""
    ENDED = "ended"
    GONE = "gone"
    FULL = "full"
    STALE = "stale"
    """The row is not there any more, or a later connection has its place. One that is there is greeted again: streams
    deliver at least once."""


def again_in_s(opened_ms: int, now_ms: int) -> int:
    """When to greet a connection that is still opening once more: after as long again as it has been opening, so that
    five tries cover the time that it may take."""
    return max(1, -(-(now_ms - opened_ms) // 1000))


@dataclass(frozen=True, slots=True)
class Greeter:
    """Greets connections; `sleep` takes seconds, and `waits_s` are those before another try."""

    store: SessionStore
    posting: Posting
    times: NoticeTimes
    max_listeners: int
    sleep: Callable[[float], None]
    waits_s: Sequence[float] = OPENING_WAITS_S

    def greet(self, connection_id: str, now_ms: int) -> Greeting:
        """Greet a connection whose row has appeared; the older one that it replaces is closed afterwards."""
        connection = self.store.connection(connection_id)
        if connection is None:
            self.posting.close_all([connection_id])
            return Greeting.STALE
        if connection.role is Role.SPEAKER:
            return self._greet_speaker(connection, now_ms)
        return self._greet_listener(connection, now_ms)

    def _greet_speaker(self, connection: Connection, now_ms: int) -> Greeting:
        session = self.store.session(connection.session_id)
        if session is None or not session.active:
            return self._turn_away(connection, session)
        if not self._reaches(connection.id, self._greeting(session, connection)):
            if self._may_open(connection, now_ms):
                return Greeting.OPENING
            disconnect(self.store, connection.id, now_ms)
            return Greeting.GONE
        return self._speak(connection, session)

    def _greet_listener(self, connection: Connection, now_ms: int) -> Greeting:
        """Place, index, greeting: who is greeted keeps its place whatever its client does with the older connection,
        and is sent whatever is said from then on."""
        if not connection.counted:
            admission = take_place(self.store, connection, self.max_listeners, now_ms)
            if admission is not Admission.ADMITTED:
                return self._without_place(connection, admission)
        self._await_index(connection)
        session = self.store.session(connection.session_id)
        if session is None or not session.active:
            return self._turn_away(connection, session)
        if not self._reaches(connection.id, self._greeting(session, connection)):
            if self._may_open(connection, now_ms):
                return Greeting.OPENING
            undo_move(self.store, connection, now_ms)
            return Greeting.GONE
        self._catch_up(connection, session)
        if connection.replaces is not None:
            disconnect(self.store, connection.replaces, now_ms)
            self.posting.close_all([connection.replaces])
        return Greeting.GREETED

    def _greeting(self, session: Session, connection: Connection) -> str:
        refresh_at_ms = self.times.refresh_at_ms(connection.id, connection.opened_ms)
        return envelopes.encoded(envelopes.greeting(session, connection, refresh_at_ms))

    def _without_place(self, connection: Connection, admission: Admission | None) -> Greeting:
        if admission is None:
            self._let_go(connection.id)
            return Greeting.STALE
        if admission is not Admission.FULL:
            return self._turn_away(connection, self.store.session(connection.session_id))
        self._reaches(connection.id, envelopes.encoded(_FULL.answer()))
        self._let_go(connection.id)
        return Greeting.FULL

    def _await_index(self, connection: Connection) -> None:
        """Until broadcasts find it, or for as long as is sensible: a client that misses one notices it by the next."""
        for wait_s in INDEX_WAITS_S:
            if connection.id in self.store.listener_ids(connection.session_id, connection.language):
                return
            self.sleep(wait_s)

    def _catch_up(self, connection: Connection, greeted_in: Session) -> None:
        """Send what was said between the reading of the greeting's number and its arrival: posts may not have reached
        it yet. What comes twice has the same number."""
        session = self.store.session(connection.session_id)
        if session is not None and session.sequence > greeted_in.sequence:
            send_again(self.posting, connection, missed_by(self.store, connection, session, greeted_in.sequence))

    def _reaches(self, connection_id: str, text: str) -> bool:
        for wait_s in self.waits_s:
            if self.posting.post(connection_id, text):
                return True
            if self.store.connection(connection_id) is None:
                return False  # it has closed: others wait for their greetings
            self.sleep(wait_s)
        return self.posting.post(connection_id, text)

    def _may_open(self, connection: Connection, now_ms: int) -> bool:
        """Whether it is worth coming back to: nobody waits for its place, and it has not closed.

        A member that moves is not left between two connections for so long: its move is undone at once.
        """
        young = connection.replaces is None and now_ms - connection.opened_ms < OPENING_MS
        return young and self.store.connection(connection.id) is not None

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

    def _let_go(self, connection_id: str) -> None:
        self.store.remove_connection(connection_id)
        self.posting.close_all([connection_id])
