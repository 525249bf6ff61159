"""A campaign as the workers of one channel see it: claims, chunks and their settlement (docs/data-model.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, StopReason
from lambdas.core.lanes import Lane, booked, cursor, lanes_of
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind
from lambdas.core.ports import CampaignState, Chunk, ChunkResult, Claim

CLAIM_GRACE_US = 30 * MICROSECOND
"""A claim without a chunk this long after the channel's last booked time has lost its worker."""
CHUNK_OPEN = "open"
CHUNK_DONE = "done"


def state_of(item: Mapping[str, Any], channel: str) -> CampaignState:
    """A META item from the side of one channel, which has nothing to send before there is a plan."""
    lanes = lanes_of(item)
    lane = next((lane for lane in lanes if lane.channel == channel), Lane(channel, 0, 0, Decimal(0)))
    return CampaignState(
        id=keys.campaign_id(item["pk"]),
        status=CampaignStatus(item["status"]),
        tps=float(item["tps"]),
        rows=int(item.get("rows", 0)),
        next_row=lane.next_row,
        end_row=lane.end_row,
        done_rows=int(item.get("done_rows", 0)),
        booked_until_us=lane.booked_until_us,
        budget_left_usd=Decimal(item.get("budget_left", 0)),
        reserved_usd=Decimal(item.get("reserved", 0)),
        highest_price_usd=lane.highest_price_usd,
        message_type=item.get("message_type", "TRANSACTIONAL"),
        max_price_usd=item.get("max_price"),
        validity_seconds=item.get("validity_seconds"),
        plan=item.get("plan"),
        expires_at_s=item.get("ttl"),
        first_row=lane.first_row,
        others=tuple(other for other in lanes if other.channel != channel),
    )


class CampaignLane:
    """Implements `lambdas.core.ports.CampaignPort` for one channel."""

    def __init__(self, table: Table, channel: str) -> None:
        self._table = table
        self._campaigns = CampaignTable(table)
        self._channel = channel

    def load(self, campaign_id: str) -> CampaignState:
        """Current state; raises LookupError."""
        item = self._campaigns.meta(campaign_id)
        if item is None:
            raise LookupError(f"there is no campaign {campaign_id}")
        return self._state(item)

    def _state(self, item: Mapping[str, Any]) -> CampaignState:
        return state_of(item, self._channel)

    def claim(
        self, campaign_id: str, booking: Booking, rows: int, end_row: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        """One conditional write for chunk, budget, pace and status; the current state where a condition failed.

        Only a whole run of `rows` before `end_row` is claimed; with 0 rows the claim books time alone.
        """
        next_row, booked_until = cursor(self._channel), booked(self._channel)
        values: dict[str, Any] = {
            "now": booking.now_us,
            "running": CampaignStatus.RUNNING.value,
            "rows_claimed": rows,
            "reserve": reserve_usd,
        }
        if booking.kind is BookingKind.EXTEND:
            values |= {"duration": booking.duration_us, "horizon": booking.horizon_us}
            end, condition = f"#{booked_until} + :duration", f"#{booked_until} BETWEEN :now AND :horizon"
        else:
            values |= {"restart": booking.now_us + booking.duration_us}
            end = ":restart"
            condition = f"(attribute_not_exists(#{booked_until}) OR #{booked_until} < :now)"
        conditions = [condition, "#status = :running", "attribute_exists(#plan)"]
        if rows:
            values["last_first_row"] = end_row - rows
            conditions += [f"#{next_row} <= :last_first_row", "#budget_left >= :reserve"]
        try:
            item = self._table.update(
                meta_key(campaign_id),
                f"SET #{booked_until} = {end}, #{next_row} = #{next_row} + :rows_claimed,"
                " #claimed_rows = #claimed_rows + :rows_claimed,"
                " #reserved = #reserved + :reserve, #budget_left = #budget_left - :reserve",
                values,
                condition=" AND ".join(conditions),
            )
        except ConditionFailed as failed:
            return self._state(failed.item) if failed.item else self.load(campaign_id)
        state = self._state(item)
        end_us = int(item[booked_until])
        return Claim(state, state.next_row - rows, rows, reserve_usd, end_us - booking.duration_us, end_us)

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        """Record a claimed chunk; None if a successor already took it."""
        chunk = Chunk(claim.state.id, claim.first_row, claim.rows, claim.reserved_usd, owner, 1, lease_until_us)
        try:
            self._table.put_new({**_chunk_item(chunk), "ttl": claim.state.expires_at_s}, "pk")
        except ConditionFailed:
            return None
        return chunk

    def hold_chunk(self, chunk: Chunk, lease_until_us: int) -> Chunk | None:
        """Prolong the lease of a chunk; None if another worker has taken it over."""
        return self._lease_chunk(chunk, chunk.owner, chunk.fence, lease_until_us, "#fence = :was_fence", {})

    def take_over(self, chunk: Chunk, owner: str, lease_until_us: int) -> Chunk | None:
        """Fence the old owner off; None if it or someone else was faster."""
        if chunk.fence == 0:
            taken = Chunk(chunk.campaign_id, chunk.first_row, chunk.rows, chunk.reserved_usd, owner, 1, lease_until_us)
            try:
                self._table.put_new({**_chunk_item(taken), "ttl": self.load(chunk.campaign_id).expires_at_s}, "pk")
            except ConditionFailed:
                return None
            return taken
        return self._lease_chunk(
            chunk,
            owner,
            chunk.fence + 1,
            lease_until_us,
            "#fence = :was_fence AND #lease_until = :was_until",
            {"was_until": chunk.lease_until_us},
        )

    def _lease_chunk(
        self, chunk: Chunk, owner: str, fence: int, until_us: int, condition: str, values: Mapping[str, Any]
    ) -> Chunk | None:
        try:
            self._table.update(
                _chunk_key(chunk),
                "SET #owner = :owner, #fence = :fence, #lease_until = :until",
                {
                    "owner": owner,
                    "fence": fence,
                    "until": until_us,
                    "was_fence": chunk.fence,
                    "open": CHUNK_OPEN,
                    **values,
                },
                condition=f"#status = :open AND {condition}",
            )
        except ConditionFailed:
            return None
        return Chunk(chunk.campaign_id, chunk.first_row, chunk.rows, chunk.reserved_usd, owner, fence, until_us)

    def release_chunk(self, chunk: Chunk) -> None:
        """Let go of a chunk so that any worker may take it over at once."""
        self.hold_chunk(chunk, 0)

    def abandoned_chunks(self, campaign_id: str, now_us: int) -> Sequence[Chunk]:
        """Chunks whose lease has passed, and claimed rows that no chunk records (their worker died in between)."""
        meta = self._campaigns.meta(campaign_id) or {}
        lane = next((lane for lane in lanes_of(meta) if lane.channel == self._channel), None)
        if lane is None:
            return []
        items = self._table.query(
            "#pk = :pk AND #sk BETWEEN :first AND :last",
            {
                "pk": keys.campaign(campaign_id),
                "first": keys.chunk(lane.first_row),
                "last": keys.chunk(lane.end_row - 1),
            },
        )
        abandoned = [
            _chunk_of(campaign_id, item)
            for item in items
            if item["status"] == CHUNK_OPEN and item["lease_until"] < now_us
        ]
        if lane.booked_until_us is None or lane.booked_until_us > now_us - CLAIM_GRACE_US:
            return abandoned
        row = lane.first_row
        for item in [*items, {"first_row": lane.claimed.stop, "rows": 0}]:
            if item["first_row"] > row:
                abandoned.append(_unrecorded(campaign_id, lane, row, item["first_row"]))
            row = item["first_row"] + item["rows"]
        return abandoned

    def close_chunk(self, chunk: Chunk, result: ChunkResult) -> CampaignState | None:
        """Close a chunk and settle its reservation in one transaction; None if it was taken over."""
        close = self._table.update_arguments(
            _chunk_key(chunk),
            "SET #status = :done, #sent = :sent, #refused = :refused, #in_doubt = :in_doubt",
            {
                "done": CHUNK_DONE,
                "open": CHUNK_OPEN,
                "fence": chunk.fence,
                "sent": result.sent,
                "refused": result.refused,
                "in_doubt": result.in_doubt,
            },
            condition="#status = :open AND #fence = :fence",
        )
        settle = self._table.update_arguments(
            meta_key(chunk.campaign_id),
            "SET #done_rows = #done_rows + :n, #reserved = #reserved - :reserved, #spent = #spent + :spent,"
            " #budget_left = #budget_left + :freed, #suppressed = #suppressed + :suppressed,"
            " #unsent = #unsent + :unsent",
            {
                "n": chunk.rows,
                "reserved": chunk.reserved_usd,
                "spent": result.spent_usd,
                "freed": chunk.reserved_usd - result.spent_usd,
                "suppressed": result.suppressed,
                "unsent": result.unsent,
            },
        )
        try:
            self._table.transact([{"Update": close}, {"Update": settle}])
        except ConditionFailed:
            return None
        return self.load(chunk.campaign_id)

    def complete(self, campaign_id: str) -> None:
        """running -> completed; no error if the campaign has ended otherwise."""
        self._campaigns.complete(campaign_id)

    def stop(self, campaign_id: str, reason: StopReason | str) -> None:
        """open -> stopped, with the reason; no error if the campaign has ended otherwise."""
        self._campaigns.stop(campaign_id, reason)


def _chunk_key(chunk: Chunk) -> dict[str, str]:
    return {"pk": keys.campaign(chunk.campaign_id), "sk": keys.chunk(chunk.first_row)}


def _chunk_item(chunk: Chunk) -> dict[str, Any]:
    return {
        **_chunk_key(chunk),
        "first_row": chunk.first_row,
        "rows": chunk.rows,
        "reserved": chunk.reserved_usd,
        "owner": chunk.owner,
        "fence": chunk.fence,
        "lease_until": chunk.lease_until_us,
        "status": CHUNK_OPEN,
    }


def _chunk_of(campaign_id: str, item: Mapping[str, Any]) -> Chunk:
    return Chunk(
        campaign_id,
        item["first_row"],
        item["rows"],
        Decimal(item["reserved"]),
        item["owner"],
        item["fence"],
        item["lease_until"],
    )


def _unrecorded(campaign_id: str, lane: Lane, first: int, end: int) -> Chunk:
    """Rows claimed by a worker that died before it recorded the chunk: fence 0 means no item exists."""
    rows = end - first
    return Chunk(campaign_id, first, rows, lane.highest_price_usd * rows, "", 0, 0)
