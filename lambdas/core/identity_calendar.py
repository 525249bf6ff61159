"""The calendar of one origination identity: dated leases whose rates never add up to more than the identity's.

A campaign that asks for less than the identity's rate leaves the rest to others in the same seconds, so slow campaigns
do not shut each other out. Leases of one campaign never overlap, because its own rate holds too, but they may be booked
in any order: of two workers the one with the later rows is often faster, and must not cost the other its time.

Campaigns that together ask for more than there is share it max-min fairly: whoever asks for less than an equal share
gets what it asks for, the others divide the rest (D. Bertsekas and R. Gallager, "Data Networks", 6.5.2). What each asks
for stands in its leases, and its last one is remembered for a while after it has passed, so that a pause between two
leases gives nothing away; one that waits without a lease leaves a mark, which the others then make room for.

A tenth of the rate is a lane of its own: single messages may use whatever is free, campaigns leave that tenth alone. At
low rates a lease in that tenth is long (ten seconds for a part at 1/s), and the next single message waits for its end.

In that lane each customer is an owner. One that holds its share of the horizon, which is divided among all that are
active, may book no further ahead than what is free almost at once: nobody else wants that time. The others still have
the whole horizon, so a customer with fifty times as many messages delays theirs by a quarter of a second, and takes
what they leave (start-time fair queueing: P. Goyal, H. M. Vin and H. Cheng, SIGCOMM 1996).

Times are integer microseconds since the epoch, rates thousandths of a message part per second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lambdas.core.pacing import HORIZON_US, MICROSECOND, PRIORITY_SHARE, Wait

MILLI = 1_000
PRIORITY_MARK = "!"
"""First character of the owner of a priority lease; no campaign id starts with it."""
NEAR_US = MICROSECOND // 4
"""How far ahead a customer may book beyond its share."""
REMEMBER_US = 5 * MICROSECOND
"""How long an owner counts as active after its last lease: as long as the longest wait for its next one, the horizon
and a lease of two seconds."""
REMEMBERED_CUSTOMERS = HORIZON_US // NEAR_US
"""How many customers without a lease count as active: those that had the latest ones. Where as many share, a customer's
part of the horizon is no longer than what everybody may book near, so more of them would change little."""
MIN_SHARE = 0.1
"""A lease takes at least a tenth of the identity's rate (or all it asked for); a thinner sliver would last for ages."""


@dataclass(frozen=True, slots=True)
class IdentityLease:
    """Message parts for `owner` between `start_us` and `end_us`, evenly spaced at `milli_rate`; `asked` is the rate it
    wanted. One that ends as it starts is the mark of an owner that waits."""

    owner: str
    start_us: int
    end_us: int
    milli_rate: int
    asked: int = 0

    def slot(self, part: int) -> int:
        """When message part `part` (0-based) of the lease may be sent."""
        return self.start_us + part * MICROSECOND * MILLI // self.milli_rate

    @property
    def is_priority(self) -> bool:
        """Whether the lease belongs to a single message and not to a campaign."""
        return self.owner.startswith(PRIORITY_MARK)

    def covers(self, instant_us: int) -> bool:
        """Whether the lease holds at an instant."""
        return self.start_us <= instant_us < self.end_us


@dataclass(frozen=True, slots=True)
class Calendar:
    """All leases of an identity that have not passed, at `milli_rate` in total; `recent` are the last ones of owners
    that have none any more: of all campaigns, and of as many customers as are remembered."""

    milli_rate: int
    leases: tuple[IdentityLease, ...] = ()
    recent: tuple[IdentityLease, ...] = ()

    def current(self, now_us: int) -> Calendar:
        """The calendar without what has passed."""
        leases = tuple(lease for lease in self.leases if lease.end_us > now_us)
        owners = {lease.owner for lease in leases}
        recent: dict[str, IdentityLease] = {}
        for lease in (*self.recent, *self.leases):
            if lease.owner in owners or not now_us - REMEMBER_US < lease.end_us <= now_us:
                continue
            if lease.owner not in recent or lease.end_us > recent[lease.owner].end_us:
                recent[lease.owner] = lease
        campaigns = (lease for lease in recent.values() if not lease.is_priority)
        customers = sorted((lease for lease in recent.values() if lease.is_priority), key=lambda lease: lease.end_us)
        return Calendar(self.milli_rate, leases, (*campaigns, *customers[-REMEMBERED_CUSTOMERS:]))

    def waits(self, owner: str, milli_rate: int, now_us: int) -> Calendar | None:
        """The calendar with a mark that `owner` waits for `milli_rate`; None if it is known to be active anyway."""
        calendar = self.current(now_us)
        if any(lease.owner == owner for lease in (*calendar.leases, *calendar.recent)):
            return None
        mark = IdentityLease(owner, now_us, now_us, 0, milli_rate)
        return replace(calendar, recent=(*calendar.recent, mark))

    def fair_rate(self, owner: str, milli_rate: int) -> int:
        """What a campaign that asks for `milli_rate` may have of the rate, beside those that are active."""
        asked = {
            lease.owner: lease.asked
            for lease in sorted((*self.recent, *self.leases), key=lambda lease: lease.start_us)
            if not lease.is_priority
        }
        asked[owner] = milli_rate
        return max(1, min(milli_rate, water_level(_Room.for_owner(owner, self.milli_rate).own, asked.values())))

    def booked_until(self) -> int | None:
        """End of the last lease."""
        return max((lease.end_us for lease in self.leases), default=None)

    def load(self, instant_us: int) -> int:
        """Sum of the rates leased at an instant, in thousandths of a part per second."""
        return sum(lease.milli_rate for lease in self.leases if lease.covers(instant_us))

    def free_parts(self, now_us: int, seconds: int = 60) -> int:
        """Message parts still free between now and `seconds` later."""
        end = now_us + seconds * MICROSECOND
        booked = sum(
            lease.milli_rate * max(0, min(lease.end_us, end) - max(lease.start_us, now_us)) for lease in self.leases
        )
        return max(0, (self.milli_rate * seconds * MICROSECOND - booked) // (MICROSECOND * MILLI))

    def share_wait(self, owner: str, now_us: int) -> Wait | None:
        """How long a customer that holds its share has to wait at least, as far as this calendar knows; else None."""
        calendar = self.current(now_us)
        if not calendar.holds_share(owner, now_us):
            return None
        full = _Room.for_owner(owner, self.milli_rate)
        ends = sorted({now_us, *(lease.end_us for lease in calendar.leases)})
        free_us = next(at for at in ends if full.left(each for each in calendar.leases if each.covers(at)) > 0)
        return Wait(free_us - now_us - NEAR_US, beyond_share=True) if free_us > now_us + NEAR_US else None

    def holds_share(self, owner: str, now_us: int) -> bool:
        """Whether an owner has booked what is its own of the horizon, divided equally among all that are active."""
        owners = {lease.owner for lease in (*self.leases, *self.recent)} | {owner}
        booked = sum(
            lease.milli_rate * (lease.end_us - max(lease.start_us, now_us))
            for lease in self.leases
            if lease.owner == owner
        )
        return len(owners) > 1 and booked * len(owners) >= self.milli_rate * HORIZON_US

    def reserve(
        self, owner: str, parts: int, *, now_us: int, not_before_us: int, milli_rate: int
    ) -> tuple[IdentityLease, Calendar] | Wait:
        """Book `parts` for `owner` at up to `milli_rate`, as early as possible but not before `not_before_us`.

        Returns the lease and the calendar that holds it, or how long to wait until it can lie within the horizon, or,
        for a customer that holds its share, near enough.
        """
        calendar = self.current(now_us)
        room = _Room.for_owner(owner, self.milli_rate)
        wanted = max(1, min(milli_rate, room.own) if room.priority else calendar.fair_rate(owner, milli_rate))
        least = min(wanted, max(1, int(self.milli_rate * MIN_SHARE)))
        earliest = max(now_us, not_before_us)
        beyond_share = room.priority and calendar.holds_share(owner, now_us)
        ahead = NEAR_US if beyond_share else HORIZON_US
        booked = [lease for lease in calendar.leases if lease.end_us > earliest]
        for start in sorted({earliest, *(lease.end_us for lease in booked)}):
            if start > earliest + ahead:
                return Wait(start - earliest - ahead, beyond_share)
            lease = _fit(owner, parts, start, wanted, least, room, booked)
            if lease is not None:
                lease = replace(lease, asked=milli_rate if not room.priority else 0)
                recent = tuple(known for known in calendar.recent if known.owner != owner)
                return lease, Calendar(self.milli_rate, (*calendar.leases, lease), recent)
        raise AssertionError("the end of the last lease is always free")


def water_level(capacity: int, asked: Iterable[int]) -> int:
    """The highest rate at which all of `asked`, cut off there, fit into `capacity`."""
    rates = sorted(asked)
    for number, rate in enumerate(rates):
        level = capacity // (len(rates) - number)
        if rate >= level:
            return level
        capacity -= rate
    return max(rates, default=capacity)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much one kind of owner may book: `total` with everybody else, `own` among its own kind."""

    total: int
    own: int
    priority: bool

    @classmethod
    def for_owner(cls, owner: str, milli_rate: int) -> _Room:
        priority = owner.startswith(PRIORITY_MARK)
        return cls(milli_rate, milli_rate if priority else max(1, int(milli_rate * (1 - PRIORITY_SHARE))), priority)

    def left(self, leases: Iterable[IdentityLease]) -> int:
        """What is left of the rate while `leases` hold."""
        total = own = 0
        for lease in leases:
            total += lease.milli_rate
            own += lease.milli_rate if lease.is_priority is self.priority else 0
        return min(self.total - total, self.own - own)


def _fit(
    owner: str, parts: int, start: int, wanted: int, least: int, room: _Room, booked: Iterable[IdentityLease]
) -> IdentityLease | None:
    """The fastest lease that starts at `start`, keeps clear of the owner's own leases and of what others have booked
    until its end.
    """
    ahead = [lease for lease in booked if lease.end_us > start]
    own_start = min((lease.start_us for lease in ahead if lease.owner == owner), default=None)
    rate = wanted
    while True:
        end = start + -(-parts * MICROSECOND * MILLI // rate)
        if own_start is not None and own_start < end:
            return None
        instants = [start, *(lease.start_us for lease in ahead if start < lease.start_us < end)]
        left = min(room.left(lease for lease in ahead if lease.covers(instant)) for instant in instants)
        if rate <= left:
            return IdentityLease(owner, start, end, rate)
        rate = left
        if rate < least:
            return None
