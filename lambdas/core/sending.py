"""Sending one channel of a campaign: claim rows, lease time, put the intent, keep the slot, call once, record.

One worker runs one `CampaignSender` for one work token. The next chunk is prepared while the present one is sent, so
that pacing has no gaps; whether the campaign still runs is read again before each chunk starts, so that a pause or a
cancellation takes effect within one lease.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lambdas.core import keys
from lambdas.core.attempts import Attempts, ChunkProgress, Outcome, ScheduledSend
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, StopReason
from lambdas.core.leasing import POLL_US, LeaseLine
from lambdas.core.pacing import MICROSECOND, Booking, Wait, lease_units, next_booking
from lambdas.core.ports import (
    AudiencePort,
    CampaignPort,
    CampaignState,
    Chunk,
    Claim,
    Clock,
    LimiterPort,
    OptOutPort,
)

CLAIM_MAX_AGE_US = 15 * MICROSECOND
"""A claim that its worker did not record this long after its booked time is left to a successor, who waits twice as
long before it takes claims without a chunk."""
CHUNK_LEASE_US = 30 * MICROSECOND
"""A dead worker's chunk may be taken over after this; the queue message's visibility is kept to the same time."""
RETRY_BUDGET_US = 15 * MICROSECOND
"""How long after its deadline a run may go on to finish rows whose slots were missed."""
KEEP_US = 10 * MICROSECOND
"""How often the token and the chunks of a run that goes on are held anew."""
PREPARATION_US = 100_000
"""Time is claimed from this far ahead: opening the chunk, leasing and putting the first intents come before its first
slot, and a slice whose first slots have passed costs those slots.
"""


class RunEnd(StrEnum):
    """Why a run returned: `TIME_UP` asks for the token to be put back, everything else ends it."""

    TIME_UP = "time_up"
    NOTHING_LEFT = "nothing_left"
    NOT_RUNNING = "not_running"
    STOPPED = "stopped"


@dataclass(slots=True)
class RunReport:
    """What a run did; `slowest_wait_s` is the longest wait for a lease, `chunks_left` the chunks it let go of
    unfinished: the next run has to look for them (`recover`); `spent_usd` is the estimate of what was handed over,
    `not_withdrawn` the intents that a successor has taken as calls before they were withdrawn."""

    end: RunEnd = RunEnd.NOTHING_LEFT
    sent: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    spent_usd: Decimal = Decimal(0)
    throttled: int = 0
    given_up_slots: int = 0
    slowest_wait_s: float = 0.0
    chunks_left: int = 0
    not_withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class SenderPorts:
    """The outside world of a sender."""

    campaigns: CampaignPort
    audience: AudiencePort
    limiter: LimiterPort
    opt_outs: OptOutPort
    clock: Clock


class CampaignSender:
    """Sends a campaign until its deadline; not reusable."""

    def __init__(
        self,
        campaign_id: str,
        owner: str,
        ports: SenderPorts,
        attempts: Attempts,
        *,
        threads: int,
        keep_token: Callable[[], None],
    ) -> None:
        self._campaign_id = campaign_id
        self._owner = owner
        self._ports = ports
        self._clock = ports.clock
        self._attempts = attempts
        self._threads = threads
        self._keep_token = keep_token
        self._open: list[ChunkProgress] = []
        self._abandoned: deque[Chunk] = deque()
        self._report = RunReport()
        self._closing = threading.Lock()
        self._kept_us = self._clock.now_us()
        self._line = LeaseLine(campaign_id, ports.limiter, ports.clock, while_waiting=self._stay_alive)
        self._state = ports.campaigns.load(campaign_id)
        self._over_us = 0

    def run(self, deadline_us: int, *, recover: bool = False) -> RunReport:
        """Send until `deadline_us`; with `recover`, first take over chunks whose worker is gone.

        Any failure of a store is raised after the calls under way have been recorded: nothing is sent unpaced or
        unrecorded (fail closed).
        """
        self._over_us = deadline_us + RETRY_BUDGET_US
        if recover:
            self._abandoned.extend(self._ports.campaigns.abandoned_chunks(self._campaign_id, self._clock.now_us()))
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(self._threads) as pool:
            try:
                self._send_until(deadline_us, ahead, pool)
                self._finish_late_rows(self._over_us, pool)
            finally:
                ahead.shutdown(wait=True)
                self._let_go(pool)
        if self._report.end is RunEnd.NOTHING_LEFT:
            self._complete_if_done(self._ports.campaigns.load(self._campaign_id))
        self._report.throttled = self._attempts.throttled
        self._report.given_up_slots = self._attempts.given_up
        self._report.not_withdrawn = self._attempts.not_withdrawn
        self._report.slowest_wait_s = self._line.slowest_wait_s
        return self._report

    def _send_until(self, deadline_us: int, ahead: ThreadPoolExecutor, pool: ThreadPoolExecutor) -> None:
        upcoming: Future[list[ScheduledSend] | None] | None = ahead.submit(self._prepare, deadline_us)
        while upcoming is not None:
            sends = upcoming.result()
            upcoming = None
            if sends is None or not self._may_go_on(sends):
                return
            if self._clock.now_us() < deadline_us + (RETRY_BUDGET_US if self._line else 0):
                upcoming = ahead.submit(self._prepare, deadline_us)
            else:
                self._report.end = RunEnd.TIME_UP
            self._dispatch(sends, pool)
            self._stay_alive()

    def _may_go_on(self, sends: list[ScheduledSend]) -> bool:
        """Look at the campaign again before a prepared chunk starts; let the chunk go if it must not."""
        if not sends:
            return True
        status = self._ports.campaigns.load(self._campaign_id).status
        if status is CampaignStatus.RUNNING and self._attempts.stop_code is None:
            return True
        for send in sends:
            send.progress.left_unsent(send)
        if self._attempts.stop_code is None:
            self._report.end = RunEnd.NOT_RUNNING
        return False

    def _prepare(self, deadline_us: int) -> list[ScheduledSend] | None:
        """The next rows with their slots: missed ones first, then those in line for a lease, then abandoned chunks,
        then a new claim; nothing is begun while the provider takes no calls."""
        late = self._attempts.take_late(self._clock.now_us())
        if late:
            return self._schedule_again(late)
        if self._line:
            return self._line.take()
        if self._attempts.provider_is_busy and self._clock.now_us() < deadline_us:
            self._wait_for_the_provider(deadline_us)
            return []
        while self._abandoned:
            chunk = self._ports.campaigns.take_over(
                self._abandoned.popleft(), self._owner, self._clock.now_us() + CHUNK_LEASE_US
            )
            if chunk is not None:
                return self._schedule_again(self._rows_of(chunk))
        claim = self._claim(deadline_us)
        if not isinstance(claim, Claim):
            return [] if isinstance(claim, Wait) else None
        if self._clock.now_us() > claim.end_us + CLAIM_MAX_AGE_US:
            return []
        chunk = self._ports.campaigns.open_chunk(claim, self._owner, self._clock.now_us() + CHUNK_LEASE_US)
        if chunk is None:
            return []
        self._line.add(self._rows_of(chunk), claim.start_us, claim.end_us)
        return self._line.take()

    def _wait_for_the_provider(self, until_us: int) -> None:
        """Until the first of the rows that wait may be tried again, which tells how the provider is."""
        now = self._clock.now_us()
        due_us = self._attempts.next_late_us() or until_us
        self._clock.sleep_us(min(max(due_us - now, POLL_US), MICROSECOND, until_us - now))
        self._state = self._ports.campaigns.load(self._campaign_id)

    def _claim(self, deadline_us: int) -> Claim | Wait | None:
        """Try to claim the next rows; None when there is nothing (more) to claim, a `Wait` that has passed when the
        campaign's pace or budget does not allow it yet."""
        state, now = self._state, self._clock.now_us()
        if state.status is not CampaignStatus.RUNNING or state.plan is None:
            self._report.end = RunEnd.NOT_RUNNING
            return None
        if state.next_row >= state.end_row:
            return None
        if now >= deadline_us:
            self._report.end = RunEnd.TIME_UP
            return None
        rows = self._affordable_rows(state)
        if not rows and self._stop_if_spent(state):
            return None
        booking = self._booking(rows) if rows else Wait(POLL_US)
        if isinstance(booking, Wait):
            self._clock.sleep_us(min(booking.microseconds, POLL_US))
            self._state = self._ports.campaigns.load(self._campaign_id)
            return booking
        result = self._ports.campaigns.claim(
            self._campaign_id, booking, rows, state.end_row, state.highest_price_usd * rows
        )
        self._state = result.state if isinstance(result, Claim) else result
        return result if isinstance(result, Claim) else Wait(0)

    def _booking(self, rows: int) -> Booking | Wait:
        """The campaign's next time for `rows`; where nothing is booked, far enough ahead to be ready for it."""
        now, booked_us = self._clock.now_us(), self._state.booked_until_us
        if booked_us is None or booked_us < now:
            now += PREPARATION_US
        return next_booking(booked_us, now_us=now, units=rows, rate=self._state.pace(now))

    def _affordable_rows(self, state: CampaignState) -> int:
        rows = min(lease_units(state.pace(self._clock.now_us())), state.end_row - state.next_row)
        if state.highest_price_usd > 0:
            rows = min(rows, int(state.budget_left_usd / state.highest_price_usd))
        return max(0, rows)

    def _stop_if_spent(self, state: CampaignState) -> bool:
        """Stop at the spend cap, once no open chunk can give money back."""
        if self._affordable_rows(state) or state.reserved_usd > 0:
            return False
        self._ports.campaigns.stop(self._campaign_id, StopReason.SPEND_CAP)
        self._report.end = RunEnd.STOPPED
        return True

    def _rows_of(self, chunk: Chunk) -> list[ScheduledSend]:
        """The rows of a chunk without those who have opted out."""
        rows = self._ports.audience.rows(self._state.plan or "", chunk.first_row, chunk.rows)
        if len(rows) != chunk.rows:
            raise LookupError(
                f"the plan of {self._campaign_id} lacks some of rows {chunk.first_row} to"
                f" {chunk.first_row + chunk.rows - 1}; plan it again"
            )
        progress = ChunkProgress(chunk, len(rows))
        self._open.append(progress)
        read_us = self._clock.now_us()
        blocked = self._ports.opt_outs.opted_out({row.destination for row in rows})
        sends = []
        for row in rows:
            message_id = keys.message(self._campaign_id, row.row)
            send = ScheduledSend(progress, message_id, row, opt_out_read_us=read_us)
            if row.destination in blocked:
                progress.done(send, Outcome.SUPPRESSED)
            else:
                sends.append(send)
        return sends

    def _schedule_again(self, sends: list[ScheduledSend]) -> list[ScheduledSend]:
        """New campaign time and a new lease for rows whose slots have gone; left unsent when the run is over first."""
        while self._clock.now_us() < self._over_us:
            booking = self._booking(len(sends) or 1)
            if isinstance(booking, Wait):
                self._clock.sleep_us(min(booking.microseconds, POLL_US))
                self._stay_alive()
                continue
            result = self._ports.campaigns.claim(self._campaign_id, booking, 0, 0, Decimal(0))
            if isinstance(result, Claim):
                self._state = result.state
                self._line.add(sends, result.start_us, result.end_us)
                return self._line.take()
            self._state = result
            if result.status is not CampaignStatus.RUNNING:
                return sends
        for send in sends:
            send.progress.left_unsent(send)
        return []

    def _dispatch(self, sends: list[ScheduledSend], pool: ThreadPoolExecutor) -> None:
        """Start each send shortly before its slot, early enough for its intent to be on record."""
        for send in sends:
            self._clock.sleep_us(send.slot_us - self._attempts.lead_us - self._clock.now_us())
            self._stay_alive()
            self._attempts.submit(pool, send, self._state.terms)

    def _finish_late_rows(self, until_us: int, pool: ThreadPoolExecutor) -> None:
        """Send rows whose slots were missed, until none is left or the time is over."""
        while True:
            self._attempts.drain()
            due_us = self._attempts.next_late_us()
            if self._clock.now_us() > until_us or (due_us is None and not self._line):
                return
            if due_us is not None and not self._line:
                self._clock.sleep_us(min(min(due_us, until_us + 1) - self._clock.now_us(), KEEP_US // 2))
            late = self._attempts.take_late(self._clock.now_us())
            sends = self._schedule_again(late) if late else self._line.take()
            if not self._may_go_on(sends):
                return
            self._dispatch(sends, pool)
            self._stay_alive()

    def _let_go(self, pool: ThreadPoolExecutor) -> None:
        """Close what is finished, withdraw intents that were never called and release what others may go on with."""
        pool.shutdown(wait=True)
        for send in self._attempts.take_late():
            send.progress.left_unsent(send)
        if self._attempts.stop_code is not None:
            self._ports.campaigns.stop(self._campaign_id, self._attempts.stop_code)
            self._report.end = RunEnd.STOPPED
        ended = self._report.end is RunEnd.STOPPED or (
            self._report.end is RunEnd.NOT_RUNNING
            and self._ports.campaigns.load(self._campaign_id).status not in OPEN_STATUSES
        )
        for progress in self._open:
            self._attempts.withdraw(progress.unsent, self._owner)
            # Of a chunk that changed hands this run does not know all: whoever reads its rows closes it.
            if ended and progress.chunk.fence == 1:
                progress.count_unsent()
        self._close_finished()
        self._report.chunks_left = len(self._open) + len(self._abandoned)
        if self._report.chunks_left and self._report.end is RunEnd.NOTHING_LEFT:
            self._report.end = RunEnd.TIME_UP
        for progress in self._open:
            self._ports.campaigns.release_chunk(progress.chunk)

    def _close_finished(self) -> None:
        """Close every chunk whose rows all have an outcome; the last one completes the campaign."""
        with self._closing:
            for progress in [progress for progress in self._open if progress.finished]:
                self._open.remove(progress)
                result = progress.result()
                state = self._ports.campaigns.close_chunk(progress.chunk, result)
                self._report.sent += result.sent
                self._report.refused += result.refused
                self._report.in_doubt += result.in_doubt
                self._report.suppressed += result.suppressed
                self._report.spent_usd += result.spent_usd
                if state is not None:
                    self._complete_if_done(state)

    def _complete_if_done(self, state: CampaignState) -> None:
        """A campaign paused while its last chunk was closed has nobody else to complete it later."""
        if state.status is CampaignStatus.RUNNING and state.done_rows >= state.rows:
            self._ports.campaigns.complete(self._campaign_id)

    def _stay_alive(self) -> None:
        """In waits and long leases: close what is finished (its money may be waited for), hold what is not."""
        self._close_finished()
        if self._clock.now_us() - self._kept_us >= KEEP_US:
            self._hold_everything()

    def _hold_everything(self) -> None:
        """Keep the token and prolong the chunks whose lease is half over; rows of a chunk taken over are dropped."""
        self._keep_token()
        with self._closing:
            self._kept_us = self._clock.now_us()
            for progress in list(self._open):
                if progress.chunk.lease_until_us - self._kept_us > CHUNK_LEASE_US // 2:
                    continue
                held = self._ports.campaigns.hold_chunk(progress.chunk, self._kept_us + CHUNK_LEASE_US)
                if held is None:
                    progress.lost = True
                    self._open.remove(progress)
                else:
                    progress.chunk = held
