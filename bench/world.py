"""A world for the sender: a store shared by many processes with DynamoDB's conditional updates, and a provider.

The store lives in a server process; each operation is one round trip and is decided under one lock, as one item's
conditional write is. Its conditions are those of the campaigns and rate-limits adapters, evaluated by the same code
(`Booking.applies_to`, `Calendar.reserve`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from multiprocessing.managers import BaseManager
from typing import Any

from lambdas.core.campaign import CampaignStatus, PauseReason, StopReason
from lambdas.core.content import Content
from lambdas.core.identity_calendar import Calendar, IdentityLease
from lambdas.core.intents import IntentOutcome
from lambdas.core.lanes import Lane
from lambdas.core.pacing import Booking, BookingKind, Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import CampaignState, Chunk, ChunkResult, Claim, Clock, OutboundMessage

PRICE_USD = Decimal("0.00881")


def new_campaign(rows: int, tps: float) -> CampaignState:
    """A running campaign nobody has worked on, with money for all its rows."""
    return CampaignState(
        id="c-bench",
        status=CampaignStatus.RUNNING,
        tps=tps,
        rows=rows,
        done_rows=0,
        booked_until_us=None,
        budget_left_usd=PRICE_USD * rows * 2,
        reserved_usd=Decimal(0),
        message_type="TRANSACTIONAL",
        max_price_usd=None,
        validity_seconds=None,
        lanes=(Lane("sms", 0, rows, PRICE_USD),),
    )


class Store:
    """The shared items: one campaign and one identity's calendar with a version, plus a count of operations."""

    def __init__(self, rows: int, tps: float, milli_rate: int) -> None:
        self._lock = threading.Lock()
        self._campaign = new_campaign(rows, tps)
        self._calendar = Calendar(milli_rate)
        self._version = 0
        self._operations = 0

    def load(self) -> CampaignState:
        """Read the campaign."""
        return self._campaign

    def claim(self, booking: Booking, rows: int, reserve_usd: Decimal) -> Claim | CampaignState:
        """`CampaignTable.claim`: one conditional write, or the item it failed on."""
        with self._lock:
            self._operations += 1
            state, (lane,) = self._campaign, self._campaign.lanes
            affordable = not rows or (lane.next_row + rows <= lane.end_row and state.budget_left_usd >= reserve_usd)
            running = state.status is CampaignStatus.RUNNING
            if not (booking.applies_to(state.booked_until_us) and running and affordable):
                return state
            base = booking.now_us if booking.kind is BookingKind.RESTART else (state.booked_until_us or 0)
            end = base + booking.duration_us
            self._campaign = replace(
                state,
                booked_until_us=end,
                lanes=(replace(lane, next_row=lane.next_row + rows, booked_until_us=end),),
                reserved_usd=state.reserved_usd + reserve_usd,
                budget_left_usd=state.budget_left_usd - reserve_usd,
            )
            return Claim(self._campaign, lane.next_row, rows, reserve_usd, end - booking.duration_us, end)

    def settle(self, chunk: Chunk, result: ChunkResult) -> CampaignState:
        """`CampaignTable.close_chunk`."""
        with self._lock:
            self._operations += 1
            state = self._campaign
            self._campaign = replace(
                state,
                done_rows=state.done_rows + chunk.rows,
                reserved_usd=state.reserved_usd - chunk.reserved_usd,
                budget_left_usd=state.budget_left_usd + chunk.reserved_usd - result.spent_usd,
            )
            return self._campaign

    def end(self, status: CampaignStatus) -> None:
        """`CampaignTable.complete` and `.stop`."""
        with self._lock:
            self._operations += 1
            self._campaign = replace(self._campaign, status=status)

    def calendar(self) -> tuple[int, Calendar]:
        """Read the identity's item."""
        with self._lock:
            return self._version, self._calendar

    def swap_calendar(self, version: int, calendar: Calendar) -> tuple[bool, int, Calendar]:
        """Write the identity's item if it has this version; what it holds afterwards."""
        with self._lock:
            self._operations += 1
            fits = version == self._version
            if fits:
                self._version, self._calendar = version + 1, calendar
            return fits, self._version, self._calendar

    def operations(self) -> int:
        """Writes tried so far."""
        return self._operations


class StoreServer(BaseManager):
    """Serves one `Store` to many processes."""


StoreServer.register("Store", Store)


class SharedCampaigns:
    """`CampaignPort` over a `Store`, here or in another process."""

    def __init__(self, store: Any, latency_s: float) -> None:
        self._store = store
        self._latency_s = latency_s

    def load(self, campaign_id: str) -> CampaignState:
        """Current state."""
        state: CampaignState = self._later(self._store.load())
        return state

    def _later(self, answer: Any) -> Any:
        if self._latency_s:
            time.sleep(self._latency_s)
        return answer

    def claim(
        self, campaign_id: str, booking: Booking, lane: Lane | None, rows: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        """One conditional write."""
        answer: Claim | CampaignState = self._later(self._store.claim(booking, rows, reserve_usd))
        return answer

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        """Record a claimed chunk: its own item, which no other process touches."""
        chunk = Chunk(
            claim.state.id, claim.first_row, claim.rows, claim.reserved_usd, owner, 1, lease_until_us, claim.day
        )
        return self._later(chunk)  # type: ignore[no-any-return]

    def hold_chunk(self, chunk: Chunk, lease_until_us: int) -> Chunk | None:
        """Prolong a lease."""
        return replace(chunk, lease_until_us=lease_until_us)

    def abandoned_chunks(self, campaign_id: str, now_us: int) -> Sequence[Chunk]:
        """Nobody dies in a benchmark."""
        return ()

    def take_over(self, chunk: Chunk, owner: str, lease_until_us: int) -> Chunk | None:
        """Nobody dies in a benchmark."""
        return None

    def release_chunk(self, chunk: Chunk) -> None:
        """Nothing is left open once a campaign has been sent."""

    def close_chunk(self, chunk: Chunk, result: ChunkResult) -> CampaignState | None:
        """Settle a chunk."""
        return self._later(self._store.settle(chunk, result))  # type: ignore[no-any-return]

    def complete(self, campaign_id: str) -> None:
        """running -> completed."""
        self._store.end(CampaignStatus.COMPLETED)

    def pause(self, campaign_id: str, reason: PauseReason, code: str | None = None) -> bool:
        """running -> paused."""
        self._store.end(CampaignStatus.PAUSED)
        return True

    def stop(self, campaign_id: str, reason: StopReason | str) -> None:
        """running -> stopped."""
        self._store.end(CampaignStatus.STOPPED)


class SharedLimiter:
    """`LimiterPort` over a `Store`: the calendar under an optimistic lock, as `lambdas.adapters.limiter` keeps it."""

    def __init__(self, store: Any, clock: Clock, latency_s: float) -> None:
        self._store = store
        self._clock = clock
        self._latency_s = latency_s
        self._version, self._calendar = store.calendar()

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        """Book time on the identity."""
        while True:
            now = self._clock.now_us()
            booked = self._calendar.reserve(
                owner, parts, now_us=now, not_before_us=not_before_us, milli_rate=milli_rate
            )
            if isinstance(booked, Wait):
                self._version, self._calendar = self._store.calendar()
                return booked
            lease: IdentityLease = booked[0]
            if self._latency_s:
                time.sleep(self._latency_s)
            fits, self._version, self._calendar = self._store.swap_calendar(self._version, booked[1])
            if fits:
                return lease


class Audience:
    """`AudiencePort`: rows made up as they are asked for."""

    def rows(self, campaign_id: str, first_row: int, count: int) -> list[PlannedRow]:
        """Single-part rows to simulator numbers."""
        return [
            PlannedRow(
                row, f"customer-{row}", "sms", "+14254147755", "US", Content("Your order is ready."), 1, PRICE_USD
            )
            for row in range(first_row, first_row + count)
        ]


class Tracking:
    """`TrackingPort`: this process's rows in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    def intend(
        self, campaign_id: str, row: PlannedRow, message_id: str, owner: str, now_ms: int, slot_us: int
    ) -> IntentOutcome:
        """Put the row unless there is one."""
        if self.rows.setdefault(message_id, owner) is not owner:
            return IntentOutcome.ANSWERED
        return IntentOutcome.CREATED

    def has_row(self, message_id: str) -> bool:
        """Whether there is a row."""
        return message_id in self.rows

    def accepted(self, message_id: str, provider_id: str, at_ms: int) -> None:
        """Note the provider's id."""
        self.rows[message_id] = provider_id

    def refused(self, message_id: str, code: str, at_ms: int) -> None:
        """Note the code."""
        self.rows[message_id] = code

    def in_doubt(self, message_id: str, at_ms: int) -> None:
        """Note the doubt."""
        self.rows[message_id] = "in_doubt"

    def withdraw(self, message_id: str, owner: str) -> bool:
        """Forget the row."""
        self.rows.pop(message_id, None)
        return True


class NoOptOuts:
    """`OptOutPort`: nobody has opted out."""

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        """None of them."""
        return frozenset()

    def remember(self, destination: str) -> None:
        """Nobody reports any."""


class EndlessDay:
    """`CampaignDayPort` without a cap: two writes a chunk, and as long as they take."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s

    def reserve(self, amount_usd: Decimal) -> str:
        """There is always room."""
        time.sleep(self._latency_s)
        return "2026-11-20"

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        """Nobody counts."""
        time.sleep(self._latency_s)


class TimedProvider:
    """`ProviderPort` that notes when each call starts (monotonic seconds, one clock for all processes)."""

    def __init__(self) -> None:
        self.calls: list[float] = []

    def send(self, message: OutboundMessage) -> str:
        """Accept at once."""
        self.calls.append(time.monotonic())
        return f"p-{len(self.calls)}"
