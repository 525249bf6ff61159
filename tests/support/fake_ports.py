"""Every port of the sender in memory, with the conditions of the real tables (lambdas/adapters)."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, PauseReason, StopReason
from lambdas.core.chain_terms import is_leg
from lambdas.core.day_cap import DayFull
from lambdas.core.days import utc_day
from lambdas.core.identity_calendar import PRIORITY_MARK, IdentityLease
from lambdas.core.intents import INTENT_LIFE_MS, IntentOutcome
from lambdas.core.lanes import Lane, unrecorded_rows
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind, Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import CampaignState, Chunk, ChunkResult, Claim, OutboundMessage
from lambdas.core.provider_errors import ErrorClass, ProviderError
from lambdas.core.send_window import SendWindow

if TYPE_CHECKING:
    from tests.support.fake_world import Worker

CLAIM_GRACE_US = 30 * MICROSECOND
CAMPAIGN = "spring"
Answer = ProviderError | None
"""What a script makes of a call: None accepts it."""


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


@dataclass(slots=True)
class TrackedRow:
    """A row of the delivery-tracking table."""

    owner: str
    version: int
    state: MessageState


@dataclass(frozen=True, slots=True)
class Call:
    """One provider call as the provider saw it."""

    at_us: int
    worker: str
    channel: str
    message_id: str
    destination: str
    parts: int
    accepted: bool


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


class FakeAudience:
    """Part files."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def rows(self, campaign_id: str, first_row: int, count: int) -> list[PlannedRow]:
        return self._worker.operate("rows", lambda: self._worker.world.audience[first_row : first_row + count])


class FakeTracking:
    """The delivery-tracking table."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._rows = worker.world.tracking

    def intend(
        self, campaign_id: str, row: PlannedRow, message_id: str, owner: str, now_ms: int, slot_us: int
    ) -> IntentOutcome:
        def effect() -> IntentOutcome:
            known = self._rows.get(message_id)
            if known is None:
                state = MessageState(Status.SENDING, {Status.SENDING: now_ms})
                self._rows[message_id] = TrackedRow(owner, 1, state)
                return IntentOutcome.CREATED
            if known.state.status is not Status.SENDING:
                return IntentOutcome.ANSWERED
            held = (not campaign_id or is_leg(message_id)) and now_ms - known.state.history[
                Status.SENDING
            ] < INTENT_LIFE_MS
            return IntentOutcome.HELD if held else IntentOutcome.UNANSWERED

        return self._worker.operate("intend", effect)

    def has_row(self, message_id: str) -> bool:
        return self._worker.operate("has_row", lambda: message_id in self._rows)

    def _learn(self, operation: str, message_id: str, event: StatusEvent) -> None:
        def effect() -> None:
            row = self._rows[message_id]
            row.state, row.version = fold(row.state, [event]), row.version + 1

        self._worker.operate(operation, effect)

    def accepted(self, message_id: str, provider_id: str, at_ms: int) -> None:
        self._learn("accepted", message_id, StatusEvent(Status.SENT, at_ms, provider_id=provider_id))

    def refused(self, message_id: str, code: str, at_ms: int) -> None:
        self._learn("refused", message_id, StatusEvent(Status.FAILED, at_ms, code=code))

    def in_doubt(self, message_id: str, at_ms: int) -> None:
        self._learn("in_doubt", message_id, StatusEvent(Status.IN_DOUBT, at_ms))

    def withdraw(self, message_id: str, owner: str) -> bool:
        def effect() -> bool:
            row = self._rows.get(message_id)
            if row is not None and row.owner == owner and row.version == 1:
                del self._rows[message_id]
                return True
            return row is None

        return self._worker.operate("withdraw", effect)


class FakeLimiter:
    """The rate-limits table: the calendar of the worker's channel."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        def effect() -> IdentityLease | Wait:
            world, channel = self._worker.world, self._worker.channel
            calendar, now_us = world.calendars[channel], world.time.now_us()
            booked = calendar.reserve(owner, parts, now_us=now_us, not_before_us=not_before_us, milli_rate=milli_rate)
            if isinstance(booked, Wait):
                if not owner.startswith(PRIORITY_MARK):
                    world.calendars[channel] = calendar.waits(owner, milli_rate, now_us) or calendar
                return booked
            lease, world.calendars[channel] = booked
            world.leases.append(lease)
            if wanted_us is not None:
                world.waits_us.append(max(0, lease.start_us - wanted_us))
            return lease

        return self._worker.operate("reserve", effect)

    def share_wait(self, owner: str) -> Wait | None:
        world, channel = self._worker.world, self._worker.channel
        return self._worker.operate(
            "share_wait", lambda: world.calendars[channel].share_wait(owner, world.time.now_us())
        )


class FakeOptOuts:
    """RECIPIENT items."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        return self._worker.operate(
            "opted_out", lambda: frozenset(destinations).intersection(self._worker.world.opted_out)
        )

    def remember(self, destination: str) -> None:
        self._worker.operate("remember", lambda: self._worker.world.opted_out.add(destination))


@dataclass(slots=True)
class DayLedger:
    """The DAY items: what campaigns have reserved and spent of each day's cap."""

    cap_usd: Decimal
    reserved_usd: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    spent_usd: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def taken_usd(self, day: str) -> Decimal:
        """What nobody else may have of a day."""
        return self.reserved_usd[day] + self.spent_usd[day]

    def over_usd(self) -> Decimal:
        """By how much the worst day exceeds its cap."""
        return max((self.taken_usd(day) - self.cap_usd for day in [*self.reserved_usd]), default=Decimal(0))

    def reserve(self, day: str, amount_usd: Decimal) -> str | DayFull:
        """One conditional write."""
        room_usd = self.cap_usd - self.taken_usd(day)
        if amount_usd > room_usd:
            return DayFull(day, room_usd)
        self.reserved_usd[day] += amount_usd
        return day

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        """One write."""
        self.reserved_usd[day] -= reserved_usd
        self.spent_usd[day] += spent_usd


class FakeCampaignDay:
    """The SPEND item of all campaigns."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def reserve(self, amount_usd: Decimal) -> str | DayFull:
        world = self._worker.world
        day = utc_day(world.time.now_us() // 1_000)
        return self._worker.operate("reserve_day", lambda: world.campaign_day.reserve(day, amount_usd))

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        ledger = self._worker.world.campaign_day
        self._worker.operate("settle_day", lambda: ledger.settle(day, reserved_usd, spent_usd))


class FakeDayBudget:
    """SPEND items of single messages."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def take(self, amount_usd: Decimal) -> str | None:
        def effect() -> str | None:
            world = self._worker.world
            day = utc_day(world.time.now_us() // 1_000)
            spent = world.day_spend_usd.get(day, Decimal(0)) + amount_usd
            if spent > world.day_cap_usd:
                return None
            world.day_spend_usd[day] = spent
            return day

        return self._worker.operate("take", effect)

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        def effect() -> None:
            self._worker.world.day_spend_usd[day] -= amount_usd

        self._worker.operate("give_back", effect)


class FakeCampaignBudget:
    """The campaign's META item, as one of its legs takes money from it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def take(self, amount_usd: Decimal) -> str | None:
        def effect() -> str | None:
            campaign = self._worker.world.campaign
            if campaign.budget_left_usd < amount_usd:
                return None
            campaign.spent_usd += amount_usd
            return "the day"

        return self._worker.operate("take", effect)

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        def effect() -> None:
            self._worker.world.campaign.spent_usd -= amount_usd

        self._worker.operate("give_back", effect)


class FakeGuard:
    """The pumping guard's items."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def allows(self, message_id: str, row: PlannedRow) -> bool:
        return self._worker.operate("allows", lambda: row.destination not in self._worker.world.guarded)


class FakeProvider:
    """A channel's provider: answers as the script says after the world's latency."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def send(self, message: OutboundMessage) -> str:
        world = self._worker.world

        def effect() -> Answer:
            attempt = sum(call.message_id == message.message_id for call in world.calls)
            answer = world.script(message, attempt)
            world.calls.append(
                Call(
                    world.time.now_us(),
                    self._worker.name,
                    message.row.channel,
                    message.message_id,
                    message.row.destination,
                    message.row.parts,
                    answer is None or answer.error_class is ErrorClass.IN_DOUBT,
                )
            )
            return answer

        answer = self._worker.operate("send", effect)
        self._worker.sleep_us(world.latency_us)
        if answer is not None:
            raise answer
        return f"provider-{message.message_id}"
