"""Sessions as panels: one session's facts, languages and connections; the stack's gauges, latencies and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.domain import Problem
from console.sessions.latencies import CREATION_SECONDS, JOIN_SECONDS
from console.sessions.state import (
    AGE_STEP_MINUTES,
    Connections,
    Percentiles,
    SessionDetail,
    SessionGauges,
    SessionHour,
    Status,
)
from console.telemetry import Series
from console.view import format as fmt
from console.view.chart import ChartSpec, chart
from console.view.glyphs import Glyphs
from console.view.progress import progress_bar
from console.view.segments import Line, Role, Segment, cut, line, pad, pad_left, width
from console.view.sparkline import sparkline
from console.view.tables.sessions import doubt_lines, places, places_role, short, speaker_line, status_words

HOUR = 3600.0
NAME = 10
FIGURE = 6
LANGUAGE = 11
SHARE = 6
PERCENT = 8
SPARK = 30
SILENT_SECONDS = 600.0
"""How old the newest figure may be: gauges come by the minute, CloudWatch may take some more, then they are read."""


def gauge_lines(series: Series, now: float, *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """One gauge over the last hour."""
    spec = ChartSpec(curves=(replace(series, label=""),), start=now - HOUR, end=now, figure=fmt.count, caption=False)
    return chart(spec, columns=columns, rows=rows, glyphs=glyphs)


def pulse_line(gauges: SessionGauges, now: float, *, name: str, columns: int, glyphs: Glyphs) -> Line:
    """Sessions, listeners and refusals in one line after its `name`; what says least gives way where it is narrow.

    Both gauges are published each minute, also of no session: where none is, nobody looks after sessions.
    """
    at, active = _last(gauges.active)
    if at is None:
        words = f"{glyphs.nodata} NODATA  nothing has counted sessions in the last hour"
        return cut(line((name, Role.STRONG), (words, Role.NODATA)), columns)
    silent = now - at > SILENT_SECONDS
    state = f"{glyphs.nodata} NODATA" if silent else f"{glyphs.ok} OK"
    refused = sum(value for _, value in gauges.refused.points if value is not None)
    pieces = line(
        (name, Role.STRONG),
        (f"{state}  ", Role.NODATA if silent else Role.OK),
        (fmt.count(active), Role.STRONG),
        (" open  ", Role.MUTED),
        (fmt.count(_last(gauges.listeners)[1]), Role.STRONG),
        (" listeners  ", Role.MUTED),
        (fmt.count(refused), Role.WARN if refused else Role.MUTED),
        (" refused in 1 h", Role.MUTED),
    )
    counted = line((f"  counted {fmt.clock(at)[:5]}", Role.WARN if silent else Role.MUTED))
    course = sparkline([value for _, value in gauges.listeners.points], SPARK, glyphs)
    for more in ((*line((f"  {course}", Role.ACHIEVED)), *counted), counted):
        if width((*pieces, *more)) <= columns:
            return (*pieces, *more)
    return cut(pieces, columns)


def off_line(problem: Problem, *, name: str, columns: int) -> Line:
    """In its place where the stack has no sessions: what turns them on."""
    remedy = problem.remedy.partition(",")[0]
    return cut(line((name, Role.STRONG), (f"none in this stack; {remedy}", Role.MUTED)), columns)


def _last(series: Series) -> tuple[float | None, float | None]:
    """The newest point with a value."""
    return next(((at, value) for at, value in reversed(series.points) if value is not None), (None, None))


def latency_lines(hour: SessionHour) -> list[Line]:
    """Milliseconds of what the functions did last, loud where a target is missed."""
    head = line(
        (pad("ms", NAME), Role.MUTED), *((pad_left(name, FIGURE), Role.MUTED) for name in ("p50", "p95", "p99"))
    )
    kinds = (
        ("creation", hour.creation, CREATION_SECONDS),
        ("join", hour.join, JOIN_SECONDS),
        ("broadcast", hour.broadcast, None),
    )
    return [head, *(_latency(*each) for each in kinds)]


def _latency(name: str, found: Percentiles, target: float | None) -> Line:
    missed = target is not None and found.p95 is not None and found.p95 >= 1000 * target
    p95 = Role.WARN if missed else Role.STRONG
    return line(
        pad(name, NAME),
        pad_left(fmt.count(found.p50), FIGURE),
        (pad_left(fmt.count(found.p95), FIGURE), p95),
        pad_left(fmt.count(found.p99), FIGURE),
        (f"  {fmt.clock(found.at)[:5]}" if found.at is not None else "", Role.MUTED),
    )


def refusal_lines(hour: SessionHour, rows: int) -> list[Line]:
    """What was refused most by its code, and in the last row which limits were met."""
    if not hour.refused:
        return [line(("nothing was refused in the last hour", Role.MUTED))]
    limits = _limits(hour.limited)
    room = max(1, rows - len(limits))
    ordered = sorted(hour.refused.items(), key=lambda each: (-each[1], each[0]))
    shown = ordered if len(ordered) <= room else ordered[: max(0, room - 1)]
    lines = [line((pad_left(fmt.count(number), 7), Role.WARN), f"  {code}") for code, number in shown]
    if len(shown) < len(ordered):
        rest = ordered[len(shown) :]
        total = fmt.count(sum(number for _, number in rest))
        lines.append(line((pad_left(total, 7), Role.WARN), (f"  of {len(rest)} other codes", Role.MUTED)))
    return [*lines, *limits]


def _limits(limited: Mapping[str, int]) -> list[Line]:
    if not limited:
        return []
    ordered = sorted(limited.items(), key=lambda each: (-each[1], each[0]))
    words = ", ".join(f"{name} {fmt.count(number)}" for name, number in ordered)
    return [line(("limits met: ", Role.MUTED), words)]


def session_lines(detail: SessionDetail, now: float, glyphs: Glyphs) -> list[Line]:
    """The session itself in a few lines."""
    session, most = detail.session, detail.terms.max_listeners
    state = Role.ACCENT if session.status is Status.ACTIVE else Role.MUTED
    moved = fmt.age(now - session.changed)
    return [
        line((status_words(session, glyphs), state), (f"  {session.id}", Role.STRONG)),
        line(
            ("opened ", Role.MUTED),
            f"{fmt.stamp(session.created)[:16].replace('T', ' ')}Z, {fmt.age(now - session.created)} ago",
            (", ends in ", Role.MUTED),
            fmt.age(session.expires - now),
            (" at the latest", Role.MUTED),
        ),
        line(
            (places(session.listeners, most), places_role(session.listeners, most)),
            (f" listeners, somebody came or went {moved} ago", Role.MUTED),
        ),
        line(
            ("from ", Role.MUTED), session.source_language, (", last message ", Role.MUTED), fmt.count(session.sequence)
        ),
        (*speaker_line(session, now, glyphs), Segment(f" on {short(session.speaker_connection)}", Role.MUTED)),
        *doubt_lines(session, now, glyphs),
    ]


def language_lines(detail: SessionDetail, *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """Listeners by the language they asked for, the most first; the last row says how many are left out."""
    if not detail.by_language:
        return [line(("nobody listens", Role.MUTED))]
    ordered = sorted(detail.by_language.items(), key=lambda each: (-each[1], each[0]))
    shown = ordered if len(ordered) <= rows else ordered[: max(0, rows - 1)]
    bar = max(4, columns - LANGUAGE - SHARE - PERCENT)
    lines = [
        line(
            pad(language, LANGUAGE),
            *progress_bar(((number / detail.found, Role.ACHIEVED),), bar, glyphs),
            pad_left(fmt.count(number), SHARE),
            (pad_left(fmt.percent(number, detail.found), PERCENT), Role.MUTED),
        )
        for language, number in shown
    ]
    if len(shown) < len(ordered):
        rest = ordered[len(shown) :]
        words = f"{len(rest)} more languages, {fmt.count(sum(number for _, number in rest))} listeners"
        lines.append(line((words, Role.MUTED)))
    return lines


def language_note(detail: SessionDetail) -> str:
    """How many the index has, beside the number of the session."""
    more = "" if detail.complete else " and more"
    return f"{fmt.count(detail.found)}{more}"


def connection_lines(detail: SessionDetail, now: float, *, columns: int, glyphs: Glyphs) -> list[Line]:
    """How old connections are, and how many have to move to new ones."""
    found = detail.connections
    if not found.read:
        return [line(("no connection was found", Role.MUTED))]
    refresh = detail.terms.refresh_minutes
    limit = "the refresh" if refresh is None else f"{refresh} min"
    oldest = fmt.MISSING if found.oldest is None else fmt.span(now - found.oldest)
    return [
        line(("oldest ", Role.MUTED), oldest, (f", {fmt.count(found.read)} read", Role.MUTED)),
        _count(found.to_move, f"asked to move, past {limit}", Role.WARN),
        _count(found.warned, "warned: the end is near", Role.ALARM),
        _count(found.unseen, "unseen, about to be removed", Role.WARN),
        _count(found.uncounted, "not in the session's number", Role.WARN),
        *_histogram(found, columns, glyphs),
    ]


def _histogram(found: Connections, columns: int, glyphs: Glyphs) -> list[Line]:
    """A bar for each step of age."""
    most, bar = max(found.ages, default=0) or 1, max(4, columns - LANGUAGE - SHARE)
    lines = []
    for place, number in enumerate(found.ages):
        low = place * AGE_STEP_MINUTES
        words = f"{low}+ min" if place == len(found.ages) - 1 else f"{low}-{low + AGE_STEP_MINUTES} min"
        pieces: list[Segment] = [Segment(pad(words, LANGUAGE), Role.MUTED)]
        pieces += progress_bar(((number / most, Role.ACHIEVED),), bar, glyphs)
        pieces.append(Segment(pad_left(fmt.count(number), SHARE)))
        lines.append(tuple(pieces))
    return lines


def _count(number: int, words: str, role: Role) -> Line:
    return line((pad_left(fmt.count(number), 5), role if number else Role.MUTED), (f"  {words}", Role.MUTED))
