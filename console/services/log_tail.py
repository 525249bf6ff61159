"""Reading many log groups side by side: each with its own place, a few at once, one that fails beside those that go on.

Lines are polled with FilterLogEvents, which costs nothing; Live Tail is billed by the minute (CloudWatch pricing page).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from console.clock import Clock
from console.domain import Fetched
from console.services.errors import NOBODY, Caller
from console.services.feed import AnyFeed, Feed
from console.services.log_merge import MOST_LINES, LogBuffer
from console.services.runner import Runner
from console.sources.base import Telemetry
from console.telemetry import LogLine, LogPage

LOCAL_SECONDS, AWS_SECONDS = 2.0, 4.0
"""Between two reads of a group at its end."""
AT_ONCE = 3
"""Groups that are read at the same time: the runner's other places are for alarms and the rest."""
DEADLINE = 20.0
"""Seconds for a page: FilterLogEvents may look through a lot before it finds a line."""
OVERLAP = 30.0
"""Seconds that a poll looks back: lines arrive late and out of order, and what comes twice is known by its id."""
LATE = 10.0
"""Seconds after the end of a range when it is read for the last time."""
LOOK_BACK = 600.0
"""Seconds before the present with which a live view begins."""


@dataclass(frozen=True, slots=True)
class LogRange:
    """From `start` to `end` (epoch seconds), on and on where `end` is None."""

    start: float
    end: float | None = None

    @classmethod
    def of(cls, params: Mapping[str, str], now: float) -> LogRange:
        """What a place's `from` and `to` say; the last minutes and on where they say nothing that makes sense."""
        try:
            start = float(params["from"])
            end = float(params["to"]) if "to" in params else None
        except (KeyError, ValueError):
            return cls(now - LOOK_BACK)
        if not 0 <= start <= now or (end is not None and not start < end < start + 1e9):
            return cls(now - LOOK_BACK)
        return cls(start, end)

    def params(self) -> dict[str, str]:
        """The same as parameters of a place, empty where the present is followed."""
        return {"from": "", "to": ""} if self.end is None else {"from": f"{self.start:.0f}", "to": f"{self.end:.0f}"}

    def panned(self, steps: int, now: float) -> LogRange:
        """Moved by half its length a step; what would end within the last seconds or later follows the present."""
        end = now if self.end is None else min(self.end, now)
        length = LOOK_BACK if self.end is None else self.end - self.start
        moved = end + steps * length / 2
        return LogRange(now - LOOK_BACK) if moved >= now - OVERLAP else LogRange(max(0.0, moved - length), moved)


@dataclass(frozen=True, slots=True)
class _Read:
    """What one call found of the time up to `until`, asked at `at` (epoch seconds)."""

    at: float
    until: float
    page: LogPage


class _Group:
    """One group: where its next read begins, and how far it has come."""

    def __init__(self, name: str, wanted: LogRange) -> None:
        self.name = name
        self.wanted = wanted
        self.start = self.until = self.reached = wanted.start
        self.cursor: str | None = None
        self.complete = False

    def read(self, telemetry: Telemetry, now: float) -> _Read:
        """The next page, on the runner's thread; the pages behind one cursor are all of the same stretch of time."""
        if self.cursor is None:
            self.until = now if self.wanted.end is None else min(now, self.wanted.end)
        page = telemetry.logs(self.name, self.start, self.until, cursor=self.cursor)
        return _Read(now, self.until, page)

    def take(self, read: _Read) -> None:
        """Go on behind a page that has arrived."""
        self.cursor = read.page.cursor
        if read.page.lines:
            self.reached = max(self.reached, read.page.lines[-1].at)
        if self.cursor is None:
            self.reached = read.until
            self.start = max(self.wanted.start, read.until - OVERLAP)
            self.complete = self.wanted.end is not None and read.at >= self.wanted.end + LATE


class LogTail:
    """Call `tick` while somebody looks; it never blocks. `buffer` has the lines, `states` how each group is doing.

    `every` is the time between two reads of a group at its end, in seconds.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        groups: Sequence[str],
        wanted: LogRange,
        *,
        runner: Runner,
        clock: Clock,
        rng: random.Random | None = None,
        caller: Caller = NOBODY,
        most: int = MOST_LINES,
    ) -> None:
        self.wanted = wanted
        self.buffer = LogBuffer(most)
        self.every = LOCAL_SECONDS
        self._telemetry = telemetry
        self._clock = clock
        self._groups = {name: _Group(name, wanted) for name in groups}
        self._feeds = {
            name: Feed(
                f"logs {name}",
                partial(self._read, group),
                every=self.every,
                deadline=DEADLINE,
                source="logs",
                runner=runner,
                clock=clock,
                rng=rng or random.Random(),
                caller=caller,
            )
            for name, group in self._groups.items()
        }
        self._taken: dict[str, _Read] = {}
        self._owed: set[str] = set()

    def _read(self, group: _Group) -> _Read:
        return group.read(self._telemetry, self._clock.now())

    def tick(self) -> bool:
        """One beat: take what arrived, ask for more where it is due; whether lines or troubles are new."""
        changed = False
        pages: list[Sequence[LogLine]] = []
        for name, feed in self._feeds.items():
            if feed.tick(start=False):
                changed = True
                self._owed.discard(name)
            read = feed.state.value
            if read is not None and read is not self._taken.get(name):
                self._taken[name] = read
                self._groups[name].take(read)
                pages.append(read.page.lines)
        self.buffer.add(pages)
        return changed | self._start()

    def _start(self) -> bool:
        """Ask for what is due, the groups that were read least first."""
        changed = False
        free = AT_ONCE - sum(feed.reading for feed in self._feeds.values())
        for name, feed in sorted(self._feeds.items(), key=lambda each: each[1].reads):
            group = self._groups[name]
            if free <= 0 or feed.reading or group.complete:
                continue
            feed.every = self.every
            if group.cursor is not None and feed.state.error is None:
                feed.ask()
            changed |= feed.tick()
            free -= feed.reading
        return changed

    @property
    def feeds(self) -> Mapping[str, AnyFeed]:
        """The reads of each group, which `tick` alone drives."""
        return self._feeds

    def rest(self) -> None:
        """End: nobody looks any more."""
        for feed in self._feeds.values():
            feed.rest()

    @property
    def states(self) -> Mapping[str, Fetched[object]]:
        """Each group's last read and trouble."""
        return {name: feed.state for name, feed in self._feeds.items()}

    @property
    def complete(self) -> bool:
        """Whether a range with an end has been read to it; what goes on is never complete."""
        return all(group.complete for group in self._groups.values())

    @property
    def caught_up(self) -> bool:
        """Whether every group that answers has been read to its end once."""
        return all(group.reached > self.wanted.start and group.cursor is None for group in self._reachable())

    @property
    def reached(self) -> float:
        """Up to here (epoch seconds) the lines of all groups that answer are there."""
        return min((group.reached for group in self._reachable()), default=self.wanted.start)

    def _reachable(self) -> list[_Group]:
        return [group for name, group in self._groups.items() if self._feeds[name].state.error is None]

    def again(self) -> None:
        """Ask every group at the next beat, back-off or not."""
        for feed in self._feeds.values():
            feed.ask()
        self._owed = {name for name, group in self._groups.items() if not group.complete}

    @property
    def owes(self) -> bool:
        """Whether a group has not answered since all were asked by `again`."""
        return bool(self._owed)
