"""Every port of the sender in memory, with the conditions of the real tables, a scripted provider and death on cue.

One `FakeWorld` is one stack; `world.worker(name)` is one function invocation. All operations of a worker pass one
gate, which counts them, runs hooks before them and can kill the worker before or after the n-th one takes effect.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from unittest import mock

from lambdas.core import attempts, keys, sending
from lambdas.core.attempts import Attempts
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, StopReason
from lambdas.core.identity_calendar import MILLI, Calendar, IdentityLease
from lambdas.core.lifecycle import MessageState, Status, StatusEvent, fold
from lambdas.core.pacing import MICROSECOND, Booking, BookingKind, Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import (
    CampaignState,
    Chunk,
    ChunkResult,
    Claim,
    IntentOutcome,
    OutboundMessage,
)
from lambdas.core.provider_errors import ErrorClass, ProviderError
from lambdas.core.sending import CampaignSender, RunReport, SenderPorts
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.virtual_time import VirtualExecutor, VirtualTime, wait_for_all

T = TypeVar("T")
CLAIM_GRACE_US = 30 * MICROSECOND
CAMPAIGN = "spring"


class Death(BaseException):
    """The worker's process is gone; nothing of it runs any more."""


class When(StrEnum):
    """Whether the fatal operation still took effect."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class StoredChunk:
    """A CHUNK item."""

    rows: int
    reserved_usd: Decimal
    owner: str
    fence: int
    lease_until_us: int
    open: bool = True
    result: ChunkResult | None = None


@dataclass(slots=True)
class StoredCampaign:
    """A META item and its CHUNK items."""

    rows: int
    tps: float
    cap_usd: Decimal
    highest_price_usd: Decimal
    status: CampaignStatus = CampaignStatus.RUNNING
    next_row: int = 0
    done_rows: int = 0
    booked_until_us: int | None = None
    reserved_usd: Decimal = Decimal(0)
    spent_usd: Decimal = Decimal(0)
    suppressed: int = 0
    unsent: int = 0
    stop_reason: str | None = None
    chunks: dict[int, StoredChunk] = field(default_factory=dict)

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
    message_id: str
    destination: str
    parts: int
    accepted: bool


Answer = ProviderError | None
"""What a script makes of a call: None accepts it."""


class FakeWorld:
    """One stack in memory: one campaign, one origination identity, one provider."""

    def __init__(
        self,
        rows: int | Sequence[PlannedRow],
        *,
        tps: float = 300,
        parts_per_second: float = 1_000,
        cap_usd: Decimal | str | None = None,
        latency_us: int = 20_000,
    ) -> None:
        self.audience = [planned_row(row) for row in range(rows)] if isinstance(rows, int) else list(rows)
        highest = max((row.price_usd for row in self.audience), default=PRICE_USD)
        cap = Decimal(cap_usd) if cap_usd is not None else highest * len(self.audience) * 2
        self.time = VirtualTime()
        self.lock = threading.RLock()
        self.campaign = StoredCampaign(len(self.audience), tps, cap, highest)
        self.tracking: dict[str, TrackedRow] = {}
        self.calendar = Calendar(int(parts_per_second * MILLI))
        self.leases: list[IdentityLease] = []
        self.opted_out: set[str] = set()
        self.calls: list[Call] = []
        self.latency_us = latency_us
        self.script: Callable[[OutboundMessage, int], Answer] = lambda message, attempt: None
        self.hooks: list[Callable[[str, str], None]] = []
        """Called with (worker, operation) before each operation takes effect."""
        self.overspent_usd = Decimal(0)

    def worker(self, name: str, *, kill_at: int | None = None, when: When = When.BEFORE) -> Worker:
        """A new function invocation; with `kill_at` it dies at its n-th operation (1-based)."""
        return Worker(self, name, kill_at, when)

    def run(self, *jobs: Callable[[], T]) -> list[T]:
        """Run jobs side by side in virtual time, the sender's own threads included."""
        with ExitStack() as stack:
            for module, name, double in (
                (sending, "ThreadPoolExecutor", lambda threads: VirtualExecutor(self.time, threads)),
                (attempts, "wait", wait_for_all),
            ):
                stack.enter_context(mock.patch.object(module, name, double))
            return self.time.run(*jobs)

    def run_worker(self, name: str = "w1", *, seconds: float = 60, recover: bool = False) -> RunReport:
        """One worker, one run."""
        return self.run(self.worker(name).job(seconds=seconds, recover=recover))[0]

    def accepted(self) -> dict[str, int]:
        """Accepted provider calls by message id."""
        sums: dict[str, int] = {}
        for call in self.calls:
            sums[call.message_id] = sums.get(call.message_id, 0) + int(call.accepted)
        return sums

    def statuses(self) -> dict[int, Status]:
        """Status of each tracked row by its number."""
        return {
            row.row: self.tracking[message_id].state.status
            for row in self.audience
            if (message_id := keys.message(CAMPAIGN, row.row)) in self.tracking
        }

    def set_status(self, status: CampaignStatus) -> None:
        """What the API does on pause, resume and cancel."""
        with self.lock:
            self.campaign.status = status

    def note_spend(self) -> None:
        """Remember the worst overshoot of the cap ever stored."""
        self.overspent_usd = max(self.overspent_usd, -self.campaign.budget_left_usd)


class Worker:
    """One function invocation: its ports, its clock, and perhaps its death."""

    def __init__(self, world: FakeWorld, name: str, kill_at: int | None, when: When) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.operations: list[str] = []
        self.held_at_us: list[int] = []
        self._kill_at = kill_at
        self._when = when
        self._lock = threading.Lock()
        self.campaigns = FakeCampaigns(self)
        self.tracking = FakeTracking(self)
        self.opt_outs = FakeOptOuts(self)

    def job(self, *, seconds: float = 60, recover: bool = False, threads: int = 32) -> Callable[[], RunReport]:
        """The run as a callable; a death inside ends it with `Death`."""

        def run() -> RunReport:
            provider = FakeProvider(self)
            sender = CampaignSender(
                CAMPAIGN,
                self.name,
                SenderPorts(self.campaigns, FakeAudience(self), FakeLimiter(self), self.opt_outs, self),
                Attempts(self.tracking, provider, self.opt_outs, self, owner=self.name),
                threads=threads,
                keep_token=self.keep_token,
            )
            return sender.run(self.now_us() + int(seconds * MICROSECOND), recover=recover)

        return run

    def dies(self, *, seconds: float = 60, recover: bool = False) -> Callable[[], bool]:
        """The run as a callable that tells whether the worker died in it."""
        job = self.job(seconds=seconds, recover=recover)

        def run() -> bool:
            try:
                job()
            except Death:
                return True
            return self.dead

        return run

    def now_us(self) -> int:
        """The world's time."""
        return self.world.time.now_us()

    def sleep_us(self, microseconds: int) -> None:
        """Sleep; a worker that died meanwhile does not wake."""
        self.world.time.sleep_us(microseconds)
        if self.dead:
            raise Death

    def keep_token(self) -> None:
        """Prolong the work token's visibility."""
        self.operate("keep_token", lambda: None)
        self.held_at_us.append(self.now_us())

    def operate(self, operation: str, effect: Callable[[], T]) -> T:
        """Pass the gate: count, run hooks, die on cue, take effect."""
        with self._lock:
            if self.dead:
                raise Death
            self.operations.append(operation)
            fatal = len(self.operations) == self._kill_at
            if fatal:
                self.dead = True
                if self._when is When.BEFORE:
                    raise Death
        for hook in list(self.world.hooks):
            hook(self.name, operation)
        with self.world.lock:
            result = effect()
            self.world.note_spend()
        if self.dead:
            raise Death
        return result


class FakeCampaigns:
    """The campaigns table."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._world = worker.world
        self._meta = worker.world.campaign

    def _state(self) -> CampaignState:
        meta = self._meta
        return CampaignState(
            id=CAMPAIGN,
            status=meta.status,
            tps=meta.tps,
            rows=meta.rows,
            next_row=meta.next_row,
            end_row=meta.rows,
            done_rows=meta.done_rows,
            booked_until_us=meta.booked_until_us,
            budget_left_usd=meta.budget_left_usd,
            reserved_usd=meta.reserved_usd,
            highest_price_usd=meta.highest_price_usd,
            message_type="TRANSACTIONAL",
            max_price_usd=None,
            validity_seconds=None,
        )

    def load(self, campaign_id: str) -> CampaignState:
        if campaign_id != CAMPAIGN:
            raise LookupError(f"there is no campaign {campaign_id}")
        return self._worker.operate("load", self._state)

    def claim(
        self, campaign_id: str, booking: Booking, rows: int, end_row: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        def effect() -> Claim | CampaignState:
            meta = self._meta
            holds = booking.applies_to(meta.booked_until_us) and meta.status is CampaignStatus.RUNNING
            if rows:
                holds = holds and meta.next_row + rows <= end_row and meta.budget_left_usd >= reserve_usd
            if not holds:
                return self._state()
            start = booking.now_us if booking.kind is BookingKind.RESTART else meta.booked_until_us
            assert start is not None
            first, meta.next_row = meta.next_row, meta.next_row + rows
            meta.booked_until_us = start + booking.duration_us
            meta.reserved_usd += reserve_usd
            return Claim(self._state(), first, rows, reserve_usd, start, start + booking.duration_us)

        return self._worker.operate("claim", effect)

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        chunk = Chunk(CAMPAIGN, claim.first_row, claim.rows, claim.reserved_usd, owner, 1, lease_until_us)
        return self._worker.operate("open_chunk", lambda: self._put(chunk))

    def _put(self, chunk: Chunk) -> Chunk | None:
        if chunk.first_row in self._meta.chunks:
            return None
        self._meta.chunks[chunk.first_row] = StoredChunk(
            chunk.rows, chunk.reserved_usd, chunk.owner, chunk.fence, chunk.lease_until_us
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
            meta = self._meta
            found = [
                Chunk(CAMPAIGN, first, chunk.rows, chunk.reserved_usd, chunk.owner, chunk.fence, chunk.lease_until_us)
                for first, chunk in sorted(meta.chunks.items())
                if chunk.open and chunk.lease_until_us < now_us
            ]
            if meta.booked_until_us is None or meta.booked_until_us > now_us - CLAIM_GRACE_US:
                return found
            row = 0
            ends = [(first, first + chunk.rows) for first, chunk in sorted(meta.chunks.items())]
            for first, end in [*ends, (min(meta.next_row, meta.rows),) * 2]:
                if first > row:
                    found.append(Chunk(CAMPAIGN, row, first - row, meta.highest_price_usd * (first - row), "", 0, 0))
                row = end
            return found

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
            return IntentOutcome.UNANSWERED if known.state.status is Status.SENDING else IntentOutcome.ANSWERED

        return self._worker.operate("intend", effect)

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

    def withdraw(self, message_id: str, owner: str) -> None:
        def effect() -> None:
            row = self._rows.get(message_id)
            if row is not None and row.owner == owner and row.version == 1:
                del self._rows[message_id]

        self._worker.operate("withdraw", effect)


class FakeLimiter:
    """The rate-limits table."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int
    ) -> IdentityLease | Wait:
        def effect() -> IdentityLease | Wait:
            world = self._worker.world
            booked = world.calendar.reserve(
                owner, parts, now_us=world.time.now_us(), not_before_us=not_before_us, milli_rate=milli_rate
            )
            if isinstance(booked, Wait):
                return booked
            lease, world.calendar = booked
            world.leases.append(lease)
            return lease

        return self._worker.operate("reserve", effect)


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


class FakeProvider:
    """The SMS service: answers as the script says after the world's latency."""

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


def refuse(refusals: Mapping[int, Sequence[ProviderError]]) -> Callable[[OutboundMessage, int], Answer]:
    """A script: row number -> the refusals of its first calls; later calls are accepted."""

    def script(message: OutboundMessage, attempt: int) -> Answer:
        answers = refusals.get(message.row.row, ())
        return answers[attempt] if attempt < len(answers) else None

    return script
