"""A campaign's states as a machine, and the figures that everybody reads."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lambdas.core.campaign import (
    OPEN_STATUSES,
    TRANSITIONS,
    CampaignError,
    CampaignStatus,
    CampaignSummary,
    ChannelCounts,
    PauseReason,
    require_transition,
)

ENDED = {CampaignStatus.COMPLETED, CampaignStatus.CANCELLED, CampaignStatus.STOPPED}
ALLOWED = {
    ("created", "scheduled"), ("created", "running"), ("created", "paused"), ("created", "cancelled"),
    ("created", "stopped"),
    ("scheduled", "running"), ("scheduled", "paused"), ("scheduled", "cancelled"), ("scheduled", "stopped"),
    ("running", "paused"), ("running", "completed"), ("running", "cancelled"), ("running", "stopped"),
    ("paused", "scheduled"), ("paused", "running"), ("paused", "cancelled"), ("paused", "stopped"),
}  # fmt: skip


class CampaignMachine(RuleBasedStateMachine):
    """Any change may be asked for; the table decides."""

    def __init__(self) -> None:
        super().__init__()
        self.status = CampaignStatus.CREATED
        self.ran = False
        self.ended_as: CampaignStatus | None = None

    @rule(new=st.sampled_from(list(CampaignStatus)))
    def change(self, new: CampaignStatus) -> None:
        if (self.status.value, new.value) in ALLOWED:
            require_transition(self.status, new)
            self.status = new
        else:
            with pytest.raises(CampaignError) as refused:
                require_transition(self.status, new)
            for word in (self.status, new):
                assert word in str(refused.value)
        self.ran |= self.status is CampaignStatus.RUNNING
        if self.status in ENDED and self.ended_as is None:
            self.ended_as = self.status

    @invariant()
    def an_end_is_an_end(self) -> None:
        assert (self.status in ENDED) == (self.status not in OPEN_STATUSES)
        assert self.ended_as is None or self.status is self.ended_as

    @invariant()
    def only_what_ran_completes(self) -> None:
        assert self.status is not CampaignStatus.COMPLETED or self.ran


TestCampaignMachine = CampaignMachine.TestCase


def test_the_table_is_complete() -> None:
    assert TRANSITIONS.keys() == set(CampaignStatus)
    assert {(old.value, new.value) for old, targets in TRANSITIONS.items() for new in targets} == ALLOWED


@pytest.mark.parametrize("reason", PauseReason)
def test_an_operator_may_hold_what_the_platform_has_paused(reason: PauseReason) -> None:
    if reason is PauseReason.OPERATOR:
        with pytest.raises(CampaignError, match="a paused campaign cannot become paused"):
            require_transition(CampaignStatus.PAUSED, CampaignStatus.PAUSED, reason)
    else:
        require_transition(CampaignStatus.PAUSED, CampaignStatus.PAUSED, reason)
    with pytest.raises(CampaignError):
        require_transition(CampaignStatus.RUNNING, CampaignStatus.RUNNING, reason)


def meta(**changes: Any) -> dict[str, Any]:
    return {
        "pk": "CAMPAIGN#spring",
        "sk": "META",
        "status": "running",
        "version": 3,
        "created_at": 1_780_000_000_000,
        "tps": Decimal("50"),
        "rows": 1_000,
        "excluded": 7,
        "suppressed": 10,
        "unsent": 0,
        "claimed_rows": 400,
        "done_rows": 300,
        "reserved": Decimal("0.881"),
        "spent": Decimal("2.55"),
        "cap": Decimal(25),
        **changes,
    }


def counts(channel: str = "sms", **values: Any) -> dict[str, Any]:
    return {"pk": "CAMPAIGN#spring", "sk": f"COUNT#{channel}", **values}


def test_a_summary_before_anything_was_sent() -> None:
    summary = CampaignSummary.from_items(
        {"pk": "CAMPAIGN#a", "sk": "META", "status": "created", "version": 1, "created_at": 5, "tps": 1}, []
    )
    assert (summary.id, summary.recipients, summary.cost_usd, summary.achieved_tps) == ("a", 0, 0.0, 0.0)
    assert not summary.settled
    assert summary.eta_seconds() is None
    assert json.loads(json.dumps(summary.to_json()))["results"]["total_sent"] == 0


def test_open_receipts_are_rows_handed_over_and_not_final() -> None:
    summary = CampaignSummary.from_items(
        meta(done_rows=300, suppressed=10, unsent=20), [counts(sent=265, delivered=200, failed=30, in_doubt=5)]
    )
    assert summary.open_receipts == 300 - 10 - 20 - 200 - 30
    behind = CampaignSummary.from_items(meta(done_rows=0), [counts(delivered=5)])
    assert behind.open_receipts == 0, "counters may be ahead of the chunk that is still open"


@pytest.mark.parametrize(
    ("status", "values", "settled"),
    [
        ("running", {"sent": 290, "delivered": 290}, False),
        ("paused", {"sent": 290, "delivered": 290}, False),
        ("completed", {"sent": 290, "delivered": 290}, True),
        ("completed", {"sent": 290, "delivered": 250, "failed": 40}, True),
        ("completed", {"sent": 290, "delivered": 289}, False),
        ("completed", {"sent": 289, "delivered": 289, "in_doubt": 1}, False),
        ("completed", {"sent": 290, "delivered": 290, "in_doubt": 1}, False),
        ("cancelled", {"sent": 290, "delivered": 290}, True),
        ("stopped", {"sent": 0}, False),
    ],
)
def test_settled_is_ended_with_every_row_final(status: str, values: dict[str, int], settled: bool) -> None:
    items = meta(status=status, claimed_rows=300), [counts("sms", **values)]
    assert CampaignSummary.from_items(*items).settled is settled


def test_nothing_is_settled_while_a_chunk_is_open() -> None:
    sent = [counts("sms", sent=300, delivered=300)]
    assert not CampaignSummary.from_items(meta(status="cancelled", claimed_rows=400), sent).settled
    assert CampaignSummary.from_items(meta(status="cancelled", claimed_rows=300), sent).settled
    ended = CampaignSummary.from_items(meta(status="cancelled", claimed_rows=400), sent)
    assert ended.never_sent == ended.unsent + ended.recipients - 400 > 0


def test_the_achieved_rate_counts_intervals_over_all_channels() -> None:
    summary = CampaignSummary.from_items(
        meta(),
        [
            counts("sms", sent=80, first_sent_ms=2_000, last_sent_ms=3_500),
            counts("email", sent=21, first_sent_ms=1_000, last_sent_ms=3_000),
        ],
    )
    assert summary.achieved_tps == 40.0
    assert summary.total("sent") == 101


@pytest.mark.parametrize("span", [{}, {"first_sent_ms": 5}, {"first_sent_ms": 5, "last_sent_ms": 5}])
def test_no_rate_from_one_acceptance(span: dict[str, int]) -> None:
    assert CampaignSummary.from_items(meta(), [counts("sms", sent=1, **span)]).achieved_tps == 0.0


@pytest.mark.parametrize(
    ("changes", "eta"),
    [
        ({}, 14.0),
        ({"claimed_rows": 1_000}, 14.0),
        ({"suppressed": 800}, 0.0),
        ({"status": "paused"}, None),
        ({"status": "completed"}, None),
        ({"tps": 0}, None),
    ],
)
def test_the_eta(changes: dict[str, Any], eta: float | None) -> None:
    handled = [counts("sms", sent=270, delivered=200, failed=30, refused=15, in_doubt=5)]
    assert CampaignSummary.from_items(meta(**changes), handled).eta_seconds() == eta


def test_messages_that_go_on_or_were_not_wanted_have_not_failed() -> None:
    counted = [counts("whatsapp", sent=90, failed=30, passed_on=30), counts("sms", failed=30, unwanted=8, refused=9)]
    summary = CampaignSummary.from_items(meta(), counted)
    assert (summary.excused, summary.failures, summary.to_json()["results"]["total_failed"]) == (38, 22, 22)
    assert summary.to_json()["results"]["by_channel"]["sms"]["failed"] == 30


def test_counts_of_an_item_with_decimals() -> None:
    read = ChannelCounts.from_item({"sent": Decimal(3), "cost": Decimal("0.0264300001"), "first_sent_ms": Decimal(9)})
    assert read == ChannelCounts(sent=3, cost_usd=0.02643, first_sent_ms=9)


def test_the_json_of_a_summary() -> None:
    summary = CampaignSummary.from_items(
        meta(status="stopped", stop_reason="spend_cap", reserved=Decimal("0.30000000000000004")),
        [counts("sms", sent=2, cost=Decimal("0.01762")), counts("email", sent=1, cost=Decimal("0.0001"))],
    )
    document = json.loads(json.dumps(summary.to_json()))
    assert document["campaign_id"] == "spring"
    assert document["status"] == "stopped"
    assert document["stop_reason"] == "spend_cap"
    assert document["processed"] == 300
    assert document["spend"] == {"cap_usd": 25.0, "reserved_usd": 0.3, "spent_usd": 2.55}
    assert document["results"]["cost_usd"] == 0.01772
    assert list(document["results"]["by_channel"]) == ["email", "sms"]
