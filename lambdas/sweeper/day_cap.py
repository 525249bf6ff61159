"""Campaigns that paused because the day's cap had no room: they go on once it has, at the latest the next UTC day."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.dynamo import ConditionFailed
from lambdas.core.campaign import CampaignStatus, CampaignSummary, PauseReason
from lambdas.core.error_tally import ErrorTally
from lambdas.core.pacing import MAX_LEASE_UNITS
from lambdas.core.rest import rest_until


def resume(
    store: CampaignTable, day: CampaignDay, meta: Mapping[str, Any], summary: CampaignSummary, *, now_ms: int
) -> bool:
    """Let a campaign run again for which the day has room for a chunk, so that it does not pause for each message;
    False if it has not, or if somebody else has changed the campaign meanwhile."""
    if summary.status is not CampaignStatus.PAUSED or summary.pause_reason != PauseReason.DAY_CAP:
        return False
    left = [(lane.highest_price_usd, lane.end_row - lane.next_row) for lane in summary.lanes]
    chunk_usd = max((price * min(rows, MAX_LEASE_UNITS) for price, rows in left), default=Decimal(0))
    if day.room() < min(chunk_usd, day.cap_usd):
        return False
    changes = {
        "status": CampaignStatus.RUNNING.value,
        "pause_reason": None,
        "resumed_at": now_ms,
        "health": ErrorTally.of(summary).to_item(),
        **rest_until(meta, now_ms),
    }
    try:
        store.change(summary.id, changes, status=CampaignStatus.PAUSED, version=int(meta["version"]))
    except ConditionFailed:
        return False
    return True
