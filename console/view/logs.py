"""What stands around log lines: how many there were when, which groups cannot be read, one line whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from console.domain import Fetched
from console.telemetry import LogLine
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.json_lines import json_lines
from console.view.segments import Line, Role, Segment, cut, line
from console.view.sparkline import sparkline
from console.view.tables.log_lines import ROLES, is_error, level_word

NAMED_GROUPS = 3


def histogram(lines: Sequence[LogLine], start: float, end: float, *, columns: int, glyphs: Glyphs) -> Line:
    """Lines for each stretch of time between two epoch seconds, those with errors in the alarm's colour."""
    errors = sum(map(is_error, lines))
    left = f" {fmt.clock(start)} "
    right = f" {fmt.clock(end)}  "
    words = f"{glyphs.alarm} {fmt.count(errors)} error{'s' * (errors > 1)} " if errors else "no errors "
    bars = columns - len(left) - len(right) - len(words)
    if bars < 8 or end <= start:
        return cut(
            line((left, Role.MUTED), (right, Role.MUTED), (words, Role.ALARM if errors else Role.MUTED)), columns
        )
    counts, failed = [0.0] * bars, [False] * bars
    for each in lines:
        place = min(bars - 1, max(0, int((each.at - start) / (end - start) * bars)))
        counts[place] += 1
        failed[place] |= is_error(each)
    drawn = sparkline([count or None for count in counts], bars, glyphs)
    runs = groupby(zip(drawn, failed, strict=True), key=lambda each: each[1])
    pieces = [Segment("".join(bar for bar, _ in run), Role.ALARM if loud else Role.ACHIEVED) for loud, run in runs]
    return line((left, Role.MUTED), *pieces, (right, Role.MUTED), (words, Role.ALARM if errors else Role.MUTED))


def trouble_lines(states: Mapping[str, Fetched[object]], now: float, glyphs: Glyphs) -> list[Line]:
    """Which groups cannot be read, and why: those with the same trouble together. Nothing while all can."""
    by_trouble: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for group, state in states.items():
        if state.error is not None:
            key = (state.error.sentence, state.error.remedy)
            by_trouble.setdefault(key, []).append((group.rpartition("/")[2], state.retry_at or now))
    lines: list[Line] = []
    for (sentence, remedy), groups in by_trouble.items():
        names = "all groups" if len(groups) == len(states) > 1 else _names([name for name, _ in groups])
        again = fmt.age(min(at for _, at in groups) - now)
        words = line((f"{glyphs.warn} {names}: {sentence}", Role.WARN))
        lines.append(line(*words, (f"; {remedy}" if remedy else "", Role.PLAIN), (f"; again in {again}", Role.MUTED)))
    return lines


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED_GROUPS
    return ", ".join(names[:NAMED_GROUPS]) + (f" and {more} more" if more > 0 else "")


def whole_lines(each: LogLine, glyphs: Glyphs) -> list[Line]:
    """One line whole: when, where, and JSON as it is read best."""
    head = [
        line(
            (fmt.stamp(each.at), Role.STRONG), "  ", (level_word(each.level, glyphs), ROLES.get(each.level, Role.PLAIN))
        ),
        line(("group   ", Role.MUTED), (each.group, Role.ACCENT)),
        line(("stream  ", Role.MUTED), each.stream),
        (),
    ]
    raw = each.raw or each.message
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict | list):
        return [*head, *(line(row) for row in raw.split("\n"))]
    return [*head, *json_lines(document)]
