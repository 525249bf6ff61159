"""One campaign over several channels: one rate, one budget and one end, however slow one of the identities is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.lanes import Lane, lane_attributes, lanes_of
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND, lease_units
from lambdas.core.planned_row import PlannedRow
from lambdas.core.provider_errors import classify
from lambdas.core.run_report import RunEnd
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import FakeWorld, When, refuse
from tests.support.sending_checks import assert_completed, assert_conserved, at_call, worst_second

FAST = {"sms": 1_000.0, "whatsapp": 1_000.0, "email": 1_000.0}
EMAIL_USD = Decimal("0.00016")


def rows(**numbers: int) -> list[PlannedRow]:
    """Rows channel by channel, as a plan orders them."""
    channels = [channel for channel, number in numbers.items() for _ in range(number)]
    return [
        planned_row(row, channel=channel, price_usd=EMAIL_USD if channel == "email" else PRICE_USD)
        for row, channel in enumerate(channels)
    ]


def calls_of(world: FakeWorld, channel: str) -> list[int]:
    """When a channel's calls were made."""
    return sorted(call.at_us for call in world.calls if call.channel == channel)


@pytest.mark.parametrize(
    ("numbers", "tps", "identities"),
    [
        ({"sms": 300, "whatsapp": 300, "email": 300}, 100, FAST),
        ({"sms": 200, "email": 600}, 100, {"sms": 10.0, "email": 1_000.0}),
        ({"sms": 300, "whatsapp": 300, "email": 900}, 100, {"sms": 20.0, "whatsapp": 70.0, "email": 1_000.0}),
        ({"sms": 30, "whatsapp": 30, "email": 40}, 10, FAST),
        ({"sms": 30, "email": 41}, 5, FAST),
        ({"sms": 1, "email": 300}, 50, FAST),
    ],
)
def test_all_channels_together_keep_the_campaign_s_rate(
    numbers: dict[str, int], tps: float, identities: dict[str, float]
) -> None:
    world = FakeWorld(rows(**numbers), tps=tps, parts_per_second=identities)
    reports = world.run_lanes(seconds=300)
    assert_completed(world)
    assert worst_second([call.at_us for call in world.calls]) <= max(tps + 1, 1.02 * tps)
    assert {channel: report.sent for channel, report in reports.items()} == numbers
    assert all(report.end is RunEnd.NOTHING_LEFT for report in reports.values())
    assert len(world.calls) == len(world.audience)


def test_the_whole_rate_is_used_where_every_identity_keeps_up() -> None:
    world = FakeWorld(rows(sms=400, whatsapp=200, email=600), tps=100, parts_per_second=FAST)
    world.run_lanes(seconds=60)
    instants = [call.at_us for call in world.calls]
    assert (len(instants) - 1) / ((max(instants) - min(instants)) / MICROSECOND) >= 0.98 * 100


def test_a_slow_identity_holds_up_only_its_own_channel() -> None:
    world = FakeWorld(rows(sms=200, email=600), tps=100, parts_per_second={"sms": 10, "email": 1_000})
    world.run_lanes(seconds=300)
    assert_completed(world)
    sms, email = calls_of(world, "sms"), calls_of(world, "email")
    assert email[-1] - email[0] <= 8.1 * MICROSECOND, "the campaign's own time, 800 rows at 100/s"
    assert worst_second(sms) <= 10
    assert sms[-1] - sms[0] <= 200 / 9 * MICROSECOND * 1.02, "as long as its identity needs, priority lane left free"


def test_what_a_finished_channel_leaves_goes_to_the_others() -> None:
    world = FakeWorld(rows(sms=100, email=100), tps=20, parts_per_second=FAST)
    first = world.worker("sms", channel="sms").job(seconds=60)
    second = world.worker("email", channel="email").job(seconds=60)

    def late() -> object:
        world.time.sleep_us(12 * MICROSECOND)
        return second()

    world.run(first, late)
    assert_completed(world)
    sms, email = calls_of(world, "sms"), calls_of(world, "email")
    assert sms[-1] < email[0]
    assert worst_second(sms) <= 11, "its share: the other channel has not begun"
    assert 20 <= worst_second(email) <= 21
    assert email[-1] - email[0] <= 5.1 * MICROSECOND


def test_the_campaign_completes_with_its_last_lane() -> None:
    world = FakeWorld(rows(sms=20, email=20), tps=50, parts_per_second=FAST)
    world.run(world.worker("w1", channel="email").job())
    assert_conserved(world)
    assert (world.campaign.status, world.campaign.done_rows) == (CampaignStatus.RUNNING, 20)
    world.run(world.worker("w2", channel="sms").job())
    assert_completed(world)


@pytest.mark.parametrize("cap", [Decimal("0.50"), Decimal("0.3"), Decimal("0.05")])
def test_the_spend_cap_is_exact_over_all_channels(cap: Decimal) -> None:
    world = FakeWorld(rows(sms=200, whatsapp=200, email=200), tps=100, parts_per_second=FAST, cap_usd=cap)
    reports = world.run_lanes(seconds=300)
    assert_conserved(world)
    meta = world.campaign
    assert (meta.status, meta.stop_reason) == (CampaignStatus.STOPPED, "spend_cap")
    assert cap - PRICE_USD < meta.spent_usd <= cap
    assert meta.reserved_usd == 0
    assert sum(report.spent_usd for report in reports.values()) == meta.spent_usd


@pytest.mark.parametrize("status", [CampaignStatus.PAUSED, CampaignStatus.CANCELLED])
@pytest.mark.parametrize("stop_at", [1, 40, 170])
def test_a_pause_and_a_cancellation_hold_for_every_channel(status: CampaignStatus, stop_at: int) -> None:
    world = FakeWorld(rows(sms=200, whatsapp=200, email=200), tps=50, parts_per_second=FAST)
    world.hooks.append(at_call(stop_at, lambda: world.set_status(status)))
    reports = world.run_lanes()
    assert {report.end for report in reports.values()} == {RunEnd.NOT_RUNNING}
    assert len(world.calls) <= stop_at + 3 * 2 * lease_units(50 / 3)
    assert_conserved(world)
    if status is CampaignStatus.CANCELLED:
        assert world.campaign.reserved_usd == 0
        assert Status.SENDING not in world.statuses().values()
        return
    world.set_status(CampaignStatus.RUNNING)
    world.time.advance_us(MICROSECOND)
    world.run_lanes("w2", recover=True)
    assert_completed(world)
    assert len(world.calls) == 600


def test_a_reason_to_stop_one_channel_s_calls_pauses_the_campaign() -> None:
    world = FakeWorld(rows(sms=200, email=200), tps=50, parts_per_second=FAST)
    stop = classify("SendingPausedException", None)
    world.script = lambda message, attempt: stop if message.row.channel == "email" else None
    reports = world.run_lanes()
    assert (world.campaign.status, world.campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.PROVIDER_STOP)
    assert {report.end for report in reports.values()} == {RunEnd.NOT_RUNNING}
    assert (reports["email"].pause_code, reports["sms"].pause_code) == ("SendingPausedException", None)
    assert len(calls_of(world, "sms")) <= 2 * lease_units(25)
    assert_conserved(world)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, 40, 4))
def test_a_dead_worker_s_rows_are_recovered_by_its_own_channel_only(kill_at: int, when: When) -> None:
    world = FakeWorld(rows(sms=12, email=12), tps=10, parts_per_second=FAST)
    doomed = world.worker("doomed", channel="sms", kill_at=kill_at, when=when)
    world.run(doomed.dies(), world.worker("w1", channel="email").dies())
    world.time.advance_us(65 * MICROSECOND)
    world.run(world.worker("w2", channel="email").dies(recover=True))
    assert all(call.channel == "email" for call in world.calls if call.worker in ("w1", "w2"))
    assert len(calls_of(world, "email")) == 12
    for number in range(4):
        world.run_lanes(f"successor-{number}", recover=True)
        world.time.advance_us(65 * MICROSECOND)
    assert_completed(world)
    assert all(call.channel == "sms" for call in world.calls if "sms" in call.worker)
    for row in world.audience:
        status, message_id = world.statuses()[row.row], keys.message(CAMPAIGN, row.row)
        assert status is Status.IN_DOUBT or (status, world.accepted()[message_id]) == (Status.SENT, 1)


def test_rows_throttled_on_one_channel_do_not_delay_the_other() -> None:
    world = FakeWorld(rows(sms=20, email=20), tps=10, parts_per_second=FAST)
    world.script = refuse({3: [classify("ThrottlingException", None)] * 3})
    reports = world.run_lanes()
    assert_completed(world)
    assert (reports["sms"].throttled, reports["email"].throttled) == (3, 0)
    assert calls_of(world, "email")[-1] - calls_of(world, "email")[0] <= 4 * MICROSECOND


def test_lanes_come_back_from_their_attributes() -> None:
    lanes = (Lane("sms", 0, 5, PRICE_USD), Lane("email", 5, 9, EMAIL_USD, 5))
    attributes = lane_attributes(lanes)
    assert lanes_of(attributes) == lanes
    moved = lanes_of({**attributes, "next_sms": 3, "booked_sms": 77})
    assert moved[0] == Lane("sms", 0, 5, PRICE_USD, 3, 77)
    assert [list(lane.claimed) for lane in moved] == [[0, 1, 2], []]
    assert lanes_of({}) == ()


def test_a_lane_is_sending_until_its_booked_time_has_passed() -> None:
    assert Lane("sms", 0, 5, PRICE_USD, 4).is_sending(100)
    assert Lane("sms", 0, 5, PRICE_USD, 5, 101).is_sending(100)
    assert not Lane("sms", 0, 5, PRICE_USD, 5, 100).is_sending(100)
    assert not Lane("sms", 0, 5, PRICE_USD, 5).is_sending(100)
