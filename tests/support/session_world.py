"""Sessions in memory: a store whose calls can be cut off or held, API Gateway's connections, and the functions."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
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
from lambdas.core.session_entry import Caller, Entry, SessionLimits, disconnect
from lambdas.core.session_errors import Refusal
from lambdas.core.session_greeting import Greeter, Greeting
from lambdas.core.session_heartbeat import Heartbeats
from lambdas.core.session_history import MOST_LANGUAGES, KeptMessage, slot
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_moving import issue
from lambdas.core.session_ports import Admission, Posted, Roster
from lambdas.core.session_presence import NoticeTimes
from lambdas.core.session_reconciling import Look, Reconciler
from lambdas.core.session_requests import ConnectRequest, CreateSession, JoinSession, ResumeSession, TakeOver
from lambdas.core.session_speaking import Speaking

START_MS = 1_790_000_000_000
TIMES = NoticeTimes.of_minutes(100, 105)
GENEROUS = SessionLimits(
    max_active_sessions=100,
    max_listeners=500,
    sessions_per_hour=10_000,
    joins_per_minute=10_000,
    attempts_per_minute=100_000,
    session_max_hours=12,
)


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


class Gateway:
    """Implements `lambdas.core.session_ports.Posting`: connections that are open, and what each was sent."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.closed_by_us: set[str] = set()
        self.received: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.posts_left: int | None = None
        """How many messages the function has time for, None while it has enough."""

    def post(self, connection_id: str, text: str) -> bool:
        if HELD.run is not None:
            HELD.run.step()
        if connection_id not in self.open:
            return False
        self.received[connection_id].append(json.loads(text))
        if self.posts_left is not None:
            self.posts_left -= 1
        return True

    def post_all(self, connection_ids: Sequence[str], text: str) -> Posted:
        done = {each: self.post(each, text) for each in connection_ids}
        return Posted([each for each in done if done[each]], [each for each in done if not done[each]])

    def out_of_time(self) -> bool:
        return self.posts_left is not None and self.posts_left <= 0

    def close_all(self, connection_ids: Sequence[str]) -> None:
        for connection_id in connection_ids:
            if connection_id in self.open:
                self.open.discard(connection_id)
                self.closed_by_us.add(connection_id)


class SessionWorld:
    """All functions over one store, and a clock that moves only when told to."""

    def __init__(self, limits: SessionLimits = GENEROUS, every_min: int = 1) -> None:
        self.store, self.gateway = MemorySessions(), Gateway()
        self.limits = limits
        self.now_ms = START_MS
        self._numbers = itertools.count()
        self.entry = Entry(self.store, LocalWindow(), limits, lambda: f"session-{next(self._numbers):04d}")
        self.greeter = Greeter(self.store, self.gateway, TIMES, limits.max_listeners, self._sleep)
        self.reconciler = Reconciler(self.store, self.gateway, lambda: self.now_ms, every_min)
        self.speaking = Speaking(self.store, self.gateway, self._sleep)
        self.heartbeats = Heartbeats(self.store, LocalWindow(), TIMES, 1_000_000)
        self.late: list[str] = []
        """Connections that were still opening when they were to be greeted, and are greeted again."""
        self.held: list[Held] = []
        self.settled: dict[str, int] = {}
        """Listeners that have been greeted to the end, with the number that their greeting told."""
        self.said: defaultdict[str, dict[int, str | None]] = defaultdict(dict)
        """By session: the numbers of broadcasts that were acknowledged, with their languages."""

    def _sleep(self, seconds: float) -> None:
        """The index catches up with whoever waits for it."""
        self.store.unindexed.clear()

    def run(self, work: Callable[[], Any], hold_at: int | None = None) -> Any:
        """Run a function, to its end or to its call number `hold_at`; None while it stands still."""
        if hold_at is None:
            return work()
        held = Held(work, hold_at)
        if held.start():
            self.held.append(held)
            return None
        held.finish()
        return held.result

    def let_go(self, *, killed: bool = False) -> None:
        """Finish or end all runs that stand still."""
        while self.held:
            self.held.pop(0).finish(killed=killed)

    def connect(
        self, request: ConnectRequest | Refusal, speaker: str | None = None, source: str = "s", at: int | None = None
    ) -> str:
        """Try to connect; the new connection's id, which is open if it was let in."""
        connection_id = f"connection-{next(self._numbers)}"
        caller = Caller(connection_id, source, speaker)

        def work() -> None:
            self.refusal = self.entry.connect(request, caller, self.now_ms)
            if HELD.run is not None:
                HELD.run.step()
            if self.refusal is None:
                self.gateway.open.add(connection_id)

        self.run(work, at)
        return connection_id

    def create(self, speaker: str = "speaker", at: int | None = None) -> str:
        return self.connect(CreateSession("en"), speaker, at=at)

    def join(self, session_id: str, language: str = "de", source: str = "s", at: int | None = None) -> str:
        return self.connect(JoinSession(session_id, language), source=source, at=at)

    def resume(self, session_id: str, speaker: str, at: int | None = None) -> str:
        return self.connect(ResumeSession(session_id), speaker, at=at)

    def refresh(self, connection_id: str) -> dict[str, Any] | Refusal:
        return issue(self.store, connection_id, f"secret-{next(self._numbers)}", self.now_ms)

    def refresh_token(self, connection_id: str) -> str:
        """The token of a connection that may have one."""
        answer = self.refresh(connection_id)
        assert isinstance(answer, dict), answer
        return str(answer["refreshToken"])

    def take_over(self, token: str, at: int | None = None) -> str:
        return self.connect(TakeOver(token), at=at)

    def greet(self, place: int = 0, *, again: bool = False, at: int | None = None) -> Greeting | None:
        """Deliver one record of the stream, which may come again, and does when its greeting died."""
        connection_id = self.store.stream[place] if again else self.store.stream.pop(place)

        def work() -> Greeting:
            try:
                greeting = self.greeter.greet(connection_id, self.now_ms)
            except Died:
                self.store.stream.append(connection_id)
                raise
            if greeting is Greeting.OPENING:
                self.late.append(connection_id)
            self._note_settled(connection_id, greeting)
            return greeting

        greeting: Greeting | None = self.run(work, at)
        return greeting

    def _note_settled(self, connection_id: str, greeting: Greeting) -> None:
        row = self.store.rows.get(connection_id)
        if greeting is Greeting.GREETED and row is not None and row.role is Role.LISTENER:
            greetings = [each for each in self.gateway.received[connection_id] if each["type"] == "sessionJoined"]
            self.settled.setdefault(connection_id, greetings[-1]["sequence"])

    def greet_all(self) -> None:
        while self.store.stream:
            self.greet()
        self.store.unindexed.clear()

    def drop(self, connection_id: str, *, told: bool, at: int | None = None) -> None:
        """A connection goes; API Gateway tells, or does not."""
        self.gateway.open.discard(connection_id)
        if told:
            self.run(lambda: disconnect(self.store, connection_id, self.now_ms), at)

    def heartbeat(self, connection_id: str) -> Any:
        return self.heartbeats.answer(connection_id, "heartbeat", self.now_ms)

    def ask(self, connection_id: str, at: int | None = None, **request: Any) -> Any:
        row = self.store.rows.get(connection_id)

        def work() -> Any:
            answer = self.speaking.answer(connection_id, request["action"], request, self.now_ms)
            if row is not None and isinstance(answer, dict) and answer["type"] == "broadcastAck":
                self.said[row.session_id][answer["sequence"]] = request.get("targetLanguage")
            return answer

        return self.run(work, at)

    def look(self, at: int | None = None) -> Look | None:
        found: Look | None = self.run(lambda: self.reconciler.look(self.reconciler.census()), at)
        return found

    def live_for(self, minutes: int) -> None:
        """Let time pass: who is connected sends heartbeats, who is told that it is not connected goes.

        The index is never a minute behind.
        """
        for _ in range(minutes):
            self.now_ms += 60_000
            self.store.unindexed.clear()
            for connection_id in sorted(self.gateway.open):
                if not isinstance(self.heartbeat(connection_id), dict):
                    self.drop(connection_id, told=False)
            self.look()
            self.store.stream, self.late = [*self.store.stream, *self.late], []
            self.greet_all()


def opened(world: SessionWorld, *languages: str) -> tuple[str, str, list[str]]:
    """A session with its speaker and listeners, all greeted: its id and theirs."""
    speaker = world.create()
    (session_id,) = world.store.by_id
    listeners = [world.join(session_id, language) for language in languages]
    world.greet_all()
    return session_id, speaker, listeners


def texts(world: SessionWorld, connection_id: str) -> list[Any]:
    return [each["payload"] for each in world.gateway.received[connection_id] if each["type"] == "message"]


def types(world: SessionWorld, connection_id: str) -> list[str]:
    return [each["type"] for each in world.gateway.received[connection_id]]
