"""Campaign pacing by dated leases: a lease is a slice of future time, and each send keeps its slot inside it.

A bucket with a burst overshoots in its first second; a dated lease cannot, because slices of one campaign never
overlap. What several campaigns share, an origination identity, has a calendar of leases (`identity_calendar.py`).
Times are integer microseconds since the epoch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MICROSECOND = 1_000_000
HORIZON_US = 3 * MICROSECOND
"""How far ahead time may be booked before a worker has to wait."""
MAX_LATE_US = 50_000
"""A slot missed by more than this is given up and booked again."""
MAX_CLOCK_SKEW_S = 1.0
"""Leases of two workers are disjoint only while their clocks agree; beyond this a worker books nothing."""
PRIORITY_SHARE = 0.1
"""Of an identity's rate: what campaigns may never book (`identity_calendar.py`)."""
LEASE_SECONDS = 2
MAX_LEASE_UNITS = 100


def lease_units(rate: float) -> int:
    """Units of one lease at `rate` per second: about two seconds of sending, 1..100."""
    return max(1, min(MAX_LEASE_UNITS, int(LEASE_SECONDS * rate)))


class Lease(NamedTuple):
    """The slice `[start_us, end_us)`; unit i keeps the slot `start_us + i * interval_us`."""

    start_us: int
    end_us: int
    units: int

    def slot(self, unit: int) -> int:
        """When unit `unit` (0-based) may be used."""
        return self.start_us + (self.end_us - self.start_us) * unit // self.units


class BookingKind(StrEnum):
    """How a booking moves `booked_until`: append to it while it lies ahead, or start again from now."""

    EXTEND = "extend"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Booking:
    """A conditional change of `booked_until`.

    EXTEND holds if `now_us <= booked_until <= horizon_us` and adds `duration_us`;
    RESTART holds if it is absent or `< now_us` and sets it to `now_us + duration_us`. `latest_us` bounds the horizon
    where the time must begin by then; neither holds once the campaign's rate is not `tps` any more, by which the time
    was reckoned (None for whatever it is).
    """

    kind: BookingKind
    now_us: int
    duration_us: int
    units: int
    latest_us: int | None = None
    tps: float | None = None

    @property
    def horizon_us(self) -> int:
        """The furthest `booked_until` that EXTEND accepts."""
        horizon_us = self.now_us + HORIZON_US
        return horizon_us if self.latest_us is None else min(horizon_us, self.latest_us)

    def applies_to(self, booked_until: int | None) -> bool:
        """Whether the condition holds for a stored value (what the store's condition expression says)."""
        if self.kind is BookingKind.RESTART:
            return booked_until is None or booked_until < self.now_us
        return booked_until is not None and self.now_us <= booked_until <= self.horizon_us

    def lease(self, booked_until_after: int) -> Lease:
        """The slice that the store's new value grants."""
        return Lease(booked_until_after - self.duration_us, booked_until_after, self.units)


class Wait(NamedTuple):
    """Booked further ahead than may be: try again after `microseconds`; `beyond_share` where others may still book."""

    microseconds: int
    beyond_share: bool = False


def duration_us(units: int, rate: float) -> int:
    """How long `units` take at `rate` per second, rounded up so that a rate is never exceeded."""
    if rate <= 0:
        raise ValueError(f"a rate must be positive, not {rate}")
    return max(1, math.ceil(units * MICROSECOND / rate))


def next_booking(booked_until: int | None, *, now_us: int, units: int, rate: float) -> Booking | Wait:
    """The change to try, given the value last seen; a failed condition shows a newer value to decide with again."""
    duration = duration_us(units, rate)
    if booked_until is None or booked_until < now_us:
        return Booking(BookingKind.RESTART, now_us, duration, units)
    if booked_until > now_us + HORIZON_US:
        return Wait(booked_until - now_us - HORIZON_US)
    return Booking(BookingKind.EXTEND, now_us, duration, units)


def clock_skew_s(local_s: float, server_date_s: float) -> float:
    """Seconds between our clock and a `Date` header, which is cut to whole seconds and so covers one."""
    if local_s < server_date_s:
        return server_date_s - local_s
    return max(0.0, local_s - (server_date_s + 1.0))


def available_capacity(slowest_wait_s: float) -> float:
    """AvailableCapacity in percent: 100 x (1 - the slowest lease wait of the last minute / 60 s)."""
    return 100.0 * (1.0 - min(60.0, max(0.0, slowest_wait_s)) / 60.0)
