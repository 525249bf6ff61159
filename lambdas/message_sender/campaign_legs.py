"""The legs of a campaign's rows: their texts lie in the plan's part files, their terms in META."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.part_files import PartReader
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus
from lambdas.core.lanes import ALWAYS
from lambdas.core.leg_window import leg_opening
from lambdas.core.planned_row import PlannedRow
from lambdas.core.send_window import Opening


class CampaignLeg(NamedTuple):
    """What a campaign says of one of its rows: the row with all its channels, META's part in the terms, what is left
    of its cap, the opening of its send window in which it may go, and the campaign's rate in messages per second."""

    row: PlannedRow
    status: CampaignStatus
    message_type: str
    max_price: str | None
    budget_left_usd: Decimal
    opening: Opening = ALWAYS
    tps: float = 1


class CampaignLegs:
    """Reads campaigns and part files; the part file read last is kept, and one thread reads at a time."""

    def __init__(self, campaigns: CampaignTable, parts: PartReader) -> None:
        self._campaigns = campaigns
        self._parts = parts
        self._reading = threading.Lock()

    def find(self, chain_id: str, now_ms: int) -> CampaignLeg | None:
        """The campaign's part of a chain; None if it is nobody's, or the campaign is gone."""
        place = keys.campaign_row(chain_id)
        meta: dict[str, Any] | None = self._campaigns.meta(place[0]) if place else None
        if place is None or meta is None or "plan" not in meta:
            return None
        with self._reading:
            rows = self._parts.rows(meta["plan"], place[1], 1)
        if not rows:
            return None
        return CampaignLeg(
            rows[0],
            CampaignStatus(meta["status"]),
            meta.get("message_type", "TRANSACTIONAL"),
            meta.get("max_price"),
            Decimal(meta["budget_left"]),
            leg_opening(meta, place[1], now_ms),
            float(meta["tps"]),
        )
