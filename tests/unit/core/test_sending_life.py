"""Pause, resume, cancel and a change of rate while workers send; and a provider that fails too often."""

from __future__ import annotations

import pytest

from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.chain_plan import chained
from lambdas.core.error_watch import LATEST, LEAST, ErrorWatch
from lambdas.core.lifecycle import Status
from lambdas.core.provider_errors import classify
from lambdas.core.run_report import RunEnd
from lambdas.core.send_options import SendOptions
from tests.support.campaigns import planned_row
from tests.support.fake_world import FakeWorld
from tests.support.interruptions import interrupt, retune
from tests.support.sending_checks import assert_completed, assert_conserved

BROKEN = classify("InternalServerException", None)
REFUSED = classify("ValidationException", None)


@pytest.mark.parametrize("seed", range(30))
def test_a_pause_and_a_cancellation_take_effect_within_a_lease(seed: int) -> None:
    interrupt(seed)


@pytest.mark.parametrize("seed", range(12))
def test_a_new_rate_takes_effect_within_three_seconds(seed: int) -> None:
    retune(seed)


def watched(rows: int, *, rate: float = 0.2, tps: float = 50) -> FakeWorld:
    world = FakeWorld(rows, tps=tps)
    world.campaign.pause_error_rate = rate
    return world


@pytest.mark.parametrize("good", [0, 30, 700])
def test_an_outage_pauses_the_campaign_whatever_went_well_before(good: int) -> None:
    world = watched(1_500)
    world.script = lambda message, attempt: BROKEN if message.row.row >= good else None
    report = world.run_worker()
    assert (report.end, report.paused) == (RunEnd.NOT_RUNNING, PauseReason.ERROR_RATE)
    assert (world.campaign.status, world.campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.ERROR_RATE)
    assert len({call.message_id for call in world.calls}) <= good + 150
    assert_conserved(world)
    assert Status.SENDING not in world.statuses().values(), "rows that wait for another try are given back"
    world.script = lambda message, attempt: None
    world.set_status(CampaignStatus.RUNNING)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert world.statuses().keys() == set(range(1_500))


def test_one_worker_s_pause_is_every_worker_s() -> None:
    world = watched(2_000, tps=200)
    world.script = lambda message, attempt: REFUSED if message.row.row >= 300 else None
    reports = world.run(*(world.worker(f"w{number}").job() for number in range(3)))
    assert [report.paused for report in reports].count(PauseReason.ERROR_RATE) == 1
    assert len(world.calls) <= 300 + 3 * 150
    assert_conserved(world)


@pytest.mark.parametrize(
    ("share", "rate", "pauses"), [(10, 0.2, False), (4, 0.2, True), (4, 0.5, False), (1, 1.0, False)]
)
def test_only_a_share_above_the_campaign_s_own_pauses_it(share: int, rate: float, pauses: bool) -> None:
    world = watched(400, rate=rate)
    world.script = lambda message, attempt: REFUSED if message.row.row % share == 0 else None
    world.run_worker()
    assert (world.campaign.status is CampaignStatus.PAUSED) == pauses
    assert pauses or world.campaign.status is CampaignStatus.COMPLETED


@pytest.mark.parametrize(("falls_back", "pauses"), [(True, False), (False, True)])
def test_a_refusal_that_the_next_channel_takes_up_says_nothing_against_the_campaign(
    falls_back: bool, pauses: bool
) -> None:
    rows = [planned_row(row) for row in range(200)]
    email = [planned_row(row, channel="email") for row in range(200)]
    chains = [chained(pair, SendOptions()) for pair in zip(rows, email, strict=True)] if falls_back else rows
    world = FakeWorld(chains, tps=50)
    world.campaign.pause_error_rate = 0.2
    world.script = lambda message, attempt: REFUSED if message.row.row % 2 else None
    world.run_worker()
    assert (world.campaign.status is CampaignStatus.PAUSED) == pauses


def test_a_few_messages_prove_nothing() -> None:
    world = watched(LEAST - 1)
    world.script = lambda message, attempt: REFUSED
    world.run_worker()
    assert world.campaign.status is CampaignStatus.COMPLETED


def test_a_throttled_provider_is_waited_for_and_not_taken_for_broken() -> None:
    world = watched(120)
    throttle = classify("ThrottlingException", None)
    world.script = lambda message, attempt: throttle if attempt < 2 else None
    world.run_worker(seconds=120)
    assert_completed(world)


def test_the_watch_looks_at_the_latest_messages_and_once_at_each() -> None:
    watch = ErrorWatch()
    for row in range(10 * LATEST):
        watch.record(f"m-{row}", failed=False)
    for row in range(LATEST // 2):
        for _ in range(3):
            watch.record(f"x-{row}", failed=True)
        assert watch.exceeds(0.2) == (row + 1 > LATEST * 0.2)
    for row in range(LATEST // 2):
        watch.record(f"x-{row}", failed=False)
    assert not watch.exceeds(0.0), "each went through in the end"
    watch.record("y", failed=True)
    watch.begin(None)
    assert watch.exceeds(0.0)
    watch.begin(5)
    assert not watch.exceeds(0.0), "resumed"
