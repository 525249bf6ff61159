"""A campaign's legs beside its rows: how long they hold the campaign's money, and what does not end for want of it."""

from __future__ import annotations

import pytest

from lambdas.core.campaign import CampaignStatus
from lambdas.core.identity_calendar import MILLI
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import Status
from lambdas.core.own_codes import SPEND_CAP
from lambdas.core.pacing import MICROSECOND
from lambdas.core.provider_errors import ProviderError, classify
from lambdas.core.single_sending import SingleOutcome
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.fake_ports import CAMPAIGN
from tests.support.fake_world import Death, FakeWorld, When
from tests.support.sending_checks import assert_completed, worst_second

REFUSED = classify("ValidationException", None)
THROTTLED = classify("ThrottlingException", None)
LEG = planned_row(99)


def world_with_money_for(messages: int, *, rows: int = 0, sms: float = 1_000) -> FakeWorld:
    """A campaign of email rows whose legs are SMS, on an identity that sends `sms` parts a second."""
    audience = [planned_row(row, channel="email") for row in range(rows)]
    return FakeWorld(audience, tps=10, parts_per_second={"sms": sms, "email": 1_000}, cap_usd=PRICE_USD * messages)


def world_whose_legs_wait(messages: int, *, rows: int = 0) -> FakeWorld:
    """The same after a leg that has taken the SMS identity's time for the next hundred seconds, and paid for itself."""
    world = world_with_money_for(messages + 1, rows=rows, sms=0.01)
    assert world.run(world.worker("first").leg("first_1", LEG)) == [SingleOutcome.SENT]
    return world


def test_a_leg_that_waits_for_its_turn_holds_no_money_that_another_leg_could_spend() -> None:
    world = world_whose_legs_wait(1)

    def by_email() -> SingleOutcome:
        world.time.sleep_us(5 * MICROSECOND)
        return world.worker("email", channel="email").leg("b_1", planned_row(1, channel="email"))()

    assert world.run(world.worker("waits").leg("a_1", LEG), by_email) == [SingleOutcome.LATER, SingleOutcome.SENT]
    assert world.campaign.spent_usd == 2 * PRICE_USD
    assert world.run(world.worker("again").leg("a_1", LEG, seconds=200)) == [SingleOutcome.NOT_SENT]
    assert world.tracking["a_1"].state.code == SPEND_CAP
    assert world.campaign.spent_usd == 2 * PRICE_USD


def test_a_leg_that_waits_for_its_turn_does_not_stop_its_campaign() -> None:
    world = world_whose_legs_wait(10, rows=10)
    world.run(world.worker("leg").leg("a_1", LEG, seconds=60), world.worker("w1", channel="email").job())
    assert_completed(world)
    assert world.campaign.budget_left_usd == 0


@pytest.mark.parametrize("answer", [REFUSED, THROTTLED])
def test_money_that_a_leg_gives_back_after_its_call_does_not_stop_its_campaign(answer: ProviderError) -> None:
    world = world_with_money_for(10, rows=10)
    world.campaign.legs = 1
    world.script = lambda message, attempt: answer if message.message_id == "a_1" else None

    def dawdle(worker: str, operation: str) -> None:
        if (worker, operation) == ("leg", "send"):
            world.time.sleep_us(2 * MICROSECOND)

    world.hooks.append(dawdle)
    world.run(world.worker("leg").leg("a_1", LEG, seconds=10), world.worker("w1", channel="email").job())
    assert_completed(world)
    assert world.campaign.budget_left_usd == 0


def test_a_campaign_without_money_for_its_last_rows_is_stopped_beside_legs_that_spend_it() -> None:
    world = world_with_money_for(10, rows=10)
    world.campaign.legs = 1
    outcomes = world.run(
        lambda: world.worker("leg").leg("a_1", LEG)() is SingleOutcome.SENT,
        lambda: bool(world.worker("w1", channel="email").job()()),
    )
    assert all(outcomes)
    assert (world.campaign.status, world.campaign.stop_reason) == (CampaignStatus.STOPPED, "spend_cap")
    assert len(world.calls) == 10
    assert world.campaign.budget_left_usd == 0


@pytest.mark.parametrize("refusals", range(4))
def test_a_leg_pays_for_the_call_that_was_taken_and_for_no_other(refusals: int) -> None:
    world = world_with_money_for(1)
    world.script = lambda message, attempt: THROTTLED if attempt < refusals else None
    assert world.run(world.worker("leg").leg("a_1", LEG, seconds=60)) == [SingleOutcome.SENT]
    assert len(world.calls) == refusals + 1
    assert world.campaign.budget_left_usd == 0


def operations_of_an_eventful_run() -> list[str]:
    """What a worker does for a leg that is throttled once."""
    world = world_with_money_for(1)
    world.script = lambda message, attempt: THROTTLED if attempt == 0 else None
    worker = world.worker("w0")
    world.run(worker.leg("a_1", LEG))
    return worker.operations


def test_a_leg_takes_its_money_between_its_lease_and_its_intent() -> None:
    operations = operations_of_an_eventful_run()
    assert operations[: operations.index("send")] == ["opted_out", "reserve", "take", "intend"]
    again = operations[operations.index("send") + 1 :]
    assert again[: again.index("send")] == ["give_back", "reserve", "take"]


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, len(operations_of_an_eventful_run()) + 1))
def test_death_at_every_operation_of_a_leg(kill_at: int, when: When) -> None:
    world = world_with_money_for(3)
    world.script = lambda message, attempt: THROTTLED if attempt == 0 else None
    doomed = world.worker("doomed", kill_at=kill_at, when=when)
    with pytest.raises(Death):
        world.run(doomed.leg("a_1", LEG))
    world.time.advance_us(INTENT_LIFE_MS * 1_000)
    world.run(world.worker("w2").leg("a_1", LEG, seconds=60))
    accepted = world.accepted().get("a_1", 0)
    assert (world.tracking["a_1"].state.status, accepted) in {
        (Status.SENT, 1), (Status.IN_DOUBT, 0), (Status.IN_DOUBT, 1)
    }  # fmt: skip
    assert PRICE_USD * accepted <= world.campaign.spent_usd <= PRICE_USD * 2, "a death may cost the cap one message"


def test_a_campaigns_legs_keep_its_rate_and_leave_the_priority_lane_to_single_messages() -> None:
    world = world_with_money_for(30, sms=10)
    legs = [
        world.worker(f"w{number}").leg(f"leg-{number}", planned_row(number), tps=4, seconds=60) for number in range(24)
    ]

    def single() -> SingleOutcome:
        world.time.sleep_us(MICROSECOND)
        return world.worker("code").single("code", planned_row(99))()

    outcomes = world.run(single, *legs)
    assert set(outcomes) == {SingleOutcome.SENT}
    called = {call.message_id: call.at_us for call in world.calls}
    start_us = min(called.values())
    assert called["code"] - start_us <= 2 * MICROSECOND, "it waits behind none of the legs"
    assert worst_second([at_us for name, at_us in called.items() if name != "code"]) <= 5
    leased = [lease for lease in world.leases if lease.owner == CAMPAIGN]
    assert len(leased) == 24
    assert not any(lease.is_priority for lease in leased)


def test_a_campaigns_legs_take_no_more_than_the_campaigns_share() -> None:
    world = world_with_money_for(30, sms=10)
    jobs = [
        world.worker(f"w{number}").leg(f"leg-{number}", planned_row(number), tps=100, seconds=60)
        for number in range(30)
    ]
    assert set(world.run(*jobs)) == {SingleOutcome.SENT}
    assert all(lease.milli_rate <= 9 * MILLI for lease in world.leases)
