"""Queues with their dead-letter queues as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console import partitions
from console.domain import StackFacts
from console.invocations import aws
from console.queues import Depth, QueueState, physical_name
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line, pad
from console.view.table import Column, Kind, Look


def set_aside(state: QueueState) -> int | None:
    """Messages in the dead-letter queue, those that somebody holds included; None where there is none."""
    dead = state.dead_letters
    return None if dead is None else dead.waiting + dead.in_flight + dead.delayed


def _oldest(depth: Depth | None) -> float | None:
    return None if depth is None else depth.oldest_seconds


def _set_aside(state: QueueState, look: Look) -> str:
    aside = set_aside(state)
    return f"{look.glyphs.alarm} {fmt.count(aside)}" if aside else fmt.count(aside)


def _loud(state: QueueState) -> Role:
    return Role.ALARM if set_aside(state) else Role.MUTED


def _figure(name: str, read: Callable[[Depth], int], *, need: int = 0) -> Column[QueueState]:
    def key(state: QueueState) -> int | None:
        return None if state.depth is None else read(state.depth)

    return Column(
        name, 9, lambda state, _: fmt.count(key(state)), key=key, role=lambda _: Role.PLAIN, right=True, need=need
    )


def arn(state: QueueState, stack: StackFacts) -> str:
    """Of the queue, or of its dead-letter queue where it stands alone (SQS, "Actions, resources, condition keys")."""
    name = physical_name(state.queue.url or state.queue.dead_letters_url)
    return partitions.arn("sqs", stack.region, stack.account_id, name)


def _command(state: QueueState, stack: StackFacts) -> Sequence[str]:
    url = state.queue.url or state.queue.dead_letters_url
    return aws(stack, "sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")


KIND: Kind[QueueState] = Kind(
    name="queues",
    columns=(
        Column(
            "queue",
            0,
            lambda state, _: state.queue.name,
            role=lambda state: Role.STRONG if set_aside(state) else Role.PLAIN,
        ),
        _figure("waiting", lambda depth: depth.waiting),
        _figure("in flight", lambda depth: depth.in_flight),
        _figure("delayed", lambda depth: depth.delayed, need=90),
        Column(
            "oldest",
            7,
            lambda state, _: fmt.age(_oldest(state.depth)),
            key=lambda state: _oldest(state.depth),
            role=lambda _: Role.MUTED,
            right=True,
        ),
        Column("set aside", 10, _set_aside, key=set_aside, role=_loud, right=True),
        Column(
            "since",
            6,
            lambda state, _: fmt.age(_oldest(state.dead_letters)),
            key=lambda state: _oldest(state.dead_letters),
            role=_loud,
            right=True,
        ),
    ),
    id=lambda state: state.queue.name,
    sort="set aside",
    descending=True,
    arn=arn,
    command=_command,
)


def details(state: QueueState, glyphs: Glyphs) -> list[Line]:
    """Both queues by their names in AWS, with all that SQS says of them."""
    queue = state.queue
    lines = [line((queue.name, Role.STRONG))]
    lines += _depth("queue", queue.url, state.depth)
    lines += [(), *_depth("dead letters", queue.dead_letters_url, state.dead_letters)]
    if set_aside(state):
        words = "enter shows them, a then v puts them back" if queue.url else "enter shows them"
        lines += [(), line((f"{glyphs.alarm} {fmt.count(set_aside(state))} set aside", Role.ALARM), f": {words}")]
    return lines


def _depth(title: str, url: str, depth: Depth | None) -> list[Line]:
    head = line((pad(title, 14), Role.MUTED), physical_name(url) or "none")
    if depth is None:
        return [head]
    figures = (
        ("waiting", fmt.count(depth.waiting)),
        ("in flight", fmt.count(depth.in_flight)),
        ("delayed", fmt.count(depth.delayed)),
        ("oldest", fmt.span(depth.oldest_seconds)),
    )
    return [head, *(line((pad(f"  {name}", 14), Role.MUTED), figure) for name, figure in figures)]
