"""Greetings by example: told once it is open, however late that is, and nobody counted who is not there."""

from __future__ import annotations

import dataclasses

import pytest

from lambdas.core.session_greeting import OPENING_WAITS_S, Greeter, Greeting, again_in_s
from lambdas.core.session_presence import OPENING_MS
from tests.support.session_world import MINUTE_MS, TIMES, SessionWorld, opened, types


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


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
