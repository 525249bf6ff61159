"""Pausing and cancelling a campaign: within a lease, with no row lost, and resumed to its end."""

from __future__ import annotations

import pytest

from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND, lease_units
from lambdas.core.provider_errors import classify
from lambdas.core.run_report import RunEnd
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import FakeWorld, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, at_call

THROTTLE = classify("ThrottlingException", None)


@pytest.mark.parametrize("tps", [0.7, 5, 50])
def test_a_pause_takes_effect_within_a_lease_however_slow_looks_are(tps: float) -> None:
    world, paused_us = FakeWorld(int(max(12, 12 * tps)), tps=tps), []
    world.hooks.append(lambda _worker, done: world.time.sleep_us(400_000 if done == "load" else 0))

    def pause() -> None:
        world.time.sleep_us(6 * MICROSECOND)
        world.set_status(CampaignStatus.PAUSED)
        paused_us.append(world.time.now_us())

    world.run(pause, world.worker("w1").dies())
    late_us = [call.at_us - paused_us[0] for call in world.calls if call.at_us > paused_us[0]]
    assert 0 < len(world.calls) < world.campaign.rows
    assert len(late_us) <= lease_units(tps)
    assert max(late_us, default=0) <= 2 * MICROSECOND
    assert_conserved(world)


def rest_of_the_lease(call: int) -> int:
    """Calls made when the lease that holds a call (1-based) has been used up."""
    return -(-call // lease_units(50)) * lease_units(50)


@pytest.mark.parametrize("stop_at", [1, 37, 100, 155, 290])
def test_pause_takes_effect_within_a_lease_and_resume_finishes(stop_at: int) -> None:
    world = FakeWorld(300, tps=50)
    world.hooks.append(at_call(stop_at, lambda: world.set_status(CampaignStatus.PAUSED)))
    report = world.run_worker()
    assert report.end is RunEnd.NOT_RUNNING or len(world.calls) == 300
    assert len(world.calls) <= rest_of_the_lease(stop_at) + lease_units(50)
    assert_conserved(world)
    world.set_status(CampaignStatus.RUNNING)
    world.time.advance_us(MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}
    assert len(world.calls) == 300


def test_a_pause_holds_for_rows_that_wait_in_line_after_the_deadline() -> None:
    """An identity far slower than its campaign keeps claimed rows in line; those are not sent past a pause either."""
    world = FakeWorld(100, tps=50, parts_per_second=10)
    world.hooks.append(at_call(30, lambda: world.set_status(CampaignStatus.PAUSED)))
    report = world.run_worker(seconds=1)
    assert report.end is RunEnd.NOT_RUNNING
    assert 30 <= len(world.calls) <= 30 + 2 * lease_units(10)
    world.set_status(CampaignStatus.RUNNING)
    world.time.advance_us(MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert len(world.calls) == 100


@pytest.mark.parametrize("stop_at", [1, 99, 155])
def test_cancel_takes_effect_within_a_lease_and_returns_the_money(stop_at: int) -> None:
    world = FakeWorld(300, tps=50)
    world.hooks.append(at_call(stop_at, lambda: world.set_status(CampaignStatus.CANCELLED)))
    report = world.run_worker()
    assert report.end is RunEnd.NOT_RUNNING
    assert len(world.calls) <= rest_of_the_lease(stop_at) + lease_units(50)
    assert_conserved(world)
    meta = world.campaign
    assert meta.status is CampaignStatus.CANCELLED
    assert meta.reserved_usd == 0
    assert meta.done_rows == meta.claimed_rows == len(world.calls) + meta.unsent
    assert len(world.tracking) == len(world.calls)
    world.time.advance_us(120 * MICROSECOND)
    calls = len(world.calls)
    assert world.run_worker("w2", recover=True).end is RunEnd.NOT_RUNNING
    assert len(world.calls) == calls


@pytest.mark.parametrize("seen", range(1, 6))
def test_a_pause_that_is_over_before_the_worker_has_put_its_chunks_down_loses_no_row(seen: int) -> None:
    world = FakeWorld(100, tps=20)
    world.hooks.append(at_call(25, lambda: world.set_status(CampaignStatus.PAUSED)))
    looks: list[str] = []

    def resume(_worker: str, operation: str) -> None:
        if world.campaign.status is CampaignStatus.PAUSED and operation in ("load", "claim"):
            looks.append(operation)
            if len(looks) > seen:
                world.set_status(CampaignStatus.RUNNING)

    world.hooks.append(resume)
    world.run_worker()
    world.set_status(CampaignStatus.RUNNING)
    assert world.campaign.unsent == 0
    world.time.advance_us(MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert len(world.calls) == 100


def test_rows_refused_for_a_passing_reason_when_a_pause_begins_are_sent_after_it() -> None:
    world = FakeWorld(60, tps=20)
    world.script = refuse({21: [THROTTLE] * 3})
    world.hooks.append(at_call(23, lambda: world.set_status(CampaignStatus.PAUSED)))
    world.run_worker()
    assert keys.message(CAMPAIGN, 21) not in world.tracking, "its intent is taken back: nobody called for it"
    world.set_status(CampaignStatus.RUNNING)
    world.time.advance_us(MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}


def test_a_campaign_paused_at_its_last_row_completes_when_resumed() -> None:
    world = FakeWorld(40, tps=20)
    world.hooks.append(at_call(40, lambda: world.set_status(CampaignStatus.PAUSED)))
    world.run_worker()
    assert world.campaign.status is CampaignStatus.PAUSED
    assert world.campaign.done_rows == 40
    world.set_status(CampaignStatus.RUNNING)
    world.run_worker("w2")
    assert_completed(world)


def test_a_pause_is_noticed_while_the_provider_takes_no_calls() -> None:
    world = FakeWorld(400, tps=20)
    world.script = lambda message, attempt: THROTTLE

    def pause() -> None:
        world.time.sleep_us(12 * MICROSECOND)
        world.set_status(CampaignStatus.PAUSED)

    report, _ = world.run(world.worker("w1").job(seconds=60), pause)
    assert report is not None
    assert report.end is RunEnd.NOT_RUNNING
    assert world.time.now_us() < world.calls[0].at_us + 30 * MICROSECOND
    assert not world.statuses()
    assert_conserved(world)
