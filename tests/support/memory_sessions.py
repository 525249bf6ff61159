"""Sessions' store in memory, whose calls can be cut off or held."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable
from typing import Any

from lambdas.core.session import (
    Connection,
    EndReason,
    Role,
    Session,
    SessionStatus,
    Suspicion,
)
from lambdas.core.session_drift import EVERY_LOOK, Blur
from lambdas.core.session_history import MOST_LANGUAGES, KeptMessage, slot
from lambdas.core.session_ports import Admission, Roster


class Died(Exception):
    """The function was cut off between two calls."""


class Held:
    """One run of a function that stands still at a call until it is let go on, or killed."""

    def __init__(self, work: Callable[[], Any], at: int) -> None:
        self._left = at
        self._stopped, self._go = threading.Event(), threading.Event()
        self._killed = False
        self.result: Any = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread_id = 0

    def start(self) -> bool:
        """Run until it stands still; False if it went through."""
        self._thread.start()
        self._stopped.wait()
        return self._thread_waits

    def step(self) -> None:
        """Called by the store before each of its calls in this run's thread."""
        self._left -= 1
        if self._left == 0:
            self._thread_waits = True
            self._stopped.set()
            self._go.wait()
            if self._killed:
                raise Died

    def finish(self, *, killed: bool = False) -> None:
        """Let it go on to its end, or end it where it stands."""
        self._killed = killed
        self._go.set()
        self._thread.join()

    def _run(self, work: Callable[[], Any]) -> None:
        self._thread_waits = False
        HELD.run = self
        try:
            self.result = work()
        except Died:
            pass
        finally:
            self._thread_waits = False
            self._stopped.set()


class _Local(threading.local):
    run: Held | None = None


HELD = _Local()


def _call(method: Any) -> Any:
    def stepping(self: MemorySessions, *args: Any, **kwargs: Any) -> Any:
        if HELD.run is not None:
            HELD.run.step()
        return method(self, *args, **kwargs)

    return stepping


class MemorySessions:
    """Implements `lambdas.core.session_ports.SessionStore`; new rows go to `stream`."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.rows: dict[str, Connection] = {}
        self.active: set[str] = set()
        self.closing: set[str] = set()
        self.slots: dict[tuple[str, int], KeptMessage] = {}
        self.tokens: dict[str, tuple[str, int]] = {}
        """By connection: the digest of its refresh token, and until when that is good."""
        self.stream: list[str] = []
        self.unindexed: set[str] = set()
        """Rows that the index does not have yet."""

    @_call
    def open_session(self, session: Session, max_active: int) -> bool:
        if len(self.active) >= max_active or session.id in self.by_id:
            return False
        self.active.add(session.id)
        self.by_id[session.id] = session
        return True

    @_call
    def session(self, session_id: str) -> Session | None:
        return self.by_id.get(session_id)

    @_call
    def sessions(self, session_ids: Collection[str]) -> list[Session]:
        return [self.by_id[each] for each in sorted(session_ids) if each in self.by_id]

    @_call
    def roster(self) -> Roster:
        return Roster(frozenset(self.active), frozenset(self.closing))

    @_call
    def end(self, session_id: str, reason: EndReason, now_ms: int, *, gone_since_ms: int | None = None) -> bool:
        session = self.by_id.get(session_id)
        if session is None or not session.active:
            return False
        if gone_since_ms is not None and session.speaker_gone_ms != gone_since_ms:
            return False
        self._set(session_id, status=SessionStatus.ENDED, ended_ms=now_ms, reason=reason.value)
        return True

    @_call
    def move_to_closing(self, session_id: str) -> None:
        self.active.discard(session_id)
        self.closing.add(session_id)

    @_call
    def retire(self, session_id: str) -> None:
        self.closing.discard(session_id)

    @_call
    def admit(self, session_id: str, max_listeners: int, now_ms: int) -> Admission:
        session = self.by_id.get(session_id)
        if session is None:
            return Admission.UNKNOWN
        if not session.active:
            return Admission.ENDED
        if session.listeners >= max_listeners:
            return Admission.FULL
        self._set(session_id, listeners=session.listeners + 1, changed_ms=now_ms)
        return Admission.ADMITTED

    @_call
    def dismiss(self, session_id: str, places: int, now_ms: int, blur: Blur = EVERY_LOOK) -> None:
        session = self.by_id.get(session_id)
        if session is None or session.listeners < places:
            return
        noted = session.suspicion
        if noted is not None and blur.hides(noted.at_ms):
            noted = None
        self._set(session_id, listeners=session.listeners - places, changed_ms=now_ms, suspicion=noted)

    @_call
    def touch(self, session_id: str, now_ms: int) -> None:
        session = self.by_id.get(session_id)
        if session is not None and session.active:
            self._set(session_id, changed_ms=now_ms)

    @_call
    def suspect(self, session: Session, suspicion: Suspicion) -> None:
        if self._unchanged(session):
            self._set(session.id, suspicion=suspicion)

    @_call
    def withdraw(self, session_id: str, suspicion: Suspicion) -> None:
        noted = self.by_id[session_id].suspicion
        if noted is not None and noted.at_ms == suspicion.at_ms:
            self._set(session_id, suspicion=None)

    @_call
    def write_off(self, session_id: str, suspicion: Suspicion, places: int, now_ms: int) -> bool:
        session = self.by_id[session_id]
        noted = session.suspicion
        if noted is None or noted.at_ms != suspicion.at_ms or session.listeners < places:
            return False
        self._set(session_id, listeners=session.listeners - places, changed_ms=now_ms, suspicion=None)
        return True

    def _unchanged(self, session: Session) -> bool:
        now = self.by_id[session.id]
        return (now.listeners, now.changed_ms) == (session.listeners, session.changed_ms)

    @_call
    def speaker_arrived(self, session_id: str, connection_id: str, before: str) -> bool:
        session = self.by_id[session_id]
        if not session.active or session.speaker_connection != before:
            return False
        self._set(session_id, speaker_connection=connection_id, speaker_gone_ms=None)
        return True

    @_call
    def speaker_left(self, session_id: str, connection_id: str, now_ms: int) -> None:
        session = self.by_id.get(session_id)
        if session is not None and session.speaker_connection == connection_id and session.speaker_gone_ms is None:
            self._set(session_id, speaker_gone_ms=now_ms)

    @_call
    def next_message(self, session_id: str, language: str | None) -> Session | None:
        session = self.by_id.get(session_id)
        if session is None or not session.active:
            return None
        number = session.sequence + 1
        if language is not None and (language in session.to_languages or len(session.to_languages) < MOST_LANGUAGES):
            self._set(session_id, sequence=number, to_languages={**session.to_languages, language: number})
        else:
            self._set(session_id, sequence=number, to_all=number, to_languages={})
        return session

    @_call
    def keep(self, session_id: str, message: KeptMessage, expires_s: int) -> None:
        place = (session_id, slot(message.sequence))
        there = self.slots.get(place)
        if there is None or there.sequence < message.sequence:
            self.slots[place] = message

    @_call
    def kept(self, session_id: str, sequences: Iterable[int]) -> list[KeptMessage]:
        places = [(session_id, slot(sequence)) for sequence in sequences]
        return [self.slots[place] for place in places if place in self.slots]

    @_call
    def put_connection(self, connection: Connection) -> None:
        assert connection.id not in self.rows
        self.rows[connection.id] = connection
        self.stream.append(connection.id)
        self.unindexed.add(connection.id)

    @_call
    def connection(self, connection_id: str) -> Connection | None:
        return self.rows.get(connection_id)

    @_call
    def connections(self, connection_ids: Collection[str]) -> list[Connection]:
        return [self.rows[each] for each in dict.fromkeys(connection_ids) if each in self.rows]

    @_call
    def remove_connection(self, connection_id: str) -> Connection | None:
        return self.rows.pop(connection_id, None)

    def remove_all(self, connection_ids: Collection[str]) -> list[Connection]:
        return [row for each in connection_ids if (row := self.remove_connection(each)) is not None]

    def remove_gone(self, connection_ids: Collection[str], opened_before_ms: int) -> list[Connection]:
        gone = (self._remove_if(each, lambda row: row.opened_ms <= opened_before_ms) for each in connection_ids)
        return [row for row in gone if row is not None]

    def remove_lost(self, connection_ids: Collection[str], seen_before_ms: int) -> list[Connection]:
        lost = (self._remove_if(each, lambda row: row.last_seen_ms <= seen_before_ms) for each in connection_ids)
        return [row for row in lost if row is not None]

    @_call
    def _remove_if(self, connection_id: str, holds: Callable[[Connection], bool]) -> Connection | None:
        row = self.rows.get(connection_id)
        return self.rows.pop(connection_id) if row is not None and holds(row) else None

    def mark_all_counted(self, connection_ids: Collection[str]) -> list[str]:
        return [each for each in connection_ids if self.mark_counted(each)]

    @_call
    def put_refresh_token(self, connection_id: str, digest: str, expires_s: int) -> bool:
        row = self.rows.get(connection_id)
        if row is None or not (row.counted or row.role is Role.SPEAKER):
            return False
        self.tokens[connection_id] = digest, expires_s
        return True

    @_call
    def take_refresh_token(self, connection_id: str, digest: str, successor: str, now_ms: int) -> Connection | None:
        row = self.rows.get(connection_id)
        mine, expires_s = self.tokens.get(connection_id, ("", 0))
        if row is None or mine != digest or expires_s <= now_ms // 1000:
            return None
        del self.tokens[connection_id]
        self._mark(connection_id, successor=successor)
        return row

    @_call
    def hand_on(self, connection_id: str, successor: str) -> bool:
        old, new = self.rows.get(connection_id), self.rows.get(successor)
        if old is None or new is None or new.counted or not (old.counted and old.successor == successor):
            return False
        self.tokens.pop(connection_id, None)
        return self._mark(connection_id, counted=False) and self._mark(successor, counted=True)

    @_call
    def hand_back(self, connection_id: str, before: str) -> bool:
        new, old = self.rows.get(connection_id), self.rows.get(before)
        if new is None or old is None or old.counted or not new.counted:
            return False
        del self.rows[connection_id]
        return self._mark(before, counted=True)

    @_call
    def mark_counted(self, connection_id: str) -> bool:
        row = self.rows.get(connection_id)
        return row is not None and not row.counted and self._mark(connection_id, counted=True)

    @_call
    def mark_seen(self, connection_id: str, now_ms: int) -> None:
        self._mark(connection_id, last_seen_ms=now_ms)

    @_call
    def listener_ids(self, session_id: str, language: str | None = None) -> list[str]:
        listeners = [row for row in self.rows.values() if row.role is Role.LISTENER and row.session_id == session_id]
        return [row.id for row in listeners if language in (None, row.language) and row.id not in self.unindexed]

    def _set(self, session_id: str, **changes: Any) -> None:
        self.by_id[session_id] = dataclasses.replace(self.by_id[session_id], **changes)

    def _mark(self, connection_id: str, **changes: Any) -> bool:
        if connection_id not in self.rows:
            return False
        self.rows[connection_id] = dataclasses.replace(self.rows[connection_id], **changes)
        return True
