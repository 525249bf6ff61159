"""Moving from one connection to the next, by example: the place is kept, once, and no message is lost on the way."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.session_errors import Refusal
from lambdas.core.session_greeting import Greeting
from lambdas.core.session_moving import RefreshToken
from lambdas.core.session_presence import OPENING_MS
from tests.support.session_world import GENEROUS, SessionWorld, opened, texts, types

STEPS = range(1, 14)
"""Of a greeting, one more than it has."""


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


@pytest.fixture
def small() -> SessionWorld:
    """Where a session has room for one listener."""
    return SessionWorld(dataclasses.replace(GENEROUS, max_listeners=1))


def listeners(world: SessionWorld, session_id: str) -> tuple[int, int]:
    """The session's number, and how many rows it has of listeners."""
    rows = [row for row in world.store.rows.values() if row.session_id == session_id and row.language]
    return world.store.by_id[session_id].listeners, len(rows)


def refused(world: SessionWorld) -> str:
    assert world.refusal is not None
    return world.refusal.code.value


def test_a_listener_moves_without_giving_up_its_place(small: SessionWorld) -> None:
    session_id, speaker, (old,) = opened(small, "de")
    token = small.refresh_token(old)
    new = small.take_over(token)
    small.store.unindexed.clear()
    assert small.ask(speaker, action="broadcast", payload="meanwhile")["reached"] == 2
    assert old in small.gateway.open, "the old one stays until the new one is greeted"
    small.greet_all()
    assert (old in small.gateway.open, new in small.gateway.open) == (False, True)
    small.drop(old, told=True)
    assert listeners(small, session_id) == (1, 1)
    assert small.store.rows[new].counted
    small.take_over(token)
    assert refused(small) == "REFRESH_TOKEN_INVALID"


@pytest.mark.parametrize("slow", [None, 1, 2, 3])
@pytest.mark.parametrize("at", STEPS)
def test_who_closes_the_old_connection_when_greeted_keeps_the_place(
    small: SessionWorld, at: int, slow: int | None
) -> None:
    session_id, _, (old,) = opened(small, "de")
    new = small.take_over(small.refresh_token(old))
    small.greet(at=at)
    if "sessionJoined" in types(small, new):
        small.drop(old, told=True, at=slow)
    stranger = small.join(session_id)
    small.let_go()
    assert types(small, new) == ["sessionJoined"]
    assert (new in small.gateway.open, stranger in small.gateway.open) == (True, False)
    assert refused(small) == "SESSION_FULL"
    assert listeners(small, session_id) == (1, 1)


def test_a_place_given_back_meanwhile_is_asked_for_again(small: SessionWorld) -> None:
    session_id, _, (old,) = opened(small, "de")
    new = small.take_over(small.refresh_token(old))
    small.drop(old, told=True)
    other = small.join(session_id)
    assert small.greet() is Greeting.FULL
    assert types(small, new) == ["error"]
    assert (other in small.gateway.open, new in small.gateway.open) == (True, False)
    assert listeners(small, session_id) == (1, 1)


def test_a_place_given_back_meanwhile_is_taken_anew_where_there_is_room(world: SessionWorld) -> None:
    session_id, _, (old,) = opened(world, "de")
    new = world.take_over(world.refresh_token(old))
    world.drop(old, told=True)
    assert world.greet() is Greeting.GREETED
    assert (listeners(world, session_id), world.store.rows[new].counted) == ((1, 1), True)


def test_a_token_ends_with_its_connection(world: SessionWorld) -> None:
    _, _, (old,) = opened(world, "de")
    token = world.refresh_token(old)
    world.drop(old, told=True)
    world.take_over(token)
    assert refused(world) == "REFRESH_TOKEN_INVALID"


def test_a_connection_has_one_token(world: SessionWorld) -> None:
    session_id, _, (old,) = opened(world, "de")
    tokens = [world.refresh_token(old) for _ in range(6)]
    for token in tokens[:-1]:
        world.take_over(token)
        assert refused(world) == "REFRESH_TOKEN_INVALID"
    world.take_over(tokens[-1])
    world.greet_all()
    assert listeners(world, session_id) == (1, 1)


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("order", [0, 1])
def test_of_many_successors_the_last_one_has_the_place(world: SessionWorld, order: int, gone: bool) -> None:
    session_id, _, (old,) = opened(world, "de")
    first, second = (world.take_over(world.refresh_token(old)) for _ in range(2))
    if gone:
        world.drop(old, told=True)
    assert world.greet(order) is (Greeting.STALE if order == 0 else Greeting.GREETED)
    world.greet_all()
    assert (types(world, first), types(world, second)) == ([], ["sessionJoined"])
    assert world.gateway.open & {old, first, second} == {second}
    assert listeners(world, session_id) == (1, 1)


@pytest.mark.parametrize("at", STEPS)
def test_a_successor_that_comes_while_another_is_greeted_makes_no_second_listener(world: SessionWorld, at: int) -> None:
    session_id, _, (old,) = opened(world, "de")
    late = world.refresh_token(old)
    world.take_over(late)
    other = world.refresh(old)
    world.greet(at=at)
    if isinstance(other, dict):
        world.take_over(other["refreshToken"])
    world.drop(old, told=True)
    world.let_go()
    world.greet_all()
    assert listeners(world, session_id) == (1, 1)


def test_who_has_not_been_greeted_or_has_moved_gets_no_token(world: SessionWorld) -> None:
    _, _, (old,) = opened(world, "de")
    new = world.take_over(world.refresh_token(old))
    early = world.refresh(new)
    assert isinstance(early, Refusal)
    assert early.code.value == "BAD_REQUEST"
    world.greet_all()
    late = world.refresh(old)
    assert isinstance(late, Refusal)
    assert late.code.value == "NOT_CONNECTED"
    assert world.refresh_token(new)


def test_a_move_that_fails_gives_back_no_place(world: SessionWorld) -> None:
    session_id, _, (old,) = opened(world, "de")
    world.drop(world.take_over(world.refresh_token(old)), told=True)
    assert world.greet() is Greeting.STALE
    assert old in world.gateway.open
    assert listeners(world, session_id) == (1, 1)


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize("told", [True, False])
def test_who_closes_the_new_connection_while_it_is_greeted_is_where_it_was_or_gone(
    small: SessionWorld, at: int, told: bool
) -> None:
    session_id, _, (old,) = opened(small, "de")
    new = small.take_over(small.refresh_token(old))
    small.greet(at=at)
    small.drop(new, told=told)
    small.let_go()
    small.greet_all()
    number, rows = listeners(small, session_id)
    assert number == rows == sum(row.counted for row in small.store.rows.values())
    assert (old in small.store.rows) is (old in small.gateway.open)


def test_a_move_whose_connection_never_opens_is_undone(small: SessionWorld) -> None:
    session_id, speaker, (old,) = opened(small, "de")
    new = small.take_over(small.refresh_token(old))
    small.gateway.open.discard(new)
    assert small.greet() is Greeting.GONE
    assert (new in small.store.rows, small.store.rows[old].counted) == (False, True)
    small.join(session_id)
    assert refused(small) == "SESSION_FULL"
    small.gateway.open.add(new)
    assert not isinstance(small.heartbeat(new), dict), "too late: it is told to connect again"
    assert small.ask(speaker, action="broadcast", payload="x")["listeners"] == 1
    again = small.take_over(small.refresh_token(old))
    small.greet_all()
    assert types(small, again) == ["sessionJoined"]
    assert listeners(small, session_id) == (1, 1)


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("at", STEPS)
def test_whatever_is_said_from_the_greeting_on_arrives(world: SessionWorld, at: int, moves: bool) -> None:
    """The index does not have the new connection until somebody waits for it."""
    session_id, speaker, (old, _) = opened(world, "de", "fr")
    world.ask(speaker, action="broadcast", payload="before")
    new = world.take_over(world.refresh_token(old)) if moves else world.join(session_id)
    world.greet(at=at)
    for language in ("de", "fr"):
        world.ask(speaker, action="broadcast", payload=f"to {language}", targetLanguage=language)
    world.ask(speaker, action="broadcast", payload="to all")
    world.let_go()
    world.ask(speaker, action="broadcast", payload="after")
    joined, *_ = world.gateway.received[new]
    expected = {1: "before", 2: "to de", 4: "to all", 5: "after"}
    heard = {each["sequence"]: each["payload"] for each in world.gateway.received[new] if each["type"] == "message"}
    assert {n: payload for n, payload in expected.items() if n > joined["sequence"]}.items() <= heard.items()
    assert texts(world, new).count("after") == 1


def test_whatever_is_said_while_a_connection_opens_arrives(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    new = world.join(session_id)
    world.store.unindexed.clear()
    world.gateway.open.discard(new)

    def sleep(seconds: float) -> None:
        told = world.ask(speaker, action="broadcast", payload="too early")
        assert (told["reached"], told["gone"]) == (0, 1)
        world.gateway.open.add(new)

    greeter = dataclasses.replace(world.greeter, sleep=sleep)
    assert greeter.greet(new, world.now_ms) is Greeting.GREETED
    assert (types(world, new), texts(world, new)) == (["sessionJoined", "message"], ["too early"])


def test_a_row_that_is_left_without_a_place_is_let_go(world: SessionWorld) -> None:
    """Its greeting died each time that it was tried."""
    session_id, speaker, (old,) = opened(world, "de")
    new = world.take_over(world.refresh_token(old))
    world.store.stream.clear()
    world.store.unindexed.clear()
    world.now_ms += OPENING_MS - 1
    world.look()
    assert new in world.store.rows, "it may still be opening"
    world.now_ms += 1
    world.look()
    assert (new in world.gateway.open, old in world.gateway.open) == (False, True)
    assert listeners(world, session_id) == (1, 1)
    assert speaker in world.store.rows


def test_one_that_is_being_moved_from_is_not_let_go_by_a_look(world: SessionWorld) -> None:
    _, _, (old,) = opened(world, "de")
    world.now_ms += 2 * OPENING_MS
    new = world.take_over(world.refresh_token(old))
    world.store.hand_on(old, new)
    world.store.unindexed.clear()
    world.look()
    assert old in world.gateway.open
    world.now_ms += OPENING_MS
    world.look()
    assert (old in world.gateway.open, new in world.gateway.open) == (False, True)


def test_a_speakers_move_is_theirs_alone(world: SessionWorld) -> None:
    session_id, old, _ = opened(world)
    first = world.take_over(world.refresh_token(old))
    second = world.take_over(world.refresh_token(old))
    world.greet_all()
    assert world.store.by_id[session_id].speaker_connection == second
    assert world.gateway.open & {old, first, second} == {second}


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_token_is_read_as_it_was_written(connection_id: str, secret: str) -> None:
    token = RefreshToken(connection_id, secret)
    assert RefreshToken.read(token.text) == token


@given(st.text())
def test_whatever_is_shown_as_a_token_is_read(text: str) -> None:
    read = RefreshToken.read(text)
    assert read is None or (read.connection_id and read.secret)
