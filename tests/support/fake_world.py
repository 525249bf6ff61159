"""Every port of the sender in memory, with the conditions of the real tables, a scripted provider and death on cue.

One `FakeWorld` is one stack; `world.worker(name)` is one function invocation. All operations of a worker pass one
gate, which counts them, runs hooks before them and can kill the worker before or after the n-th one takes effect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from unittest import mock

from lambdas.core import attempts, keys, sending
from lambdas.core.attempts import Attempts, Lead
from lambdas.core.campaign import CampaignStatus
from lambdas.core.identity_calendar import MILLI, Calendar, IdentityLease
from lambdas.core.lanes import ALWAYS, Lane, by_channel
from lambdas.core.lifecycle import Status
from lambdas.core.pacing import MICROSECOND
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import OutboundMessage, SendTerms
from lambdas.core.provider_errors import ProviderError
from lambdas.core.run_report import RunReport
from lambdas.core.sending import CampaignSender, SenderPorts
from lambdas.core.single_sending import LegSender, MessageSender, SingleOutcome, SinglePorts
from tests.support.campaigns import PRICE_USD, planned_row
from tests.support.fake_campaigns import FakeCampaigns, StoredCampaign
from tests.support.fake_ports import (
    CAMPAIGN,
    Answer,
    Call,
    DayLedger,
    FakeAudience,
    FakeCampaignBudget,
    FakeCampaignDay,
    FakeDayBudget,
    FakeGuard,
    FakeLimiter,
    FakeOptOuts,
    FakeProvider,
    FakeTracking,
    TrackedRow,
)
from tests.support.virtual_time import VirtualExecutor, VirtualTime, wait_for_all

T = TypeVar("T")


class Death(BaseException):
    """The worker's process is gone; nothing of it runs any more."""


class When(StrEnum):
    """Whether the fatal operation still took effect."""

    BEFORE = "before"
    AFTER = "after"


class FakeWorld:
    """One stack in memory: one campaign, an origination identity for each channel, their providers.

    Rows are SMS unless given as planned rows, which lie channel by channel as a plan orders them.
    """

    def __init__(
        self,
        rows: int | Sequence[PlannedRow],
        *,
        tps: float = 300,
        parts_per_second: float | Mapping[str, float] = 1_000,
        cap_usd: Decimal | str | None = None,
        latency_us: int = 20_000,
    ) -> None:
        self.audience = [planned_row(row) for row in range(rows)] if isinstance(rows, int) else list(rows)
        lanes = lanes_of_rows(self.audience)
        channels = by_channel(lanes.values())
        highest = max((lane.highest_price_usd for lane in lanes.values()), default=PRICE_USD)
        cap = Decimal(cap_usd) if cap_usd is not None else highest * len(self.audience) * 2
        rates = parts_per_second if isinstance(parts_per_second, Mapping) else dict.fromkeys(channels, parts_per_second)
        self.time = VirtualTime()
        self.lock = threading.RLock()
        self.campaign = StoredCampaign(len(self.audience), tps, cap, lanes)
        self.tracking: dict[str, TrackedRow] = {}
        self.calendars = {channel: Calendar(int(rate * MILLI)) for channel, rate in rates.items()}
        self.leases: list[IdentityLease] = []
        self.waits_us: list[int] = []
        """How long each lease had been waited for when it began."""
        self.opted_out: set[str] = set()
        self.guarded: set[str] = set()
        """Destinations that the pumping guard holds back."""
        self.calls: list[Call] = []
        self.latency_us = latency_us
        self.script: Callable[[OutboundMessage, int], Answer] = lambda message, attempt: None
        self.hooks: list[Callable[[str, str], None]] = []
        """Called with (worker, operation) before each operation takes effect."""
        self.overspent_usd = Decimal(0)
        self.campaign_day = DayLedger(Decimal(1_000_000))
        self.day_cap_usd = Decimal(1_000)
        self.day_spend_usd: dict[str, Decimal] = {}
        """Single messages' money by UTC day."""

    def worker(
        self, name: str, *, channel: str = "sms", kill_at: int | None = None, when: When = When.BEFORE
    ) -> Worker:
        """A new function invocation; with `kill_at` it dies at its n-th operation (1-based)."""
        return Worker(self, name, channel, kill_at, when)

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

    def run_lanes(self, name: str = "w1", *, seconds: float = 60, recover: bool = False) -> dict[str, RunReport]:
        """One worker of each channel side by side, one run each."""
        channels = list(by_channel(self.campaign.lanes.values()))
        jobs = [
            self.worker(f"{name}-{channel}", channel=channel).job(seconds=seconds, recover=recover)
            for channel in channels
        ]
        return dict(zip(channels, self.run(*jobs), strict=True))

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
        self.overspent_usd = max(self.overspent_usd, -self.campaign.budget_left_usd, self.campaign_day.over_usd())


class Worker:
    """One function invocation: its ports, its clock, and perhaps its death."""

    def __init__(self, world: FakeWorld, name: str, channel: str, kill_at: int | None, when: When) -> None:
        self.world = world
        self.name = name
        self.channel = channel
        self.dead = False
        self.operations: list[str] = []
        self.held_at_us: list[int] = []
        self._kill_at = kill_at
        self._when = when
        self._lock = threading.Lock()
        self.campaigns = FakeCampaigns(self)
        self.tracking = FakeTracking(self)
        self.opt_outs = FakeOptOuts(self)
        self.day = FakeCampaignDay(self)

    def job(self, *, seconds: float = 60, recover: bool = False, threads: int = 32) -> Callable[[], RunReport]:
        """The run as a callable; a death inside ends it with `Death`."""

        def run() -> RunReport:
            provider = FakeProvider(self)
            sender = CampaignSender(
                CAMPAIGN,
                self.name,
                SenderPorts(self.campaigns, FakeAudience(self), FakeLimiter(self), self.opt_outs, self, self.day),
                Attempts(self.tracking, provider, self.opt_outs, self, owner=self.name),
                threads=threads,
                keep_token=self.keep_token,
            )
            return sender.run(self.now_us() + int(seconds * MICROSECOND), recover=recover)

        return run

    def single(
        self,
        message_id: str,
        row: PlannedRow,
        *,
        seconds: float = 20,
        waited_us: int = 0,
        closes_us: int = ALWAYS.end_us,
    ) -> Callable[[], SingleOutcome]:
        """Sending one single message, which was first seen `waited_us` ago, as a callable."""

        def run() -> SingleOutcome:
            provider = FakeProvider(self)
            attempts = Attempts(self.tracking, provider, self.opt_outs, self, owner=self.name)
            ports = SinglePorts(self.tracking, FakeLimiter(self), self.opt_outs, FakeDayBudget(self), self)
            sender = MessageSender(ports, attempts, owner=self.name, guard=FakeGuard(self))
            until_us = self.now_us() + int(seconds * MICROSECOND)
            wanted_us = self.now_us() - waited_us
            terms = SendTerms("", "TRANSACTIONAL")
            return sender.send(message_id, row, terms, wanted_us=wanted_us, until_us=until_us, closes_us=closes_us)

        return run

    def leg(
        self, message_id: str, row: PlannedRow, *, seconds: float = 20, tps: float | None = None
    ) -> Callable[[], SingleOutcome]:
        """Sending a leg of the world's campaign with its money, at its rate or at `tps`, as a callable."""

        def run() -> SingleOutcome:
            attempts = Attempts(self.tracking, FakeProvider(self), self.opt_outs, self, owner=self.name)
            ports = SinglePorts(self.tracking, FakeLimiter(self), self.opt_outs, FakeCampaignBudget(self), self)
            milli_rate = int((tps or self.world.campaign.tps) * row.parts * MILLI)
            sender = LegSender(
                ports, attempts, owner=self.name, campaign_id=CAMPAIGN, milli_rate=milli_rate, paying=Lead()
            )
            terms, now_us = SendTerms(CAMPAIGN, "TRANSACTIONAL"), self.now_us()
            until_us = now_us + int(seconds * MICROSECOND)
            return sender.send(message_id, row, terms, wanted_us=now_us, until_us=until_us)

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


def lanes_of_rows(rows: Sequence[PlannedRow]) -> dict[str, Lane]:
    """Each channel's run of rows; SMS's where there are none at all."""
    lanes: dict[str, Lane] = {}
    for row in rows:
        lane = lanes.get(row.channel, Lane(row.channel, row.row, row.row, row.reserved_usd, row.row))
        highest = max(lane.highest_price_usd, row.reserved_usd)
        lanes[row.channel] = Lane(row.channel, lane.first_row, row.row + 1, highest, lane.first_row)
    return lanes or {"sms": Lane("sms", 0, 0, PRICE_USD)}


def refuse(refusals: Mapping[int, Sequence[ProviderError]]) -> Callable[[OutboundMessage, int], Answer]:
    """A script: row number -> the refusals of its first calls; later calls are accepted."""

    def script(message: OutboundMessage, attempt: int) -> Answer:
        answers = refusals.get(message.row.row, ())
        return answers[attempt] if attempt < len(answers) else None

    return script
