"""Death at every operation of both senders, and two hundred zombies: no row lost, none called twice, no doubt left.

The operations are those that an undisturbed run is seen to make, so a new one is covered without being named here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.held_chunks import CHUNK_LEASE_US
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import Status, StatusEvent, fold
from lambdas.core.pacing import MICROSECOND
from lambdas.core.provider_errors import classify, in_doubt
from lambdas.core.single_sending import SingleOutcome
from tests.support.campaigns import planned_row
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import Death, FakeWorld, When, refuse

ROWS = 24
OPTED_OUT = 20
REFUSED = 9
ZOMBIES = 200
THROTTLE = classify("ThrottlingException", None)
LAST_LOOKS = 4
"""How many looks at the campaign a run may have less than another: which of two threads is first is not repeatable."""
AFTER_EVERYTHING_US = 65 * MICROSECOND
"""Longer than a chunk's lease and than the grace of a claim without a chunk."""
FINDINGS = {(Status.SENT, 1), (Status.IN_DOUBT, 0), (Status.IN_DOUBT, 1), (Status.FAILED, 0)}
"""What a row may say, with the calls the provider took for it."""


def eventful_world() -> FakeWorld:
    """Chunks of 8 rows; a throttled call, a broken-off one, a refused one, one that fails twice, an opt-out."""
    world = FakeWorld(ROWS, tps=4)
    world.script = refuse(
        {
            2: [THROTTLE],
            5: [in_doubt("ReadTimeoutError")],
            REFUSED: [classify("ValidationException", "PRICE_OVER_THRESHOLD")],
            13: [classify("InternalServerException", None)] * 2,
        }
    )
    world.opted_out = {world.audience[OPTED_OUT].destination}
    return world


def operations_of(world: FakeWorld, *, recover: bool = False) -> int:
    """How many operations an undisturbed run makes."""
    worker = world.worker("undisturbed")
    world.run(worker.job(recover=recover))
    assert world.campaign.status is CampaignStatus.COMPLETED
    return len(worker.operations)


def recover(world: FakeWorld) -> None:
    """Successors as the queue's redelivery and the sweeper send them."""
    for number in range(5):
        world.time.advance_us(AFTER_EVERYTHING_US)
        world.run_worker(f"successor-{number}", recover=True)
        if world.campaign.status is not CampaignStatus.RUNNING:
            return


def receive_everything(world: FakeWorld) -> None:
    """A receipt for each message the provider took, as it comes by the path that names our own id."""
    for message_id, count in world.accepted().items():
        if count:
            row = world.tracking[message_id]
            row.state = fold(row.state, [StatusEvent(Status.DELIVERED, world.time.now_us() // 1_000)])


def assert_each_row_once(world: FakeWorld) -> None:
    """Every row has one end, money and chunks are settled, and receipts leave in doubt only what was never called."""
    meta = world.campaign
    assert (meta.status, meta.done_rows, meta.reserved_usd) == (CampaignStatus.COMPLETED, ROWS, Decimal(0))
    assert world.overspent_usd == 0
    assert all(not chunk.open for chunk in meta.chunks.values())
    assert sum(chunk.rows for chunk in meta.chunks.values()) == ROWS
    accepted = world.accepted()
    expected = {row for row in range(ROWS) if row != OPTED_OUT}
    assert set(world.statuses()) == expected
    assert meta.suppressed == 1
    for row, status in world.statuses().items():
        assert (status, accepted.get(keys.message(CAMPAIGN, row), 0)) in FINDINGS, row
        assert status is not Status.FAILED or row == REFUSED
    receive_everything(world)
    for row, status in world.statuses().items():
        if accepted.get(keys.message(CAMPAIGN, row), 0):
            assert status is Status.DELIVERED


@pytest.mark.parametrize("when", When)
def test_death_at_every_operation_of_a_campaign(when: When) -> None:
    operations = operations_of(eventful_world())
    assert operations > 2 * ROWS
    for kill_at in range(1, operations + 1):
        world = eventful_world()
        died = world.run(world.worker("w1", kill_at=kill_at, when=when).dies())[0]
        assert died or kill_at > operations - LAST_LOOKS
        recover(world)
        assert_each_row_once(world)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("first_death", [0.2, 0.5, 0.9])
def test_death_at_every_operation_of_the_successor(first_death: float, when: When) -> None:
    operations = operations_of(eventful_world())

    def after_a_death() -> FakeWorld:
        world = eventful_world()
        assert world.run(world.worker("w1", kill_at=int(operations * first_death)).dies())[0]
        world.time.advance_us(AFTER_EVERYTHING_US)
        return world

    operations = operations_of(after_a_death(), recover=True)
    for kill_at in range(1, operations + 1):
        world = after_a_death()
        died = world.run(world.worker("w2", kill_at=kill_at, when=when).dies(recover=True))[0]
        assert died or kill_at > operations - LAST_LOOKS
        recover(world)
        assert_each_row_once(world)


@pytest.mark.parametrize("when", When)
def test_death_beside_a_worker_that_goes_on(when: When) -> None:
    for kill_at in range(1, operations_of(eventful_world()) // 2):
        world = eventful_world()
        world.run(world.worker("w1", kill_at=kill_at, when=when).dies(), world.worker("w2").dies(seconds=3))
        recover(world)
        assert_each_row_once(world)


def test_two_hundred_zombies_are_fenced() -> None:
    operations = operations_of(eventful_world())
    rnd = random.Random("zombies")
    fenced = 0
    for _ in range(ZOMBIES):
        world = eventful_world()
        asleep_us = CHUNK_LEASE_US + rnd.randint(1, 4) * AFTER_EVERYTHING_US // 2
        zombie = world.worker("zombie")
        world.hooks.append(_sleeps(zombie.sleep_us, rnd.randint(1, operations), asleep_us))

        def successor(world: FakeWorld = world, since_us: int = rnd.randint(30, 70) * MICROSECOND) -> bool:
            world.time.sleep_us(since_us)
            return world.worker("successor").dies(recover=True)()

        world.run(zombie.dies(), successor)
        fenced += any(chunk.owner == "successor" and chunk.fence > 1 for chunk in world.campaign.chunks.values())
        recover(world)
        assert_each_row_once(world)
    assert fenced > ZOMBIES / 2, "most of them lose a chunk they had opened"


def _sleeps(sleep_us: Callable[[int], None], at: int, asleep_us: int) -> Callable[[str, str], None]:
    """A hook that puts the zombie to sleep before its n-th operation takes effect."""
    seen = 0

    def hook(worker: str, _operation: str) -> None:
        nonlocal seen
        if worker == "zombie":
            seen += 1
            if seen == at:
                sleep_us(asleep_us)

    return hook


SINGLE = planned_row(0)


def single_world(channel_is_busy: bool) -> FakeWorld:
    """The first call is throttled; where the channel is busy, the message waits for its slot and looks again at the
    opt-outs."""
    world = FakeWorld(0, parts_per_second=0.5 if channel_is_busy else 10)
    world.script = lambda message, attempt: THROTTLE if message.message_id == "code" and attempt == 0 else None
    if channel_is_busy:
        world.run(world.worker("earlier").single("earlier", planned_row(1)))
    return world


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("busy", [False, True])
def test_death_at_every_operation_of_a_single_message(busy: bool, when: When) -> None:
    world = single_world(busy)
    worker = world.worker("undisturbed")
    assert world.run(worker.single("code", SINGLE))[0] is SingleOutcome.SENT
    for kill_at in range(1, len(worker.operations) + 1):
        world = single_world(busy)
        with pytest.raises(Death):
            world.run(world.worker("w1", kill_at=kill_at, when=when).single("code", SINGLE))
        for second_death in range(1, 6):
            world.time.advance_us(INTENT_LIFE_MS * 1_000)
            try:
                world.run(world.worker("w2", kill_at=second_death, when=When.AFTER).single("code", SINGLE))
            except Death:
                continue
        world.time.advance_us(INTENT_LIFE_MS * 1_000)
        world.run(world.worker("w3").single("code", SINGLE, seconds=60))
        status, accepted = world.tracking["code"].state.status, world.accepted().get("code", 0)
        assert (status, accepted) in FINDINGS - {(Status.FAILED, 0)}, kill_at
        receive_everything(world)
        assert (world.tracking["code"].state.status is Status.DELIVERED) is bool(accepted)
