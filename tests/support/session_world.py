"""Sessions in memory: API Gateway's connections, and the functions over a store whose calls can be cut off or held."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from lambdas.core.session import Role
from lambdas.core.session_entry import Caller, Entry, SessionLimits, disconnect
from lambdas.core.session_errors import Refusal
from lambdas.core.session_greeting import Greeter, Greeting
from lambdas.core.session_heartbeat import Heartbeats
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_moving import issue
from lambdas.core.session_ports import Posted
from lambdas.core.session_presence import NoticeTimes
from lambdas.core.session_reconciling import Look, Reconciler
from lambdas.core.session_requests import ConnectRequest, CreateSession, JoinSession, ResumeSession, TakeOver
from lambdas.core.session_speaking import Speaking
from tests.support.memory_sessions import HELD, Died, Held, MemorySessions

START_MS = 1_790_000_000_000
MINUTE_MS = 60_000
TIMES = NoticeTimes.of_minutes(100, 105)
GENEROUS = SessionLimits(
    max_active_sessions=100,
    max_listeners=500,
    sessions_per_hour=10_000,
    joins_per_minute=10_000,
    attempts_per_minute=100_000,
    session_max_hours=12,
)


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
            self.now_ms += MINUTE_MS
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


def code_of(answer: Any) -> str:
    """The code of an answer that has to be a refusal."""
    assert isinstance(answer, Refusal), answer
    return answer.code.value
