"""Sending a campaign: every row once, in its slot, within the budget, whatever happens to the stores."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.attempts import ScheduledSend
from lambdas.core.campaign import CampaignStatus, StopReason
from lambdas.core.chunk_progress import ChunkProgress
from lambdas.core.held_chunks import CHUNK_LEASE_US, KEEP_US
from lambdas.core.leasing import LeaseLine
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MAX_LATE_US, MICROSECOND
from lambdas.core.ports import Chunk
from lambdas.core.provider_errors import classify
from lambdas.core.run_report import RunEnd
from lambdas.core.work import HOLD_SECONDS, campaign_rate
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.fake_ports import CAMPAIGN, FakeLimiter
from tests.support.fake_world import FakeWorld, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, worst_second


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
    world.script = refuse({1: [classify("ThrottlingException", None)] * 3})
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


def test_a_store_that_fails_once_stops_the_sending_at_the_next_row() -> None:
    world = FakeWorld(100, tps=20)
    failures = iter([ConnectionError("the store was away")])

    def fail(_worker: str, operation: str) -> None:
        if operation == "intend" and len(world.calls) >= 10:
            for error in failures:
                raise error

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        world.run_worker()
    assert len(world.calls) <= 14, "calls whose intent was on record already"
    world.time.advance_us(31 * MICROSECOND)
    world.run_worker("w2", recover=True)
    assert_completed(world)


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
