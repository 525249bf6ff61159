"""Sessions by example: presence, endings and numbers, each promise of docs/sessions.md that no function keeps alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lambdas.core.session import Connection, Role
from lambdas.core.session_heartbeat import Heartbeats
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_ports import PostError
from lambdas.core.session_presence import LOST_AFTER_MS, SPEAKER_GRACE_MS
from lambdas.core.session_requests import CreateSession, connect_request
from tests.support.session_world import GENEROUS, MINUTE_MS, TIMES, SessionWorld, code_of, opened, types


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


def test_a_look_ends_no_session_whose_speaker_is_back(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    world.drop(speaker, told=True)
    world.now_ms += SPEAKER_GRACE_MS
    world.look(at=3)
    assert world.held, "it has read the sessions"
    world.resume(session_id, "speaker")
    world.greet_all()
    world.let_go()
    assert world.store.by_id[session_id].active


def test_speaking_shows_presence(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    for minute in range(20):
        world.now_ms += MINUTE_MS
        assert isinstance(world.ask(speaker, action="broadcast", payload=minute), dict)
        world.look()
    assert world.store.by_id[session_id].active


def test_a_listener_that_looked_lost_and_is_heard_of_stays(world: SessionWorld) -> None:
    session_id, speaker, (listener,) = opened(world, "de")
    world.now_ms += LOST_AFTER_MS + 1
    world.heartbeat(speaker)
    world.look(at=5)
    assert world.held, "it has read the rows"
    world.heartbeat(listener)
    world.let_go()
    assert listener in world.gateway.open
    assert world.store.by_id[session_id].listeners == 1


def test_a_session_forgotten_by_the_table_still_tells_its_listeners(world: SessionWorld) -> None:
    session_id, _, (listener,) = opened(world, "de")
    del world.store.by_id[session_id]
    for _ in range(2):
        world.now_ms += MINUTE_MS
        world.look()
    assert world.gateway.received[listener][-1]["type"] == "sessionEnded"
    assert session_id not in world.store.active | world.store.closing


def test_a_suspicion_is_renewed_when_somebody_has_come_and_gone(world: SessionWorld) -> None:
    session_id, _, (first, second) = opened(world, "de", "de")
    world.drop(first, told=True, at=2)
    world.let_go(killed=True)
    world.now_ms += 2 * MINUTE_MS
    world.heartbeat(second)
    world.look()
    world.drop(world.join(session_id), told=True)
    for _ in range(3):
        world.now_ms += 2 * MINUTE_MS
        for connection_id in world.gateway.open:
            world.heartbeat(connection_id)
        world.look()
    assert world.store.by_id[session_id].listeners == 1


def test_trouble_with_one_session_keeps_nobody_from_the_others(world: SessionWorld) -> None:
    expired, _, _ = opened(world)
    other = world.create("another")
    world.greet_all()
    world.now_ms = world.store.by_id[expired].expires_s * 1000

    def broken(connection_ids: Any, text: str) -> Any:
        if other not in connection_ids:
            raise PostError("it does not work")
        return real(connection_ids, text)

    real, world.gateway.post_all = world.gateway.post_all, broken  # type: ignore[method-assign]
    look = world.look()
    assert look is not None
    assert [str(each) for each in look.troubles] == ["it does not work"]
    assert not any(session.active for session in world.store.by_id.values())


def test_an_even_pace_of_heartbeats_is_never_too_often() -> None:
    for phase in range(0, 60_000, 500):
        world = SessionWorld()
        _, speaker, _ = opened(world)
        heartbeats = Heartbeats(world.store, LocalWindow(), TIMES, 2)
        for n in range(20):
            at_ms = world.now_ms + phase + n * 30_000 - (n % 2) * 30
            assert isinstance(heartbeats.answer(speaker, "heartbeat", at_ms), dict)


def test_an_end_without_time_to_close_anybody_is_carried_on(world: SessionWorld) -> None:
    session_id, speaker, listeners = opened(world, "de", "fr")
    world.gateway.posts_left = 0
    assert world.ask(speaker, action="endSession")["type"] == "sessionEnded"
    assert world.gateway.open == {speaker, *listeners}
    assert {row.id for row in world.store.rows.values()} == {speaker, *listeners}
    world.gateway.posts_left = None
    world.live_for(1)
    assert not world.gateway.open
    assert not world.store.rows
    assert session_id not in world.store.closing
    assert all(types(world, each)[-1] == "sessionEnded" for each in (speaker, *listeners))


def test_a_malformed_handshake_is_an_attempt() -> None:
    small = SessionWorld(dataclasses.replace(GENEROUS, attempts_per_minute=2))
    told = []
    for _ in range(3):
        small.connect(connect_request({"action": "joinSession"}))
        told.append(code_of(small.refusal))
    assert told == ["BAD_REQUEST", "BAD_REQUEST", "RATE_LIMITED"]


def test_a_speaker_moves_and_the_session_never_loses_them(world: SessionWorld) -> None:
    session_id, old, _ = opened(world)
    token = world.refresh_token(old)
    new = world.take_over(token)
    world.drop(old, told=True)
    assert world.store.by_id[session_id].speaker_gone_ms is not None
    world.greet_all()
    session = world.store.by_id[session_id]
    assert (session.speaker_connection, session.speaker_gone_ms) == (new, None)
    assert world.ask(new, action="broadcast", payload="on we go")["sequence"] == 1


def test_a_lost_speaker_may_come_back_and_nobody_else(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    world.drop(speaker, told=True)
    world.resume(session_id, "somebody else")
    assert world.refusal is not None
    assert world.refusal.code.value == "SESSION_NOT_FOUND"
    back = world.resume(session_id, "speaker")
    world.greet_all()
    world.now_ms += SPEAKER_GRACE_MS
    world.look()
    assert world.store.by_id[session_id].active
    assert world.ask(back, action="broadcast", payload="x")["sequence"] == 1


def test_a_session_without_its_speaker_ends_for_everybody(world: SessionWorld) -> None:
    session_id, speaker, (listener,) = opened(world, "de")
    world.drop(speaker, told=False)
    world.now_ms += LOST_AFTER_MS + 1
    world.heartbeat(listener)
    world.look()
    assert world.store.by_id[session_id].active
    world.now_ms += SPEAKER_GRACE_MS
    world.look()
    assert world.gateway.received[listener][-1]["reason"] == "speakerLost"
    assert listener not in world.gateway.open
    assert not world.store.active


def test_a_session_ends_when_its_time_is_over(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    world.now_ms = world.store.by_id[session_id].expires_s * 1000
    world.look()
    assert world.gateway.received[speaker][-1] == {
        "type": "sessionEnded", "sessionId": session_id, "reason": "expired",
    }  # fmt: skip


def test_an_ending_that_died_half_way_is_carried_on(world: SessionWorld) -> None:
    session_id, speaker, listeners = opened(world, "de", "de", "de")
    world.ask(speaker, 7, action="endSession")
    assert world.held, "it stands between two of its listeners"
    world.let_go(killed=True)
    world.now_ms += 31_000
    world.look()
    world.now_ms += 31_000
    world.look()
    for listener in listeners:
        assert "sessionEnded" in types(world, listener)
        assert listener not in world.store.rows
    assert session_id not in world.store.active | world.store.closing


def test_one_look_does_not_lower_a_number(world: SessionWorld) -> None:
    session_id, _, (first, _, _) = opened(world, "de", "de", "de")
    world.now_ms += 2 * MINUTE_MS
    world.drop(first, told=True, at=2)
    assert world.held, "its row is gone and the number not yet lowered"
    world.look()
    world.let_go()
    assert world.store.by_id[session_id].listeners == 2
    world.now_ms += 2 * MINUTE_MS
    world.look()
    assert world.store.by_id[session_id].listeners == 2


def test_the_second_look_gives_back_what_a_dead_function_took(world: SessionWorld) -> None:
    session_id, _, (first, _) = opened(world, "de", "de")
    world.drop(first, told=True, at=2)
    world.let_go(killed=True)
    world.now_ms += 2 * MINUTE_MS
    world.look()
    assert world.store.by_id[session_id].listeners == 2
    world.now_ms += 1
    world.look()
    assert world.store.by_id[session_id].listeners == 2, "the looks are too close"
    world.now_ms += 2 * MINUTE_MS
    world.look()
    assert world.store.by_id[session_id].listeners == 1


def test_a_move_is_a_change_that_looks_respect(world: SessionWorld) -> None:
    session_id, _, (old,) = opened(world, "de")
    token = world.refresh_token(old)
    world.now_ms += 50_000
    world.take_over(token)
    world.now_ms += 2 * MINUTE_MS
    world.greet_all()
    assert world.store.by_id[session_id].changed_ms == world.now_ms


@pytest.mark.parametrize(
    ("age_min", "answers"),
    [(0, {"heartbeatAck"}), (99, {"heartbeatAck"}), (104, {"connectionRefreshRequired"}), (105, {"connectionWarning"})],
)
def test_heartbeats_tell_the_age_of_a_connection(world: SessionWorld, age_min: int, answers: set[str]) -> None:
    _, speaker, _ = opened(world)
    world.now_ms += age_min * MINUTE_MS
    assert {world.heartbeat(speaker)["type"]} == answers


def test_fifty_thousand_connections_are_not_asked_to_move_at_once() -> None:
    seconds = [TIMES.refresh_at_ms(f"connection-{n}", 0) // 1000 for n in range(50_000)]
    busiest = max(seconds.count(second) for second in set(seconds[:200]))
    assert busiest < 500, "an account opens 500 connections a second"


def test_heartbeats_are_written_down_every_three_minutes(world: SessionWorld) -> None:
    _, speaker, _ = opened(world)
    seen = []
    for _ in range(20):
        world.now_ms += 30_000
        world.heartbeat(speaker)
        seen.append(world.store.rows[speaker].last_seen_ms)
    assert len(set(seen)) == 3


def test_limits_refuse_with_their_code(world: SessionWorld) -> None:
    small = SessionWorld(
        dataclasses.replace(
            GENEROUS, max_active_sessions=1, sessions_per_hour=3, joins_per_minute=2, attempts_per_minute=9
        )
    )
    session_id, _, _ = opened(small)
    told = []
    for _ in range(3):
        small.create()
        told.append(code_of(small.refusal))
    small.connect(CreateSession("en"))
    told.append(code_of(small.refusal))
    for _ in range(3):
        small.join(session_id)
    told.append(code_of(small.refusal))
    small.join(session_id, source="another")
    assert small.refusal is None
    for _ in range(2):
        small.create("late")
    told.append(code_of(small.refusal))
    assert told == [
        "TOO_MANY_SESSIONS", "TOO_MANY_SESSIONS", "RATE_LIMITED", "TOKEN_REQUIRED", "RATE_LIMITED", "RATE_LIMITED",
    ]  # fmt: skip


def test_a_row_is_forgotten_after_the_connection_must_have_ended() -> None:
    row = Connection(id="c", session_id="s", role=Role.LISTENER, opened_ms=5_000, last_seen_ms=5_000)
    assert row.forgotten_s == 5 + 7_200 + 600
