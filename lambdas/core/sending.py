"""Sending one channel of a campaign: claim rows, lease time, put the intent, keep the slot, call once, record.

One worker runs one `CampaignSender` for one work token. The next chunk is prepared while the present one is sent, so
that pacing has no gaps; whether the campaign still runs is read again and again beside that, so that a pause or a
cancellation takes effect within one lease.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from lambdas.core import keys
from lambdas.core.attempts import Attempts, Outcome, ScheduledSend
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, PauseReason
from lambdas.core.claiming import Claims
from lambdas.core.day_cap import CampaignDayPort
from lambdas.core.deferral import SOON_US, next_opening_us
from lambdas.core.held_chunks import KEEP_US, HeldChunks
from lambdas.core.lanes import ALWAYS, lane_of_row, opening_of
from lambdas.core.leasing import POLL_US, LeaseLine
from lambdas.core.pacing import MICROSECOND, Wait, lease_units
from lambdas.core.ports import (
    AudiencePort,
    CampaignPort,
    Chunk,
    Claim,
    Clock,
    LimiterPort,
    OptOutPort,
    WatchPort,
)
from lambdas.core.run_report import RunEnd, RunReport
from lambdas.core.upkeep import THREADS, Upkeep

CLAIM_MAX_AGE_US = 15 * MICROSECOND
"""A claim that its worker did not record this long after its booked time is left to a successor, who waits twice as
long before it takes claims without a chunk."""
RETRY_BUDGET_US = 15 * MICROSECOND
"""How long after its deadline a run may go on to finish rows whose slots were missed."""
LOOK_AHEAD_US = MICROSECOND
"""How long before a chunk's time is over the next one is prepared."""


@dataclass(frozen=True, slots=True)
class SenderPorts:
    """The outside world of a sender."""

    campaigns: CampaignPort
    audience: AudiencePort
    limiter: LimiterPort
    opt_outs: OptOutPort
    clock: Clock
    day: CampaignDayPort
    watches: WatchPort | None = None


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
        self._abandoned: deque[Chunk] = deque()
        self._deferred: list[Chunk] = []
        """Abandoned chunks whose window is closed."""
        self._report = RunReport()
        self._held = HeldChunks(ports.campaigns, ports.day, ports.watches, ports.clock, self._report, keep_token)
        self._line = LeaseLine(campaign_id, ports.limiter, ports.clock, while_waiting=self._held.keep)
        self._again: deque[ScheduledSend] = deque()
        """Rows that need campaign time anew, in the order in which they get it."""
        self._claims = Claims(campaign_id, ports.campaigns, ports.day, ports.clock)
        self._over_us = 0
        attempts.errors.begin(self._claims.state.resumed_ms)

    def run(self, deadline_us: int, *, recover: bool = False) -> RunReport:
        """Send until `deadline_us`; with `recover`, first take over chunks whose worker is gone.

        Any failure of a store is raised after the calls under way have been recorded: nothing is sent unpaced or
        unrecorded (fail closed).
        """
        self._over_us = deadline_us + RETRY_BUDGET_US
        if recover:
            self._abandoned.extend(self._ports.campaigns.abandoned_chunks(self._campaign_id, self._clock.now_us()))
            self._defer_closed()
        with (
            ThreadPoolExecutor(1) as ahead,
            ThreadPoolExecutor(THREADS) as beside,
            ThreadPoolExecutor(self._threads) as pool,
        ):
            upkeep = Upkeep(beside, self._claims, self._clock, keep=self._held.keep, is_due=self._held.has_to_keep)
            try:
                self._send_until(deadline_us, upkeep, ahead, pool)
                self._finish_late_rows(self._over_us, upkeep, pool)
                upkeep.finish()
            finally:
                ahead.shutdown(wait=True)
                beside.shutdown(wait=True)
                self._let_go(pool)
        if self._report.end is RunEnd.NOTHING_LEFT:
            self._held.complete_if_done(self._ports.campaigns.load(self._campaign_id))
        self._report.throttled = self._attempts.throttled
        self._report.given_up_slots = self._attempts.given_up
        self._report.not_withdrawn = self._attempts.not_withdrawn
        self._report.slowest_wait_s = self._line.slowest_wait_s
        return self._report

    def _send_until(
        self, deadline_us: int, upkeep: Upkeep, ahead: ThreadPoolExecutor, pool: ThreadPoolExecutor
    ) -> None:
        upcoming: Future[list[ScheduledSend] | None] | None = ahead.submit(self._prepare, deadline_us)
        while upcoming is not None:
            sends = upcoming.result()
            upcoming = None
            if sends is None or not self._may_go_on(sends, upkeep):
                return
            prepare_us = self._next_preparation_us(sends, deadline_us)
            at_once = [send for send in sends if send.slot_us < prepare_us]
            if not self._dispatch(at_once, upkeep, pool, alone=True) or not self._wait_until(prepare_us, upkeep):
                self._leave(sends[len(at_once) :])
                return
            if self._clock.now_us() < deadline_us + (RETRY_BUDGET_US if self._line or self._again else 0):
                upcoming = ahead.submit(self._prepare, deadline_us)
            else:
                self._report.end = RunEnd.TIME_UP
            if not self._dispatch(sends[len(at_once) :], upkeep, pool):
                self._leave((upcoming.result() if upcoming else None) or ())
                return
            upkeep.keep()

    def _next_preparation_us(self, sends: list[ScheduledSend], deadline_us: int) -> int:
        """When to prepare what follows these sends: late enough for a change of the campaign's rate to count soon."""
        if not sends:
            return 0
        interval_us = int(MICROSECOND / self._claims.state.pace(self._clock.now_us()))
        return min(sends[-1].slot_us + interval_us - LOOK_AHEAD_US, deadline_us)

    def _wait_until(self, until_us: int, upkeep: Upkeep) -> bool:
        """Wait, but not longer than until a row may be tried again, and whether the campaign still runs then."""
        while (now := self._clock.now_us()) < min(until_us, self._attempts.next_late_us() or until_us):
            upkeep.ask_ahead(now + POLL_US)
            self._clock.sleep_us(min(until_us - now, POLL_US))
            upkeep.keep()
        return self._still_runs(upkeep, alone=True)

    def _may_go_on(self, sends: list[ScheduledSend], upkeep: Upkeep) -> bool:
        """Look at the campaign again before a prepared chunk starts: let the chunk go if it must not, and book its time
        anew if the campaign has become slower since."""
        if not sends:
            return True
        if not self._still_runs(upkeep, alone=True):
            self._leave(sends)
            return False
        if self._claims.state.tps < self._claims.booked_tps:
            self._again.extend([*sends, *self._line.clear()])
            sends[:] = self._schedule_again()
        return True

    def _still_runs(self, upkeep: Upkeep, *, alone: bool) -> bool:
        """Whether nothing speaks against the next call; `alone` as in `Upkeep.state`."""
        if self._attempts.stop_code is not None:
            return False
        if self._attempts.errors.exceeds(self._claims.state.pause_error_rate):
            self._pause(PauseReason.ERROR_RATE)
            return False
        if upkeep.state(alone=alone).status is not CampaignStatus.RUNNING:
            self._report.end = RunEnd.NOT_RUNNING
            return False
        return True

    def _pause(self, reason: PauseReason, code: str | None = None) -> None:
        """Pause the campaign for all its workers; calls of this one that have not begun are not made."""
        self._attempts.halted = True
        self._report.end = RunEnd.NOT_RUNNING
        if self._ports.campaigns.pause(self._campaign_id, reason, code):
            self._report.paused, self._report.pause_code = reason, code

    def _prepare(self, deadline_us: int) -> list[ScheduledSend] | None:
        """The next rows with their slots: missed ones first, then those in line for a lease, then abandoned chunks,
        then a new claim; nothing is begun while the provider takes no calls."""
        self._again.extend(self._attempts.take_late(self._clock.now_us()))
        if self._again:
            return self._schedule_again()
        if self._line:
            self._leave(self._line.take_closed(self._clock.now_us()))
            return self._line.take()
        if self._attempts.provider_is_busy and self._clock.now_us() < deadline_us:
            self._wait_for_the_provider(deadline_us)
            return []
        while self._abandoned:
            chunk = self._ports.campaigns.take_over(self._abandoned.popleft(), self._owner, self._held.lease_until_us)
            if chunk is not None:
                self._again.extend(self._rows_of(chunk))
                return self._schedule_again()
        claim = self._claims.next(deadline_us)
        if isinstance(claim, RunEnd):
            self._report.end = claim
            return None
        if isinstance(claim, Wait) or self._clock.now_us() > claim.end_us + CLAIM_MAX_AGE_US:
            return []
        chunk = self._ports.campaigns.open_chunk(claim, self._owner, self._held.lease_until_us)
        if chunk is None:
            return []
        self._line.add(self._rows_of(chunk, claim.start_us), claim.start_us, claim.end_us)
        return self._line.take()

    def _wait_for_the_provider(self, until_us: int) -> None:
        """Until the first of the rows that wait may be tried again, which tells how the provider is."""
        now = self._clock.now_us()
        due_us = self._attempts.next_late_us() or until_us
        self._clock.sleep_us(min(max(due_us - now, POLL_US), MICROSECOND, until_us - now))
        self._claims.state = self._claims.load()

    def _rows_of(self, chunk: Chunk, start_us: int = 0) -> list[ScheduledSend]:
        """The rows of a chunk, whose time begins at `start_us` or at once, without those who have opted out.

        Of a chunk taken over, one that its dead owner may have sent is kept: it is in doubt, whoever has opted out
        since.
        """
        state = self._claims.state
        rows = self._ports.audience.rows(state.plan or "", chunk.first_row, chunk.rows)
        if len(rows) != chunk.rows:
            raise LookupError(
                f"the plan of {self._campaign_id} lacks some of rows {chunk.first_row} to"
                f" {chunk.first_row + chunk.rows - 1}; plan it again"
            )
        progress = self._held.add(chunk, len(rows))
        read_us = self._clock.now_us()
        lane = lane_of_row(state.lanes, chunk.first_row)
        opening = opening_of(lane, state.window, max(read_us, start_us)) if lane is not None else ALWAYS
        closes_us = opening.end_us if opening is not None else read_us
        blocked = self._ports.opt_outs.opted_out({row.destination for row in rows})
        sends = []
        for row in rows:
            message_id = keys.message(self._campaign_id, row.row)
            send = ScheduledSend(progress, message_id, row, opt_out_read_us=read_us, closes_us=closes_us)
            if row.destination in blocked and row.fallback:
                # Read again and put on record when its turn comes, so that the next channel takes it.
                sends.append(replace(send, opt_out_read_us=0))
            elif row.destination in blocked and not (chunk.fence > 1 and self._attempts.was_begun(message_id)):
                progress.done(send, Outcome.SUPPRESSED)
            else:
                sends.append(send)
        return sends

    def _schedule_again(self) -> list[ScheduledSend]:
        """New campaign time and a new lease for the first of the rows that need them, a lease's worth; rows whose
        window has closed are left, and all of them when the run is over first."""
        while self._again and self._clock.now_us() < self._over_us:
            now = self._clock.now_us()
            self._leave([send for send in self._again if send.closes_us <= now])
            self._again = deque(send for send in self._again if send.closes_us > now)
            number = min(len(self._again), lease_units(self._claims.state.pace(now)))
            result = self._claims.book(number) if number else Wait(0)
            if isinstance(result, Claim):
                self._line.add([self._again.popleft() for _ in range(number)], result.start_us, result.end_us)
                return self._line.take()
            if isinstance(result, Wait):
                self._clock.sleep_us(min(result.microseconds, POLL_US))
                self._held.keep()
            elif result.status is not CampaignStatus.RUNNING:
                break
        left = list(self._again)
        self._again.clear()
        if self._clock.now_us() < self._over_us:
            return left
        self._leave(left)
        return []

    @staticmethod
    def _leave(sends: Iterable[ScheduledSend]) -> None:
        for send in sends:
            send.progress.left_unsent(send)

    def _dispatch(
        self, sends: list[ScheduledSend], upkeep: Upkeep, pool: ThreadPoolExecutor, *, alone: bool = False
    ) -> bool:
        """Start each send shortly before its slot, early enough for its intent to be on record; False if the campaign
        must not go on, and the rest is left."""
        for place, send in enumerate(sends):
            start_us = send.slot_us - self._attempts.lead_us
            self._clock.sleep_us(start_us - upkeep.ahead_us - self._clock.now_us())
            upkeep.keep()
            upkeep.ask_ahead(start_us)
            self._clock.sleep_us(start_us - self._clock.now_us())
            if not self._still_runs(upkeep, alone=alone):
                self._leave(sends[place:])
                return False
            self._attempts.submit(pool, send, self._claims.state.terms)
        return True

    def _finish_late_rows(self, until_us: int, upkeep: Upkeep, pool: ThreadPoolExecutor) -> None:
        """Send rows whose slots were missed, until none is left or the time is over."""
        while True:
            self._attempts.drain()
            due_us = self._attempts.next_late_us()
            waiting = bool(self._line or self._again)
            if self._clock.now_us() > until_us or (due_us is None and not waiting):
                return
            if due_us is not None and not waiting:
                self._clock.sleep_us(min(min(due_us, until_us + 1) - self._clock.now_us(), KEEP_US // 2))
            self._again.extend(self._attempts.take_late(self._clock.now_us()))
            sends = self._schedule_again() if self._again else self._line.take()
            if not self._may_go_on(sends, upkeep) or not self._dispatch(sends, upkeep, pool):
                return
            upkeep.keep()

    def _let_go(self, pool: ThreadPoolExecutor) -> None:
        """Close what is finished, withdraw intents that were never called and release what others may go on with."""
        pool.shutdown(wait=True)
        self._leave([*self._attempts.take_late(), *self._again, *self._line.clear()])
        if self._attempts.stop_code is not None:
            self._pause(PauseReason.PROVIDER_STOP, self._attempts.stop_code)
        ended = self._report.end is RunEnd.STOPPED or (
            self._report.end is RunEnd.NOT_RUNNING
            and self._ports.campaigns.load(self._campaign_id).status not in OPEN_STATUSES
        )
        left = [*self._held.let_go(self._attempts, self._owner, ended=ended), *self._abandoned, *self._deferred]
        self._report.chunks_left = len(left)
        if left and self._report.end in (RunEnd.NOTHING_LEFT, RunEnd.WINDOW_CLOSED):
            soon = any(self._opens_soon(chunk) for chunk in left)
            self._report.end = RunEnd.TIME_UP if soon else RunEnd.WINDOW_CLOSED
        self._claims.give_back()

    def _defer_closed(self) -> None:
        """Leave abandoned chunks alone whose window does not open soon."""
        chunks = list(self._abandoned)
        self._abandoned = deque(chunk for chunk in chunks if self._opens_soon(chunk))
        self._deferred = [chunk for chunk in chunks if chunk not in self._abandoned]

    def _opens_soon(self, chunk: Chunk) -> bool:
        lane = lane_of_row(self._claims.state.lanes, chunk.first_row)
        opens_us = next_opening_us([lane] if lane else [], self._claims.state.window, self._clock.now_us())
        return opens_us is not None and opens_us <= self._clock.now_us() + SOON_US
