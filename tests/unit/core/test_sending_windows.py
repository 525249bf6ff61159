"""A campaign with a send window: nobody is called in a quiet hour, and what waits is taken up again."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from lambdas.core.campaign import CampaignStatus
from lambdas.core.deferral import SOON_US
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND
from lambdas.core.provider_errors import classify
from lambdas.core.run_report import RunEnd
from lambdas.core.send_window import SendWindow
from tests.support.fake_world import FakeWorld, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, worst_second
from tests.support.window_oracle import at_us, utc
from tests.support.windows import assert_no_quiet_hours, calls_in, set_clock, windowed

NINE_TO_EIGHT = SendWindow(9 * 60, 20 * 60)
BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
OPENS, CLOSES = utc(2027, 2, 1, 8), utc(2027, 2, 1, 19)
"""Berlin's window on a Monday."""


def test_the_lane_whose_window_closes_first_goes_first() -> None:
    world = windowed([(NEW_YORK, 60), (BERLIN, 60)], NINE_TO_EIGHT)
    set_clock(world, utc(2027, 2, 1, 15))
    world.run_worker()
    assert_completed(world)
    assert_no_quiet_hours(world)
    assert calls_in(world, BERLIN)[-1] < calls_in(world, NEW_YORK)[0]
    assert worst_second([call.at_us for call in world.calls]) <= 21


def test_a_closed_window_ends_the_run_and_leaves_its_rows_alone() -> None:
    world = windowed([(TOKYO, 40), (BERLIN, 40)], NINE_TO_EIGHT)
    set_clock(world, utc(2027, 2, 1, 13))
    report = world.run_worker(seconds=60)
    assert (report.end, report.sent) == (RunEnd.WINDOW_CLOSED, 40)
    assert world.campaign.status is CampaignStatus.RUNNING
    assert not calls_in(world, TOKYO)
    assert_conserved(world)
    set_clock(world, utc(2027, 2, 2, 0))
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)


@pytest.mark.parametrize("early_s", [0.5, 1.0, 2.5, 7.0])
def test_what_does_not_fit_before_the_window_closes_waits_for_the_next_day(early_s: float) -> None:
    world = windowed([(BERLIN, 400)], NINE_TO_EIGHT, tps=50)
    set_clock(world, CLOSES - timedelta(seconds=early_s))
    report = world.run_worker()
    assert report.end is RunEnd.WINDOW_CLOSED
    assert 0.8 * 50 * (early_s - 0.2) <= len(world.calls) <= 50 * early_s
    assert_no_quiet_hours(world)
    assert_conserved(world)
    assert Status.SENDING not in world.statuses().values()
    set_clock(world, OPENS + timedelta(days=1))
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)
    assert len(world.calls) == 400


def test_a_slow_identity_does_not_carry_rows_over_the_end_of_the_window() -> None:
    world = windowed([(BERLIN, 120)], NINE_TO_EIGHT, tps=50, parts_per_second=5)
    set_clock(world, CLOSES - timedelta(seconds=8))
    report = world.run_worker(seconds=20)
    assert report.end is RunEnd.WINDOW_CLOSED
    assert 20 <= len(world.calls) <= 40
    assert_no_quiet_hours(world)
    assert Status.SENDING not in world.statuses().values(), "what was announced and not called is withdrawn"
    set_clock(world, OPENS + timedelta(days=1))
    for number in range(4):
        world.run_worker(f"w{number + 2}", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)
    assert len(world.calls) == 120


def test_rows_that_are_repeated_keep_to_the_window() -> None:
    world = windowed([(BERLIN, 60), (NEW_YORK, 60)], NINE_TO_EIGHT, tps=20)
    set_clock(world, CLOSES - timedelta(seconds=3))
    throttle = classify("ThrottlingException", None)
    world.script = refuse({row: [throttle] * 6 for row in range(40, 60)})
    report = world.run_worker(seconds=30)
    assert report.end is RunEnd.WINDOW_CLOSED
    assert_no_quiet_hours(world)
    assert len(calls_in(world, NEW_YORK)) == 60, "the open lane goes on"
    set_clock(world, OPENS + timedelta(days=1))
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)


def test_a_recovering_run_leaves_chunks_of_closed_lanes_to_the_next_opening() -> None:
    world = windowed([(BERLIN, 30), (NEW_YORK, 30)], NINE_TO_EIGHT, tps=10)
    set_clock(world, CLOSES - timedelta(seconds=5))
    world.run(world.worker("doomed", kill_at=14).dies())
    set_clock(world, CLOSES + timedelta(minutes=2))
    report = world.run_worker("w2", recover=True)
    assert report.end is RunEnd.WINDOW_CLOSED
    assert_no_quiet_hours(world)
    assert all(chunk.owner != "w2" for first, chunk in world.campaign.chunks.items() if first < 30 and chunk.open)
    set_clock(world, OPENS + timedelta(days=1, hours=7))
    world.run_worker("w3", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)


@pytest.mark.parametrize(("ahead_s", "waits"), [(5, True), (70, True), (80, False), (3_600, False)])
def test_a_worker_waits_for_an_opening_that_is_near(ahead_s: float, waits: bool) -> None:
    world = windowed([(BERLIN, 20)], NINE_TO_EIGHT, tps=10)
    set_clock(world, OPENS - timedelta(seconds=ahead_s))
    report = world.run_worker(seconds=120)
    assert waits == (ahead_s * MICROSECOND <= SOON_US)
    if waits:
        assert_completed(world)
        assert_no_quiet_hours(world)
        assert at_us(OPENS) <= world.calls[0].at_us <= at_us(OPENS) + 2 * MICROSECOND
    else:
        assert (report.end, len(world.calls)) == (RunEnd.WINDOW_CLOSED, 0)


def test_an_opening_that_is_near_brings_the_token_back() -> None:
    world = windowed([(BERLIN, 20)], NINE_TO_EIGHT, tps=10)
    set_clock(world, OPENS - timedelta(seconds=60))
    assert world.run_worker(seconds=20).end is RunEnd.TIME_UP


@pytest.mark.parametrize("slow_us", [30_000, 45_000, 65_000])
def test_a_call_that_comes_late_is_not_made_after_the_window_has_closed(slow_us: int) -> None:
    world = windowed([(BERLIN, 400)], NINE_TO_EIGHT, tps=100)
    set_clock(world, CLOSES - timedelta(seconds=2))

    def dawdle(_worker: str, operation: str) -> None:
        if operation == "intend" and world.time.now_us() > at_us(CLOSES) - MICROSECOND // 10:
            world.time.sleep_us(slow_us)

    world.hooks.append(dawdle)
    report = world.run_worker()
    assert report.end is RunEnd.WINDOW_CLOSED
    assert_no_quiet_hours(world)
    assert Status.SENDING not in world.statuses().values(), "what was announced and not called is withdrawn"
    set_clock(world, OPENS + timedelta(days=1))
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert_no_quiet_hours(world)
    assert len(world.calls) == 400


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_around_the_end_of_a_window_nobody_is_disturbed(seed: int) -> None:
    chance = random.Random(seed)
    zones = [(BERLIN, chance.randrange(20, 200)), (NEW_YORK, chance.randrange(20, 200)), (TOKYO, 40)]
    world = windowed(
        zones, NINE_TO_EIGHT, tps=chance.choice([3, 20, 100]), parts_per_second=chance.choice([4, 50, 500])
    )
    throttle, broken = classify("ThrottlingException", None), classify("InternalServerException", None)
    refusals = {
        row: [chance.choice([throttle, broken])] * chance.randrange(4)
        for row in chance.sample(range(len(world.audience)), 20)
    }
    world.script = refuse(refusals)
    set_clock(world, CLOSES - timedelta(seconds=chance.uniform(0, 15)))
    run_for_days(world, chance)
    assert_completed(world)
    assert_no_quiet_hours(world)
    assert set(world.statuses().values()) <= {Status.SENT, Status.IN_DOUBT, Status.FAILED}


def run_for_days(world: FakeWorld, chance: random.Random) -> None:
    """Workers at any hour, as the sweeper would start them; some of them die."""
    for number in range(60):
        jobs = [
            world.worker(f"w{number}-{place}", kill_at=chance.choice([None, None, chance.randrange(5, 300)])).dies(
                seconds=20, recover=True
            )
            for place in range(chance.choice([1, 2]))
        ]
        world.run(*jobs)
        if world.campaign.status is not CampaignStatus.RUNNING:
            return
        world.time.advance_us(chance.choice([MICROSECOND, 40 * MICROSECOND, 3_600 * MICROSECOND]))
