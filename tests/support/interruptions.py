"""Campaigns that an operator pauses, resumes, cancels and retunes at random moments."""

from __future__ import annotations

import random
from collections.abc import Callable

from lambdas.core.campaign import CampaignStatus
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND, lease_units
from tests.support.fake_world import FakeWorld
from tests.support.sending_checks import assert_completed, assert_conserved, worst_second

LEASE_US = 2 * MICROSECOND
ENDS = (CampaignStatus.CANCELLED, CampaignStatus.CANCELLED, CampaignStatus.PAUSED)


def after(world: FakeWorld, seconds: float, change: Callable[[], None]) -> Callable[[], None]:
    """A job that makes a change some time after the workers have begun."""

    def run() -> None:
        world.time.sleep_us(int(seconds * MICROSECOND))
        change()

    return run


def run_beside(world: FakeWorld, change: Callable[[], None], *, workers: int, seconds: float, name: str = "w") -> None:
    """Workers, with a change made beside them."""
    jobs = [world.worker(f"{name}{number}").dies(seconds=seconds, recover=True) for number in range(workers)]
    world.run(change, *jobs)


def interrupt(seed: int) -> None:
    """One campaign: paused at a random moment, resumed, cancelled at another one; what went out after each is bounded
    by a lease a worker, every row is where it belongs, and all is sent when nobody cancels."""
    chance = random.Random(seed)
    tps = chance.choice([0.7, 5, 20, 60, 300])
    workers = chance.choice([1, 1, 2, 3])
    world = FakeWorld(int(min(600, max(12, tps * 20))), tps=tps, parts_per_second=chance.choice([tps * 2, 1_000]))
    span_s = world.campaign.rows / tps
    for number, status in enumerate([CampaignStatus.PAUSED, chance.choice(ENDS)]):
        changed_us: list[int] = []

        def change(status: CampaignStatus = status, changed_us: list[int] = changed_us) -> None:
            world.set_status(status)
            changed_us.append(world.time.now_us())

        run_beside(
            world,
            after(world, chance.uniform(0, span_s * 0.7), change),
            workers=workers,
            seconds=span_s + 30,
            name=f"w{number}-",
        )
        late = [call.at_us for call in world.calls if call.at_us > changed_us[0]]
        assert len(late) <= workers * lease_units(tps), f"{len(late)} calls after {status} at {tps}/s"
        assert all(at_us <= changed_us[0] + LEASE_US for at_us in late)
        assert_conserved(world)
        if status is CampaignStatus.CANCELLED:
            assert Status.SENDING not in world.statuses().values()
            return
        world.set_status(CampaignStatus.RUNNING)
        world.time.advance_us(MICROSECOND)
    world.run_worker("last", seconds=span_s + 60, recover=True)
    assert_completed(world)
    assert len(world.calls) == world.campaign.rows


def retune(seed: int) -> None:
    """One campaign whose rate is changed at a random moment: three seconds later it is the new one, and rows are all
    sent once."""
    chance = random.Random(seed)
    before, now = chance.choice([(50, 5), (20, 2), (5, 50), (10, 30), (100, 20), (20, 100)])
    world = FakeWorld(40 * int(min(before, now)) + 5 * before, tps=before)
    changed_us: list[int] = []

    def change() -> None:
        world.campaign.tps = now
        changed_us.append(world.time.now_us())

    run_beside(world, after(world, chance.uniform(0.5, 4.5), change), workers=1, seconds=400)
    assert_completed(world)
    calls = sorted(call.at_us for call in world.calls)
    assert len(calls) == world.campaign.rows
    settled = [at_us for at_us in calls if at_us >= changed_us[0] + 3 * MICROSECOND]
    assert worst_second(settled) <= max(now + 1, 1.02 * now)
    if now > before:
        soon = [at_us for at_us in settled if at_us < changed_us[0] + 5 * MICROSECOND]
        assert len(soon) >= 0.9 * min(2 * now, len(settled))
