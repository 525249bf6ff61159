"""Rows in line for the origination identity's time, leased batch by batch and only as far ahead as the horizon.

A chunk that needs more time than the horizon (long messages, or an identity slower than its campaign) is leased piece
by piece while its first rows are being sent: leased as a whole, its first slots would have passed before its last
lease was granted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lambdas.core.attempts import ScheduledSend
from lambdas.core.identity_calendar import MILLI, IdentityLease
from lambdas.core.pacing import MICROSECOND, Wait, lease_units
from lambdas.core.ports import Clock, LimiterPort

POLL_US = 200_000
FIRST_MILLI_RATE = 5 * MILLI
"""How fast an identity is taken to be until its first lease tells: a slow one is not booked for minutes at once."""


@dataclass(slots=True)
class _Line:
    """Rows of one claim: not before `start_us`, at most at `milli_rate` thousandths of a part per second."""

    sends: deque[ScheduledSend]
    start_us: int
    milli_rate: int


class LeaseLine:
    """Gives rows their slots in the order they came; used by one thread at a time."""

    def __init__(self, campaign_id: str, limiter: LimiterPort, clock: Clock, *, while_waiting: Callable[[], None]):
        self._campaign_id = campaign_id
        self._limiter = limiter
        self._clock = clock
        self._while_waiting = while_waiting
        self._lines: deque[_Line] = deque()
        self._granted_milli_rate = FIRST_MILLI_RATE
        self.slowest_wait_s = 0.0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, sends: Sequence[ScheduledSend], start_us: int, end_us: int) -> None:
        """Put rows at the end of the line; their campaign's time is `[start_us, end_us)`."""
        if sends:
            parts = sum(send.row.parts for send in sends)
            milli_rate = max(1, parts * MILLI * MICROSECOND // max(1, end_us - start_us))
            self._lines.append(_Line(deque(sends), start_us, milli_rate))

    def clear(self) -> list[ScheduledSend]:
        """Take every row out of the line, without a lease."""
        sends = [send for line in self._lines for send in line.sends]
        self._lines.clear()
        return sends

    def take_closed(self, now_us: int) -> list[ScheduledSend]:
        """Take out the rows whose send window has closed."""
        closed = [send for line in self._lines for send in line.sends if send.closes_us <= now_us]
        if closed:
            for line in self._lines:
                line.sends = deque(send for send in line.sends if send.closes_us > now_us)
            self._lines = deque(line for line in self._lines if line.sends)
        return closed

    def take(self) -> list[ScheduledSend]:
        """Lease time for as many rows as fit within the horizon, waiting for the first batch if need be."""
        scheduled: list[ScheduledSend] = []
        while self._lines:
            line = self._lines[0]
            count, parts = self._batch(line)
            lease = self._reserve(line, parts, patient=not scheduled)
            if lease is None:
                break
            self._granted_milli_rate = lease.milli_rate
            used = 0
            for _ in range(count):
                send = line.sends.popleft()
                scheduled.append(send.at(lease.slot(used), lease.end_us))
                used += send.row.parts
            if not line.sends:
                self._lines.popleft()
        return scheduled

    def _batch(self, line: _Line) -> tuple[int, int]:
        """Rows and parts of the next lease: about two seconds of the identity's time, at least one row."""
        most = lease_units(min(line.milli_rate, self._granted_milli_rate) / MILLI)
        count, parts = 1, line.sends[0].row.parts
        while count < len(line.sends) and parts + line.sends[count].row.parts <= most:
            parts += line.sends[count].row.parts
            count += 1
        return count, parts

    def _reserve(self, line: _Line, parts: int, *, patient: bool) -> IdentityLease | None:
        asked_us = max(self._clock.now_us(), line.start_us)
        while True:
            lease = self._limiter.reserve(
                self._campaign_id,
                parts,
                not_before_us=line.start_us,
                milli_rate=line.milli_rate,
                wanted_us=asked_us,
            )
            if isinstance(lease, IdentityLease):
                waited_s = max(0, lease.start_us - asked_us) / MICROSECOND
                self.slowest_wait_s = max(self.slowest_wait_s, waited_s)
                return lease
            if not patient:
                return None
            self._wait(lease)

    def _wait(self, wait: Wait) -> None:
        self._clock.sleep_us(min(wait.microseconds, POLL_US))
        self._while_waiting()
