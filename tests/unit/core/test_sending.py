"""Sending a campaign: every row once, in its slot, within the budget, and stopped when it must stop."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.attempts import MAX_ATTEMPTS, ScheduledSend
from lambdas.core.campaign import CampaignStatus, PauseReason, StopReason
from lambdas.core.chunk_progress import ChunkProgress
from lambdas.core.held_chunks import CHUNK_LEASE_US, KEEP_US
from lambdas.core.leasing import LeaseLine
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MAX_LATE_US, MICROSECOND, lease_units
from lambdas.core.ports import Chunk, OutboundMessage
from lambdas.core.provider_errors import ErrorClass, ProviderError, classify, in_doubt
from lambdas.core.run_report import RunEnd
from lambdas.core.work import HOLD_SECONDS, RUN_SECONDS, campaign_rate
from tests.support.campaigns import PRICE_USD, destination, planned_row
from tests.support.fake_ports import CAMPAIGN, FakeLimiter
from tests.support.fake_world import FakeWorld, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, at_call, worst_second

THROTTLE = classify("ThrottlingException", None)
UNREACHABLE = ProviderError("EndpointConnectionError", ErrorClass.WAIT)
PROVIDER_FAILS = classify("InternalServerException", None)


def test_every_row_is_sent_once_and_the_budget_is_settled() -> None:
    world = FakeWorld(300, tps=300)
    report = world.run_worker()
    assert_completed(world)
    assert (report.end, report.sent, report.given_up_slots) == (RunEnd.NOTHING_LEFT, 300, 0)
    assert set(world.statuses().values()) == {Status.SENT}
    assert len(world.calls) == 300
    assert world.campaign.spent_usd == PRICE_USD * 300


@pytest.mark.parametrize(("tps", "parts_per_second"), [(300.0, 1_000.0), (50.0, 20.0), (7.5, 100.0), (0.5, 1.0)])
def test_calls_keep_the_slower_of_both_rates(tps: float, parts_per_second: float) -> None:
    rate = min(tps, campaign_rate(parts_per_second))
    world = FakeWorld(max(4, int(rate * 3)), tps=tps, parts_per_second=parts_per_second)
    world.run_worker(seconds=120)
    assert_completed(world)
    instants = sorted(call.at_us for call in world.calls)
    gaps = [after - before for before, after in itertools.pairwise(instants)]
    assert min(gaps) >= MICROSECOND / rate - 1
    assert worst_second(instants) <= max(rate + 1, 1.02 * rate)
    assert (len(instants) - 1) / ((instants[-1] - instants[0]) / MICROSECOND) >= 0.99 * rate


def test_an_identity_is_used_to_the_full_by_long_messages() -> None:
    world = FakeWorld([planned_row(row, parts=5) for row in range(100)], tps=100, parts_per_second=10 / 0.9)
    report = world.run_worker(seconds=200)
    assert_completed(world)
    instants = [call.at_us for call in world.calls]
    assert report.given_up_slots == 0
    assert (max(instants) - min(instants)) / MICROSECOND == pytest.approx(49.5, rel=0.02)
    assert min(after - before for before, after in itertools.pairwise(sorted(instants))) >= MICROSECOND // 2


def test_a_slow_identity_is_not_booked_for_minutes_at_once() -> None:
    world = FakeWorld(60, tps=100, parts_per_second=1)
    world.run_worker(seconds=120)
    assert_completed(world)
    lengths = [lease.end_us - lease.start_us for lease in world.leases]
    assert lengths[0] <= 10 * MICROSECOND / 0.9 + 1
    assert max(lengths[1:]) <= 2 * MICROSECOND


def test_no_lease_begins_before_the_campaign_s_own_time() -> None:
    world = FakeWorld(3)
    worker = world.worker("w1")
    chunk = Chunk(CAMPAIGN, 0, 3, PRICE_USD * 3, "w1", 1, 0)
    sends = [ScheduledSend(ChunkProgress(chunk, 3), keys.message(CAMPAIGN, row.row), row, 0) for row in world.audience]
    start_us = world.time.now_us() + MICROSECOND
    line = LeaseLine(CAMPAIGN, FakeLimiter(worker), worker, while_waiting=lambda: None)
    line.add(sends, start_us, start_us + 3 * MICROSECOND)
    assert [send.slot_us - start_us for send in line.take()] == [0, MICROSECOND, 2 * MICROSECOND]


def test_a_call_that_comes_too_late_is_given_a_new_slot() -> None:
    world = FakeWorld(20, tps=5, latency_us=3 * MICROSECOND)
    report = world.run(world.worker("w1").job(seconds=200, threads=2))[0]
    assert_conserved(world)
    assert report.given_up_slots > 0
    slots = [
        lease.slot(part)
        for lease in world.leases
        for part in range((lease.end_us - lease.start_us) * lease.milli_rate // 10**9)
    ]
    for call in world.calls:
        assert any(slot <= call.at_us <= slot + MAX_LATE_US for slot in slots)


def test_no_call_is_before_its_slot_or_later_than_allowed() -> None:
    world = FakeWorld(100, tps=50)
    world.run_worker()
    parts = [(lease, (lease.end_us - lease.start_us) * lease.milli_rate // 10**9) for lease in world.leases]
    slots = sorted(lease.slot(part) for lease, count in parts for part in range(count))
    calls = sorted(call.at_us for call in world.calls)
    assert all(slot <= call <= slot + MAX_LATE_US for slot, call in zip(slots, calls, strict=True))


@pytest.mark.parametrize("operation", ["load", "close_chunk", "settle_day", "keep_token"])
@pytest.mark.parametrize(("tps", "rows"), [(0.7, 20), (5, 60), (50, 600)])
def test_a_slow_store_costs_no_slot_beside_the_calls(operation: str, tps: float, rows: int) -> None:
    world = FakeWorld(rows, tps=tps)
    world.hooks.append(lambda _worker, done: world.time.sleep_us(250_000 if done == operation else 0))
    report = world.run_worker(seconds=90)
    assert_completed(world)
    assert (report.sent, report.given_up_slots) == (rows, 0)


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


@pytest.mark.parametrize("operation", ["load", "close_chunk", "settle_day", "keep_token"])
def test_a_store_that_fails_beside_the_calls_ends_the_run(operation: str) -> None:
    world = FakeWorld(400, tps=20)

    def fail(_worker: str, done: str) -> None:
        if done == operation and len(world.calls) >= 60:
            raise ConnectionError("away")

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        world.run_worker()
    assert len(world.calls) < 400
    assert all(accepted <= 1 for accepted in world.accepted().values())


def test_two_workers_share_a_campaign_without_sending_twice() -> None:
    world = FakeWorld(400, tps=100)
    reports = world.run(world.worker("w1").job(), world.worker("w2").job())
    assert_completed(world)
    assert len(world.calls) == 400
    assert {call.worker for call in world.calls} == {"w1", "w2"}
    assert sum(report.sent for report in reports) == 400
    assert worst_second([call.at_us for call in world.calls]) <= 102


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


def test_the_spend_cap_stops_a_campaign_without_a_cent_over_and_without_delay() -> None:
    world = FakeWorld(300, tps=50, cap_usd=PRICE_USD * 120 + Decimal("0.001"))
    started = world.time.now_us()
    report = world.run_worker(seconds=600)
    assert_conserved(world)
    assert report.end is RunEnd.STOPPED
    assert (world.campaign.status, world.campaign.stop_reason) == (CampaignStatus.STOPPED, StopReason.SPEND_CAP)
    assert len(world.calls) == 120
    assert world.campaign.spent_usd == PRICE_USD * 120
    assert world.time.now_us() - started < 5 * MICROSECOND


def test_a_cap_below_one_message_sends_nothing() -> None:
    world = FakeWorld(10, cap_usd="0.001")
    assert world.run_worker().end is RunEnd.STOPPED
    assert world.calls == []


def test_many_workers_never_reserve_more_than_the_cap() -> None:
    world = FakeWorld(1_000, tps=400, cap_usd=PRICE_USD * 333)
    world.run(*(world.worker(f"w{number}").job() for number in range(6)))
    assert_conserved(world)
    assert world.campaign.status is CampaignStatus.STOPPED
    assert len(world.calls) == 333


def test_money_left_over_by_cheap_rows_is_spent_on_the_rest() -> None:
    rows = [planned_row(row, parts=4 if row == 59 else 1) for row in range(60)]
    world = FakeWorld(rows, tps=10, cap_usd=PRICE_USD * 70)
    world.run_worker(seconds=120)
    assert_completed(world)
    assert world.campaign.spent_usd == PRICE_USD * 63


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


def test_a_slow_provider_costs_slots_but_no_messages() -> None:
    world = FakeWorld(60, tps=60, latency_us=1_500_000)
    report = world.run(world.worker("w1").job(threads=4))[0]
    assert_conserved(world)
    world.time.advance_us(MICROSECOND)
    while world.campaign.status is CampaignStatus.RUNNING:
        world.run(world.worker("next").job(threads=4, recover=True))
        world.time.advance_us(MICROSECOND)
    assert_completed(world)
    assert report.given_up_slots > 0
    assert set(world.statuses().values()) == {Status.SENT}
    assert len(world.calls) == 60


def test_when_time_is_up_the_rest_is_left_to_the_next_run() -> None:
    world = FakeWorld(600, tps=50)
    report = world.run_worker(seconds=2)
    assert report.end is RunEnd.TIME_UP
    assert_conserved(world)
    assert 100 <= len(world.calls) <= 300
    world.run_worker("w2", recover=report.chunks_left > 0)
    assert_completed(world)


def test_rows_left_in_chunks_are_reported_so_that_the_next_run_looks_for_them() -> None:
    world = FakeWorld(3, tps=10)
    world.script = refuse({1: [THROTTLE] * 3})
    world.latency_us = 20_000_000
    report = world.run_worker(seconds=1)
    assert report.end is RunEnd.TIME_UP
    assert report.chunks_left == 1
    assert_conserved(world)
    world.script = refuse({})
    world.run_worker("w2", recover=True)
    assert_completed(world)


def test_a_missing_part_of_the_audience_fails_the_run_instead_of_losing_rows() -> None:
    world = FakeWorld(20, tps=5)
    world.audience = world.audience[:15]
    with pytest.raises(LookupError, match="rows 10 to 19"):
        world.run_worker()
    assert world.campaign.status is CampaignStatus.RUNNING
    assert world.campaign.done_rows == 10


def test_a_store_that_fails_stops_the_sending_and_is_reported() -> None:
    world = FakeWorld(100, tps=20)

    def fail(_worker: str, operation: str) -> None:
        if operation == "intend" and len(world.calls) >= 10:
            raise ConnectionError("the store is away")

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        world.run_worker()
    assert len(world.calls) <= 14, "calls whose intent was on record already"
    assert_conserved(world)
    world.hooks.clear()
    world.time.advance_us(31 * MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}


def test_a_row_whose_last_look_fails_before_its_call_is_sent_by_the_next_run() -> None:
    world = FakeWorld(100, tps=20)

    def fail(_worker: str, operation: str) -> None:
        if operation == "opted_out" and len(world.calls) >= 10:
            raise ConnectionError("the store is away")

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        world.run_worker()
    assert set(world.statuses().values()) == {Status.SENT}, "an intent without a call is taken back"
    world.hooks.clear()
    world.time.advance_us(31 * MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)
    assert set(world.statuses().values()) == {Status.SENT}


def test_the_token_is_kept_while_a_run_goes_on() -> None:
    world = FakeWorld(150, tps=10)
    worker = world.worker("w1")
    started = world.time.now_us()
    world.run(worker.job())
    assert worker.held_at_us
    instants = [started, *worker.held_at_us, world.time.now_us()]
    gaps = [after - before for before, after in itertools.pairwise(instants)]
    assert max(gaps) < HOLD_SECONDS * MICROSECOND / 2, "well before its visibility ends"
    assert len(worker.held_at_us) <= 4, "and not with every look at the campaign"


def test_a_token_is_back_when_the_chunks_of_its_dead_worker_are_free() -> None:
    assert HOLD_SECONDS * MICROSECOND > CHUNK_LEASE_US + KEEP_US


def test_an_unknown_campaign_is_an_error() -> None:
    world = FakeWorld(1)
    with pytest.raises(LookupError):
        world.worker("w1").campaigns.load("another")


def test_refusals_that_pass_are_told_from_those_that_stay() -> None:
    assert THROTTLE.error_class is ErrorClass.WAIT
    assert PROVIDER_FAILS.error_class is ErrorClass.RETRY
