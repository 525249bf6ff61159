"""A worker that dies anywhere, or wakes up after its chunk was given away: no row is lost and none is sent twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.held_chunks import CHUNK_LEASE_US
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND
from lambdas.core.provider_errors import classify, in_doubt
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import FakeWorld, When, refuse

ROWS = 6
THROTTLE = classify("ThrottlingException", None)
AFTER_EVERYTHING_US = 65 * MICROSECOND
"""Longer than a chunk's lease and than the grace of a claim without a chunk."""


def small_world() -> FakeWorld:
    """Two chunks of 4 and 2 rows; one row is throttled once, one call breaks off, one recipient has opted out."""
    world = FakeWorld(ROWS, tps=2)
    world.script = refuse({1: [THROTTLE], 3: [in_doubt("ReadTimeoutError")]})
    world.opted_out = {world.audience[5].destination}
    return world


def operations_of_a_whole_run() -> list[str]:
    """What an undisturbed worker does, in order."""
    world = small_world()
    worker = world.worker("w0")
    world.run(worker.job())
    assert world.campaign.status is CampaignStatus.COMPLETED
    return worker.operations


OPERATIONS = operations_of_a_whole_run()


def recover(world: FakeWorld) -> None:
    """Successors as the queue's redelivery and the sweeper send them."""
    for number in range(4):
        world.time.advance_us(AFTER_EVERYTHING_US)
        world.run_worker(f"successor-{number}", recover=True)
        if world.campaign.status is not CampaignStatus.RUNNING:
            return


def assert_nothing_lost(world: FakeWorld) -> None:
    """Each row was sent once, is in doubt after at most one call, or was suppressed."""
    meta = world.campaign
    assert meta.status is CampaignStatus.COMPLETED
    assert meta.done_rows == ROWS
    assert meta.reserved_usd == 0
    assert world.overspent_usd == 0
    assert all(not chunk.open for chunk in meta.chunks.values())
    accepted = world.accepted()
    assert all(count <= 1 for count in accepted.values())
    for row in range(5):
        message_id = keys.message(CAMPAIGN, row)
        status = world.tracking[message_id].state.status
        assert status in (Status.SENT, Status.IN_DOUBT)
        if status is Status.SENT:
            assert accepted[message_id] == 1
    assert keys.message(CAMPAIGN, 5) not in world.tracking
    assert meta.suppressed == 1


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, len(OPERATIONS) + 1))
def test_death_at_every_operation(kill_at: int, when: When) -> None:
    world = small_world()
    died = world.run(world.worker("w1", kill_at=kill_at, when=when).dies())[0]
    assert died
    recover(world)
    assert_nothing_lost(world)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, 31, 2))
def test_death_while_another_worker_goes_on(kill_at: int, when: When) -> None:
    world = small_world()
    world.run(world.worker("w1", kill_at=kill_at, when=when).dies(), world.worker("w2").dies(seconds=2, recover=True))
    recover(world)
    assert_nothing_lost(world)


@pytest.mark.parametrize("kill_at", range(1, len(OPERATIONS) + 1, 3))
def test_death_of_the_successor_too(kill_at: int) -> None:
    world = small_world()
    world.run(world.worker("w1", kill_at=max(1, len(OPERATIONS) // 2)).dies())
    world.time.advance_us(AFTER_EVERYTHING_US)
    world.run(world.worker("w2", kill_at=kill_at).dies(recover=True))
    recover(world)
    assert_nothing_lost(world)


def test_only_rows_under_way_at_the_death_are_left_in_doubt() -> None:
    for kill_at in range(1, len(OPERATIONS) + 1):
        world = FakeWorld(ROWS, tps=2)
        world.run(world.worker("w1", kill_at=kill_at).dies())
        recover(world)
        in_doubt_rows = [row for row, status in world.statuses().items() if status is Status.IN_DOUBT]
        assert len(in_doubt_rows) <= 1


@pytest.mark.parametrize("when", When)
def test_who_opts_out_between_a_death_and_the_successor_is_in_one_state(when: When) -> None:
    """What the dead worker may have sent is in doubt, not suppressed: it would be counted twice, and never end."""
    world = FakeWorld(ROWS, tps=2)
    world.run(world.worker("w1", kill_at=OPERATIONS.index("send") + 1, when=when).dies())
    (row,) = world.statuses()
    world.opted_out = {world.audience[row].destination, world.audience[row + 1].destination}
    recover(world)
    assert world.campaign.status is CampaignStatus.COMPLETED
    assert world.statuses()[row] is Status.IN_DOUBT
    assert row + 1 not in world.statuses()
    assert world.campaign.suppressed == 1
    assert len(world.statuses()) + world.campaign.suppressed == ROWS


def frozen_at(operation: str, number: int, thaw: Callable[[], None]) -> Callable[[str, str], None]:
    """A hook that stops worker `zombie` before its n-th operation of a kind, lets others work, then lets it go on."""
    seen = 0

    def hook(worker: str, current: str) -> None:
        nonlocal seen
        if worker != "zombie" or current != operation:
            return
        seen += 1
        if seen == number:
            thaw()

    return hook


ZOMBIE_STOPS = [
    (operation, number)
    for operation in ("open_chunk", "rows", "opted_out", "reserve", "intend", "send", "accepted", "close_chunk", "load")
    for number in (1, 2)
]


@pytest.mark.parametrize(("operation", "number"), ZOMBIE_STOPS)
def test_a_zombie_is_fenced(operation: str, number: int) -> None:
    world = FakeWorld(ROWS, tps=2)
    zombie = world.worker("zombie")

    def a_long_pause() -> None:
        zombie.sleep_us(CHUNK_LEASE_US + AFTER_EVERYTHING_US)

    def successor() -> bool:
        world.time.sleep_us(AFTER_EVERYTHING_US + 5 * MICROSECOND)
        return world.worker("successor").dies(recover=True)()

    world.hooks.append(frozen_at(operation, number, a_long_pause))
    world.run(zombie.dies(), successor)
    recover(world)
    meta = world.campaign
    assert meta.status is CampaignStatus.COMPLETED
    assert meta.done_rows == ROWS
    assert meta.reserved_usd == 0
    assert all(count <= 1 for count in world.accepted().values())
    for row, status in world.statuses().items():
        calls = world.accepted().get(keys.message(CAMPAIGN, row), 0)
        assert (status, calls) in {(Status.SENT, 1), (Status.IN_DOUBT, 0), (Status.IN_DOUBT, 1)}
    assert len(world.statuses()) == ROWS
    assert [sum(chunk.rows for chunk in meta.chunks.values())] == [ROWS]


def test_the_rows_of_a_chunk_taken_over_in_a_long_lease_are_not_called_by_the_old_owner() -> None:
    world = FakeWorld(60, tps=60, parts_per_second=1)

    def take_over(worker: str, operation: str) -> None:
        if worker == "w1" and operation == "send" and len(world.calls) == 20:
            chunk = world.campaign.chunks[0]
            chunk.fence, chunk.owner = chunk.fence + 1, "w2"

    world.hooks.append(take_over)
    world.run(world.worker("w1").dies(seconds=60))
    assert 20 < len(world.calls) <= 20 + 2 * 15 + 1, "it learns of it when it next prolongs its lease"
    assert world.campaign.done_rows == 0
