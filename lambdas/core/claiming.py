"""What one run takes of a campaign: its state as last seen, the next rows, and the campaign's time for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from lambdas.core.campaign import CampaignStatus, PauseReason, StopReason
from lambdas.core.day_cap import CampaignDayPort, DayFull, DayPurse, affordable_rows
from lambdas.core.deferral import SOON_US, claimable, next_opening_us, rows_that_fit
from lambdas.core.lanes import Lane
from lambdas.core.leasing import POLL_US
from lambdas.core.pacing import MICROSECOND, Booking, Wait, duration_us, lease_units, next_booking
from lambdas.core.ports import CampaignPort, CampaignState, Claim, Clock
from lambdas.core.run_report import RunEnd
from lambdas.core.send_window import Opening

PREPARATION_US = 100_000
"""Time is claimed from this far ahead: opening the chunk, leasing and putting the first intents come before its first
slot, and a slice whose first slots have passed costs those slots.
"""
CAP_PATIENCE_US = 5 * MICROSECOND
"""How long a cap without room is looked at again before its campaign pauses or stops: other runs have reserved a moment
before they claim, chunks give back what they did not spend as they close, and legs what they took for a call that was
refused."""


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign as it was read, and when that was asked for."""

    asked_us: int
    state: CampaignState


class Claims:
    """Claims for one run; used by one thread at a time, but for `look`, `learn` and `load`, which any may call."""

    def __init__(self, campaign_id: str, campaigns: CampaignPort, day: CampaignDayPort, clock: Clock) -> None:
        self._campaign_id = campaign_id
        self._campaigns = campaigns
        self._clock = clock
        self._purse = DayPurse(day)
        self._day_rows: int | None = None
        """What the day's cap has room for where that is less than a chunk."""
        self._day_full_us: int | None = None
        self._spent_us: int | None = None
        """Since when the campaign's own cap has had no room that an open chunk could make."""
        self.seen_us = 0
        """When the store was last asked whether the campaign runs, by a read or by a claim."""
        self.state = self.load()
        self.booked_tps = self.state.tps
        """The campaign's rate by which time was booked last."""

    @property
    def lease_us(self) -> int:
        """How long a lease of the campaign's own time is."""
        pace = self.state.pace(self._clock.now_us())
        return duration_us(lease_units(pace), pace)

    def load(self) -> CampaignState:
        """The campaign now; what it says may be older than `seen_us`, never younger."""
        look = self.look()
        self.seen_us = max(self.seen_us, look.asked_us)
        return look.state

    def look(self) -> Look:
        """Read the campaign; nothing follows from it until it is learnt."""
        asked_us = self._clock.now_us()
        return Look(asked_us, self._campaigns.load(self._campaign_id))

    def learn(self, look: Look) -> bool:
        """Note when a look was asked for; False if a newer answer is known."""
        if look.asked_us < self.seen_us:
            return False
        self.seen_us = look.asked_us
        return True

    def next(self, deadline_us: int) -> Claim | Wait | RunEnd:
        """Try to claim the next rows; a `Wait` that has passed when pace, budget or window do not allow it yet, or why
        there is nothing (more) to claim."""
        state, now = self.state, self._clock.now_us()
        if state.status is not CampaignStatus.RUNNING or state.plan is None:
            return RunEnd.NOT_RUNNING
        left = [lane for lane in state.lanes if lane.next_row < lane.end_row]
        if not left:
            return RunEnd.NOTHING_LEFT
        if now >= deadline_us:
            return RunEnd.TIME_UP
        start_us = self._start_us()
        found = claimable(left, state.window, start_us)
        if found is None:
            return self._wait_for_an_opening(left, now)
        lane, opening = found
        rows = self._affordable_rows(lane)
        if self._stays_spent(rows):
            self._campaigns.stop(self._campaign_id, StopReason.SPEND_CAP)
            return RunEnd.STOPPED
        rows = rows if self._day_rows is None else min(rows, self._day_rows)
        booking = self._booking_within(opening, rows, start_us) if rows else Wait(POLL_US)
        if isinstance(booking, Wait):
            return self._wait(booking.microseconds)
        return self._claim(booking, lane, rows=booking.units)

    def book(self, rows: int) -> Claim | Wait | CampaignState:
        """Time for rows that are claimed already; a `Wait` that has not passed, or the state that refuses it."""
        booking = self._booking(rows)
        if isinstance(booking, Wait):
            return booking
        return self._try(booking, None, 0, Decimal(0))

    def _claim(self, booking: Booking, lane: Lane, rows: int) -> Claim | Wait | RunEnd:
        cost_usd = lane.highest_price_usd * rows
        if (full := self._purse.hold(cost_usd)) is not None:
            return self._claim_less_today(full, lane)
        self._day_rows = self._day_full_us = None
        # Paid first: whether a claim was made whose answer is lost nobody knows, so the day keeps paying for it.
        day = self._purse.pay(cost_usd)
        result = self._try(booking, lane, rows, cost_usd)
        if isinstance(result, Claim):
            return replace(result, day=day)
        self._purse.take_back(cost_usd)
        return Wait(0)

    def _claim_less_today(self, full: DayFull, lane: Lane) -> Wait | RunEnd:
        """Go on with as many rows as the day's cap has room for; pause where that is none for a while."""
        now = self._clock.now_us()
        self._day_rows = affordable_rows(full.room_usd, lane.highest_price_usd, lane.end_row - lane.next_row) or None
        if self._day_rows is not None:
            return Wait(0)
        if self._day_full_us is None:
            self._day_full_us = now
        if now - self._day_full_us < CAP_PATIENCE_US:
            self._clock.sleep_us(MICROSECOND)
            self.state = self.load()
            return Wait(0)
        self._campaigns.pause(self._campaign_id, PauseReason.DAY_CAP)
        return RunEnd.NOT_RUNNING

    def _stays_spent(self, affordable_rows: int) -> bool:
        """Whether the campaign's cap has room for no row, and neither an open chunk nor a leg could make any."""
        now = self._clock.now_us()
        if affordable_rows or self.state.reserved_usd > 0:
            self._spent_us = None
            return False
        if self._spent_us is None:
            self._spent_us = now
        return not self.state.legs or now - self._spent_us >= CAP_PATIENCE_US

    def give_back(self) -> None:
        """Free what has been reserved of the day and not claimed with."""
        self._purse.give_back()

    def _try(self, booking: Booking, lane: Lane | None, rows: int, reserve_usd: Decimal) -> Claim | CampaignState:
        asked_us = self._clock.now_us()
        result = self._campaigns.claim(self._campaign_id, booking, lane, rows, reserve_usd)
        self.state = result.state if isinstance(result, Claim) else result
        if self.state.status is CampaignStatus.RUNNING:
            self.seen_us = max(self.seen_us, asked_us)
        return result

    def _wait(self, microseconds: int) -> Wait:
        self._clock.sleep_us(min(microseconds, POLL_US))
        self.state = self.load()
        return Wait(microseconds)

    def _wait_for_an_opening(self, left: list[Lane], now_us: int) -> Wait | RunEnd:
        opens_us = next_opening_us(left, self.state.window, now_us)
        if opens_us is None or opens_us > now_us + SOON_US:
            return RunEnd.WINDOW_CLOSED
        self._clock.sleep_us(min(max(opens_us - now_us - PREPARATION_US, POLL_US), MICROSECOND))
        self.state = self.load()
        return Wait(0)

    def _start_us(self) -> int:
        """Where the campaign's next time begins; where nothing is booked, far enough ahead to be ready for it."""
        now = self._clock.now_us()
        booked_us = self.state.booked_until_us
        return now + PREPARATION_US if booked_us is None or booked_us < now else booked_us

    def _booking(self, rows: int) -> Booking | Wait:
        now, booked_us = self._clock.now_us(), self.state.booked_until_us
        if booked_us is None or booked_us < now:
            now += PREPARATION_US
        self.booked_tps = self.state.tps
        booking = next_booking(booked_us, now_us=now, units=rows, rate=self.state.pace(now))
        return booking if isinstance(booking, Wait) else replace(booking, tps=self.state.tps)

    def _booking_within(self, opening: Opening, rows: int, start_us: int) -> Booking | Wait:
        """Time for as many of `rows` as have their slots before the window closes."""
        booking = self._booking(min(rows, rows_that_fit(opening, start_us, self.state.pace(start_us))))
        if isinstance(booking, Wait):
            return booking
        last_slot_us = booking.duration_us * (booking.units - 1) // booking.units
        return replace(booking, latest_us=opening.end_us - 1 - last_slot_us)

    def _affordable_rows(self, lane: Lane) -> int:
        rows = min(lease_units(self.state.pace(self._clock.now_us())), lane.end_row - lane.next_row)
        return affordable_rows(self.state.budget_left_usd, lane.highest_price_usd, rows)
