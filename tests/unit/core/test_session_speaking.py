"""Speaking by example: who hears a broadcast, what a replay brings back, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.core.session_errors import Refusal
from lambdas.core.session_requests import message
from lambdas.core.session_speaking import KEPT_WITHIN_S, Speaking
from tests.support.session_world import MINUTE_MS, SessionWorld, code_of, opened, texts


@pytest.fixture
def world() -> SessionWorld:
    return SessionWorld()


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
    assert code_of(world.ask(listener, action="broadcast", payload="x")) == "NOT_SPEAKER"
    assert code_of(world.ask(listener, action="endSession")) == "NOT_SPEAKER"
    assert code_of(world.ask("nobody", action="broadcast", payload="x")) == "NOT_CONNECTED"
    assert code_of(world.heartbeat("nobody")) == "NOT_CONNECTED"


def test_a_route_that_is_not_known_ends_no_session(world: SessionWorld) -> None:
    session_id, speaker, _ = opened(world)
    for route in ("$default", "endsession", "x"):
        told = world.speaking.answer(speaker, route, {"action": "endSession"}, world.now_ms)
        assert code_of(told) == "UNKNOWN_ACTION"
    assert world.store.by_id[session_id].active
    told = world.speaking.answer(speaker, "broadcast", {"action": "endSession", "payload": 1}, world.now_ms)
    assert isinstance(told, dict)
    assert told["type"] == "broadcastAck", "the route decides, whatever the message says"


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
    assert code_of(world.ask(speaker, **request_)) == told
    assert world.store.by_id[session_id].sequence == 0


@pytest.mark.parametrize("depth", [10, 400, 900, 960, 990])
def test_nesting_has_an_end_and_never_breaks_a_broadcast(world: SessionWorld, depth: int) -> None:
    _, speaker, _ = opened(world)
    text = f'{{"action": "broadcast", "payload": {"[" * depth}{"]" * depth}}}'
    read = message(text)
    told = read if isinstance(read, Refusal) else world.ask(speaker, **read)
    assert code_of(told) in ("BAD_JSON", "BAD_REQUEST") if isinstance(told, Refusal) else told["sequence"] == 1
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
