"""Who is not called, and what the provider refuses: tried again, given up at no cost, or a reason to stop."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.attempts import MAX_ATTEMPTS
from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND, lease_units
from lambdas.core.ports import OutboundMessage
from lambdas.core.provider_errors import ErrorClass, ProviderError, classify, in_doubt
from lambdas.core.run_report import RunEnd
from lambdas.core.work import RUN_SECONDS
from tests.support.campaigns import PRICE_USD, destination
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import FakeWorld, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, at_call

THROTTLE = classify("ThrottlingException", None)
UNREACHABLE = ProviderError("EndpointConnectionError", ErrorClass.WAIT)
PROVIDER_FAILS = classify("InternalServerException", None)
STOPS = [
    ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
    ("AccessDeniedException", None),
    ("ExpiredTokenException", None),
    ("LimitExceededException", None),
]


@pytest.mark.parametrize(("exception", "reason"), STOPS)
def test_what_every_message_is_refused_for_pauses_the_campaign_and_costs_no_row(
    exception: str, reason: str | None
) -> None:
    world = FakeWorld(200, tps=50)
    stop = classify(exception, reason)
    world.script = lambda message, attempt: stop if message.row.row >= 60 else None
    report = world.run_worker()
    assert (report.end, report.paused, report.pause_code) == (
        RunEnd.NOT_RUNNING,
        PauseReason.PROVIDER_STOP,
        reason or exception,
    )
    assert (world.campaign.status, world.campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.PROVIDER_STOP)
    assert world.campaign.pause_code == (reason or exception)
    assert_conserved(world)
    assert 1 <= len(world.calls) - 60 <= 3, "only calls under way at the same time may be refused for the same reason"
    assert set(world.statuses()) == set(range(60)), "the intents of refused rows are withdrawn"
    assert set(world.statuses().values()) == {Status.SENT}
    world.script = lambda message, attempt: None
    world.set_status(CampaignStatus.RUNNING)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}
    assert world.campaign.spent_usd == PRICE_USD * 200, "what was refused has cost nothing"


def test_a_campaign_that_is_cancelled_while_the_provider_refuses_everything_leaves_its_rows_unsent() -> None:
    world = FakeWorld(200, tps=50)
    stop = classify("AccessDeniedException", None)

    def refuse_and_cancel(message: OutboundMessage, attempt: int) -> ProviderError | None:
        if message.row.row < 60:
            return None
        world.set_status(CampaignStatus.CANCELLED)
        return stop

    world.script = refuse_and_cancel
    report = world.run_worker()
    assert (report.end, report.paused) == (RunEnd.NOT_RUNNING, None)
    assert world.campaign.status is CampaignStatus.CANCELLED
    assert_conserved(world)
    assert (world.campaign.reserved_usd, len(world.statuses())) == (Decimal(0), 60)


def test_throttled_calls_are_repeated_with_growing_pauses() -> None:
    world = FakeWorld(20, tps=10)
    world.script = refuse({3: [THROTTLE] * 2, 19: [THROTTLE] * (MAX_ATTEMPTS - 1)})
    report = world.run_worker()
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}
    assert report.throttled == 2 + MAX_ATTEMPTS - 1
    tries = [call.at_us for call in world.calls if call.message_id == keys.message(CAMPAIGN, 19)]
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert len(pauses) == MAX_ATTEMPTS - 1
    for number, pause in enumerate(pauses):
        assert pause >= 0.5 * 2**number * MICROSECOND / 2
    assert pauses[-1] > pauses[0]


def test_a_late_row_of_a_very_slow_campaign_does_not_outlive_its_run() -> None:
    world = FakeWorld(4, tps=0.01)
    world.script = refuse({0: [THROTTLE]})
    started = world.time.now_us()
    report = world.run_worker("one", seconds=20)
    assert world.time.now_us() - started < 40 * MICROSECOND
    assert report.end is RunEnd.TIME_UP
    assert not world.statuses(), "the intent of the row that was refused and not called again is withdrawn"
    for number in range(40):
        world.run_worker(f"later-{number}", seconds=20, recover=True)
    assert_completed(world)


def test_a_row_the_provider_fails_too_often_is_refused_with_the_reason() -> None:
    world = FakeWorld(5, tps=10)
    world.script = refuse({2: [PROVIDER_FAILS] * 99})
    report = world.run_worker()
    assert_completed(world)
    assert sum(call.message_id == keys.message(CAMPAIGN, 2) for call in world.calls) == MAX_ATTEMPTS
    assert (report.refused, report.sent) == (1, 4)
    row = world.tracking[keys.message(CAMPAIGN, 2)]
    assert (row.state.status, row.state.code) == (Status.FAILED, "InternalServerException")
    assert world.campaign.spent_usd == PRICE_USD * 4


def test_throttles_do_not_use_up_the_attempts_of_a_row() -> None:
    world = FakeWorld(5, tps=10)
    world.script = refuse({2: [THROTTLE, PROVIDER_FAILS] * (MAX_ATTEMPTS - 1) + [UNREACHABLE]})
    world.run_worker(seconds=120)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}


@pytest.mark.parametrize("refusal", [THROTTLE, UNREACHABLE], ids=lambda error: error.code)
@pytest.mark.parametrize(("rows", "tps"), [(5, 1), (300, 20), (2_000, 300)])
def test_a_provider_that_takes_no_calls_costs_no_message_and_little_else(
    refusal: ProviderError, rows: int, tps: float
) -> None:
    world = FakeWorld(rows, tps=tps)
    world.script = lambda message, attempt: refusal
    chunk = lease_units(tps)
    for run in range(4):
        before = len(world.calls)
        worker = world.worker(f"throttled-{run}")
        (report,) = world.run(worker.job(seconds=RUN_SECONDS, recover=run > 0))
        assert (report.end, report.refused) == (RunEnd.TIME_UP, 0)
        assert not world.statuses(), "intents of calls that were never taken are withdrawn"
        assert all(chunk.lease_until_us < world.time.now_us() for chunk in world.campaign.chunks.values())
        assert len(world.campaign.chunks) <= 5, "nothing new is begun"
        assert worker.operations.count("claim") + worker.operations.count("reserve") <= 3 * (RUN_SECONDS + 15)
        assert worker.operations.count("intend") <= 5 * chunk
        assert len(world.calls) - before >= 2
    assert_conserved(world)
    assert world.campaign.status is CampaignStatus.RUNNING
    assert world.campaign.done_rows == 0
    world.script = refuse({})
    for run in range(4):
        world.run_worker(f"after-{run}", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}


def test_a_provider_that_takes_calls_again_is_used_at_once_in_the_same_run() -> None:
    world = FakeWorld(400, tps=20)
    since = world.time.now_us()
    world.script = lambda message, attempt: THROTTLE if world.time.now_us() < since + 15 * MICROSECOND else None
    world.run_worker(seconds=120)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}
    assert world.time.now_us() - since < (15 + 12 + 400 / 20 + 5) * MICROSECOND


def test_a_call_in_doubt_is_never_repeated() -> None:
    world = FakeWorld(10, tps=10)
    world.script = refuse({4: [in_doubt("ReadTimeoutError")]})
    report = world.run_worker()
    world.time.advance_us(120 * MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert report.in_doubt == 1
    assert world.statuses()[4] is Status.IN_DOUBT
    assert len(world.calls) == 10
    assert world.campaign.spent_usd == PRICE_USD * 10, "it may have been sent, so it counts as spent"


def test_a_refused_message_costs_nothing_and_stops_nobody_else() -> None:
    world = FakeWorld(10, tps=10)
    world.script = refuse({4: [classify("ValidationException", "PRICE_OVER_THRESHOLD")]})
    report = world.run_worker()
    assert_completed(world)
    assert (report.sent, report.refused) == (9, 1)
    assert world.campaign.spent_usd == PRICE_USD * 9


def test_a_number_the_provider_reports_as_opted_out_is_remembered() -> None:
    world = FakeWorld(3, tps=10)
    world.script = refuse({1: [classify("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")]})
    world.run_worker()
    assert_completed(world)
    assert world.opted_out == {destination(1)}
    assert world.statuses()[1] is Status.FAILED


def test_whoever_has_opted_out_before_the_claim_is_not_tracked_at_all() -> None:
    world = FakeWorld(10, tps=10)
    world.opted_out = {destination(2), destination(9)}
    report = world.run_worker()
    assert_completed(world)
    assert (report.suppressed, world.campaign.suppressed) == (2, 2)
    assert {2, 9}.isdisjoint(world.statuses())


def test_whoever_opts_out_while_the_chunk_is_being_sent_is_not_called() -> None:
    world = FakeWorld(100, tps=10)
    late = {destination(row) for row in range(100) if row % 20 >= 15}
    world.hooks.append(at_call(1, lambda: world.opted_out.update(late)))
    world.run_worker()
    assert_completed(world)
    assert {call.destination for call in world.calls}.isdisjoint(late)
    assert world.campaign.suppressed == len(late)
    assert world.campaign.spent_usd == PRICE_USD * (100 - len(late))


def test_a_chunk_of_nobody_left_still_closes() -> None:
    world = FakeWorld(10, tps=2)
    world.opted_out = {destination(row) for row in range(10)}
    world.run_worker()
    assert_completed(world)
    assert world.calls == []


def test_refusals_that_pass_are_told_from_those_that_stay() -> None:
    assert THROTTLE.error_class is ErrorClass.WAIT
    assert PROVIDER_FAILS.error_class is ErrorClass.RETRY
