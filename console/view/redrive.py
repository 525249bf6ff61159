"""A redrive in words: what it will do, what a rehearsal has counted, how far it is."""

from __future__ import annotations

from collections import Counter

from console.queues import Course, StackQueue
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.progress import progress_bar
from console.view.segments import Line, Role, cut, line, width

MOST_REASONS = 4


def purpose_lines(queue: StackQueue, about: int | None) -> list[Line]:
    """What is about to happen."""
    some = "its messages" if about is None else f"about {fmt.count(about)} message{'s' if about != 1 else ''}"
    return [
        line("from ", (queue.dead_letters_name, Role.STRONG), " to ", (queue.name, Role.STRONG), f", {some}"),
        line(("none is lost: each is put back before it is taken off", Role.MUTED)),
    ]


def counting_line(course: Course, glyphs: Glyphs) -> Line:
    """A rehearsal under way."""
    return line((f"{glyphs.loading} counting, {fmt.count(course.left)} read; esc stops", Role.MUTED))


def counted_lines(reasons: Counter[str], course: Course, queue: StackQueue, columns: int) -> list[Line]:
    """What a redrive would move, by reason, the most frequent first."""
    total = reasons.total()
    left = course.left - total
    partly = " so far: it was stopped" if course.interrupted else ""
    lines = [
        line((f"{fmt.count(total)} would go to {queue.name}", Role.STRONG), f", {fmt.count(left)} would stay{partly}")
    ]
    lines += [
        cut(line(f"{fmt.count(number):>6}  {reason}"), columns) for reason, number in reasons.most_common(MOST_REASONS)
    ]
    if len(reasons) > MOST_REASONS:
        lines.append(line((f"{len(reasons) - MOST_REASONS} reasons more", Role.MUTED)))
    return lines


def moving_lines(course: Course, wanted: int, rate: float, columns: int, glyphs: Glyphs) -> list[Line]:
    """A redrive under way: how much of what was counted is moved, and how long the rest takes at this rate."""
    refused = sum(dict(course.refused).values())
    done = min(1.0, course.moved / max(1, wanted))
    figures = line(f" {fmt.count(course.moved)}/{fmt.count(wanted)} ", (fmt.percent(course.moved, wanted), Role.STRONG))
    bar = progress_bar(((done, Role.OK),), max(1, columns - width(figures)), glyphs)
    rest = fmt.span(max(0, wanted - course.moved) / rate)
    return [
        (*bar, *figures),
        line(
            f"moved {fmt.count(course.moved)}  left {fmt.count(course.left)}  ",
            (f"refused {fmt.count(refused)}  ", Role.WARN if refused else Role.PLAIN),
            (f"came back {fmt.count(course.came_back)}  ", Role.WARN if course.came_back else Role.PLAIN),
        ),
        line((f"{fmt.rate(rate)}, {rest} to go; esc stops", Role.MUTED)),
    ]
