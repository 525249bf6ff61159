"""Queues and what lies in their dead-letter queues, as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.letter_bodies import shown_body
from console.letter_reasons import Reason
from console.queues import Course, Depth, Letter, QueueState, StackQueue
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad, pad_left

BODY_CELLS = 400


def queue_table(states: Sequence[QueueState]) -> list[Line]:
    """A line for each queue: what waits in it, then what its dead-letter queue holds."""
    header = (
        f"{'QUEUE':<20} {'WAITING':>9} {'IN FLIGHT':>9} {'DELAYED':>9} {'OLDEST':>9}   {'SET ASIDE':>9} {'OLDEST':>9}"
    )
    return [line((header, Role.MUTED)), *(_row(state) for state in states)]


def _row(state: QueueState) -> Line:
    depth, dead = state.depth, state.dead_letters
    cells = [
        pad(state.queue.name, 20),
        *(
            pad_left(fmt.count(None if depth is None else getattr(depth, name)), 9)
            for name in ("waiting", "in_flight", "delayed")
        ),
        pad_left(_age(depth), 9),
    ]
    aside = 0 if dead is None else dead.waiting + dead.in_flight
    last = f"   {pad_left(fmt.count(None if dead is None else aside), 9)} {pad_left(_age(dead), 9)}"
    return line(" ".join(cells), (last, Role.ALARM if aside else Role.PLAIN))


def _age(depth: Depth | None) -> str:
    return fmt.age(None if depth is None else depth.oldest_seconds)


def letter_lines(letters: Sequence[tuple[Letter, Reason]], now: float) -> list[Line]:
    """Messages with the reason of each, the oldest first."""
    lines: list[Line] = []
    for letter, reason in letters:
        age = fmt.age(now - letter.sent_ms / 1000)
        received = "once" if letter.received == 1 else f"{letter.received} times"
        lines += [
            line(
                (fmt.stamp(letter.sent_ms / 1000), Role.STRONG),
                (f"  {age} ago, received {received}, {letter.id}", Role.MUTED),
            ),
            line("  why   ", (reason.sentence, Role.PLAIN if reason.readable else Role.WARN)),
            line("  body  ", (shown_body(letter.body, BODY_CELLS), Role.MUTED)),
        ]
    return lines


def reason_lines(reasons: Counter[str], left: int, queue: StackQueue) -> list[Line]:
    """What a redrive would move, by reason, the most frequent first."""
    total = sum(reasons.values())
    rest = f", {fmt.count(left - total)} would stay" if left > total else ""
    head = f"{fmt.count(total)} would go from {queue.dead_letters_name} to {queue.name}{rest}"
    return [
        line((head, Role.STRONG)),
        *(line(f"{pad_left(fmt.count(number), 8)}  {reason}") for reason, number in reasons.most_common()),
    ]


def outcome_lines(queue: StackQueue, done: Course, remaining: int) -> list[Line]:
    """How a redrive ended: what was moved, then a sentence for all that went otherwise."""
    dead = queue.dead_letters_name
    lines = [line((f"{fmt.count(done.moved)} moved from {dead} to {queue.name}", Role.STRONG))]
    if done.came_back:
        words = f"{fmt.count(done.came_back)} failed again and came back: is their cause corrected?"
        lines.append(line((words, Role.WARN)))
    for code, number in done.refused.most_common():
        lines.append(line((f"{queue.name} refused {fmt.count(number)} ({code}); they stay in {dead}", Role.WARN)))
    if done.interrupted:
        left = f"interrupted: {fmt.count(done.moved)} were moved, about {fmt.count(remaining)} are left in {dead}"
        lines.append(line((f"{left}; nothing is lost, ask again to go on", Role.WARN)))
    elif remaining:
        lines.append(line(f"about {fmt.count(remaining)} are left in {dead}"))
    return lines
