"""Log lines of many groups in one order: by time, each once, the newest so many of them."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from console.telemetry import LogLine

MOST_LINES = 20_000
"""Lines in memory; a line of ours and its objects take about a kilobyte."""


def order(line: LogLine) -> tuple[float, str]:
    """Sorts by time, within a moment by group; lines of one group and moment stay in the order in which they came."""
    return line.at, line.group


def merged(pages: Iterable[Sequence[LogLine]]) -> list[LogLine]:
    """The lines of pages that are in order each, in one order and once each by their id."""
    seen: dict[str, LogLine] = {}
    for line in heapq.merge(*pages, key=order):
        seen.setdefault(line.id, line)
    return list(seen.values())


class LogBuffer:
    """The newest `most` lines of all pages that were added, and how many older ones were dropped.

    Pages may overlap, with each other and with earlier ones: a line that was dropped is known for `most` lines more,
    and does not come back.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self.dropped = 0
        self._most = most
        self._lines: list[LogLine] = []
        self._known: dict[str, None] = {}

    @property
    def lines(self) -> Sequence[LogLine]:
        """The lines, oldest first; another object after each change."""
        return self._lines

    def add(self, pages: Iterable[Sequence[LogLine]]) -> int:
        """Take pages that are in order each; how many of their lines are new."""
        fresh = [line for line in merged(pages) if line.id not in self._known]
        if not fresh:
            return 0
        self._known.update(dict.fromkeys(line.id for line in fresh))
        # Nearly everything is newer than what is there, so only the end that overlaps is merged again.
        place = bisect_right(self._lines, order(fresh[0]), key=order)
        self._lines = [*self._lines[:place], *heapq.merge(self._lines[place:], fresh, key=order)]
        self._drop()
        return len(fresh)

    def _drop(self) -> None:
        surplus = len(self._lines) - self._most
        if surplus <= 0:
            return
        self.dropped += surplus
        del self._lines[:surplus]
        if len(self._known) > 3 * self._most:
            # Ids outlive their lines for a while: a poll looks back over lines that may be gone already.
            held = {line.id for line in self._lines}
            gone = [key for key in self._known if key not in held]
            self._known = dict.fromkeys([*gone[-self._most :], *held])
