"""The pumping guard's state: an item of the rate-limits table for each number, range and country that takes messages.

A message costs four reads and a write unit for its number, and another one if the number was not seen in the window.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from lambdas.adapters.counters import COUNTRY_PREFIX
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.days import SECONDS_PER_DAY, utc_day
from lambdas.core.planned_row import PlannedRow
from lambdas.core.pumping_guard import MIX_DAYS, GuardLimits, Kind, UsualMix, Watch, Watched
from lambdas.core.pumping_verdict import Verdict, is_allowed
from lambdas.core.simulator import is_simulator

MAX_TRIES = 20
MIX_SECONDS = 300
"""How long a mix that was read serves."""
BLOCKS_KEY = "pumping:blocks"
"""The item that lists blocks, so that people can see them: an attribute for each, written when it begins."""
BLOCK_PREFIX = "block_"
EXEMPT_SECONDS = SECONDS_PER_DAY
"""How long what a person has lifted is left alone."""
NUMBERED = (Channel.SMS, Channel.WHATSAPP)


def watch_key(what: Watched) -> dict[str, str]:
    """Key of the item of a range or country."""
    return {"limiter_key": f"pumping:{what.id}"}


class MixReader:
    """The usual mix, from the days' counters; what was read serves for a while."""

    def __init__(self, campaigns: Table, now_ms: Callable[[], int]) -> None:
        self._table = campaigns
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._mix = UsualMix({})
        self._read_ms = -MIX_SECONDS * 1_000

    def read(self) -> UsualMix:
        """The mix of the last days, today among them."""
        with self._lock:
            now_ms = self._now_ms()
            if now_ms - self._read_ms >= MIX_SECONDS * 1_000:
                self._mix, self._read_ms = self._sum(now_ms), now_ms
            return self._mix

    def _sum(self, now_ms: int) -> UsualMix:
        days = [utc_day(now_ms - ago * SECONDS_PER_DAY * 1_000) for ago in range(MIX_DAYS)]
        wanted = [{"pk": keys.spend_day(day), "sk": keys.count(channel)} for day in days for channel in NUMBERED]
        sums: defaultdict[str, int] = defaultdict(int)
        for item in self._table.batch_get(wanted):
            for name, sent in item.items():
                if name.startswith(COUNTRY_PREFIX):
                    sums[name.removeprefix(COUNTRY_PREFIX)] += int(sent)
        return UsualMix(sums)


class PumpingGuard:
    """Implements `lambdas.core.single_sending.GuardPort`, and `lambdas.core.pumping_verdict.Watches` for that; one for
    all threads of a container."""

    def __init__(self, table: Table, mix: MixReader, limits: GuardLimits, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._mix = mix
        self._limits = limits
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def allows(self, message_id: str, row: PlannedRow) -> bool:
        """Take in one SMS; other channels, and simulator destinations, pay nobody and are let through.

        Raises what the table failed with: nothing is sent that was not taken in.
        """
        if not self._limits.enabled or row.channel != Channel.SMS or is_simulator(row.destination):
            return True
        usual = self._mix.read().is_usual(row.country, self._limits)
        # One thread at a time: those of a batch would only meet on the same item.
        with self._lock:
            return is_allowed(self, message_id, row.destination, row.country, usual=usual, limits=self._limits)

    def is_blocked(self, what: Watched) -> bool:
        """As `Watches.is_blocked`."""
        return Watch.from_item(self._table.get(watch_key(what))).is_blocked(self._now_s())

    def judge(self, what: Watched, number: str, most: int) -> Verdict:
        """As `Watches.judge`."""
        now_s = self._now_s()
        before, after, allowed = self._change(what, lambda watch: watch.judge(number, now_s, self._limits, most))
        joins = allowed and after != before and after.has_others(number, now_s, self._limits)
        return Verdict(allowed, joins)

    def admit(self, what: Watched, message_id: str) -> bool:
        """As `Watches.admit`."""
        now_s = self._now_s()
        return self._change(what, lambda watch: watch.admit(message_id, now_s, self._limits))[2]

    def _change(self, what: Watched, change: Callable[[Watch], tuple[Watch, bool]]) -> tuple[Watch, Watch, bool]:
        """The watch before and after, and whether the message is let through."""
        item = self._table.get(watch_key(what))
        for _ in range(MAX_TRIES):
            before = Watch.from_item(item)
            after, allowed = change(before)
            if after == before:
                return before, after, allowed
            if not allowed:
                list_block(self._table, what, after.blocked_until_s)
            failed = write_watch(self._table, what, before.version, after.attributes(self._now_s(), self._limits))
            if failed is None:
                return before, after, allowed
            item = failed.item
        raise RuntimeError(f"the watch of a {what.kind} was changed by others {MAX_TRIES} times in a row")

    def _now_s(self) -> int:
        return self._now_ms() // 1_000


class Blocks:
    """The blocks in force, for people."""

    def __init__(self, table: Table, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._now_ms = now_ms

    def listed(self) -> dict[Watched, int]:
        """Each block in force with its end (epoch seconds)."""
        item = self._table.get({"limiter_key": BLOCKS_KEY}) or {}
        now_s = self._now_ms() // 1_000
        found = {_what(name): int(until) for name, until in item.items() if name.startswith(BLOCK_PREFIX)}
        return {what: until for what, until in sorted(found.items(), key=lambda each: -each[1]) if until > now_s}

    def lift(self, what: Watched) -> bool:
        """End a block and leave what it held alone for a day; False if there is none. A number that messages have gone
        to counts as blocked: it may have no room."""
        item = self._table.get(watch_key(what))
        for _ in range(MAX_TRIES):
            now_s = self._now_ms() // 1_000
            before = Watch.from_item(item)
            if not (before.seen if what.kind is Kind.NUMBER else before.blocked_until_s > now_s):
                return False
            after = before.lift(now_s, EXEMPT_SECONDS).attributes(now_s, GuardLimits())
            failed = write_watch(self._table, what, before.version, after)
            if failed is None:
                if what.kind is not Kind.NUMBER:
                    list_block(self._table, what, 0)
                return True
            item = failed.item
        raise RuntimeError(f"the watch of a {what.kind} was changed by others {MAX_TRIES} times in a row")


def write_watch(table: Table, what: Watched, version: int, attributes: Mapping[str, Any]) -> ConditionFailed | None:
    """Write a watch if its item is still the `version` that was read (0: none); what it is instead otherwise."""
    sets = ", ".join(f"#{name} = :{name}" for name in attributes)
    try:
        table.update(
            watch_key(what),
            f"SET {sets}, #version = :next",
            {**attributes, "next": version + 1, **({"was": version} if version else {})},
            condition="#version = :was" if version else "attribute_not_exists(#version)",
        )
    except ConditionFailed as failed:
        return failed
    return None


def list_block(table: Table, what: Watched, until_s: int) -> None:
    """Put a block on the list (`until_s` 0: off it); before it begins, so that none holds that nobody can see."""
    name = f"{BLOCK_PREFIX}{what.kind}_{what.name.removeprefix('+')}"
    table.update(
        {"limiter_key": BLOCKS_KEY},
        f"SET #{name} = :until, #ttl = :ttl",
        {"until": until_s, "ttl": max(until_s, int(time.time())) + SECONDS_PER_DAY},
    )


def _what(name: str) -> Watched:
    kind, _, rest = name.removeprefix(BLOCK_PREFIX).partition("_")
    found = Watched(Kind(kind), rest)
    return found._replace(name=f"+{rest}") if found.names_digits else found
