"""The console's own state in lines: how late its loop is, what it has out, how its feeds do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.calls import percentile_ms
from console.domain import Fetched, ProblemKind
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, cut, line, pad, pad_left, width
from console.view.sparkline import sparkline
from console.view.tables.calls import milliseconds

LATE_MS = 100.0
"""From here on a key is felt to be late."""
NAME_CELLS = 12
WIDE = 90


@dataclass(frozen=True, slots=True)
class FeedStats:
    """One feed since it was begun: reads that ended, those that failed, beats dropped because a read was still out;
    `every` is the seconds between two reads now, None of one at rest: its screen was left."""

    name: str
    every: float | None
    reads: int
    failures: int
    dropped: int
    state: Fetched[object]


@dataclass(frozen=True, slots=True)
class Pulse:
    """The moment: `lags` in seconds by beat of the screen, oldest first; threads out of those allowed."""

    lags: Sequence[float]
    per_second: float
    threads: int
    most_threads: int
    slowness: float
    least_seconds: float
    paused: bool


def pulse_lines(pulse: Pulse, feeds: Sequence[FeedStats], columns: int, glyphs: Glyphs) -> list[Line]:
    """Loop, calls, beats; what slows them."""
    late = [percentile_ms(pulse.lags, share) for share in (0.50, 0.95, 1.0)]
    loud = late[2] is not None and late[2] >= LATE_MS
    words = line(
        (pad("event loop", NAME_CELLS), Role.MUTED),
        "late p50 ",
        (milliseconds(late[0]), Role.STRONG),
        " p95 ",
        (milliseconds(late[1]), Role.STRONG),
        " most ",
        (milliseconds(late[2]), Role.WARN if loud else Role.STRONG),
        " ms  ",
    )
    drawn = sparkline(pulse.lags, max(0, columns - width(words)), glyphs, top=max([LATE_MS / 1000, *pulse.lags]))
    dropped = sum(feed.dropped for feed in feeds)
    return [
        cut((*words, *line((drawn, Role.ACHIEVED))), columns),
        cut(
            line(
                (pad("calls", NAME_CELLS), Role.MUTED),
                (f"{pulse.per_second:.2f}/s", Role.STRONG),
                f" over a minute; {pulse.threads} of {pulse.most_threads} threads out",
            ),
            columns,
        ),
        cut(
            line(
                (pad("beats", NAME_CELLS), Role.MUTED),
                (fmt.count(dropped), Role.WARN if dropped else Role.STRONG),
                f" dropped; {_pace_words(pulse)}",
            ),
            columns,
        ),
    ]


def _pace_words(pulse: Pulse) -> str:
    if pulse.paused:
        return "reading is held (space goes on)"
    words = [
        f"the budget makes reads {pulse.slowness:g}x rarer" if pulse.slowness > 1 else "",
        f"no feed is read more often than every {pulse.least_seconds:g} s" if pulse.least_seconds else "",
    ]
    return "; ".join(word for word in words if word) or "feeds at their own pace"


def groups_together(groups: Sequence[FeedStats]) -> list[FeedStats]:
    """The reads of the log groups, named by group, which are at rest: those with the same trouble together, and those
    without any."""
    by_trouble: dict[ProblemKind | None, list[FeedStats]] = {}
    for group in groups:
        by_trouble.setdefault(None if group.state.error is None else group.state.error.kind, []).append(group)
    return [_together(alike) for alike in by_trouble.values()]


def _together(groups: Sequence[FeedStats]) -> FeedStats:
    one = groups[0].name.rpartition("/")[2]
    return FeedStats(
        f"logs {one}" if len(groups) == 1 else f"logs, {len(groups)} groups",
        None,
        sum(group.reads for group in groups),
        sum(group.failures for group in groups),
        sum(group.dropped for group in groups),
        Fetched(
            at=min((group.state.at for group in groups if group.state.at is not None), default=None),
            took=max(group.state.took for group in groups),
            error=groups[0].state.error,
        ),
    )


def feed_lines(feeds: Sequence[FeedStats], now: float, columns: int, glyphs: Glyphs) -> list[Line]:
    """A line for each feed."""
    cells, name = (8, 28) if columns >= WIDE else (7, 17)
    header = f"{pad('FEED', name)}{_cells(cells, 'EVERY', 'AGE', 'READS', 'FAILED', 'DROPS', 'MS')}  STATE"
    rows = (_feed(feed, now, name, cells, glyphs) for feed in feeds)
    return [cut(each, columns) for each in [line((header, Role.MUTED)), *rows]]


def _feed(feed: FeedStats, now: float, name: int, cells: int, glyphs: Glyphs) -> Line:
    state = feed.state
    figures = _cells(
        cells,
        _every(feed.every),
        fmt.age(state.age(now)),
        fmt.count(feed.reads),
        fmt.count(feed.failures),
        fmt.count(feed.dropped),
        milliseconds(1_000 * state.took) if feed.reads else fmt.MISSING,
    )
    if state.error is not None:
        again = "" if state.retry_at is None else f", again in {fmt.age(state.retry_at - now)}"
        words = (f"{glyphs.warn} {state.error.kind.value}{again}", Role.WARN)
    elif state.reading_since is not None:
        words = (f"{glyphs.loading} reading {fmt.age(now - state.reading_since)}", Role.MUTED)
    else:
        rest = ", at rest" if feed.every is None else ""
        words = (
            f"{glyphs.ok} good{rest}" if state.at is not None else f"{glyphs.nodata} not yet",
            Role.OK if state.at else Role.MUTED,
        )
    return line(pad(feed.name, name), figures, "  ", words)


def _every(seconds: float | None) -> str:
    if seconds is None:
        return fmt.MISSING
    return fmt.age(seconds) if seconds >= 60 else f"{seconds:g}s"


def _cells(cells: int, *texts: str) -> str:
    return "".join(pad_left(text, cells) for text in texts)
