"""Sending one row by itself: the same intent, pacing, opt-outs and one call as a row of a campaign's chunk.

A single message (`MessageSender`) goes in the priority lane: it books what is free of the identity's rate, of which
campaigns leave a tenth alone (`identity_calendar.py`). Its money comes from a daily cap; a worker that dies leaves what
it took with the day, so the cap errs on the safe side by a message a death.

A campaign's retries and fallback legs (`LegSender`) are sent in the campaign's name and out of the campaigns' share:
beside its rows on the identity, at its rate, and never in the way of a single message. Their money comes from the
campaign's cap, and only once they have a slot: what waits for its turn holds nothing that others could spend.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from lambdas.core import keys
from lambdas.core.attempts import Attempts, Lead, Outcome, ScheduledSend
from lambdas.core.identity_calendar import MILLI, PRIORITY_MARK, IdentityLease
from lambdas.core.intents import IntentOutcome
from lambdas.core.lanes import ALWAYS
from lambdas.core.own_codes import OPTED_OUT, PUMPING_GUARD, SPEND_CAP, WISHES
from lambdas.core.pacing import MICROSECOND, Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import Clock, LimiterPort, OptOutPort, SendTerms, TrackingPort

POLL_US = 100_000
ANY_RATE = 10**9 * MILLI
PATIENCE_US = MICROSECOND
"""How long a message of a customer beyond its share waits in place; longer, and others would wait behind it."""


class SingleOutcome(StrEnum):
    """What became of an order in this run; `LATER` asks for it to come again: this run has not handed it over.

    `BEYOND_SHARE` as well, because its customer has more under way than its share and others want the time.
    Without a call, `SUPPRESSED` is on record as not wanted any more (`WISHES`), `GUARDED` as held back by the pumping
    guard, `NOT_SENT` with another reason.
    """

    SENT = "sent"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    NOT_SENT = "not_sent"
    GUARDED = "guarded"
    SUPPRESSED = "suppressed"
    DONE_BEFORE = "done_before"
    LATER = "later"
    BEYOND_SHARE = "beyond_share"


def postponed_s(age_s: float) -> int:
    """When a message beyond its customer's share comes again: after a quarter of the time that it has waited, which
    keeps a backlog out of the way of others and of the bill, and lets it through as fast as there is room."""
    return int(max(5, min(300, age_s / 4)))


class PriorityLimiterPort(LimiterPort, Protocol):
    """The rate-limits table, where customers share the priority lane."""

    def share_wait(self, owner: str) -> Wait | None:
        """How long a customer that holds its share has to wait, as far as is known without a write; else None."""


class DayBudgetPort(Protocol):
    """What pays: the daily cap of single messages, or a campaign's own for its legs."""

    def take(self, amount_usd: Decimal) -> str | None:
        """Take money in one conditional write; the UTC day that pays, None if the cap does not suffice."""

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        """Return to a day what was not spent."""


class GuardPort(Protocol):
    """What protects single messages against SMS pumping."""

    def allows(self, message_id: str, row: PlannedRow) -> bool:
        """Take in a message that is about to be sent; False if it must not be."""


class SinglePorts(NamedTuple):
    """The outside world of a message that is sent by itself."""

    tracking: TrackingPort
    limiter: PriorityLimiterPort
    opt_outs: OptOutPort
    budget: DayBudgetPort
    clock: Clock


@dataclass(slots=True)
class _Progress:
    """The outcome of the one row; `unsent` holds it if its call was never made."""

    lost: bool = False
    outcome: Outcome | None = None
    unsent: list[ScheduledSend] = field(default_factory=list)

    def done(self, send: ScheduledSend, outcome: Outcome) -> None:
        self.outcome = outcome

    def left_unsent(self, send: ScheduledSend) -> None:
        self.outcome = Outcome.UNSENT
        self.unsent.append(send)


_OUTCOMES = {
    Outcome.SENT: SingleOutcome.SENT,
    Outcome.REFUSED: SingleOutcome.REFUSED,
    Outcome.IN_DOUBT: SingleOutcome.IN_DOUBT,
    Outcome.ANSWERED: SingleOutcome.DONE_BEFORE,
    Outcome.UNSENT: SingleOutcome.LATER,
}
_NOT_SENT = {**dict.fromkeys(WISHES, SingleOutcome.SUPPRESSED), PUMPING_GUARD: SingleOutcome.GUARDED}


class SingleSender(ABC):
    """Sends one message; not reusable. Its two kinds differ in who holds the slot, and in when money is taken."""

    campaign_id = ""

    def __init__(self, ports: SinglePorts, attempts: Attempts, *, owner: str) -> None:
        self._ports = ports
        self._attempts = attempts
        self._owner = owner
        self._paid_by: str | None = None
        self._beyond_share = False
        self._lacked_money = False
        self.lacked_slot = False
        """The identity had no slot to give in time: what AvailableCapacity tells of."""

    @abstractmethod
    def _hindrance(self, message_id: str, row: PlannedRow) -> str | None:
        """The code of what keeps the message from being sent at all, looked for before it waits for a slot."""

    @abstractmethod
    def _reserve(self, row: PlannedRow, wanted_us: int) -> IdentityLease | Wait:
        """Ask for a slot that leaves the time to be at work."""

    @abstractmethod
    def _attempt(self, send: ScheduledSend, terms: SendTerms) -> bool:
        """Use the slot; False if it may not be used."""

    def _is_beyond_share(self, row: PlannedRow) -> bool:
        """Whether others want the time that this message would take."""
        return False

    def send(
        self,
        message_id: str,
        row: PlannedRow,
        terms: SendTerms,
        *,
        wanted_us: int,
        until_us: int,
        closes_us: int = ALWAYS.end_us,
    ) -> SingleOutcome:
        """Lease time and send by `until_us`, and before its send window closes (`closes_us`), else answer `LATER`;
        raises what a store failed with (fail closed).

        `wanted_us` is when a single message was first seen: the identity's wait counts from then. A provider that
        refuses everything gets it later too, because whoever corrects that wants it sent. A customer's share is looked
        at before anything is written, so that what is beyond it costs next to nothing.
        """
        if self._is_beyond_share(row):
            return SingleOutcome.BEYOND_SHARE
        read_us = self._ports.clock.now_us()
        if self._ports.opt_outs.opted_out({row.destination}):
            return self.record_not_sent(message_id, row, OPTED_OUT)
        if (code := self._hindrance(message_id, row)) is not None:
            return self.record_not_sent(message_id, row, code)
        progress = _Progress()
        send = ScheduledSend(progress, message_id, row, opt_out_read_us=read_us, closes_us=closes_us)
        try:
            outcome = self._bring_out(send, progress, terms, wanted_us, min(until_us, closes_us))
        except Exception:
            self._take_back(message_id)
            raise
        finally:
            self._settle(row)
        if outcome is Outcome.SUPPRESSED:
            return self.record_not_sent(message_id, row, OPTED_OUT)
        if self._lacked_money:
            return self.record_not_sent(message_id, row, SPEND_CAP)
        return SingleOutcome.BEYOND_SHARE if self._beyond_share else _OUTCOMES[outcome]

    def _bring_out(
        self, send: ScheduledSend, progress: _Progress, terms: SendTerms, wanted_us: int, until_us: int
    ) -> Outcome:
        """Attempt until there is an outcome; `UNSENT`, with no intent left behind, where no slot comes in time."""
        clock = self._ports.clock
        while progress.outcome is None:
            scheduled = self._lease(send, wanted_us, until_us)
            if scheduled is None or not self._attempt(scheduled, terms):
                progress.left_unsent(send)
                break
            late = self._attempts.take_late()
            if late:
                send = late[0]
                clock.sleep_us(min(send.not_before_us, until_us) - clock.now_us())
                wanted_us = clock.now_us()
        self._attempts.withdraw(progress.unsent, self._owner)
        if self._attempts.not_withdrawn:
            raise RuntimeError(f"{send.message_id} was not called, but another run has changed its row meanwhile")
        return progress.outcome or Outcome.UNSENT

    def _take_back(self, message_id: str) -> None:
        """After a failure, take back what intent this run may have put, unless the message was handed over."""
        if not self._attempts.handed_over:
            self._ports.tracking.withdraw(message_id, self._owner)

    def _lease(self, send: ScheduledSend, wanted_us: int, until_us: int) -> ScheduledSend | None:
        """A slot, as soon as the identity has one to give before `until_us`; a customer beyond its share has less
        patience, because others wait behind it."""
        clock = self._ports.clock
        patient_until_us = clock.now_us() + PATIENCE_US
        while clock.now_us() < until_us:
            lease = self._reserve(send.row, wanted_us)
            if isinstance(lease, IdentityLease):
                return send.at(lease.slot(0), lease.end_us)
            if lease.beyond_share and clock.now_us() >= patient_until_us:
                self._beyond_share = True
                return None
            self._pause(lease)
        self.lacked_slot = True
        return None

    def _pause(self, wait: Wait) -> None:
        self._ports.clock.sleep_us(min(wait.microseconds, POLL_US))

    def _pay(self, row: PlannedRow) -> bool:
        self._paid_by = self._ports.budget.take(row.reserved_usd)
        return self._paid_by is not None

    def _settle(self, row: PlannedRow) -> None:
        """Give the money back unless this run handed the message over: what an earlier run did, it paid for itself."""
        day, self._paid_by = self._paid_by, None
        if day is not None and not self._attempts.handed_over:
            self._ports.budget.give_back(row.reserved_usd, day)

    def record_not_sent(self, message_id: str, row: PlannedRow, code: str) -> SingleOutcome:
        """Keep on record why a message was never handed to the provider; one that an earlier run may have handed over
        is in doubt instead, once that run has ended."""
        now_ms = self._ports.clock.now_us() // 1_000
        found = self._ports.tracking.intend(self.campaign_id, row, message_id, self._owner, now_ms, 0)
        if found is IntentOutcome.ANSWERED:
            return SingleOutcome.DONE_BEFORE
        if found is IntentOutcome.HELD:
            return SingleOutcome.LATER
        if found is IntentOutcome.UNANSWERED:
            self._ports.tracking.in_doubt(message_id, now_ms)
            return SingleOutcome.IN_DOUBT
        try:
            self._ports.tracking.refused(message_id, code, now_ms)
        except Exception:
            self._take_back(message_id)
            raise
        return _NOT_SENT.get(code, SingleOutcome.NOT_SENT)


class MessageSender(SingleSender):
    """Sends a single message, within its customer's share of the priority lane, past the guard, paid for at once."""

    def __init__(self, ports: SinglePorts, attempts: Attempts, *, owner: str, guard: GuardPort) -> None:
        super().__init__(ports, attempts, owner=owner)
        self._guard = guard

    def _is_beyond_share(self, row: PlannedRow) -> bool:
        return self._ports.limiter.share_wait(_holder(row)) is not None

    def _hindrance(self, message_id: str, row: PlannedRow) -> str | None:
        if not self._guard.allows(message_id, row):
            return PUMPING_GUARD
        return None if self._pay(row) else SPEND_CAP

    def _reserve(self, row: PlannedRow, wanted_us: int) -> IdentityLease | Wait:
        soonest_us = self._ports.clock.now_us() + self._attempts.lead_us
        return self._ports.limiter.reserve(
            _holder(row), row.parts, not_before_us=soonest_us, milli_rate=ANY_RATE, wanted_us=wanted_us
        )

    def _attempt(self, send: ScheduledSend, terms: SendTerms) -> bool:
        self._attempts.attempt(send, terms)
        return True


class LegSender(SingleSender):
    """Sends a campaign's retry or fallback leg, at the campaign's rate, paid for by the campaign right before its call.

    No guard looks at it: somebody has planned its audience. `paying` is how long before its lead it takes its money;
    like the lead, it learns.
    """

    def __init__(
        self, ports: SinglePorts, attempts: Attempts, *, owner: str, campaign_id: str, milli_rate: int, paying: Lead
    ) -> None:
        super().__init__(ports, attempts, owner=owner)
        self.campaign_id = campaign_id
        self._milli_rate = milli_rate
        self._paying = paying

    @property
    def _ahead_us(self) -> int:
        """How long before its slot it must be at work."""
        return self._attempts.lead_us + self._paying.us

    def _hindrance(self, message_id: str, row: PlannedRow) -> str | None:
        return None

    def _reserve(self, row: PlannedRow, wanted_us: int) -> IdentityLease | Wait:
        soonest_us = self._ports.clock.now_us() + self._ahead_us
        return self._ports.limiter.reserve(
            self.campaign_id, row.parts, not_before_us=soonest_us, milli_rate=self._milli_rate, wanted_us=None
        )

    def _attempt(self, send: ScheduledSend, terms: SendTerms) -> bool:
        """Take the money right before the call, and give it back where none was made; False if there is none."""
        clock = self._ports.clock
        clock.sleep_us(send.slot_us - self._ahead_us - clock.now_us())
        began_us = clock.now_us()
        self._lacked_money = not self._pay(send.row)
        self._paying.learn(clock.now_us() - began_us)
        if self._lacked_money:
            return False
        self._attempts.attempt(send, terms)
        self._settle(send.row)
        return True


def _holder(row: PlannedRow) -> str:
    """Who owns a single message in its identity's calendar: its customer."""
    return f"{PRIORITY_MARK}{keys.customer_tag(row.customer_id)}"
