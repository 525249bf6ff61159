"""A STOP against the send of a message to the same person, in virtual time, with every read and every call on record.

Stores are slow at random, the STOP comes at any moment, and messages are sent by campaigns and singly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lambdas.core.pacing import MICROSECOND
from tests.support.campaigns import destination, planned_row
from tests.support.fake_ports import FakeOptOuts
from tests.support.fake_world import FakeWorld, Worker

SLOW_READ_US = 1_300_000
"""Longer than a read may be old: what it answers must not be acted on."""


@dataclass(frozen=True)
class Read:
    """One read of opt-outs: when it began, and about whom."""

    began_us: int
    destinations: frozenset[str]


@dataclass(frozen=True)
class Race:
    """What happened: the STOP's commit, all reads, and the calls as (time, destination)."""

    stopped_us: int
    stopped: str
    reads: tuple[Read, ...]
    calls: tuple[tuple[int, str], ...]

    def reads_behind(self) -> list[tuple[int, str, int]]:
        """For each call its time, its destination and when the last read about it had begun."""
        return [
            (at_us, to, max(read.began_us for read in self.reads if to in read.destinations and read.began_us <= at_us))
            for at_us, to in self.calls
        ]

    @property
    def wrong_calls(self) -> int:
        """Calls to who had said STOP before the read that allowed them began."""
        return sum(to == self.stopped and began_us > self.stopped_us for _, to, began_us in self.reads_behind())

    @property
    def largest_gap_us(self) -> int:
        """The longest time between the begin of a read and the call that it allowed."""
        return max((at_us - began_us for at_us, _, began_us in self.reads_behind()), default=0)


class SlowOptOuts(FakeOptOuts):
    """RECIPIENT items that take their time, and remember when they were read."""

    def __init__(self, worker: Worker, chance: random.Random, reads: list[Read]) -> None:
        super().__init__(worker)
        self._clock = worker
        self._chance = chance
        self._reads = reads

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        """As the port says, with a pause before and after what is read is fixed."""
        self._reads.append(Read(self._clock.now_us(), frozenset(destinations)))
        slow = SLOW_READ_US if self._chance.random() < 0.02 else 0
        self._clock.sleep_us(self._chance.randrange(1, 30_000) + slow)
        found = super().opted_out(destinations)
        self._clock.sleep_us(self._chance.randrange(1, 30_000))
        return found


def race(seed: int) -> Race:
    """One race: a campaign of a few rows, or single messages at the rate of a slow number, against one STOP."""
    chance = random.Random(seed)
    single = seed % 2 == 1
    rows = chance.randrange(2, 12)
    rate = chance.choice([0.5, 2, 10, 100])
    world = FakeWorld(0 if single else rows, tps=rate, parts_per_second=rate if single else 100)
    reads: list[Read] = []
    stopped = destination(chance.randrange(rows))
    stop_after_us = chance.randrange(int(rows / rate * MICROSECOND) + MICROSECOND)
    committed: list[int] = []

    def stop() -> None:
        world.time.sleep_us(stop_after_us)
        committed.append(world.time.now_us())
        world.opted_out.add(stopped)

    def worker(name: str) -> Worker:
        made = world.worker(name)
        made.opt_outs = SlowOptOuts(made, chance, reads)
        return made

    if single:
        sends = [worker(f"w{row}").single(f"code-{row}", planned_row(row), seconds=60) for row in range(rows)]
        world.run(stop, *(_run(send) for send in sends))
    else:
        world.run(stop, _run(worker("w1").job(seconds=90)))
    calls = tuple((call.at_us, call.destination) for call in world.calls)
    return Race(committed[0], stopped, tuple(reads), calls)


def _run(job: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        job()

    return run
