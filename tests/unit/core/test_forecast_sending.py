"""A forecast against the sender itself in virtual time: rows, days and money come out alike."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lambdas.core.campaign import CampaignStatus, PauseReason
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel, Route
from lambdas.core.content import Content
from lambdas.core.forecast import DAY_S, Forecast
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND
from lambdas.core.preflight import Terms, forecast_of
from lambdas.core.provider_errors import classify
from tests.support.fake_world import FakeWorld
from tests.support.plans import Plan, make_plan

ROWS, TPS, PARTS_PER_SECOND = 600, 40.0, 1_000.0
ROUTES = {Channel.SMS: Route("", "", PARTS_PER_SECOND, PARTS_PER_SECOND)}
STARTING_S = 5.0
"""What the first claim, the looks at a day without room and a worker that starts anew may take."""


@pytest.fixture(scope="module")
def plan() -> Plan:
    people = [
        Recipient(row, f"c-{row}", Channel.SMS, f"+1425555{row:04d}", Content("hello"), {}) for row in range(ROWS)
    ]
    return make_plan(people, channels=frozenset({Channel.SMS}), opted_out=lambda _channel, _addresses: ())


def ahead(plan: Plan, world: FakeWorld, **limits: float) -> Forecast:
    terms = {"cap_usd": 1e6, "start_s": world.time.now_us() / MICROSECOND, **limits}
    return forecast_of(plan.totals, ROUTES, Terms(TPS, **terms))  # type: ignore[arg-type]


def share_usd(plan: Plan, share: str) -> Decimal:
    """That share of what the whole plan may cost at most."""
    return plan.totals.highest_cost_usd * Decimal(share)


@pytest.mark.parametrize("share", ["0.25", "0.817", "0.9", "1"])
def test_the_campaign_s_cap_holds_as_many_messages_as_was_said(plan: Plan, share: str) -> None:
    assert plan.totals.cost_usd < plan.totals.highest_cost_usd, "the cap would hold more at planned prices"
    world = FakeWorld(plan.rows, tps=TPS, parts_per_second=PARTS_PER_SECOND, cap_usd=share_usd(plan, share))
    told, began_us = ahead(plan, world, cap_usd=float(share_usd(plan, share))), world.time.now_us()
    world.run_worker(seconds=120)
    assert world.campaign.rows - len(world.calls) == told.unsent
    assert (world.campaign.status is CampaignStatus.STOPPED) == bool(told.unsent)
    assert (world.time.now_us() - began_us) / MICROSECOND == pytest.approx(told.seconds, abs=STARTING_S)


def test_the_day_s_cap_makes_it_last_as_many_days_as_was_said(plan: Plan) -> None:
    world = FakeWorld(plan.rows, tps=TPS, parts_per_second=PARTS_PER_SECOND)
    world.campaign_day.cap_usd = share_usd(plan, "0.4")
    told, began_us = ahead(plan, world, daily_cap_usd=float(world.campaign_day.cap_usd)), world.time.now_us()
    for name in ("first", "second", "third"):
        world.run_worker(name, seconds=120, recover=True)
        if world.campaign.status is CampaignStatus.PAUSED:
            assert world.campaign.pause_reason is PauseReason.DAY_CAP
            world.time.advance_us(int(DAY_S) * MICROSECOND - world.time.now_us() % (int(DAY_S) * MICROSECOND))
            world.set_status(CampaignStatus.RUNNING)
    assert world.campaign.status is CampaignStatus.COMPLETED
    assert told.limited_by == "daily_cap"
    assert (world.time.now_us() - began_us) / MICROSECOND == pytest.approx(told.seconds, abs=STARTING_S)


def test_the_account_s_monthly_limit_pauses_it_when_was_said(plan: Plan) -> None:
    limit_usd = plan.totals.cost_usd * Decimal("0.6")
    world = FakeWorld(plan.rows, tps=TPS, parts_per_second=PARTS_PER_SECOND)
    told = ahead(plan, world, sms_monthly_usd=float(limit_usd))
    affordable = int(limit_usd / plan.rows[0].price_usd)
    spent = classify("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT")
    world.script = lambda message, attempt: spent if sum(world.accepted().values()) >= affordable else None
    world.run_worker(seconds=120)
    assert world.campaign.pause_reason is PauseReason.PROVIDER_STOP
    assert told.pauses_s is not None
    assert world.time.now_us() / MICROSECOND == pytest.approx(told.pauses_s, abs=STARTING_S)
    world.script = lambda message, attempt: None
    resumed_us = world.time.now_us()
    world.set_status(CampaignStatus.RUNNING)
    world.run_worker("after", seconds=120, recover=True)
    assert set(world.statuses().values()) == {Status.SENT}
    sending_s = (told.pauses_s - told.start_s) + (world.time.now_us() - resumed_us) / MICROSECOND
    assert sending_s == pytest.approx(ROWS / TPS, abs=STARTING_S)
    assert told.seconds > sending_s, "nobody is expected to resume it before the month is over"
