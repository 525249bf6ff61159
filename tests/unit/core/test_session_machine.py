"""Sessions under everything that can happen: lost connections, refreshes, deaths and slowness between any two calls."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lambdas.core.session import Role
from lambdas.core.session_entry import SessionLimits
from tests.support.session_world import GENEROUS, SessionWorld

HOLD = st.one_of(st.none(), st.integers(1, 8))
PLACE = st.integers(0, 8)
SPEAKERS = ("ann", "bob")
LANGUAGES = ("de", "fr")


class PresenceMachine(RuleBasedStateMachine):
    """Coming, moving on and going, in a stack with room for few; time passes only by the rules that say so."""

    @initialize(sessions=st.integers(1, 2), listeners=st.integers(1, 3), every_min=st.sampled_from([1, 2, 5]))
    def start(self, sessions: int, listeners: int, every_min: int) -> None:
        self.limits = SessionLimits(
            max_active_sessions=sessions,
            max_listeners=listeners,
            sessions_per_hour=GENEROUS.sessions_per_hour,
            joins_per_minute=GENEROUS.joins_per_minute,
            attempts_per_minute=GENEROUS.attempts_per_minute,
            session_max_hours=GENEROUS.session_max_hours,
        )
        self.world = SessionWorld(self.limits, every_min)
        self.tokens: list[tuple[str, str]] = []
        self.used: set[str] = set()
        self.members: dict[str, Any] = {}

    def _remember(self) -> None:
        for row in self.world.store.rows.values():
            self.members.setdefault(row.id, row)

    def _origin(self, connection_id: str) -> str:
        """The connection that had joined, of one that was moved to."""
        while (before := self.members[connection_id].replaces) is not None:
            connection_id = before
        return connection_id

    def _some(self, names: list[str], place: int) -> str:
        return sorted(names)[place % len(names)]

    @rule(speaker=st.sampled_from(SPEAKERS), at=HOLD)
    @precondition(lambda self: len(self.world.store.by_id) < 4)
    def create(self, speaker: str, at: int | None) -> None:
        self.world.create(speaker, at)

    @rule(place=PLACE, language=st.sampled_from(LANGUAGES), at=HOLD)
    @precondition(lambda self: self.world.store.by_id)
    def join(self, place: int, language: str, at: int | None) -> None:
        self.world.join(self._some(list(self.world.store.by_id), place), language, at=at)

    @rule(place=PLACE)
    @precondition(lambda self: self.world.gateway.open)
    def ask_to_move(self, place: int) -> None:
        connection_id = self._some(list(self.world.gateway.open), place)
        answer = self.world.refresh(connection_id)
        if isinstance(answer, dict):
            self.tokens.append((answer["refreshToken"], connection_id))

    @rule(place=PLACE, at=HOLD)
    @precondition(lambda self: self.tokens)
    def take_over(self, place: int, at: int | None) -> None:
        token, old = self.tokens[place % len(self.tokens)]
        new = self.world.take_over(token, at)
        if new in self.world.store.rows:
            assert token not in self.used, "a token is used once"
            self.used.add(token)
            mine, before = self.world.store.rows[new], self.members[old]
            assert (mine.session_id, mine.role, mine.language, mine.speaker) == (
                before.session_id, before.role, before.language, before.speaker,
            )  # fmt: skip

    @rule(place=PLACE, again=st.booleans(), at=HOLD)
    @precondition(lambda self: self.world.store.stream)
    def greet(self, place: int, again: bool, at: int | None) -> None:
        self.world.greet(place % len(self.world.store.stream), again=again, at=at)

    @rule()
    @precondition(lambda self: self.world.late)
    def who_was_opening_is_greeted_again(self) -> None:
        self.world.store.stream.append(self.world.late.pop())

    @rule(place=PLACE, told=st.booleans(), at=HOLD)
    @precondition(lambda self: self.world.gateway.open)
    def drop(self, place: int, told: bool, at: int | None) -> None:
        self.world.drop(self._some(list(self.world.gateway.open), place), told=told, at=at)

    @rule(place=PLACE)
    @precondition(lambda self: self.world.gateway.closed_by_us)
    def the_gateway_tells_of_one_we_closed(self, place: int) -> None:
        self.world.drop(self._some(list(self.world.gateway.closed_by_us), place), told=True)

    @rule(minutes=st.sampled_from([1, 1, 2, 5, 8]), killed=st.booleans(), at=HOLD)
    def time_passes(self, minutes: int, killed: bool, at: int | None) -> None:
        """No run stands still for longer than its function's time-out."""
        self.world.let_go(killed=killed)
        self.world.store.unindexed.clear()
        for _ in range(minutes):
            self.world.now_ms += 60_000
            for connection_id in sorted(self.world.gateway.open):
                self.world.heartbeat(connection_id)
            self.world.look()
        self.world.look(at)

    @rule(minutes=st.integers(2, 4))
    def nobody_comes_for_a_while(self, minutes: int) -> None:
        self.world.let_go()
        self.world.live_for(minutes)

    @rule(at=HOLD)
    def look(self, at: int | None) -> None:
        self.world.look(at)

    @rule(seconds=st.integers(1, 20))
    @precondition(lambda self: not self.world.held)
    def a_moment_passes(self, seconds: int) -> None:
        self.world.now_ms += seconds * 1000

    @rule()
    @precondition(lambda self: self.world.store.unindexed)
    def the_index_catches_up(self) -> None:
        self.world.store.unindexed.clear()

    @rule(killed=st.booleans())
    def runs_end(self, killed: bool) -> None:
        self.world.let_go(killed=killed)

    @invariant()
    def numbers_are_within_their_limits(self) -> None:
        store = self.world.store
        self._remember()
        assert len(store.active) <= self.limits.max_active_sessions
        for session in store.by_id.values():
            assert 0 <= session.listeners <= self.limits.max_listeners
            assert session.reason != "speakerLost" or session.speaker_gone_ms is not None, "the speaker is back"
            if session.active:
                assert session.id in store.active
                counted = [row for row in store.rows.values() if row.session_id == session.id and row.counted]
                assert len(counted) <= session.listeners, "nobody is let in over the limit"
                assert all(row.role is Role.LISTENER for row in counted)
                origins = [self._origin(row.id) for row in counted]
                assert len(origins) == len(set(origins)), "who has joined once has one place"

    @invariant()
    def nothing_crosses_sessions(self) -> None:
        for connection_id, messages in self.world.gateway.received.items():
            if connection_id in self.members:
                mine = self.members[connection_id]
                told = [message for message in messages if "sessionId" in message]
                assert {message["sessionId"] for message in told} <= {mine.session_id}
                languages = {message.get("targetLanguage", mine.language) for message in told}
                assert mine.role is Role.SPEAKER or languages <= {mine.language}

    @invariant()
    def what_is_said_reaches_whoever_was_greeted_before(self) -> None:
        world = self.world
        for connection_id, greeted_with in world.settled.items():
            row = world.store.rows.get(connection_id)
            if row is None or connection_id not in world.gateway.open:
                continue
            said = world.said.get(row.session_id, {})
            mine = {n for n, language in said.items() if n > greeted_with and language in (None, row.language)}
            heard = {each["sequence"] for each in world.gateway.received[connection_id] if each["type"] == "message"}
            assert mine <= heard, f"{connection_id} has not received {sorted(mine - heard)}"

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        world.let_go(killed=True)
        world.greet_all()
        world.live_for(30)
        for session in world.store.by_id.values():
            rows = [row for row in world.store.rows.values() if row.session_id == session.id]
            if not session.active:
                assert session.id not in world.store.active | world.store.closing
                assert rows == [], "the members of a session that has ended are let go"
                continue
            assert {row.id for row in rows} <= world.gateway.open, "who is gone is not in the session"
            listeners = [row for row in rows if row.role is Role.LISTENER]
            assert session.listeners == len(listeners) == sum(row.counted for row in listeners)
            assert session.speaker_connection in world.gateway.open
        for connection_id in world.gateway.open:
            assert connection_id in world.store.rows, "who is connected is in a session"
            assert world.gateway.received[connection_id], "who is connected was greeted"


class LifeMachine(PresenceMachine):
    """The same with all that members do: speak, ask for what they missed, come back, end it."""

    @rule(place=PLACE, speaker=st.sampled_from(SPEAKERS), at=HOLD)
    @precondition(lambda self: self.world.store.by_id)
    def resume(self, place: int, speaker: str, at: int | None) -> None:
        self.world.resume(self._some(list(self.world.store.by_id), place), speaker, at)

    @rule(place=PLACE, language=st.sampled_from([None, *LANGUAGES]), at=HOLD)
    @precondition(lambda self: self.world.gateway.open)
    def broadcast(self, place: int, language: str | None, at: int | None) -> None:
        wanted = {} if language is None else {"targetLanguage": language}
        connection_id = self._some(list(self.world.gateway.open), place)
        self.world.ask(connection_id, at, action="broadcast", payload=connection_id, **wanted)

    @rule(place=PLACE, after=st.integers(0, 5), at=HOLD)
    @precondition(lambda self: self.world.gateway.open)
    def replay(self, place: int, after: int, at: int | None) -> None:
        self.world.ask(self._some(list(self.world.gateway.open), place), at, action="replay", after=after)

    @rule(place=PLACE, at=HOLD)
    @precondition(lambda self: self.world.gateway.open)
    def end(self, place: int, at: int | None) -> None:
        self.world.ask(self._some(list(self.world.gateway.open), place), at, action="endSession")


TestPresence = PresenceMachine.TestCase
TestLife = LifeMachine.TestCase
