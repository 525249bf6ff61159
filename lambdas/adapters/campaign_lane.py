"""A campaign as the workers of one channel see it: claims, chunks and their settlement (docs/data-model.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.campaign import CampaignStatus, PauseReason, StopReason
from lambdas.core.lanes import Lane, booked, by_channel, cursor, lanes_of, unrecorded_rows
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind
from lambdas.core.ports import CampaignState, Chunk, ChunkResult, Claim
from lambdas.core.send_window import SendWindow

CLAIM_GRACE_US = 30 * MICROSECOND
"""A claim without a chunk this long after the channel's last booked time has lost its worker."""
CHUNK_OPEN = "open"
CHUNK_DONE = "done"
CHUNK_ATTRIBUTES = ("first_row", "rows", "reserved", "owner", "fence", "lease_until", "day")
"""What `_chunk_of` reads."""


def state_of(item: Mapping[str, Any], channel: str) -> CampaignState:
    """A META item from the side of one channel, which has nothing to send before there is a plan."""
    lanes = lanes_of(item)
    window = item.get("window")
    return CampaignState(
        id=keys.campaign_id(item["pk"]),
        status=CampaignStatus(item["status"]),
        tps=float(item["tps"]),
        rows=int(item.get("rows", 0)),
        done_rows=int(item.get("done_rows", 0)),
        booked_until_us=item.get(booked(channel)),
        budget_left_usd=Decimal(item.get("budget_left", 0)),
        reserved_usd=Decimal(item.get("reserved", 0)),
        message_type=item.get("message_type", "TRANSACTIONAL"),
        max_price_usd=item.get("max_price"),
        validity_seconds=item.get("validity_seconds"),
        plan=item.get("plan"),
        expires_at_s=item.get("ttl"),
        lanes=by_channel(lanes).get(channel, ()),
        others=tuple(lane for lane in lanes if lane.channel != channel),
        window=SendWindow.from_json(window) if window else None,
        pause_error_rate=float(item.get("pause_error_rate", 1)),
        resumed_ms=item.get("resumed_at"),
        legs=int(item.get("legs", 0)),
    )


class CampaignLane:
    """Implements `lambdas.core.ports.CampaignPort` for one channel.

    `claims` is the same table, whose client makes each call once (`Table.once`); who claims nothing needs none.
    """

    def __init__(self, table: Table, channel: str, *, claims: Table | None = None) -> None:
        self._table = table
        self._claims = claims and claims.once()
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
        self, campaign_id: str, booking: Booking, lane: Lane | None, rows: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        """One conditional write for chunk, budget, pace and status; the current state where a condition failed.

        Only a whole run of `rows` of the lane is claimed; without a lane the claim books time alone. A claim whose
        answer is lost raises and may have been made: its rows are then found as those of a worker that died.
        """
        assert self._claims is not None, "a lane without a table for claims only looks after what others claimed"
        booked_until = booked(self._channel)
        values: dict[str, Any] = {"now": booking.now_us, "running": CampaignStatus.RUNNING.value}
        if booking.kind is BookingKind.EXTEND:
            values |= {"duration": booking.duration_us, "horizon": booking.horizon_us}
            end, condition = f"#{booked_until} + :duration", f"#{booked_until} BETWEEN :now AND :horizon"
        else:
            values |= {"restart": booking.now_us + booking.duration_us}
            end = ":restart"
            condition = f"(attribute_not_exists(#{booked_until}) OR #{booked_until} < :now)"
        conditions = [condition, "#status = :running", "attribute_exists(#plan)"]
        if booking.tps is not None:
            values["tps"] = Decimal(str(booking.tps))
            conditions.append("#tps = :tps")
        sets = f"#{booked_until} = {end}"
        if lane is not None:
            next_row = cursor(lane.name)
            values |= {"rows_claimed": rows, "reserve": reserve_usd, "last_first_row": lane.end_row - rows}
            conditions += [f"#{next_row} <= :last_first_row", "#budget_left >= :reserve"]
            sets += (
                f", #{next_row} = #{next_row} + :rows_claimed, #claimed_rows = #claimed_rows + :rows_claimed,"
                " #reserved = #reserved + :reserve, #budget_left = #budget_left - :reserve"
            )
        try:
            item = self._claims.update_once(
                meta_key(campaign_id), f"SET {sets}", values, condition=" AND ".join(conditions)
            )
        except ConditionFailed as failed:
            return self._state(failed.item) if failed.item else self.load(campaign_id)
        end_us = int(item[booked_until])
        first_row = int(item[cursor(lane.name)]) - rows if lane is not None else 0
        return Claim(self._state(item), first_row, rows, reserve_usd, end_us - booking.duration_us, end_us)

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        """Record a claimed chunk; None if a successor already took it."""
        chunk = Chunk(
            claim.state.id, claim.first_row, claim.rows, claim.reserved_usd, owner, 1, lease_until_us, claim.day
        )
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
        return replace(chunk, owner=owner, fence=fence, lease_until_us=until_us)

    def release_chunk(self, chunk: Chunk) -> None:
        """Let go of a chunk so that any worker may take it over at once."""
        self.hold_chunk(chunk, 0)

    def abandoned_chunks(self, campaign_id: str, now_us: int) -> Sequence[Chunk]:
        """Chunks whose lease has passed, and claimed rows that no chunk records (their worker died in between).

        A campaign of a million rows may have hundreds of thousands of chunks: they are looked at as they come, and what
        is done stays in the table, so the memory that this takes does not grow with them.
        """
        meta = self._campaigns.meta(campaign_id) or {}
        lanes = by_channel(lanes_of(meta)).get(self._channel, ())
        if not lanes:
            return []
        rows = {
            "pk": keys.campaign(campaign_id),
            "first": keys.chunk(lanes[0].first_row),
            "last": keys.chunk(lanes[-1].end_row - 1),
        }
        among = "#pk = :pk AND #sk BETWEEN :first AND :last"
        lapsed = self._table.each(
            among,
            {**rows, "open": CHUNK_OPEN, "now": now_us},
            CHUNK_ATTRIBUTES,
            only="#status = :open AND #lease_until < :now",
        )
        abandoned = [_chunk_of(campaign_id, item) for item in lapsed]
        booked_until_us = meta.get(booked(self._channel))
        if booked_until_us is None or booked_until_us > now_us - CLAIM_GRACE_US:
            return abandoned
        recorded = (
            (item["first_row"], item["first_row"] + item["rows"])
            for item in self._table.each(among, rows, ("first_row", "rows"))
        )
        return [*abandoned, *(_unrecorded(campaign_id, *gap) for gap in unrecorded_rows(lanes, recorded))]

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

    def pause(self, campaign_id: str, reason: PauseReason, code: str | None = None) -> bool:
        """running -> paused, with the reason and a provider's code; False if the campaign was not running."""
        return self._campaigns.pause(campaign_id, reason, code)

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
        **({"day": chunk.day} if chunk.day else {}),
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
        item.get("day", ""),
    )


def _unrecorded(campaign_id: str, lane: Lane, first: int, end: int) -> Chunk:
    """Rows claimed by a worker that died before it recorded the chunk: fence 0 means no item exists."""
    rows = end - first
    return Chunk(campaign_id, first, rows, lane.highest_price_usd * rows, "", 0, 0)
