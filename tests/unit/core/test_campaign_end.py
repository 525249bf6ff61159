"""When a campaign is through, by its pace and by what its identities have for campaigns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lambdas.core.campaign import CampaignSummary


def campaign(**changes: Any) -> dict[str, Any]:
    item = {"pk": "CAMPAIGN#spring", "sk": "META", "status": "running", "version": 3, "created_at": 1_780_000_000_000}
    return {**item, "tps": Decimal(50), "rows": 1_000, "claimed_rows": 0, "done_rows": 0, **changes}


def sent_by(channel: str, sent: int) -> dict[str, Any]:
    return {"pk": "CAMPAIGN#spring", "sk": f"COUNT#{channel}", "sent": sent}


def million(**lane: Any) -> dict[str, Any]:
    lanes = {"sms": {"first": 0, "end": 1_000_000, "price": Decimal("0.01"), **lane}}
    return campaign(rows=1_000_000, suppressed=0, claimed_rows=0, done_rows=0, next_sms=0, lanes=lanes)


@pytest.mark.parametrize(
    ("item", "rates", "eta"),
    [
        (million(), {}, 20_000.0),
        (million(), {"sms": 900.0}, 20_000.0),
        (million(), {"sms": 0.9}, 1_111_111.1),
        (million(parts=3_000_000), {"sms": 90.0}, 33_333.3),
        (million(parts=3_000_000), {"email": 0.9}, 20_000.0),
    ],
)
def test_the_eta_is_the_identity_s_where_that_is_slower(
    item: dict[str, Any], rates: dict[str, float], eta: float
) -> None:
    assert CampaignSummary.from_items(item, [], rates).eta_seconds() == eta
    assert CampaignSummary.from_items(item, [], rates).to_json(1_780_000_000_000)["eta_seconds"] == eta


def test_the_slowest_channel_decides_the_eta_and_its_claimed_rows_count() -> None:
    lane = {"price": Decimal("0.01")}
    lanes = {"sms": {"first": 0, "end": 500, **lane}, "email": {"first": 500, "end": 1_000, **lane}}
    item = campaign(suppressed=0, lanes=lanes, next_sms=0, next_email=1_000, claimed_rows=500)
    rates = {"sms": 1.0, "email": 5.0}
    assert CampaignSummary.from_items(item, [sent_by("email", 500)], rates).eta_seconds() == 500.0
    assert CampaignSummary.from_items(item, [sent_by("email", 490)], rates).eta_seconds() == 500.0
    at_work = {**item, "next_sms": 500, "claimed_rows": 1_000}
    sent = [sent_by("sms", 100), sent_by("email", 500)]
    assert CampaignSummary.from_items(at_work, sent, rates).eta_seconds() == 400.0
