"""The sender's ports beside its campaigns, in memory, with the conditions of the real tables (lambdas/adapters)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from lambdas.core.chain_terms import is_leg
from lambdas.core.day_cap import DayFull
from lambdas.core.days import utc_day
from lambdas.core.identity_calendar import PRIORITY_MARK, IdentityLease
from lambdas.core.intents import INTENT_LIFE_MS, IntentOutcome
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.pacing import Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import OutboundMessage
from lambdas.core.provider_errors import ErrorClass, ProviderError

if TYPE_CHECKING:
    from tests.support.fake_world import Worker

CAMPAIGN = "spring"
Answer = ProviderError | None
"""What a script makes of a call: None accepts it."""


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
