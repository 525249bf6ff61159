"""One single message: called at most once, paid for exactly when it may have been taken, in its own lane."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from lambdas.core import keys
from lambdas.core.attempts import MAX_ATTEMPTS
from lambdas.core.identity_calendar import PRIORITY_MARK
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import Status
from lambdas.core.own_codes import OPTED_OUT, SPEND_CAP
from lambdas.core.pacing import MAX_LATE_US, MICROSECOND, Wait
from lambdas.core.ports import OutboundMessage
from lambdas.core.provider_errors import ProviderError, classify, in_doubt
from lambdas.core.single_sending import ANY_RATE, SingleOutcome
from tests.support.campaigns import PRICE_USD, destination, planned_row
from tests.support.fake_ports import Answer
from tests.support.fake_world import Death, FakeWorld, When

THROTTLE = classify("ThrottlingException", None)
STOP = classify("AccessDeniedException", "ACCOUNT_DISABLED")
BROKEN_OFF = in_doubt("ReadTimeoutError")
DAY_US = 86_400 * MICROSECOND
ROW = planned_row(0)


def empty_world(parts_per_second: float = 10, *, latency_us: int = 20_000) -> FakeWorld:
    """A stack without a campaign."""
    return FakeWorld(0, parts_per_second=parts_per_second, latency_us=latency_us)


def send(world: FakeWorld, message_id: str = "code", worker: str = "w1", seconds: float = 20) -> SingleOutcome:
    """One worker, one message."""
    return world.run(world.worker(worker).single(message_id, ROW, seconds=seconds))[0]


def answers(*refusals: ProviderError) -> Callable[[OutboundMessage, int], Answer]:
    """A script: the answers to the first calls of each message."""
    return lambda message, attempt: refusals[attempt] if attempt < len(refusals) else None


def outcome_of(world: FakeWorld, message_id: str = "code") -> tuple[Status, str | None]:
    """What is on record."""
    state = world.tracking[message_id].state
    return state.status, state.code


def spent(world: FakeWorld) -> Decimal:
    """Single messages' money of all days."""
    return sum(world.day_spend_usd.values(), Decimal(0))


def test_a_message_is_sent_once_in_its_slot_and_paid() -> None:
    world = empty_world()
    assert send(world) is SingleOutcome.SENT
    assert outcome_of(world) == (Status.SENT, None)
    (call,), (lease,) = world.calls, world.leases
    assert lease.owner == f"{PRIORITY_MARK}{keys.customer_tag('customer-0')}"
    assert lease.start_us <= call.at_us <= lease.start_us + MAX_LATE_US
    assert spent(world) == PRICE_USD


def test_what_the_guard_holds_back_is_recorded_not_called_and_not_paid() -> None:
    world = empty_world()
    world.guarded = {destination(0)}
    assert send(world) is SingleOutcome.GUARDED
    assert outcome_of(world) == (Status.FAILED, "PUMPING_GUARD")
    assert world.calls == []
    assert spent(world) == 0


def test_who_has_opted_out_is_recorded_and_not_called() -> None:
    world = empty_world()
    world.opted_out = {destination(0)}
    assert send(world) is SingleOutcome.SUPPRESSED
    assert outcome_of(world) == (Status.FAILED, OPTED_OUT)
    assert spent(world) == 0
    assert not world.calls
    assert not world.leases
    assert send(world, worker="w2") is SingleOutcome.DONE_BEFORE


def test_who_opts_out_while_the_message_waits_for_its_slot_is_not_called() -> None:
    world = FakeWorld(0, parts_per_second=0.4)

    def opt_out(_worker: str, operation: str) -> None:
        if operation == "intend":
            world.opted_out.add(destination(0))

    send(world, "earlier")
    world.hooks.append(opt_out)
    assert send(world) is SingleOutcome.SUPPRESSED
    assert outcome_of(world) == (Status.FAILED, OPTED_OUT)
    assert [call.message_id for call in world.calls] == ["earlier"]
    assert spent(world) == PRICE_USD


def test_what_the_day_s_cap_does_not_suffice_for_is_recorded_and_not_called() -> None:
    world = empty_world()
    world.day_cap_usd = PRICE_USD - Decimal("0.00001")
    assert send(world) is SingleOutcome.NOT_SENT
    assert outcome_of(world) == (Status.FAILED, SPEND_CAP)
    assert spent(world) == 0
    assert not world.calls


def test_the_cap_is_exact_under_many_senders() -> None:
    world = empty_world(parts_per_second=1_000)
    world.day_cap_usd = PRICE_USD * 25 + Decimal("0.001")
    refused = classify("ValidationException", None)
    world.script = lambda message, attempt: refused if message.message_id.endswith("7") else None
    jobs = [world.worker(f"w{number}").single(f"code-{number}", planned_row(number)) for number in range(80)]
    outcomes = world.run(*jobs)
    assert outcomes.count(SingleOutcome.SENT) == len(world.calls) - outcomes.count(SingleOutcome.REFUSED)
    assert 25 - outcomes.count(SingleOutcome.REFUSED) <= outcomes.count(SingleOutcome.SENT) <= 25
    assert spent(world) == PRICE_USD * outcomes.count(SingleOutcome.SENT) <= world.day_cap_usd
    assert {outcome_of(world, f"code-{number}")[1] for number in range(80)} <= {None, SPEND_CAP, refused.code}


def test_a_throttled_call_is_repeated_in_a_new_slot_with_growing_pauses() -> None:
    world = empty_world()
    world.script = answers(*[THROTTLE] * (MAX_ATTEMPTS - 1))
    assert send(world) is SingleOutcome.SENT
    tries = [call.at_us for call in world.calls]
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert all(pause >= 0.25 * 2**number * MICROSECOND for number, pause in enumerate(pauses))
    assert [lease.start_us <= at <= lease.start_us + MAX_LATE_US for lease, at in zip(world.leases, tries, strict=True)]
    assert spent(world) == PRICE_USD


def test_one_that_is_always_throttled_comes_again_and_costs_nothing() -> None:
    world = empty_world()
    world.script = lambda message, attempt: THROTTLE
    assert send(world, seconds=120) is SingleOutcome.LATER
    assert len(world.calls) > 2 * MAX_ATTEMPTS
    assert not world.tracking
    assert spent(world) == 0
    world.script = answers()
    assert send(world, worker="w2") is SingleOutcome.SENT


def test_one_the_provider_fails_too_often_is_refused_and_costs_nothing() -> None:
    world = empty_world()
    world.script = answers(*[classify("InternalServerException", None)] * MAX_ATTEMPTS)
    assert send(world, seconds=60) is SingleOutcome.REFUSED
    assert outcome_of(world) == (Status.FAILED, "InternalServerException")
    assert len(world.calls) == MAX_ATTEMPTS
    assert spent(world) == 0


def test_a_call_in_doubt_is_paid_and_never_repeated() -> None:
    world = empty_world()
    world.script = answers(BROKEN_OFF)
    assert send(world) is SingleOutcome.IN_DOUBT
    assert outcome_of(world) == (Status.IN_DOUBT, None)
    assert send(world, worker="w2") is SingleOutcome.DONE_BEFORE
    assert (len(world.calls), spent(world)) == (1, PRICE_USD)


def test_an_order_that_comes_again_is_not_sent_again() -> None:
    world = empty_world()
    assert send(world) is SingleOutcome.SENT
    assert send(world, worker="w2") is SingleOutcome.DONE_BEFORE
    assert (len(world.calls), spent(world)) == (1, PRICE_USD)


@pytest.mark.parametrize("apart_us", [0, MICROSECOND // 4])
def test_an_order_repeated_while_the_first_waits_is_neither_lost_nor_sent_twice(apart_us: int) -> None:
    world = empty_world(parts_per_second=1)
    assert send(world, "earlier") is SingleOutcome.SENT

    def repeated() -> SingleOutcome:
        world.time.sleep_us(apart_us)
        return world.worker("w2").single("code", ROW)()

    outcomes = world.run(world.worker("w1").single("code", ROW), repeated)
    assert sorted(outcomes) == [SingleOutcome.LATER, SingleOutcome.SENT]
    assert send(world, worker="w3") is SingleOutcome.DONE_BEFORE
    assert outcome_of(world) == (Status.SENT, None)
    assert world.accepted()["code"] == 1
    assert spent(world) == 2 * PRICE_USD


@pytest.mark.parametrize("limit", ["none", "opted out", "no money"])
def test_an_order_repeated_while_the_first_finds_no_slot_goes_out_later(limit: str) -> None:
    world = empty_world(parts_per_second=0.01)
    world.script = answers(THROTTLE)
    repeats: list[SingleOutcome] = []

    def repeated() -> None:
        world.time.sleep_us(10 * MICROSECOND)
        world.opted_out = {destination(0)} if limit == "opted out" else set()
        world.day_cap_usd = Decimal(0) if limit == "no money" else Decimal(1)
        repeats.append(world.worker("w2").single("code", ROW)())
        world.opted_out, world.day_cap_usd = set(), Decimal(1)

    first: list[SingleOutcome] = []
    world.run(lambda: first.append(world.worker("w1").single("code", ROW)()), repeated)
    assert [*first, *repeats] == [SingleOutcome.LATER] * 2
    assert not world.tracking
    world.time.advance_us(200 * MICROSECOND)
    assert send(world, worker="w3") is SingleOutcome.SENT


def test_an_intent_that_another_run_has_changed_is_not_given_up_in_silence() -> None:
    world = empty_world(parts_per_second=0.01)
    world.script = answers(THROTTLE)

    def change(_worker: str, operation: str) -> None:
        if operation == "withdraw":
            world.tracking["code"].version += 1

    world.hooks.append(change)
    with pytest.raises(RuntimeError, match="code was not called"):
        send(world)
    assert spent(world) == 0


def died(world: FakeWorld, kill_at: int, when: When = When.BEFORE) -> None:
    """A worker that dies at its n-th operation, some time before its successor comes."""
    worker = world.worker("doomed", kill_at=kill_at, when=when)
    with pytest.raises(Death):
        world.run(worker.single("code", ROW))
    world.time.advance_us(INTENT_LIFE_MS * 1_000)


def test_what_a_dead_worker_may_have_sent_is_in_doubt_and_paid_once() -> None:
    world = empty_world()
    died(world, [*operations_of_a_whole_run()].index("accepted") + 1)
    assert send(world, worker="w2") is SingleOutcome.IN_DOUBT
    assert outcome_of(world) == (Status.IN_DOUBT, None)
    assert (len(world.calls), spent(world)) == (1, PRICE_USD)


@pytest.mark.parametrize("limit", ["opted out", "no money"])
def test_what_cannot_be_sent_now_but_may_have_been_before_is_in_doubt(limit: str) -> None:
    world = empty_world()
    died(world, [*operations_of_a_whole_run()].index("accepted") + 1)
    if limit == "opted out":
        world.opted_out = {destination(0)}
    else:
        world.day_cap_usd = PRICE_USD
    assert send(world, worker="w2") is SingleOutcome.IN_DOUBT
    assert outcome_of(world) == (Status.IN_DOUBT, None)
    assert (len(world.calls), spent(world)) == (1, PRICE_USD)


def test_without_a_slot_in_time_the_message_comes_again_and_keeps_no_money() -> None:
    world = empty_world(parts_per_second=0.01)
    assert send(world, "first") is SingleOutcome.SENT
    started = world.time.now_us()
    assert send(world) is SingleOutcome.LATER
    assert world.time.now_us() - started <= 21 * MICROSECOND
    assert "code" not in world.tracking
    assert spent(world) == PRICE_USD
    world.time.advance_us(100 * MICROSECOND)
    assert send(world, worker="w2") is SingleOutcome.SENT


def test_without_a_second_slot_in_time_the_intent_is_withdrawn() -> None:
    world = empty_world(parts_per_second=0.01)
    world.script = answers(THROTTLE)
    assert send(world) is SingleOutcome.LATER
    assert spent(world) == 0
    assert not world.tracking
    assert len(world.calls) == 1
    world.time.advance_us(100 * MICROSECOND)
    world.script = answers()
    assert send(world, worker="w2") is SingleOutcome.SENT


def test_messages_that_do_not_get_their_turn_before_their_window_closes_wait_for_the_next_opening() -> None:
    world = empty_world(parts_per_second=1)
    closes_us = world.time.now_us() + MICROSECOND
    jobs = [
        world.worker(f"w{number}").single(f"leg-{number}", planned_row(number), closes_us=closes_us)
        for number in range(10)
    ]
    outcomes = Counter(world.run(*jobs))
    assert outcomes == {SingleOutcome.SENT: len(world.calls), SingleOutcome.LATER: 10 - len(world.calls)}
    assert 1 <= len(world.calls) < 10
    assert world.time.now_us() < closes_us + MICROSECOND, "nobody waits for a slot behind the end of the window"
    assert all(call.at_us < closes_us for call in world.calls)
    assert spent(world) == PRICE_USD * len(world.calls)
    assert len(world.tracking) == len(world.calls), "what was announced and not called is withdrawn"


@pytest.mark.parametrize("seed", range(20))
def test_no_call_of_a_leg_falls_into_quiet_hours_and_none_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    rate = chance.choice([1, 4, 30, 100])
    world = empty_world(parts_per_second=rate)
    refusals = {f"leg-{number}": [THROTTLE] * chance.randrange(4) for number in range(12)}
    world.script = lambda message, attempt: next(iter(refusals[message.message_id][attempt:]), None)

    def dawdle(_worker: str, operation: str) -> None:
        if operation != "send":
            world.time.sleep_us(chance.choice([0, 0, 0, 45_000, 65_000]))

    world.hooks.append(dawdle)
    left, day = {f"leg-{number}": planned_row(number) for number in range(12)}, 0
    while left:
        closes_us = world.time.now_us() + int(chance.uniform(0, 15 / rate) * MICROSECOND)
        before = len(world.calls)
        jobs = [
            world.worker(f"{message_id}-{day}").single(message_id, row, closes_us=closes_us)
            for message_id, row in left.items()
        ]
        outcomes = dict(zip(left, world.run(*jobs), strict=True))
        assert all(call.at_us < closes_us for call in world.calls[before:])
        assert set(outcomes.values()) <= {SingleOutcome.SENT, SingleOutcome.LATER}
        left = {message_id: row for message_id, row in left.items() if outcomes[message_id] is SingleOutcome.LATER}
        assert not left.keys() & world.tracking.keys()
        world.time.advance_us(DAY_US)
        day += 1
    assert set(world.accepted().values()) == {1}


def test_a_provider_that_refuses_everything_gets_the_message_later_and_is_called_once_a_run() -> None:
    world = empty_world()
    world.script = lambda message, attempt: STOP if message.message_id == "code" else None
    jobs = [world.worker(f"w{number}").single(name, planned_row(number)) for number, name in enumerate(("code", "b"))]
    assert world.run(*jobs) == [SingleOutcome.LATER, SingleOutcome.SENT]
    assert "code" not in world.tracking
    assert (len(world.calls), spent(world)) == (2, PRICE_USD)
    world.script = answers()
    assert send(world, worker="w2") is SingleOutcome.SENT


def test_the_wait_for_the_identity_counts_from_when_the_message_was_first_seen() -> None:
    world = empty_world(parts_per_second=1)
    world.script = answers(THROTTLE)
    waited_us = 300 * MICROSECOND
    world.run(world.worker("w1").single("code", ROW, waited_us=waited_us))
    first, second = world.waits_us
    assert waited_us <= first <= waited_us + MICROSECOND
    assert second <= 2 * MICROSECOND, "what a refusal costs is not the identity's fault"


def test_who_the_provider_reports_as_opted_out_is_remembered() -> None:
    world = empty_world()
    world.script = answers(classify("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"))
    assert send(world) is SingleOutcome.REFUSED
    assert world.opted_out == {destination(0)}


def test_money_goes_back_to_the_day_it_was_taken_from() -> None:
    world = empty_world(latency_us=3 * MICROSECOND)
    world.time.advance_us(DAY_US - world.time.now_us() % DAY_US - MICROSECOND)
    world.script = answers(classify("ValidationException", None))
    assert send(world) is SingleOutcome.REFUSED
    assert list(world.day_spend_usd.values()) == [0]


@pytest.mark.parametrize(("operation", "kept"), [("intend", 0), ("reserve", 0), ("accepted", 1)])
def test_a_store_that_fails_keeps_the_money_only_of_what_was_handed_over(operation: str, kept: int) -> None:
    world = empty_world()

    def fail(_worker: str, current: str) -> None:
        if current == operation:
            raise ConnectionError("the store is away")

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        send(world)
    assert spent(world) == PRICE_USD * kept
    assert len(world.tracking) == kept, "an intent without a call is withdrawn"
    world.hooks.clear()
    assert not kept or send(world, worker="w2") is SingleOutcome.LATER, "whoever sent it may be at work"
    world.time.advance_us(kept * INTENT_LIFE_MS * 1_000)
    expected = SingleOutcome.IN_DOUBT if kept else SingleOutcome.SENT
    assert send(world, worker="w2") is expected
    assert (len(world.calls), spent(world)) == (1, PRICE_USD)


def test_a_store_that_fails_after_the_intent_does_not_strand_the_message() -> None:
    read = 0

    def fail(worker: str, operation: str) -> None:
        nonlocal read
        read += operation == "opted_out"
        if worker == "w1" and operation == "opted_out" and read == 2:
            raise ConnectionError("the store is away")

    world = empty_world(parts_per_second=0.4)
    send(world, "earlier")
    read = 0
    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        send(world)
    assert "code" not in world.tracking
    assert send(world, worker="w2") is SingleOutcome.SENT
    assert [call.message_id for call in world.calls] == ["earlier", "code"]


def test_a_store_that_fails_to_record_why_a_message_is_not_sent_leaves_no_doubt_about_it() -> None:
    world = empty_world()
    world.day_cap_usd = Decimal(0)

    def fail(worker: str, operation: str) -> None:
        if (worker, operation) == ("w1", "refused"):
            raise ConnectionError("the store is away")

    world.hooks.append(fail)
    with pytest.raises(ConnectionError):
        send(world)
    assert not world.tracking
    assert send(world, worker="w2") is SingleOutcome.NOT_SENT
    assert outcome_of(world) == (Status.FAILED, SPEND_CAP)


def operations_of_a_whole_run() -> list[str]:
    """What an undisturbed worker does for one message."""
    world = empty_world()
    worker = world.worker("w0")
    world.run(worker.single("code", ROW))
    return worker.operations


def eventful_world() -> FakeWorld:
    """The first call is throttled."""
    world = empty_world(parts_per_second=1)
    world.script = answers(THROTTLE)
    return world


def operations_of_an_eventful_run() -> list[str]:
    """What a worker does for a message that is throttled once."""
    world = eventful_world()
    worker = world.worker("w0")
    world.run(worker.single("code", ROW))
    return worker.operations


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, len(operations_of_an_eventful_run()) + 1))
def test_death_at_every_operation(kill_at: int, when: When) -> None:
    world = eventful_world()
    died(world, kill_at, when)
    redelivered = send(world, worker="w2", seconds=60)
    assert redelivered in (SingleOutcome.SENT, SingleOutcome.IN_DOUBT, SingleOutcome.DONE_BEFORE)
    status, _ = outcome_of(world)
    accepted = world.accepted().get("code", 0)
    assert (status, accepted) in {(Status.SENT, 1), (Status.IN_DOUBT, 0), (Status.IN_DOUBT, 1)}
    assert PRICE_USD * accepted <= spent(world) <= PRICE_USD * 2, "a death may cost the day's cap one message"


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kill_at", range(1, 4))
def test_death_while_recording_who_opted_out(kill_at: int, when: When) -> None:
    world = empty_world()
    world.opted_out = {destination(0)}
    died(world, kill_at, when)
    send(world, worker="w2")
    assert outcome_of(world)[0] in (Status.FAILED, Status.IN_DOUBT), "never left without an end"
    assert spent(world) == 0
    assert not world.calls


@pytest.mark.parametrize("rate", [1, 10, 100])
def test_a_lone_message_does_not_wait_behind_a_campaign_that_books_the_whole_identity(rate: int) -> None:
    world = FakeWorld(rate * 30, tps=1_000, parts_per_second=rate)
    asked: list[int] = []

    def single() -> object:
        world.time.sleep_us(7 * MICROSECOND)
        asked.append(world.time.now_us())
        return world.worker("single").single("code", planned_row(5_000))()

    assert world.run(world.worker("w1").job(seconds=15), single)[1] is SingleOutcome.SENT
    (call,) = [call for call in world.calls if call.message_id == "code"]
    assert call.at_us - asked[0] <= 100_000
    around = [other for other in world.calls if abs(other.at_us - call.at_us) <= MICROSECOND]
    assert len(around) >= 1 + rate, "the campaign went on meanwhile"


def test_a_customer_beyond_its_share_leaves_its_place_to_others_without_a_write() -> None:
    world = empty_world(parts_per_second=10)
    crowd = [replace(planned_row(row), customer_id="noisy") for row in range(40)]
    world.run(*(world.worker(f"n{row.row}").single(f"noisy-{row.row}", row) for row in crowd))
    assert len(world.calls) == 40, "alone it has the whole identity"

    world = empty_world(parts_per_second=10)
    outcomes: dict[str, list[SingleOutcome]] = {"noisy": [], "quiet": []}
    rows = [replace(planned_row(0), customer_id="quiet"), *crowd]
    for number in range(3):
        jobs = [world.worker(f"w{row.row}").single(f"{row.customer_id}-{row.row}-{number}", row) for row in rows]
        for row, outcome in zip(rows, world.run(*jobs), strict=True):
            outcomes[row.customer_id].append(outcome)
    assert outcomes["quiet"] == [SingleOutcome.SENT] * 3
    late = outcomes["noisy"].count(SingleOutcome.BEYOND_SHARE)
    assert late > 0
    assert late + outcomes["noisy"].count(SingleOutcome.SENT) == 120
    assert spent(world) == PRICE_USD * len(world.calls)


def test_what_is_beyond_its_share_is_looked_at_before_anything_is_written() -> None:
    world = empty_world(parts_per_second=10)
    world.run(world.worker("other").single("other", replace(planned_row(1), customer_id="other")))
    owner = f"{PRIORITY_MARK}{keys.customer_tag('customer-0')}"
    now_us = world.time.now_us()
    booked = world.calendars["sms"].reserve(owner, 25, now_us=now_us, not_before_us=now_us, milli_rate=ANY_RATE)
    assert not isinstance(booked, Wait)
    world.calendars["sms"] = booked[1]
    worker = world.worker("late")
    assert world.run(worker.single("late", planned_row(0)))[0] is SingleOutcome.BEYOND_SHARE
    assert worker.operations == ["share_wait"]
