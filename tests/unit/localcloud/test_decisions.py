"""The record of IAM's answers is whole, or says that it is not."""

from __future__ import annotations

import pytest
from ministack.core import iam_evaluator

from localcloud.decisions import Decisions, DecisionsFull


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> Decisions:
    """A record of two questions, before an evaluator that allows everything."""
    monkeypatch.setattr(iam_evaluator, "enforce", lambda *args, **kwargs: None)
    record = Decisions(kept=2)
    record.install()
    return record


def ask(action: str, access_key: str = "AKIAIOSFODNN7EXAMPLE") -> None:
    assert iam_evaluator.enforce(access_key, action, "sqs", "us-east-1", resource_arn="arn:x") is None


def test_a_full_record_is_an_error_and_not_a_short_list(decisions: Decisions) -> None:
    for action in ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:SendMessage"):
        ask(action)
    decisions.report()
    ask("sqs:ReceiveMessage")
    with pytest.raises(DecisionsFull, match="more than 2 different questions"):
        decisions.report()
    decisions.clear()
    assert decisions.report() == []


def test_the_accounts_root_is_not_recorded_however_much_it_asks(decisions: Decisions) -> None:
    for number in range(10):
        ask(f"sqs:Action{number}", access_key="123456789012")
    assert decisions.report() == []
