"""Which failed rows say nothing against their campaign: as the chain itself goes on, told from one row alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.chain_terms import ChainTerms, Decision
from lambdas.core.chains import Chain, Leg, StartLeg, next_step, rest_after
from lambdas.core.excuses import Excuse, excuse
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold

T = 1_800_000_000_000
RETRIED = {"whatsapp": "130429", "sms": "UNREACHABLE", "email": "Transient/MailboxFull"}
FINAL = "SPEND_CAP"


def failed(code: str, at_ms: int = T, after_ms: int = 1_000) -> Leg:
    """A row announced at a time that failed some time later."""
    announced = MessageState(Status.SENDING, {Status.SENDING: at_ms})
    return Leg(fold(announced, [StatusEvent(Status.FAILED, at_ms + after_ms, code=code)]), at_ms)


def excuse_of(leg: Leg, rest: ChainTerms | None) -> Excuse | None:
    return excuse(leg.state, leg.created_ms, rest)


@pytest.mark.parametrize("code", ["OPTED_OUT", "NOT_NEEDED", "CAMPAIGN_ENDED"])
@pytest.mark.parametrize("rest", [None, ChainTerms(("sms", "email"))])
def test_what_nobody_wanted_any_more_is_excused_whatever_follows(code: str, rest: ChainTerms | None) -> None:
    assert excuse_of(failed(code), rest) is Excuse.UNWANTED


@pytest.mark.parametrize(
    ("code", "rest", "excused"),
    [
        ("SPAM", None, None),
        ("EXPIRED", None, None),
        ("SPEND_CAP", None, None),
        ("SPAM", ChainTerms(("sms", "email")), Excuse.PASSED_ON),
        ("EXPIRED", ChainTerms(("sms", "email")), Excuse.PASSED_ON),
        ("SPAM", ChainTerms(("sms",), retries=1), None),
        ("UNREACHABLE", ChainTerms(("sms",), retries=1), Excuse.PASSED_ON),
    ],
)
def test_a_failure_counts_unless_something_follows(code: str, rest: ChainTerms | None, excused: Excuse | None) -> None:
    assert excuse_of(failed(code), rest) is excused


def test_one_that_fails_after_its_chains_end_has_failed_for_good() -> None:
    rest = ChainTerms(("sms", "email"), valid_s=60)
    assert excuse_of(failed("SPAM", after_ms=59_999), rest) is Excuse.PASSED_ON
    assert excuse_of(failed("SPAM", after_ms=60_000), rest) is None


def test_what_arrives_after_all_needs_no_excuse() -> None:
    leg = failed("SPAM")
    arrived = fold(leg.state, [StatusEvent(Status.DELIVERED, T + 5_000)])
    assert excuse(arrived, T, ChainTerms(("sms", "email"))) is None
    assert excuse(MessageState(Status.SENDING, {Status.SENDING: T}), T, ChainTerms(("sms", "email"))) is None


@given(
    st.permutations(sorted(RETRIED)).flatmap(lambda names: st.integers(1, 3).map(lambda size: tuple(names[:size]))),
    st.integers(0, 2),
    st.lists(st.tuples(st.booleans(), st.integers(0, 7_200_000)), min_size=9, max_size=9),
)
def test_a_row_alone_tells_what_its_whole_chain_does(
    channels: tuple[str, ...], retries: int, failures: list[tuple[bool, int]]
) -> None:
    """Each leg fails for a passing reason or for good; the row's excuse is whether the chain then starts another."""
    terms = ChainTerms(channels, retries=retries)
    legs: tuple[Leg, ...] = ()
    decisions: tuple[Decision, ...] = ()
    rest: ChainTerms | None = terms if terms.may_go_on else None
    sent_ms = T
    for passing, after_ms in failures:
        choice = decisions[-1].choice if decisions else 0
        legs += (failed(RETRIED[channels[choice]] if passing else FINAL, sent_ms, after_ms),)
        chain = Chain("code", terms, decisions, legs)
        step = next_step(chain, sent_ms + after_ms)
        assert (excuse_of(legs[-1], rest) is Excuse.PASSED_ON) == isinstance(step, StartLeg)
        if not isinstance(step, StartLeg):
            return
        decisions += (step.decision,)
        sent_ms = step.decision.not_before_ms + 10
        rest = rest_after(Chain("code", terms, decisions, (*legs, None)), step.number, sent_ms)
    raise AssertionError("no chain has more than nine legs")
