"""Sessions by example: each promise of docs/sessions.md that no single function keeps."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lambdas.core.session import Connection, Role
from lambdas.core.session_errors import Refusal
from lambdas.core.session_greeting import OPENING_WAITS_S, Greeter, Greeting, again_in_s
from lambdas.core.session_heartbeat import Heartbeats
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_ports import PostError
from lambdas.core.session_presence import LOST_AFTER_MS, OPENING_MS, SPEAKER_GRACE_MS
from lambdas.core.session_requests import CreateSession, connect_request, message
from lambdas.core.session_speaking import KEPT_WITHIN_S, Speaking
from tests.support.session_world import GENEROUS, TIMES, SessionWorld, opened, texts, types

MINUTE_MS = 60_000


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


def code(answer: Any) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code.value


def test_greetings_say_what_a_client_needs(world: SessionWorld) -> None:
    session_id, speaker, (listener,) = opened(world, "de")
    (created,), (joined,) = world.gateway.received[speaker], world.gateway.received[listener]
    assert (created["type"], created["sessionId"], created["sequence"]) == ("sessionCreated", session_id, 0)
    assert (joined["type"], joined["targetLanguage"], joined["sourceLanguage"]) == ("sessionJoined", "de", "en")
    age = joined["refreshAt"] - world.now_ms
    assert 100 * MINUTE_MS <= age < 105 * MINUTE_MS


def test_a_greeting_waits_for_a_connection_that_is_still_opening(world: SessionWorld) -> None:
    connection_id = world.create()
    world.gateway.open.discard(connection_id)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            world.gateway.open.add(connection_id)

    greeter = Greeter(world.store, world.gateway, TIMES, 500, sleep)
    assert greeter.greet(connection_id, world.now_ms) is Greeting.GREETED
    assert slept == list(OPENING_WAITS_S[:3])


@pytest.mark.parametrize("seconds", [2, 3, 9, 17, 29])
@pytest.mark.parametrize("role", ["speaker", "listener"])
def test_who_opens_late_is_greeted_all_the_same(world: SessionWorld, role: str, seconds: int) -> None:
    """API Gateway waits 29 s for `$connect`; five tries cover that."""
    session_id, _, _ = opened(world)
    late = world.create("another") if role == "speaker" else world.join(session_id)
    world.gateway.open.discard(late)
    assert world.greet() is Greeting.OPENING
    once_more, began_ms = dataclasses.replace(world.greeter, waits_s=()), world.now_ms
    world.now_ms += int(1000 * sum(OPENING_WAITS_S))
    greetings: list[Greeting] = []
    while not greetings or greetings[-1] is Greeting.OPENING:
        world.now_ms += 1000 * again_in_s(began_ms, world.now_ms)
        if world.now_ms >= began_ms + 1000 * seconds:
            world.gateway.open.add(late)
        greetings.append(once_more.greet(late, world.now_ms))
    assert greetings[-1] is Greeting.GREETED
    assert len(greetings) < 5
    assert types(world, late) == ["sessionCreated" if role == "speaker" else "sessionJoined"]


def test_who_never_opens_is_given_up(world: SessionWorld) -> None:
    never = world.create()
    world.gateway.open.discard(never)
    assert world.greet() is Greeting.OPENING
    assert never in world.store.rows
    world.now_ms += OPENING_MS
    assert world.greeter.greet(never, world.now_ms) is Greeting.GONE
    assert never not in world.store.rows


def test_a_greeting_waits_no_longer_for_who_has_closed(world: SessionWorld) -> None:
    session_id, _, _ = opened(world)
    listener = world.join(session_id)
    world.store.unindexed.clear()
    world.gateway.open.discard(listener)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.drop(listener, told=True)

    assert dataclasses.replace(world.greeter, sleep=sleep).greet(listener, world.now_ms) is Greeting.GONE
    assert slept == list(OPENING_WAITS_S[:1])


def test_who_is_gone_before_the_greeting_leaves_no_place_taken(world: SessionWorld) -> None:
    session_id, _, _ = opened(world)
    listener = world.join(session_id)
    world.drop(listener, told=False)
    assert world.greet() is Greeting.OPENING
    world.live_for(8)
    assert world.store.by_id[session_id].listeners == 0
    assert world.greeter.greet(listener, world.now_ms) is Greeting.STALE


@pytest.mark.parametrize("indexed", [False, True])
def test_who_joins_while_the_session_ends_is_told_so(world: SessionWorld, indexed: bool) -> None:
    """Its row is there and $connect has not returned; the index may not have it yet."""
    session_id, speaker, _ = opened(world)
    listener = world.join(session_id, at=3)
    assert world.held
    if indexed:
        world.store.unindexed.clear()
    assert world.ask(speaker, action="endSession")["type"] == "sessionEnded"
    world.let_go()
    assert world.greeter.greet(listener, world.now_ms) is Greeting.ENDED
    assert types(world, listener) == ["sessionEnded"]
    assert listener not in world.gateway.open


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


@pytest.mark.parametrize("at", [4, 5])
def test_the_speakers_first_record_again_does_not_undo_a_return(world: SessionWorld, at: int) -> None:
    session_id, speaker, _ = opened(world)
    world.run(lambda: world.greeter.greet(speaker, world.now_ms), at)
    assert world.held, "the greeting was delivered a second time and stands still"
    back = world.resume(session_id, "speaker")
    world.greet_all()
    world.let_go()
    session = world.store.by_id[session_id]
    assert (session.speaker_connection, back in world.gateway.open, back in world.store.rows) == (back, True, True)


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


def test_a_replay_of_much_comes_in_parts(world: SessionWorld) -> None:
    _, speaker, (listener,) = opened(world, "de")
    for n in range(20):
        world.ask(speaker, action="broadcast", payload=f"{n}" + "x" * 100_000)
    world.gateway.received[listener].clear()
    first = world.ask(listener, action="replay", after=0)
    assert (first["to"], first["latest"], first["complete"]) == (10, 20, True)
    second = world.ask(listener, action="replay", after=first["to"])
    assert (second["from"], second["to"], second["complete"]) == (11, 20, True)
    assert len(texts(world, listener)) == 20


def test_a_replay_tells_how_far_it_came_in_its_time(world: SessionWorld) -> None:
    _, speaker, (listener,) = opened(world, "de")
    for number in range(5):
        world.ask(speaker, action="broadcast", payload=number)
    world.gateway.received[listener].clear()
    world.gateway.posts_left = 3
    first = world.ask(listener, action="replay", after=0)
    assert (first["from"], first["to"], first["latest"]) == (1, 3, 5)
    world.gateway.posts_left = None
    second = world.ask(listener, action="replay", after=first["to"])
    assert (second["from"], second["to"], second["complete"]) == (4, 5, True)
    assert texts(world, listener) == list(range(5))


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


def test_a_broadcast_reaches_its_language_and_nobody_else(world: SessionWorld) -> None:
    _, speaker, (german, french) = opened(world, "de", "fr")
    _, _, (stranger,) = (None, None, [world.join("session-none")])
    everyone = world.ask(speaker, action="broadcast", payload={"n": 1})
    some = world.ask(speaker, action="broadcast", payload="guten Tag", targetLanguage="DE")
    assert (everyone["sequence"], everyone["reached"], some["sequence"], some["reached"]) == (1, 2, 2, 1)
    assert texts(world, german) == [{"n": 1}, "guten Tag"]
    assert texts(world, french) == [{"n": 1}]
    assert texts(world, stranger) == []


def test_only_the_speaker_speaks_and_only_members_ask(world: SessionWorld) -> None:
    _, _, (listener,) = opened(world, "de")
    assert code(world.ask(listener, action="broadcast", payload="x")) == "NOT_SPEAKER"
    assert code(world.ask(listener, action="endSession")) == "NOT_SPEAKER"
    assert code(world.ask("nobody", action="broadcast", payload="x")) == "NOT_CONNECTED"
    assert code(world.heartbeat("nobody")) == "NOT_CONNECTED"


def test_a_route_that_is_not_known_ends_no_session(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    for route in ("$default", "endsession", "x"):
        told = world.speaking.answer(speaker, route, {"action": "endSession"}, world.now_ms)
        assert code(told) == "UNKNOWN_ACTION"
    assert world.store.by_id[session_id].active
    told = world.speaking.answer(speaker, "broadcast", {"action": "endSession", "payload": 1}, world.now_ms)
    assert isinstance(told, dict)
    assert told["type"] == "broadcastAck", "the route decides, whatever the message says"


def test_a_malformed_handshake_is_an_attempt() -> None:
    small = SessionWorld(dataclasses.replace(GENEROUS, attempts_per_minute=2))
    told = []
    for _ in range(3):
        small.connect(connect_request({"action": "joinSession"}))
        told.append(code(small.refusal))
    assert told == ["BAD_REQUEST", "BAD_REQUEST", "RATE_LIMITED"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"action": "broadcast"}, "BAD_REQUEST"),
        ({"action": "broadcast", "payload": 1, "targetLanguage": "no language"}, "BAD_REQUEST"),
        ({"action": "broadcast", "payload": 1, "targetLanguage": ["de"]}, "BAD_REQUEST"),
        ({"action": "broadcast", "payload": "x" * 131_072}, "MESSAGE_TOO_LARGE"),
        ({"action": "replay"}, "BAD_REQUEST"),
        ({"action": "replay", "after": -1}, "BAD_REQUEST"),
        ({"action": "replay", "after": True}, "BAD_REQUEST"),
        ({"action": "replay", "after": "1"}, "BAD_REQUEST"),
    ],
)
def test_what_is_malformed_changes_nothing(world: SessionWorld, request_: dict[str, Any], told: str) -> None:
    session_id, speaker, _ = opened(world)
    assert code(world.ask(speaker, **request_)) == told
    assert world.store.by_id[session_id].sequence == 0


@pytest.mark.parametrize("depth", [10, 400, 900, 960, 990])
def test_nesting_has_an_end_and_never_breaks_a_broadcast(world: SessionWorld, depth: int) -> None:
    _, speaker, _ = opened(world)
    text = f'{{"action": "broadcast", "payload": {"[" * depth}{"]" * depth}}}'
    read = message(text)
    told = read if isinstance(read, Refusal) else world.ask(speaker, **read)
    assert code(told) in ("BAD_JSON", "BAD_REQUEST") if isinstance(told, Refusal) else told["sequence"] == 1
    assert depth > 400 or not isinstance(told, Refusal)


def test_who_is_gone_at_a_broadcast_leaves_and_who_is_opening_stays(world: SessionWorld) -> None:
    session_id, speaker, (old, _) = opened(world, "de", "de")
    world.now_ms += MINUTE_MS
    young = world.join(session_id, "de")
    world.drop(old, told=False)
    world.gateway.open.discard(young)
    world.store.unindexed.clear()
    answer = world.ask(speaker, action="broadcast", payload="x")
    assert (answer["reached"], answer["gone"]) == (1, 2)
    assert old not in world.store.rows
    assert young in world.store.rows
    assert world.store.by_id[session_id].listeners == 2


def test_a_listener_gets_what_it_missed_in_its_language(world: SessionWorld) -> None:
    _, speaker, (listener,) = opened(world, "de")
    for n, language in enumerate(["de", "fr", None, "de"], 1):
        wanted: dict[str, Any] = {} if language is None else {"targetLanguage": language}
        world.ask(speaker, action="broadcast", payload=n, **wanted)
    world.gateway.received[listener].clear()
    answer = world.ask(listener, action="replay", after=1)
    assert (answer["from"], answer["to"], answer["complete"]) == (2, 4, True)
    assert texts(world, listener) == [3, 4]
    assert world.ask(listener, action="replay", after=4)["complete"]
    assert world.ask(listener, action="replay", after=9)["complete"]


def test_a_listener_is_told_when_too_much_was_missed(world: SessionWorld) -> None:
    _, speaker, (listener,) = opened(world, "de")
    for n in range(1, 104):
        world.ask(speaker, action="broadcast", payload=n)
    world.gateway.received[listener].clear()
    answer = world.ask(listener, action="replay", after=2)
    assert (answer["from"], answer["to"], answer["complete"]) == (4, 103, False)
    assert texts(world, listener) == list(range(4, 104))
    assert world.ask(listener, action="replay", after=3)["complete"]


def test_a_message_that_was_never_kept_makes_a_replay_incomplete(world: SessionWorld) -> None:
    session_id, speaker, (listener,) = opened(world, "de")
    world.ask(speaker, action="broadcast", payload=1)
    world.store.next_message(session_id, None)
    world.ask(speaker, action="broadcast", payload=3)
    assert not world.ask(listener, action="replay", after=0)["complete"]
    assert world.ask(listener, action="replay", after=2)["complete"]


def test_a_replay_waits_for_a_message_that_is_about_to_be_kept(world: SessionWorld) -> None:
    _, speaker, (listener,) = opened(world, "de")
    world.ask(speaker, action="broadcast", payload=1)
    world.ask(speaker, at=3, action="broadcast", payload=2)
    assert world.held, "the message has its number"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.let_go()

    speaking = Speaking(world.store, world.gateway, sleep)
    answer = speaking.answer(listener, "replay", {"after": 1}, world.now_ms)
    assert isinstance(answer, dict)
    assert (answer["to"], answer["latest"], answer["complete"], slept) == (2, 2, True, [KEPT_WITHIN_S])


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
        told.append(code(small.refusal))
    small.connect(CreateSession("en"))
    told.append(code(small.refusal))
    for _ in range(3):
        small.join(session_id)
    told.append(code(small.refusal))
    small.join(session_id, source="another")
    assert small.refusal is None
    for _ in range(2):
        small.create("late")
    told.append(code(small.refusal))
    assert told == [
        "TOO_MANY_SESSIONS", "TOO_MANY_SESSIONS", "RATE_LIMITED", "TOKEN_REQUIRED", "RATE_LIMITED", "RATE_LIMITED",
    ]  # fmt: skip


def test_a_row_is_forgotten_after_the_connection_must_have_ended() -> None:
    row = Connection(id="c", session_id="s", role=Role.LISTENER, opened_ms=5_000, last_seen_ms=5_000)
    assert row.forgotten_s == 5 + 7_200 + 600
