"""One row's way to the provider: intent, last look at the opt-out list, slot, one call, its outcome on record."""

from __future__ import annotations

import threading
import zlib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from lambdas.core.error_watch import ErrorWatch
from lambdas.core.intents import IntentOutcome
from lambdas.core.lanes import ALWAYS
from lambdas.core.own_codes import OPTED_OUT
from lambdas.core.pacing import MAX_LATE_US, MICROSECOND
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import Clock, OptOutPort, OutboundMessage, ProviderPort, SendTerms, TrackingPort
from lambdas.core.provider_errors import ErrorClass, ProviderError

MAX_ATTEMPTS = 5
"""Provider calls that failed on the provider's side before a row counts as refused; those it was too busy for, or
could not be reached for, do not count."""
OPT_OUT_MAX_AGE_US = MICROSECOND
"""No call is made on an opt-out read that began longer ago than this."""
FIRST_BACK_OFF_US = MICROSECOND // 2
MAX_BACK_OFF_US = 8 * MICROSECOND
BUSY_REFUSALS = 10
"""Calls refused one after the other, without one that was taken, after which the provider counts as busy."""
BUSY_STEP_US = MICROSECOND
"""Calls to a busy provider are repeated in steps of this, so that many rows take one claim and one lease together."""
FEW_FUTURES = 256
"""Sends that ended are forgotten this many at a time: to look through all at each was nearly half of its cost."""
MIN_LEAD_US = 20_000
MAX_LEAD_US = 400_000


class Outcome(StrEnum):
    """What became of a row in this run; `ANSWERED` rows had their outcome from an earlier worker."""

    SENT = "sent"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    SUPPRESSED = "suppressed"
    UNSENT = "unsent"
    ANSWERED = "answered"


class Progress(Protocol):
    """Who hears what became of a row."""

    lost: bool

    def done(self, send: ScheduledSend, outcome: Outcome) -> None:
        """The row has its outcome."""

    def left_unsent(self, send: ScheduledSend) -> None:
        """The row was not handed over: no call was made, or one that the provider refuses to everybody."""


@dataclass(frozen=True, slots=True)
class ScheduledSend:
    """A row on its way: `slot_us` is when it may be called, `lease_end_us` when its lease is over.

    `message_id` is our id of the message, the same in every run. `attempts` are the calls that count against the row,
    `waits` those that the provider was too busy for. From `closes_us` on its send window is closed: no
    call begins, however late its slot was kept.
    """

    progress: Progress
    message_id: str
    row: PlannedRow
    opt_out_read_us: int
    slot_us: int = 0
    lease_end_us: int = 0
    intended: bool = False
    attempts: int = 0
    waits: int = 0
    not_before_us: int = 0
    closes_us: int = ALWAYS.end_us

    def at(self, slot_us: int, lease_end_us: int) -> ScheduledSend:
        """The same row with a slot."""
        return replace(self, slot_us=slot_us, lease_end_us=lease_end_us)


class Lead:
    """How long before its slot a send must start: three times what preparing one takes of late.

    Whoever shares it shares what has been learnt, so a container's next runs need not learn it again.
    """

    def __init__(self) -> None:
        self._preparation_us = float(MIN_LEAD_US)

    @property
    def us(self) -> int:
        """The lead that holds now."""
        return int(max(MIN_LEAD_US, min(MAX_LEAD_US, 3 * self._preparation_us)))

    def learn(self, preparation_us: int) -> None:
        """Take in how long preparing one send took."""
        self._preparation_us += 0.1 * (preparation_us - self._preparation_us)


def back_off_us(send: ScheduledSend) -> int:
    """Exponential back-off from half a second to eight, spread over +-50 % by the message's own id (no two rows in
    step)."""
    refusals = send.attempts + send.waits
    spread = zlib.crc32(f"{send.message_id}/{refusals}".encode()) / 0xFFFFFFFF + 0.5
    return int(min(MAX_BACK_OFF_US, FIRST_BACK_OFF_US * 2 ** (refusals - 1)) * spread)


class Attempts:
    """Runs sends on a pool and keeps what they leave behind: missed slots, throttles, a reason to stop."""

    def __init__(
        self,
        tracking: TrackingPort,
        provider: ProviderPort,
        opt_outs: OptOutPort,
        clock: Clock,
        *,
        owner: str,
        lead: Lead | None = None,
        errors: ErrorWatch | None = None,
    ) -> None:
        self._tracking = tracking
        self._provider = provider
        self._opt_outs = opt_outs
        self._clock = clock
        self._owner = owner
        self._late: list[ScheduledSend] = []
        self._late_lock = threading.Lock()
        self._futures: set[Future[None]] = set()
        self._most_futures = FEW_FUTURES
        self._failed = False
        self._lead = lead or Lead()
        self._refused_in_a_row = 0
        self._refused_us = 0
        self.errors = errors or ErrorWatch()
        self.stop_code: str | None = None
        self.halted = False
        """No further call is to be made; rows that have none yet are left."""
        self.throttled = 0
        self.given_up = 0
        self.not_withdrawn = 0
        """Intents of rows that were never called, but which another writer had changed before they were taken back."""
        self.handed_over = 0
        """Calls that the provider took or may have taken; exact where one thread sends, as single messages are."""

    @property
    def lead_us(self) -> int:
        """How long before its slot a send must start."""
        return self._lead.us

    @property
    def provider_is_busy(self) -> bool:
        """Whether the provider takes no calls at present; the rows that wait for it find out when it does again."""
        lately = self._clock.now_us() - self._refused_us < 2 * MAX_BACK_OFF_US
        return self._refused_in_a_row >= BUSY_REFUSALS and lately

    def submit(self, pool: ThreadPoolExecutor, send: ScheduledSend, terms: SendTerms) -> None:
        """Start one send; raises what an earlier one failed with."""
        if self._failed or len(self._futures) >= self._most_futures:
            self._collect()
        future = pool.submit(self.attempt, send, terms)
        future.add_done_callback(self._note_failure)
        self._futures.add(future)

    def drain(self) -> None:
        """Wait for all sends under way; raises what one failed with."""
        wait(self._futures)
        self._collect()

    def take_late(self, now_us: int | None = None) -> list[ScheduledSend]:
        """Take the rows whose slots were missed or whose call may be repeated; with `now_us` only those whose back-off
        is over."""
        with self._late_lock:
            late = self._late
            due = [now_us is None or send.not_before_us <= now_us for send in late]
            self._late = [send for send, is_due in zip(late, due, strict=True) if not is_due]
        return [send for send, is_due in zip(late, due, strict=True) if is_due]

    def next_late_us(self) -> int | None:
        """When the first late row may be tried again; None if there is none."""
        with self._late_lock:
            return min((send.not_before_us for send in self._late), default=None)

    def _put_late(self, send: ScheduledSend) -> None:
        with self._late_lock:
            self._late.append(send)

    def was_begun(self, message_id: str) -> bool:
        """Whether some run has put the message's intent."""
        return self._tracking.has_row(message_id)

    def withdraw(self, sends: list[ScheduledSend], owner: str) -> None:
        """Take back the intents of rows that were not handed over, so that a successor may send them."""
        for send in sends:
            if send.intended and not self._tracking.withdraw(send.message_id, owner):
                self.not_withdrawn += 1

    def _note_failure(self, future: Future[None]) -> None:
        if future.exception() is not None:
            self._failed = True

    def _collect(self) -> None:
        self._failed = False
        finished = {future for future in self._futures if future.done()}
        self._futures -= finished
        self._most_futures = max(FEW_FUTURES, 2 * len(self._futures))
        for future in finished:
            future.result()

    def attempt(self, send: ScheduledSend, terms: SendTerms) -> None:
        """Bring one row to its outcome, or put it among the late ones."""
        if self.stop_code is not None or self.halted or send.progress.lost or send.slot_us >= send.closes_us:
            send.progress.left_unsent(send)
            return
        started = self._clock.now_us()
        if not send.intended:
            found = self._tracking.intend(
                terms.campaign_id, send.row, send.message_id, self._owner, started // 1_000, send.slot_us
            )
            if found is not IntentOutcome.CREATED:
                self._answered_before(send, found)
                return
            send = replace(send, intended=True)
        slept_us = 0
        if send.slot_us + MAX_LATE_US - send.opt_out_read_us > OPT_OUT_MAX_AGE_US:
            slept_us = self._sleep_until(send.slot_us - self.lead_us)
            send = replace(send, opt_out_read_us=self._clock.now_us())
            if self._has_opted_out(send):
                self._suppress(send)
                return
        self._lead.learn(self._clock.now_us() - started - slept_us)
        self._sleep_until(send.slot_us)
        now = self._clock.now_us()
        if now >= send.closes_us:
            send.progress.left_unsent(send)
            return
        missed = now > send.slot_us + MAX_LATE_US or now > send.lease_end_us + MAX_LATE_US
        if missed or now - send.opt_out_read_us > OPT_OUT_MAX_AGE_US:
            self.given_up += 1
            self._put_late(send)
            return
        self._call(send, terms)

    def _has_opted_out(self, send: ScheduledSend) -> bool:
        """The last look before the call; raises what reading fails with, the row left to a successor."""
        try:
            return bool(self._opt_outs.opted_out({send.row.destination}))
        except Exception:
            send.progress.left_unsent(send)
            raise

    def _sleep_until(self, at_us: int) -> int:
        """Wait until then; the microseconds waited."""
        before_us = self._clock.now_us()
        self._clock.sleep_us(at_us - before_us)
        return self._clock.now_us() - before_us

    def _answered_before(self, send: ScheduledSend, found: IntentOutcome) -> None:
        """A row that an earlier worker touched is never sent again; without an answer it is in doubt, unless somebody
        may be at work on it."""
        if found is IntentOutcome.HELD:
            send.progress.left_unsent(send)
        elif found is IntentOutcome.UNANSWERED:
            self._tracking.in_doubt(send.message_id, self._clock.now_us() // 1_000)
            send.progress.done(send, Outcome.IN_DOUBT)
        else:
            send.progress.done(send, Outcome.ANSWERED)

    def _suppress(self, send: ScheduledSend) -> None:
        """Leave no row of a message that is not sent, unless another channel is to take it from there."""
        if send.row.fallback:
            self._tracking.refused(send.message_id, OPTED_OUT, self._clock.now_us() // 1_000)
            send.progress.done(send, Outcome.REFUSED)
            return
        self.withdraw([send], self._owner)
        send.progress.done(send, Outcome.SUPPRESSED)

    def _call(self, send: ScheduledSend, terms: SendTerms) -> None:
        message = OutboundMessage(send.message_id, send.row, terms)
        called_ms = self._clock.now_us() // 1_000
        self.handed_over += 1
        try:
            provider_id = self._provider.send(message)
        except ProviderError as error:
            self.handed_over -= int(error.error_class is not ErrorClass.IN_DOUBT)
            self._not_accepted(send, error)
            return
        self._refused_in_a_row = 0
        self.errors.record(send.message_id, failed=False)
        self._tracking.accepted(send.message_id, provider_id, called_ms)
        send.progress.done(send, Outcome.SENT)

    def _not_accepted(self, send: ScheduledSend, error: ProviderError) -> None:
        now_ms = self._clock.now_us() // 1_000
        self.throttled += int(error.throttled)
        if error.error_class is ErrorClass.WAIT:
            self._refused_in_a_row += 1
            self._refused_us = self._clock.now_us()
            self._try_again(replace(send, waits=send.waits + 1))
            return
        self.errors.record(send.message_id, failed=True)
        if error.error_class is ErrorClass.RETRY and send.attempts + 1 < MAX_ATTEMPTS:
            self._try_again(replace(send, attempts=send.attempts + 1))
            return
        if error.error_class is ErrorClass.IN_DOUBT:
            self._tracking.in_doubt(send.message_id, now_ms)
            send.progress.done(send, Outcome.IN_DOUBT)
            return
        if error.error_class is ErrorClass.SUPPRESS:
            self._opt_outs.remember(send.row.destination)
        if error.error_class is ErrorClass.STOP:
            self.stop_code = error.code
            send.progress.left_unsent(send)
            return
        if send.row.fallback:
            # Its next channel takes the message: what counts is whether that reaches anybody.
            self.errors.record(send.message_id, failed=False)
        self._tracking.refused(send.message_id, error.code, now_ms)
        send.progress.done(send, Outcome.REFUSED)

    def _try_again(self, send: ScheduledSend) -> None:
        not_before_us = self._clock.now_us() + back_off_us(send)
        if self.provider_is_busy:
            not_before_us = -(-not_before_us // BUSY_STEP_US) * BUSY_STEP_US
        self._put_late(replace(send, not_before_us=not_before_us))
