"""A number of listeners that is too high: corrected while people come and go, and never below those who are there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lambdas.core.session import Connection, Role, Session, Suspicion
from lambdas.core.session_drift import EVERY_LOOK, SETTLED_MS, SKEW_MS, Blur, surplus, suspicion
from lambdas.core.session_presence import LOOKED_AT_EVERY_MIN, is_due
from lambdas.core.session_reconciling import LOOKING_MS
from tests.support.memory_sessions import Held
from tests.support.session_world import GENEROUS, SessionWorld, opened

NOW = 10_000_000
SESSION = Session(
    id="s", speaker="ann", speaker_connection="c", source_language="en", created_ms=0, expires_s=0, changed_ms=0
)
ROW = Connection(id="l", session_id="s", role=Role.LISTENER, opened_ms=0, last_seen_ms=0, counted=True)


def number_and_rows(world: SessionWorld, session_id: str) -> tuple[int, int]:
    rows = [row for row in world.store.rows.values() if row.session_id == session_id and row.role is Role.LISTENER]
    return world.store.by_id[session_id].listeners, len(rows)


def is_suspected(world: SessionWorld, session_id: str) -> bool:
    return world.store.by_id[session_id].suspicion is not None


@pytest.mark.parametrize("churn_min", [1, 2, 3, 4, 5, 60])
def test_a_lively_session_is_corrected_within_minutes_at_the_pace_of_production(churn_min: int) -> None:
    world = SessionWorld(every_min=LOOKED_AT_EVERY_MIN)
    session_id, _, listeners = opened(world, *["de"] * 6)
    for listener in listeners[:2]:
        world.drop(listener, told=True, at=2)
        world.let_go(killed=True)
    guest = ""
    for minute in range(20):
        world.now_ms += 20_000  # people come and go between the looks
        if minute % churn_min == 0:
            if guest:
                world.drop(guest, told=True)
            guest = "" if guest else world.join(session_id)
            world.greet_all()
        world.now_ms += 40_000
        world.store.unindexed.clear()
        for connection_id in sorted(world.gateway.open):
            world.heartbeat(connection_id)
        world.look()
        number, rows = number_and_rows(world, session_id)
        assert number >= rows
    assert number == rows


def test_a_full_session_lets_in_as_many_as_may_be_after_a_correction() -> None:
    world = SessionWorld(replace(GENEROUS, max_listeners=3), every_min=LOOKED_AT_EVERY_MIN)
    session_id, _, (first, *_) = opened(world, "de", "de", "de")
    world.drop(first, told=True, at=2)
    world.let_go(killed=True)
    refusals = []
    for minutes in (9, 0, 0):
        world.join(session_id)
        refusals.append(world.refusal)
        world.live_for(minutes)
    assert [refusal is None for refusal in refusals] == [False, True, False]
    assert number_and_rows(world, session_id) == (3, 3)


def test_who_is_just_leaving_is_not_written_off() -> None:
    """The look falls between the two writes of a function that is slow, and the place is given back afterwards."""
    world = SessionWorld()
    session_id, _, (listener, _) = opened(world, "de", "de")
    world.live_for(3)
    world.drop(listener, told=True, at=2)
    world.look()
    assert is_suspected(world, session_id)
    world.let_go()
    assert not is_suspected(world, session_id)
    world.live_for(5)
    assert number_and_rows(world, session_id) == (1, 1)


def test_who_is_just_coming_is_not_written_off() -> None:
    world = SessionWorld()
    session_id, _, _ = opened(world, "de")
    world.live_for(3)
    guest = world.join(session_id, at=2)
    assert world.held, "its place is taken and its row is not there"
    world.look()
    assert is_suspected(world, session_id)
    world.let_go()
    world.now_ms += 30_000
    world.drop(guest, told=True)
    world.live_for(5)
    assert number_and_rows(world, session_id) == (1, 1)


@pytest.mark.parametrize(
    ("opened_ms", "replaces", "places"),
    [
        (NOW - SETTLED_MS - 1, None, 2),
        (NOW - SETTLED_MS, None, 1),
        (NOW + SKEW_MS, None, 1),
        (NOW + SKEW_MS + 1, None, 2),
        (NOW + SKEW_MS + 1, "an older one", 1),
    ],
)
def test_only_those_who_may_have_been_unaccounted_for_explain_places(
    opened_ms: int, replaces: str | None, places: int
) -> None:
    noted = Suspicion(listeners=1, unaccounted=2, at_ms=NOW)
    assert surplus(noted, [replace(ROW, opened_ms=opened_ms, replaces=replaces)]) == places


def test_a_look_notes_who_has_only_just_come_as_unaccounted_for() -> None:
    rows = [ROW, replace(ROW, opened_ms=NOW - SETTLED_MS)]
    assert suspicion(replace(SESSION, listeners=2), rows, NOW) is None
    assert suspicion(replace(SESSION, listeners=3), rows, NOW) == Suspicion(2, 2, NOW)


def test_a_moved_connection_may_have_been_any_earlier_one() -> None:
    still = Blur.of([replace(ROW, opened_ms=NOW)], NOW + 500_000)
    moved = Blur.of([replace(ROW, opened_ms=NOW, replaces="x")], NOW + 500_000)
    assert [still.hides(at) for at in (0, NOW, NOW + SETTLED_MS, NOW + SETTLED_MS + 1)] == [False, True, True, False]
    assert [moved.hides(at) for at in (0, NOW, NOW + SETTLED_MS, NOW + SETTLED_MS + 1)] == [True, True, True, False]
    assert still.hides(NOW + 500_000 - SKEW_MS)
    assert EVERY_LOOK.hides(0)


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


@pytest.fixture
def dismissed(world: SessionWorld, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many places each call gives back."""
    places_of: list[int] = []
    real = world.store.dismiss

    def dismiss(session_id: str, places: int, now_ms: int, blur: Blur = EVERY_LOOK) -> None:
        places_of.append(places)
        real(session_id, places, now_ms, blur)

    monkeypatch.setattr(world.store, "dismiss", dismiss)
    return places_of


def test_a_session_that_lost_everybody_gives_the_places_back_at_once(world: SessionWorld, dismissed: list[int]) -> None:
    session_id, speaker, listeners = opened(world, *["de"] * 50)
    for listener in listeners:
        world.drop(listener, told=False)
    for _ in range(8):
        world.now_ms += 60_000
        world.heartbeat(speaker)
    look = world.look()
    assert look is not None
    assert (look.lost, dismissed) == (50, [50])
    assert number_and_rows(world, session_id) == (0, 0)


def test_a_broadcast_that_finds_many_gone_gives_their_places_back_at_once(
    world: SessionWorld, dismissed: list[int]
) -> None:
    session_id, speaker, listeners = opened(world, *["de"] * 50)
    for listener in listeners[:20]:
        world.drop(listener, told=False)
    world.now_ms += 60_000
    assert world.ask(speaker, action="broadcast", payload="x")["gone"] == 20
    assert dismissed == [20]
    assert number_and_rows(world, session_id) == (30, 30)


@pytest.mark.parametrize("at", range(1, 12))
def test_a_look_that_dies_on_the_way_leaves_no_number_below_those_who_are_there(at: int) -> None:
    world = SessionWorld()
    session_id, speaker, listeners = opened(world, *["de"] * 6)
    for listener in listeners[:4]:
        world.drop(listener, told=False)
    world.now_ms += 8 * 60_000
    for connection_id in (speaker, *listeners[4:]):
        world.heartbeat(connection_id)
    held = Held(lambda: world.reconciler.look(world.reconciler.census()), at)
    if held.start():
        held.finish(killed=True)
    number, rows = number_and_rows(world, session_id)
    assert number >= rows
    world.live_for(12)
    assert number_and_rows(world, session_id) == (2, 2)


def test_what_a_look_has_no_time_for_is_first_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four sessions that are due in the same minute, of which each takes half of the time that there is."""
    world, every_min = SessionWorld(every_min=5), 5
    while sum(is_due(each, every_min, world.now_ms) for each in world.store.active) < 4:
        world.create("speaker")
        for session_id in list(world.store.active):
            if not is_due(session_id, every_min, world.now_ms):
                world.store.active.discard(session_id)
    world.greet_all()
    began, looked_at = world.now_ms, []
    takes = [LOOKING_MS // 2, LOOKING_MS // 2, 0, 0]
    real = world.store.listener_ids

    def slow(session_id: str, language: str | None = None) -> list[str]:
        looked_at.append(session_id)
        world.now_ms += takes.pop(0)
        return list(real(session_id, language))

    monkeypatch.setattr(world.store, "listener_ids", slow)
    look = world.look()
    assert look is not None
    assert (look.left, len(looked_at)) == (2, 2)
    world.now_ms = began + 60_000
    assert not any(is_due(session_id, every_min, world.now_ms) for session_id in world.store.active)
    look = world.look()
    assert look is not None
    assert look.left == 0
    assert sorted(looked_at) == sorted(world.store.active)
