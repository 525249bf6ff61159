"""What a chain asks for, case by case: class of the failure, deadline, retries, age, and what came late or twice."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.core import email_receipts, sms_receipts, whatsapp_receipts
from lambdas.core.chain_terms import Cause, ChainTerms, Decision, chain_of, is_leg, leg_id
from lambdas.core.chains import (
    DOUBLE,
    LATE,
    LONGEST_CHAIN_SECONDS,
    RETRY_DELAYS_S,
    Chain,
    End,
    Ended,
    Leg,
    SendLeg,
    StartLeg,
    Wait,
    arrival_flags,
    asks_for_look,
    next_step,
)
from lambdas.core.channels import Channel
from lambdas.core.failures import failure_class
from lambdas.core.intents import INTENT_LIFE_MS
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.provider_errors import BY_EXCEPTION, BY_REASON, ErrorClass
from lambdas.core.receipts import ReceiptClass

T = 1_800_000_000_000
ALL = ("whatsapp", "sms", "email")


def leg(*events: tuple[Status, int] | tuple[Status, int, str], at_ms: int = T) -> Leg:
    """A row announced at `at_ms`, with (status, ms after that, code) events."""
    state = MessageState(Status.SENDING, {Status.SENDING: at_ms})
    told = [StatusEvent(each[0], at_ms + each[1], code=each[2] if len(each) > 2 else None) for each in events]
    return Leg(fold(state, told), at_ms)


def failed(code: str, *, at_ms: int = T) -> Leg:
    return leg((Status.SENT, 10), (Status.FAILED, 1_000, code), at_ms=at_ms)


def chain(*legs: Leg | None, decisions: tuple[Decision, ...] = (), **terms: Any) -> Chain:
    return Chain("code", ChainTerms(**{"channels": ALL, **terms}), decisions, legs)


def decided(choice: int, cause: Cause = Cause.FAILED) -> Decision:
    return Decision(choice, cause, T + 2_000, T + 2_000)


@pytest.mark.parametrize(
    ("code", "terms"),
    [
        ("131026", {}),  # fail over
        ("131050", {}),  # suppress
        ("131031", {}),  # stop
        ("130429", {}),  # retry, which nobody asked for
        ("OPTED_OUT", {}),
        ("SPEND_CAP", {}),
        ("EXPIRED", {}),
        ("ValidationException", {"retries": 2}),
        ("a code of tomorrow", {"retries": 2}),
    ],
)
def test_a_failure_takes_the_next_channel_at_once(code: str, terms: dict[str, Any]) -> None:
    step = next_step(chain(failed(code), **terms), T + 2_000)
    assert step == StartLeg(1, Decision(1, Cause.FAILED, T + 2_000, T + 2_000, code))


def test_a_failure_that_may_pass_is_tried_again_later_as_often_as_asked_for_and_then_goes_on() -> None:
    first = next_step(chain(failed("130429"), retries=2), T + 2_000)
    assert first == StartLeg(1, Decision(0, Cause.RETRY, T + 2_000, T + 2_000 + RETRY_DELAYS_S[0] * 1_000, "130429"))
    once = (decided(0, Cause.RETRY),)
    second = next_step(chain(failed("130429"), failed("130429"), decisions=once, retries=2), T + 9_000)
    assert isinstance(second, StartLeg)
    assert (second.number, second.decision.choice, second.decision.cause) == (2, 0, Cause.RETRY)
    assert second.decision.not_before_ms - second.decision.at_ms == RETRY_DELAYS_S[1] * 1_000
    third = next_step(chain(*[failed("130429")] * 3, decisions=once * 2, retries=2), T + 9_000)
    assert isinstance(third, StartLeg)
    assert (third.number, third.decision.choice, third.decision.cause) == (3, 1, Cause.FAILED)


def test_each_channel_has_its_own_retries() -> None:
    history = (decided(0, Cause.RETRY), decided(1))
    legs = (failed("130429"), failed("130429"), failed("UNREACHABLE"))
    step = next_step(chain(*legs, decisions=history, retries=1), T + 9_000)
    assert isinstance(step, StartLeg)
    assert (step.decision.choice, step.decision.cause) == (1, Cause.RETRY)


def test_a_message_of_one_channel_is_tried_again_only_where_asked_for() -> None:
    assert next_step(chain(failed("UNREACHABLE"), channels=("sms",)), T + 2_000) == Ended(End.EXHAUSTED)
    step = next_step(chain(failed("UNREACHABLE"), channels=("sms",), retries=1), T + 2_000)
    assert isinstance(step, StartLeg)


def test_what_may_have_arrived_is_never_sent_again_on_the_same_channel() -> None:
    assert next_step(chain(failed("UNKNOWN"), channels=("sms",), retries=2), T + 2_000) == Ended(End.EXHAUSTED)
    step = next_step(chain(failed("UNKNOWN"), channels=("sms", "email"), retries=2), T + 2_000)
    assert isinstance(step, StartLeg)
    assert step.decision.cause is Cause.FAILED


def test_the_deadline_counts_from_the_leg_that_is_under_way() -> None:
    under_way = chain(leg((Status.SENT, 10)), fallback_after_s=60)
    assert next_step(under_way, T + 59_999) == Wait(T + 60_000)
    assert next_step(under_way, T + 60_000) == StartLeg(1, Decision(1, Cause.DEADLINE, T + 60_000, T + 60_000))
    second = leg((Status.SENT, 10), at_ms=T + 61_000)
    both = chain(leg((Status.SENT, 10)), second, decisions=(decided(1, Cause.DEADLINE),), fallback_after_s=60)
    assert next_step(both, T + 120_000) == Wait(T + 121_000)


@pytest.mark.parametrize("state", [leg((Status.SENT, 10)), leg((Status.IN_DOUBT, 10))])
def test_without_a_deadline_only_a_failure_goes_on(state: Leg) -> None:
    assert next_step(chain(state), T + 10**9) == Wait()


def test_the_last_channel_has_no_deadline() -> None:
    last = chain(
        failed("131026"), leg((Status.SENT, 9)), decisions=(decided(1),), channels=ALL[:2], fallback_after_s=60
    )
    assert next_step(last, T + 10**8) == Wait()


def test_an_intent_whose_sender_may_live_holds_the_deadline_up() -> None:
    announced = chain(leg(), fallback_after_s=30)
    assert next_step(announced, T + 31_000) == Wait(T + INTENT_LIFE_MS)
    assert isinstance(next_step(announced, T + INTENT_LIFE_MS), StartLeg)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.READ])
@pytest.mark.parametrize("place", [0, 1])
def test_a_leg_that_arrived_ends_the_chain_whatever_the_others_say(status: Status, place: int) -> None:
    legs = [failed("131026"), failed("SPAM")]
    legs[place] = leg((Status.FAILED, 5, "UNKNOWN"), (status, 9))
    assert next_step(chain(*legs, decisions=(decided(1),)), T + 9_000) == Ended(End.DELIVERED)


def test_a_leg_that_is_decided_and_not_on_record_is_ordered_again() -> None:
    assert next_step(chain(failed("131026"), None, decisions=(decided(1),)), T + 9_000) == SendLeg(1, decided(1))


def test_the_list_ends() -> None:
    legs = (failed("131026"), failed("SPAM"), failed("Reject"))
    assert next_step(chain(*legs, decisions=(decided(1), decided(2))), T + 9_000) == Ended(End.EXHAUSTED)


@pytest.mark.parametrize(("valid_s", "end_s"), [(300, 300), (None, LONGEST_CHAIN_SECONDS)])
def test_nothing_is_started_after_the_message_has_expired(valid_s: int | None, end_s: int) -> None:
    late = chain(failed("131026"), valid_s=valid_s)
    assert isinstance(next_step(late, T + end_s * 1_000 - 1), StartLeg)
    assert next_step(late, T + end_s * 1_000) == Ended(End.EXPIRED)


def test_a_retry_that_would_come_too_late_gives_way_to_the_next_channel() -> None:
    step = next_step(chain(failed("130429"), retries=1, valid_s=60), T + 2_000)
    assert isinstance(step, StartLeg)
    assert step.decision.cause is Cause.FAILED


def test_a_leg_that_arrives_after_the_next_was_handed_over_is_late_and_the_second_arrival_double() -> None:
    root = leg((Status.SENT, 10), (Status.DELIVERED, 90_000))
    second = leg((Status.SENT, 10), (Status.DELIVERED, 5_000), at_ms=T + 60_000)
    assert arrival_flags([root, second]) == {0: {LATE, DOUBLE}}
    early = leg((Status.SENT, 10), (Status.DELIVERED, 59_000))
    assert arrival_flags([early, second]) == {1: {DOUBLE}}
    never_called = leg((Status.FAILED, 5, "NOT_NEEDED"), at_ms=T + 60_000)
    assert arrival_flags([root, never_called]) == {}
    assert arrival_flags([root, None]) == {}


def test_only_what_may_change_a_chain_asks_for_a_look() -> None:
    assert asks_for_look(Status.SENT, Status.FAILED, has_other_legs=False)
    assert asks_for_look(None, Status.FAILED, has_other_legs=False)
    assert not asks_for_look(Status.FAILED, Status.FAILED, has_other_legs=True)
    assert not asks_for_look(Status.SENT, Status.DELIVERED, has_other_legs=False)
    assert asks_for_look(Status.FAILED, Status.DELIVERED, has_other_legs=True)
    assert not asks_for_look(Status.DELIVERED, Status.READ, has_other_legs=True)


@pytest.mark.parametrize("message_id", ["code", "spring-0000007", "order_12", "order_0", "a_b"])
def test_a_leg_is_named_after_its_chain(message_id: str) -> None:
    assert not is_leg(message_id)
    assert chain_of(message_id) == message_id == leg_id(message_id, 0)
    assert is_leg(leg_id(message_id, 3))
    assert chain_of(leg_id(message_id, 3)) == message_id


CODES = [
    *((Channel.SMS, code, found) for code, found in sms_receipts.FAILURE_CLASSES.items() if code != "UNKNOWN"),
    *((Channel.WHATSAPP, code, found) for code, found in whatsapp_receipts.FAILURE_CLASSES.items()),
    *((Channel.EMAIL, code, found) for code, found in email_receipts.FAILURE_CLASSES.items()),
    *((Channel.EMAIL, f"{kind}/New", found) for kind, found in email_receipts.BOUNCE_CLASSES.items()),
]


@pytest.mark.parametrize(("channel", "code", "found"), CODES)
def test_a_rows_code_leads_back_to_the_class_of_its_receipt(channel: Channel, code: str, found: ReceiptClass) -> None:
    assert failure_class(channel, code) is found


@pytest.mark.parametrize("channel", Channel)
def test_refusals_of_the_api_mean_the_same_on_each_channel(channel: Channel) -> None:
    for code, refusal in {**BY_EXCEPTION, **BY_REASON}.items():
        expected = {ErrorClass.SUPPRESS: ReceiptClass.SUPPRESS, ErrorClass.STOP: ReceiptClass.STOP}
        assert failure_class(channel, code) is expected.get(refusal, ReceiptClass.FAIL_OVER)


def test_deciding_a_leg_is_not_the_step_of_sending_it_again() -> None:
    decision = Decision(1, Cause.FAILED, T, T)
    steps = [StartLeg(1, decision), SendLeg(1, decision)]
    assert steps[0] != steps[1]
