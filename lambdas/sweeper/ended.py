"""Closing what workers left open in campaigns that have ended: nobody else would, and money stays reserved.

What became of the rows is read from the tracking table, never assumed: a chunk that changed hands may have been sent by
a worker that its successor knows nothing of.
"""

from __future__ import annotations

from decimal import Decimal

from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.dynamo import Table
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.day_cap import CampaignDayPort
from lambdas.core.lanes import by_channel
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND
from lambdas.core.ports import Chunk, ChunkResult

OWNER = "sweeper"
LEASE_US = 60 * MICROSECOND


class EndedChunks:
    """Finds and closes the open chunks of ended campaigns."""

    def __init__(self, campaigns: Table, tracking: TrackingTable, day: CampaignDayPort, *, now_us: int) -> None:
        self._campaigns = campaigns
        self._day = day
        self._tracking = tracking
        self._now_us = now_us

    def close(self, summary: CampaignSummary) -> int:
        """Close the chunks of an ended campaign whose workers have let go or are gone; how many there were."""
        closed = 0
        for channel in by_channel(summary.lanes):
            store = CampaignLane(self._campaigns, channel)
            for chunk in store.abandoned_chunks(summary.id, self._now_us):
                taken = store.take_over(chunk, OWNER, self._now_us + LEASE_US)
                if taken is not None and self._close(store, taken):
                    closed += 1
        return closed

    def _close(self, store: CampaignLane, chunk: Chunk) -> bool:
        result = self._outcome(chunk)
        if store.close_chunk(chunk, result) is None:
            return False
        if chunk.day:
            self._day.settle(chunk.day, chunk.reserved_usd, result.spent_usd)
        return True

    def _outcome(self, chunk: Chunk) -> ChunkResult:
        """What the rows of a chunk say; one that was announced and has no answer is in doubt from now on."""
        ids = [keys.message(chunk.campaign_id, row) for row in range(chunk.first_row, chunk.first_row + chunk.rows)]
        sent = refused = in_doubt = 0
        spent = Decimal(0)
        rows = [TrackedMessage.from_item(item) for item in self._tracking.rows(ids)]
        for row in rows:
            if row.state.status is Status.SENDING:
                self._tracking.in_doubt(row.message_id, self._now_us // 1_000)
            if row.state.status in (Status.SENDING, Status.IN_DOUBT):
                in_doubt += 1
            elif row.state.is_accepted:
                sent += 1
            else:
                refused += 1
                continue
            spent += row.reserved_usd
        return ChunkResult(
            sent=sent,
            refused=refused,
            in_doubt=in_doubt,
            suppressed=0,
            unsent=chunk.rows - len(rows),
            spent_usd=spent,
        )
