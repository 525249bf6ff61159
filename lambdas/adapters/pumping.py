"""The pumping guard's state: an item of the rate-limits table for each range or unusual country that takes messages.

A message costs a read and, unless its number was seen in the window, one write unit.
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
from lambdas.core.counting import SECONDS_PER_DAY, utc_day
from lambdas.core.planned_row import PlannedRow
from lambdas.core.pumping_guard import MIX_DAYS, GuardLimits, UsualMix, Watch, Watched, watched
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
    """Implements `lambdas.core.single_sending.GuardPort`; one for all threads of a container."""

    def __init__(self, table: Table, mix: MixReader, limits: GuardLimits, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._mix = mix
        self._limits = limits
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def allows(self, row: PlannedRow) -> bool:
        """Take in one SMS; other channels, and simulator destinations, pay nobody and are let through.

        Raises what the table failed with: nothing is sent that was not taken in.
        """
        if not self._limits.enabled or row.channel != Channel.SMS or is_simulator(row.destination):
            return True
        what = watched(row.destination, row.country, self._mix.read(), self._limits)
        # One thread at a time: those of a batch would only meet on the same item.
        with self._lock:
            return self._judge(what, row.destination)

    def _judge(self, what: Watched, number: str) -> bool:
        item = self._table.get(watch_key(what))
        for _ in range(MAX_TRIES):
            now_s = self._now_ms() // 1_000
            before = Watch.from_item(item)
            after, allowed = before.judge(number, now_s, self._limits)
            if after == before:
                return allowed
            if not allowed:
                list_block(self._table, what, after.blocked_until_s)
            failed = write_watch(self._table, what, before.version, after.attributes(now_s, self._limits))
            if failed is None:
                return allowed
            item = failed.item
        raise RuntimeError(f"the watch of a {what.kind} was changed by others {MAX_TRIES} times in a row")


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
        """End a block and leave its range or country alone for a day; False if there is no block."""
        item = self._table.get(watch_key(what))
        for _ in range(MAX_TRIES):
            now_s = self._now_ms() // 1_000
            before = Watch.from_item(item)
            if before.blocked_until_s <= now_s:
                return False
            after = before.lift(now_s, EXEMPT_SECONDS).attributes(now_s, GuardLimits())
            failed = write_watch(self._table, what, before.version, after)
            if failed is None:
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
    return Watched(kind, f"+{rest}" if kind == "range" else rest)
