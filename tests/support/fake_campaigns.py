"""Campaigns and their chunks in memory, with the conditions of the real table (lambdas/adapters/campaign_lane.py)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, PauseReason, StopReason
from lambdas.core.lanes import Lane, unrecorded_rows
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind
from lambdas.core.ports import CampaignState, Chunk, ChunkResult, Claim
from lambdas.core.send_window import SendWindow
from tests.support.fake_ports import CAMPAIGN

if TYPE_CHECKING:
    from tests.support.fake_world import Worker

CLAIM_GRACE_US = 30 * MICROSECOND


@dataclass(slots=True)
class StoredChunk:
    """A CHUNK item."""

    rows: int
    reserved_usd: Decimal
    owner: str
    fence: int
    lease_until_us: int
    day: str = ""
    open: bool = True
    result: ChunkResult | None = None


@dataclass(slots=True)
class StoredCampaign:
    """A META item and its CHUNK items."""

    rows: int
    tps: float
    cap_usd: Decimal
    lanes: dict[str, Lane]
    status: CampaignStatus = CampaignStatus.RUNNING
    done_rows: int = 0
    reserved_usd: Decimal = Decimal(0)
    spent_usd: Decimal = Decimal(0)
    suppressed: int = 0
    unsent: int = 0
    stop_reason: str | None = None
    pause_reason: PauseReason | None = None
    pause_code: str | None = None
    window: SendWindow | None = None
    pause_error_rate: float = 1.0
    legs: int = 0
    chunks: dict[int, StoredChunk] = field(default_factory=dict)

    @property
    def claimed_rows(self) -> int:
        """Rows that workers have taken, over all channels."""
        return sum(len(lane.claimed) for lane in self.lanes.values())

    @property
    def budget_left_usd(self) -> Decimal:
        """What may still be reserved."""
        return self.cap_usd - self.reserved_usd - self.spent_usd


class FakeCampaigns:
    """The campaigns table, from the side of the worker's channel."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._meta = worker.world.campaign
        self._channel = worker.channel

    @property
    def _lanes(self) -> tuple[Lane, ...]:
        return tuple(lane for lane in self._meta.lanes.values() if lane.channel == self._channel)

    @property
    def _booked_until_us(self) -> int | None:
        return next((lane.booked_until_us for lane in self._lanes), None)

    def _state(self) -> CampaignState:
        meta = self._meta
        return CampaignState(
            id=CAMPAIGN,
            status=meta.status,
            tps=meta.tps,
            rows=meta.rows,
            done_rows=meta.done_rows,
            booked_until_us=self._booked_until_us,
            budget_left_usd=meta.budget_left_usd,
            reserved_usd=meta.reserved_usd,
            message_type="TRANSACTIONAL",
            max_price_usd=None,
            validity_seconds=None,
            lanes=self._lanes,
            others=tuple(lane for lane in meta.lanes.values() if lane.channel != self._channel),
            window=meta.window,
            pause_error_rate=meta.pause_error_rate,
            legs=meta.legs,
        )

    def load(self, campaign_id: str) -> CampaignState:
        if campaign_id != CAMPAIGN:
            raise LookupError(f"there is no campaign {campaign_id}")
        return self._worker.operate("load", self._state)

    def claim(
        self, campaign_id: str, booking: Booking, lane: Lane | None, rows: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        def effect() -> Claim | CampaignState:
            meta, booked_us = self._meta, self._booked_until_us
            holds = booking.applies_to(booked_us) and meta.status is CampaignStatus.RUNNING
            holds = holds and booking.tps in (None, meta.tps)
            stored = meta.lanes[lane.name] if lane is not None else None
            if stored is not None:
                holds = holds and stored.next_row + rows <= stored.end_row and meta.budget_left_usd >= reserve_usd
            if not holds:
                return self._state()
            start = booking.now_us if booking.kind is BookingKind.RESTART else booked_us
            assert start is not None
            end = start + booking.duration_us
            for each in self._lanes:
                meta.lanes[each.name] = dataclasses.replace(each, booked_until_us=end)
            if stored is None:
                return Claim(self._state(), 0, 0, reserve_usd, start, end)
            meta.lanes[stored.name] = dataclasses.replace(stored, next_row=stored.next_row + rows, booked_until_us=end)
            meta.reserved_usd += reserve_usd
            return Claim(self._state(), stored.next_row, rows, reserve_usd, start, end)

        return self._worker.operate("claim", effect)

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        chunk = Chunk(CAMPAIGN, claim.first_row, claim.rows, claim.reserved_usd, owner, 1, lease_until_us, claim.day)
        return self._worker.operate("open_chunk", lambda: self._put(chunk))

    def _put(self, chunk: Chunk) -> Chunk | None:
        if chunk.first_row in self._meta.chunks:
            return None
        self._meta.chunks[chunk.first_row] = StoredChunk(
            chunk.rows, chunk.reserved_usd, chunk.owner, chunk.fence, chunk.lease_until_us, chunk.day
        )
        return chunk

    def _held(self, chunk: Chunk) -> StoredChunk | None:
        stored = self._meta.chunks.get(chunk.first_row)
        return stored if stored is not None and stored.open and stored.fence == chunk.fence else None

    def hold_chunk(self, chunk: Chunk, lease_until_us: int) -> Chunk | None:
        def effect() -> Chunk | None:
            stored = self._held(chunk)
            if stored is None:
                return None
            stored.lease_until_us = lease_until_us
            return dataclasses.replace(chunk, lease_until_us=lease_until_us)

        return self._worker.operate("hold_chunk", effect)

    def release_chunk(self, chunk: Chunk) -> None:
        self.hold_chunk(chunk, 0)

    def abandoned_chunks(self, campaign_id: str, now_us: int) -> Sequence[Chunk]:
        def effect() -> Sequence[Chunk]:
            mine = [
                (first, c) for lane in self._lanes for first, c in self._meta.chunks.items() if first in lane.claimed
            ]
            found = [
                Chunk(CAMPAIGN, first, c.rows, c.reserved_usd, c.owner, c.fence, c.lease_until_us, c.day)
                for first, c in sorted(mine)
                if c.open and c.lease_until_us < now_us
            ]
            if self._booked_until_us is None or self._booked_until_us > now_us - CLAIM_GRACE_US:
                return found
            gaps = unrecorded_rows(self._lanes, sorted((first, first + chunk.rows) for first, chunk in mine))
            return [
                *found,
                *(
                    Chunk(CAMPAIGN, at, end - at, lane.highest_price_usd * (end - at), "", 0, 0)
                    for lane, at, end in gaps
                ),
            ]

        return self._worker.operate("abandoned_chunks", effect)

    def take_over(self, chunk: Chunk, owner: str, lease_until_us: int) -> Chunk | None:
        def effect() -> Chunk | None:
            taken = dataclasses.replace(chunk, owner=owner, fence=chunk.fence + 1, lease_until_us=lease_until_us)
            if chunk.fence == 0:
                return self._put(taken)
            stored = self._held(chunk)
            if stored is None or stored.lease_until_us != chunk.lease_until_us:
                return None
            stored.owner, stored.fence, stored.lease_until_us = owner, taken.fence, lease_until_us
            return taken

        return self._worker.operate("take_over", effect)

    def close_chunk(self, chunk: Chunk, result: ChunkResult) -> CampaignState | None:
        def effect() -> CampaignState | None:
            stored, meta = self._held(chunk), self._meta
            if stored is None:
                return None
            stored.open, stored.result = False, result
            meta.done_rows += chunk.rows
            meta.reserved_usd -= chunk.reserved_usd
            meta.spent_usd += result.spent_usd
            meta.suppressed += result.suppressed
            meta.unsent += result.unsent
            return self._state()

        return self._worker.operate("close_chunk", effect)

    def complete(self, campaign_id: str) -> None:
        def effect() -> None:
            if self._meta.status is CampaignStatus.RUNNING:
                self._meta.status = CampaignStatus.COMPLETED

        self._worker.operate("complete", effect)

    def pause(self, campaign_id: str, reason: PauseReason, code: str | None = None) -> bool:
        def effect() -> bool:
            if self._meta.status is not CampaignStatus.RUNNING:
                return False
            self._meta.status, self._meta.pause_reason, self._meta.pause_code = CampaignStatus.PAUSED, reason, code
            return True

        return self._worker.operate("pause", effect)

    def stop(self, campaign_id: str, reason: StopReason | str) -> None:
        def effect() -> None:
            if self._meta.status in OPEN_STATUSES:
                self._meta.status, self._meta.stop_reason = CampaignStatus.STOPPED, str(reason)

        self._worker.operate("stop", effect)
