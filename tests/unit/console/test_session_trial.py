"""A whole session tried out over real sockets: what is measured, what counts as lost, and that all is cleaned up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError
from console.sessions.client import Waits
from console.sessions.latencies import Latencies, Target
from console.sessions.trial import Trial, Wish
from tests.support.awaited import awaited
from tests.support.session_server import TOKEN, Flaws, SessionServer

WISH = Wish(listeners=12, ramp=400.0, languages=("de", "fr"), broadcasts=3)


def trial(server: SessionServer, wish: Wish = WISH, *, greeting: float = 10.0, delivery: float = 5.0) -> Trial:
    return Trial(server.endpoint, wish, lambda step: None, waits=Waits(greeting=greeting), delivery=delivery)


@awaited
async def test_everybody_comes_everything_arrives_once_and_nothing_is_left() -> None:
    async with SessionServer() as server:
        course = await trial(server).run(TOKEN)
        assert server.ended
        assert server.listeners == {}
        assert server.asked == {"heartbeat": 13, "broadcast": 3, "endSession": 1}
    assert (len(course.joins), len(course.handshakes), len(course.heartbeats)) == (12, 12, 13)
    assert (course.expected, len(course.deliveries), course.lost, course.doubled) == (36, 36, 0, 0)
    assert all(handshake <= join for handshake, join in zip(course.handshakes, course.joins, strict=True))
    assert not course.troubles
    assert not course.left
    assert [target.name for target in course.targets()] == ["creation", "join", "heartbeat"]


@awaited
async def test_what_is_lost_and_what_comes_twice_is_counted() -> None:
    flaws = Flaws(lost=frozenset({(0, 1), (3, 2)}), doubled=frozenset({(5, 3)}))
    async with SessionServer(flaws) as server:
        course = await trial(server, delivery=0.3).run(TOKEN)
    assert (course.expected, course.lost, course.doubled, course.broadcasts) == (36, 2, 1, 3)
    assert not course.passed(WISH)


@awaited
async def test_a_listener_who_is_never_greeted_and_those_who_are_refused_are_told_apart() -> None:
    flaws = Flaws(ungreeted=frozenset({2}), refused={0: 429, 1: 429, 4: 503})
    async with SessionServer(flaws) as server:
        course = await trial(server, greeting=0.3).run(TOKEN)
        assert server.listeners == {}
    assert (len(course.joins), course.refused, course.dropped) == (8, 3, 0)
    sentences = sorted((count, sentence.partition(":")[0]) for sentence, count in course.troubles.items())
    assert sentences[-1] == (2, "the handshake was refused with 429 RATE_LIMITED")
    assert sentences[0][1].startswith("no greeting came within 0.3 s")
    assert (course.expected, course.lost) == (24, 0)
    assert not course.passed(WISH)


@awaited
async def test_a_server_that_dies_ends_the_trial_with_what_was_measured_and_what_is_left() -> None:
    async with SessionServer(Flaws(dies_at=2)) as server:
        course = await trial(server).run(TOKEN)
    assert course.broken.startswith("the connection has ended")
    assert (course.broadcasts, len(course.deliveries)) == (1, 12)
    assert course.left == [
        f"session session-1 was not ended ({course.broken.partition(';')[0]}); "
        "it ends by itself a minute after its speaker"
    ]
    assert not course.passed(WISH)


@awaited
async def test_a_session_that_cannot_be_opened_is_one_sentence() -> None:
    async with SessionServer() as server:
        with pytest.raises(ConsoleError, match="the handshake was refused with 403"):
            await trial(server).run("another token")


@awaited
async def test_whoever_ends_it_early_leaves_no_session_behind() -> None:
    async with SessionServer() as server:
        begun = trial(server, Wish(listeners=10_000, ramp=50.0, languages=("de",), broadcasts=1))
        running = asyncio.create_task(begun.run(TOKEN))
        async with asyncio.timeout(10):
            while len(begun.course.joins) < 3:
                await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert server.ended
        assert server.listeners == {}
        assert begun.course.left == []


@awaited
async def test_whoever_does_not_wait_for_its_end_is_told_what_is_left() -> None:
    async with SessionServer(Flaws(silent=frozenset({"endSession"}))) as server:
        begun = trial(server)
        running = asyncio.create_task(begun.run(TOKEN))
        async with asyncio.timeout(10):
            while not server.asked["endSession"]:
                await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert begun.course.left == [
        "session session-1 was not ended (interrupted); it ends by itself a minute after its speaker"
    ]


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=300))
def test_percentiles_are_values_that_were_measured_in_their_order(seconds: list[float]) -> None:
    found = Latencies.of(seconds)
    if not seconds:
        assert found == Latencies(0, None, None, None, None)
        return
    ranked = [found.p50, found.p95, found.p99, found.longest]
    assert all(value in seconds for value in ranked)
    for value, share in zip(ranked, (0.5, 0.95, 0.99, 1.0), strict=True):
        assert value is not None
        assert sum(each <= value for each in seconds) >= share * len(seconds)
        assert sum(each < value for each in seconds) < share * len(seconds)


@pytest.mark.parametrize(("measured", "met"), [(0.09, True), (0.1, False), (None, False)])
def test_a_target_is_met_below_its_limit(measured: float | None, met: bool) -> None:
    assert Target("heartbeat", 0.1, measured).met is met
