"""The conditional writes that the sender's safety rests on, against the emulator's tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.limiter import ClockSkewError, Limiter
from lambdas.adapters.part_files import PartReader, PartWriter
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, StopReason
from lambdas.core.content import Content as Text
from lambdas.core.identity_calendar import IdentityLease
from lambdas.core.intents import IntentOutcome
from lambdas.core.lanes import Lane, lane_attributes
from lambdas.core.pacing import Booking, BookingKind, Wait, available_capacity
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import CampaignState, ChunkResult, Claim
from tests.cloud.campaign_client import StackClient

NOW_US = 1_900_000_000_000_000
PRICE = Decimal("0.01")
NOTHING = ChunkResult(sent=0, refused=0, in_doubt=0, suppressed=0, unsent=0, spent_usd=Decimal(0))


@pytest.fixture
def make_campaign(stack: StackClient, unique: str) -> Callable[..., tuple[CampaignLane, str]]:
    """Puts a running campaign of `rows` rows."""

    def make(rows: int, status: CampaignStatus = CampaignStatus.RUNNING, cap: str = "1") -> tuple[CampaignLane, str]:
        item: dict[str, Any] = {
            "pk": keys.campaign(unique),
            "sk": keys.META,
            "listing": "test",
            "created_at": NOW_US // 1_000,
            "status": status.value,
            "version": 1,
            "tps": 10,
            "rows": rows,
            "budget_left": Decimal(cap),
            "plan": unique,
            **dict.fromkeys(("claimed_rows", "done_rows", "reserved", "spent", "suppressed", "unsent"), 0),
            **lane_attributes((Lane("sms", 0, rows, PRICE), Lane("email", rows, rows + 5, PRICE))),
        }
        assert CampaignTable(stack.campaigns).create(item) is None
        return CampaignLane(stack.campaigns, "sms", claims=stack.money), unique

    return make


def sms(rows: int) -> Lane:
    """The lane of the campaign's texts."""
    return Lane("sms", 0, rows, PRICE)


def booking(kind: BookingKind = BookingKind.RESTART, now_us: int = NOW_US, units: int = 10) -> Booking:
    return Booking(kind, now_us, units * 100_000, units)


def test_a_claim_takes_only_a_whole_run_of_rows(make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(15)
    first = store.claim(campaign, booking(), sms(15), 10, PRICE * 10)
    assert isinstance(first, Claim)
    assert (first.first_row, first.rows, first.end_us - first.start_us) == (0, 10, 1_000_000)
    refused = store.claim(campaign, booking(BookingKind.EXTEND), sms(15), 10, PRICE * 10)
    assert isinstance(refused, CampaignState)
    assert (refused.lanes[0].next_row, refused.reserved_usd) == (10, PRICE * 10)
    last = store.claim(campaign, booking(BookingKind.EXTEND, units=5), sms(15), 5, PRICE * 5)
    assert isinstance(last, Claim)
    assert (last.first_row, last.start_us) == (10, first.end_us)


def test_a_claim_never_exceeds_the_budget(make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(100, cap="0.05")
    assert isinstance(store.claim(campaign, booking(), sms(100), 10, PRICE * 10), CampaignState)
    assert isinstance(store.claim(campaign, booking(units=5), sms(100), 5, PRICE * 5), Claim)
    assert store.load(campaign).budget_left_usd == 0


def test_a_zombie_is_fenced(make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(10)
    claim = store.claim(campaign, booking(), sms(10), 10, PRICE * 10)
    chunk = store.open_chunk(claim, "zombie", NOW_US)
    assert chunk is not None
    assert store.open_chunk(claim, "twin", NOW_US) is None
    (abandoned,) = store.abandoned_chunks(campaign, NOW_US + 60_000_000)
    taken = store.take_over(abandoned, "successor", NOW_US + 90_000_000)
    assert taken is not None
    assert taken.fence == chunk.fence + 1
    assert store.take_over(abandoned, "late", NOW_US + 90_000_000) is None
    assert store.hold_chunk(chunk, NOW_US + 120_000_000) is None
    assert store.close_chunk(chunk, NOTHING) is None
    closed = store.close_chunk(taken, NOTHING)
    assert closed is not None
    assert (closed.done_rows, closed.reserved_usd, closed.budget_left_usd) == (10, 0, 1)
    assert store.close_chunk(taken, NOTHING) is None, "a chunk is settled once"


def test_a_claim_without_a_chunk_is_found(make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(20)
    assert isinstance(store.claim(campaign, booking(), sms(20), 10, PRICE * 10), Claim)
    assert store.abandoned_chunks(campaign, NOW_US + 2_000_000) == []
    (lost,) = store.abandoned_chunks(campaign, NOW_US + 60_000_000)
    assert (lost.first_row, lost.rows, lost.fence) == (0, 10, 0)
    assert store.take_over(lost, "successor", NOW_US + 90_000_000) is not None


def test_each_channel_claims_and_recovers_its_own_rows(stack: StackClient, make_campaign: Callable[..., Any]) -> None:
    texts, campaign = make_campaign(10)
    email = CampaignLane(stack.campaigns, "email", claims=stack.money)
    assert isinstance(texts.claim(campaign, booking(), sms(10), 10, PRICE * 10), Claim)
    claim = email.claim(campaign, booking(units=5), Lane("email", 10, 15, PRICE), 5, PRICE * 5)
    assert isinstance(claim, Claim)
    assert (claim.first_row, claim.start_us) == (10, NOW_US), "its own time, beside the other's"
    assert [lane.booked_until_us for lane in claim.state.others] == [NOW_US + 1_000_000]
    assert (claim.state.tps, claim.state.pace(NOW_US)) == (10, 10 * 5 / 15)
    assert email.open_chunk(claim, "dead", NOW_US) is not None
    summary = CampaignTable(stack.campaigns).summary(campaign)
    assert summary is not None
    assert (summary.claimed_rows, [list(lane.claimed) for lane in summary.lanes]) == (
        15,
        [list(range(10)), list(range(10, 15))],
    )
    later = NOW_US + 60_000_000
    assert [(chunk.first_row, chunk.fence) for chunk in texts.abandoned_chunks(campaign, later)] == [(0, 0)]
    assert [(chunk.first_row, chunk.fence) for chunk in email.abandoned_chunks(campaign, later)] == [(10, 1)]


def test_only_what_is_open_ends(stack: StackClient, make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(10, CampaignStatus.PAUSED)
    store.complete(campaign)
    assert store.load(campaign).status is CampaignStatus.PAUSED
    store.stop(campaign, StopReason.SPEND_CAP)
    assert store.load(campaign).status is CampaignStatus.STOPPED
    store.stop(campaign, StopReason.PLAN_FAILED)
    meta = stack.campaigns.get(meta_key(campaign))
    assert meta is not None
    assert meta["stop_reason"] == "spend_cap"


def test_what_cannot_be_planned_stops(make_campaign: Callable[..., Any]) -> None:
    store, campaign = make_campaign(10, CampaignStatus.CREATED)
    store.stop(campaign, StopReason.PLAN_FAILED)
    assert store.load(campaign).status is CampaignStatus.STOPPED


ROW = PlannedRow(
    0, "customer", "sms", "+12065550100", "US", Text("line\u2028separator \u0085 and \U0001f600"), 2, PRICE
)


def test_part_files_keep_every_character(stack: StackClient, unique: str) -> None:
    s3, bucket = stack.client("s3"), stack.outputs.campaigns.content_bucket
    writer = PartWriter(s3, bucket, unique)
    writer.add("sms", ROW)
    writer.finish([Lane("sms", 0, 1, PRICE)])
    assert PartReader(s3, bucket).rows(unique, 0, 1) == [ROW]


def test_an_intent_is_put_once_and_withdrawn_only_by_its_owner(stack: StackClient, unique: str) -> None:
    tracking = TrackingTable(stack.tracking, retention_days=1)
    assert not tracking.has_row(unique)
    assert tracking.intend(unique, ROW, unique, "one", 1, 2) is IntentOutcome.CREATED
    assert tracking.has_row(unique)
    assert tracking.intend(unique, ROW, unique, "one", 1, 2) is IntentOutcome.CREATED, "a put repeated by the client"
    assert tracking.intend(unique, ROW, unique, "two", 1, 2) is IntentOutcome.UNANSWERED
    tracking.withdraw(unique, "two")
    tracking.accepted(unique, "provider-id", 5)
    assert tracking.intend(unique, ROW, unique, "two", 1, 2) is IntentOutcome.ANSWERED
    tracking.withdraw(unique, "one")
    (row,) = tracking.rows([unique])
    assert (row["status"], row["provider_id"]) == ("sent", "provider-id")
    with pytest.raises(LookupError):
        tracking.in_doubt(f"{unique}-gone", 5)


class SteppedClock:
    """A clock near the server's, which tests move on."""

    def __init__(self) -> None:
        self.offset_us = 0

    def now_us(self) -> int:
        return time.time_ns() // 1_000 + self.offset_us

    def sleep_us(self, microseconds: int) -> None:
        raise AssertionError("the limiter never sleeps on this clock")


def reserve(limiter: Limiter, owner: str, parts: int, wanted_us: int | None) -> IdentityLease | Wait:
    return limiter.reserve(owner, parts, not_before_us=0, milli_rate=1_000, wanted_us=wanted_us)


def test_a_wait_is_seen_from_when_it_began(stack: StackClient, unique: str) -> None:
    clock = SteppedClock()
    limiter = Limiter(stack.rate_limits, unique, parts_per_second=1 / 0.9, clock=clock)
    wanted_us = clock.now_us()
    assert isinstance(reserve(limiter, "first", 3, wanted_us), IdentityLease)
    # The next three seconds begin within the horizon however fast the first call was.
    clock.offset_us = 100_000
    assert isinstance(reserve(limiter, "first", 3, wanted_us), IdentityLease)
    assert isinstance(reserve(limiter, "second", 3, wanted_us), Wait)
    item = stack.rate_limits.get({"limiter_key": unique})
    assert item is not None
    assert 2.9 < item["slowest_wait"] < 4
    assert isinstance(reserve(limiter, "second", 3, wanted_us - 57_000_000), Wait)
    item = stack.rate_limits.get({"limiter_key": unique})
    assert item is not None
    assert available_capacity(float(item["slowest_wait"])) < 10, "the alarm's own limit is within reach"


def test_a_leg_that_waits_for_its_campaign_s_pace_says_nothing_of_the_identity(stack: StackClient, unique: str) -> None:
    clock = SteppedClock()
    limiter = Limiter(stack.rate_limits, unique, parts_per_second=1_000, clock=clock)
    assert isinstance(reserve(limiter, "spring", 2, None), IdentityLease)
    assert isinstance(reserve(limiter, "spring", 2, None), IdentityLease), "behind the first, at the campaign's rate"
    assert isinstance(reserve(limiter, "spring", 2, None), Wait)
    item = stack.rate_limits.get({"limiter_key": unique})
    assert item is not None
    assert available_capacity(float(item["slowest_wait"])) == 100
    assert isinstance(reserve(limiter, "autumn", 1, clock.now_us() - 30_000_000), IdentityLease)
    assert isinstance(reserve(limiter, "summer", 1, None), IdentityLease)
    item = stack.rate_limits.get({"limiter_key": unique})
    assert item is not None
    assert available_capacity(float(item["slowest_wait"])) <= 50, "what others tell stays"


def test_one_that_waits_is_given_its_share_by_the_others(stack: StackClient, unique: str) -> None:
    clock = SteppedClock()
    limiter = Limiter(stack.rate_limits, unique, parts_per_second=1 / 0.9, clock=clock)
    wanted_us = clock.now_us()
    first = reserve(limiter, "first", 6, wanted_us)
    assert isinstance(first, IdentityLease)
    other = Limiter(stack.rate_limits, unique, parts_per_second=1 / 0.9, clock=clock)
    assert isinstance(reserve(other, "second", 1, wanted_us), Wait)
    again = Limiter(stack.rate_limits, unique, parts_per_second=1 / 0.9, clock=clock).reserve(
        "first", 1, not_before_us=first.end_us, milli_rate=1_000, wanted_us=wanted_us
    )
    assert isinstance(again, IdentityLease)
    assert again.milli_rate == first.milli_rate // 2, "half of it is the one's that waits"


def test_a_worker_with_a_wrong_clock_leases_nothing(stack: StackClient, unique: str) -> None:
    clock = SteppedClock()
    clock.offset_us = 10_000_000
    limiter = Limiter(stack.rate_limits, unique, parts_per_second=1, clock=clock)
    with pytest.raises(ClockSkewError, match="until they agree"):
        reserve(limiter, "first", 1, clock.now_us())
