"""The rate-limits table: one item per origination identity, its calendar of leases under an optimistic lock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.calendar_item import calendar_attributes, calendar_of
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core.identity_calendar import MILLI, PRIORITY_MARK, Calendar, IdentityLease
from lambdas.core.pacing import MAX_CLOCK_SKEW_S, MICROSECOND, Wait, clock_skew_s
from lambdas.core.ports import Clock

TTL_SECONDS = 7 * 86_400
MAX_TRIES = 20
NOTE_WAIT_US = 3 * MICROSECOND
NOTE_EVERY_US = 15 * MICROSECOND


class ClockSkewError(RuntimeError):
    """This worker's clock and DynamoDB's disagree: its slots would not be disjoint from those of others."""


class Limiter:
    """Implements `lambdas.core.ports.LimiterPort`, and for single messages `PriorityLimiterPort`, for one identity."""

    def __init__(self, table: Table, key: str, *, parts_per_second: float, clock: Clock) -> None:
        self._table = table
        self._key = key
        self._milli_rate = max(1, int(parts_per_second * MILLI))
        self._clock = clock
        self._known: Mapping[str, Any] | None = None
        self._noted_us = 0

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        """Book time on the identity; usually one write, since the last answer tells what the table holds."""
        if self._known is None:
            self._known = self._table.get({"limiter_key": self._key}) or {}
        for attempt in range(MAX_TRIES):
            now = self._clock.now_us()
            booked = calendar_of(self._known, self._milli_rate).reserve(
                owner, parts, now_us=now, not_before_us=not_before_us, milli_rate=milli_rate
            )
            if isinstance(booked, Wait):
                self._known = self._table.get({"limiter_key": self._key}) or {}
                self._note_wait(owner, milli_rate, now, _wait_us(wanted_us, now))
                return booked
            lease, calendar = booked
            try:
                self._known = self._write(calendar, now, _wait_us(wanted_us, lease.start_us))
            except ConditionFailed as failed:
                self._known = failed.item or self._table.get({"limiter_key": self._key}) or {}
                time.sleep(0.002 * attempt)
                continue
            self._check_clock(now, self._clock.now_us())
            return lease
        raise RuntimeError(f"{self._key} was booked by others {MAX_TRIES} times in a row")

    def share_wait(self, owner: str) -> Wait | None:
        """How long a customer that holds its share has to wait, as far as is known without a write; else None."""
        if self._known is None:
            self._known = self._table.get({"limiter_key": self._key}) or {}
        return calendar_of(self._known, self._milli_rate).share_wait(owner, self._clock.now_us())

    def _write(self, calendar: Calendar, now_us: int, wait_us: int) -> Mapping[str, Any]:
        assert self._known is not None
        version = int(self._known.get("version", 0))
        return self._table.update(
            {"limiter_key": self._key},
            "SET #last_refill = :booked, #tokens = :free, #rate = :rate, #leases = :leases, #singles = :singles,"
            " #version = :next, #slowest_wait = :wait, #slowest_wait_minute = :minute, #ttl = :ttl",
            {
                "booked": seconds(calendar.booked_until() or now_us),
                "free": calendar.free_parts(now_us),
                "rate": Decimal(self._milli_rate) / MILLI,
                **calendar_attributes(calendar),
                "next": version + 1,
                **({"was": version} if version else {}),
                "wait": self._slowest(now_us, wait_us),
                "minute": now_us // (60 * MICROSECOND),
                "ttl": now_us // MICROSECOND + TTL_SECONDS,
            },
            condition="#version = :was" if version else "attribute_not_exists(#version)",
        )

    def _note_wait(self, owner: str, milli_rate: int, now_us: int, wait_us: int) -> None:
        """Let a wait that no lease has ended yet be seen: once by the others, who then leave it its share, and a few
        times a minute by readers."""
        calendar = calendar_of(self._known or {}, self._milli_rate)
        marked = None if owner.startswith(PRIORITY_MARK) else calendar.waits(owner, milli_rate, now_us)
        is_long = wait_us >= NOTE_WAIT_US and now_us - self._noted_us >= NOTE_EVERY_US
        if not self._known or (marked is None and not is_long):
            return
        try:
            self._known = self._write(marked or calendar, now_us, wait_us if is_long else 0)
        except ConditionFailed:
            return
        if is_long:
            self._noted_us = now_us

    def _slowest(self, now_us: int, wait_us: int) -> Decimal:
        """The slowest wait of this minute, of any worker that wrote before us, in seconds."""
        assert self._known is not None
        minute = now_us // (60 * MICROSECOND)
        known = (
            Decimal(self._known.get("slowest_wait", 0))
            if self._known.get("slowest_wait_minute") == minute
            else Decimal(0)
        )
        return max(known, seconds(wait_us))

    def _check_clock(self, before_us: int, after_us: int) -> None:
        """Compare with the server's date, which was set some time between the call's start and its end."""
        date_s = self._table.server_date_s
        if date_s is None or before_us <= date_s * MICROSECOND <= after_us:
            return
        skew = min(clock_skew_s(at_us / MICROSECOND, date_s) for at_us in (before_us, after_us))
        if skew > MAX_CLOCK_SKEW_S:
            raise ClockSkewError(
                f"this clock is {skew:.1f} s away from DynamoDB's; nothing is leased until they agree within"
                f" {MAX_CLOCK_SKEW_S:g} s"
            )


def _wait_us(wanted_us: int | None, at_us: int) -> int:
    return 0 if wanted_us is None else max(0, at_us - wanted_us)


def seconds(microseconds: int) -> Decimal:
    """Microseconds as exact decimal seconds."""
    return Decimal(microseconds) / MICROSECOND
