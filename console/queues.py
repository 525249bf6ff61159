"""The stack's queues by name: which there are, which dead-letter queue belongs to which, what lies in one."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.rates import per_second
from console.text import safe_line
from lambdas.core.outputs import StackOutputs

_QUEUE, _DEAD_LETTERS = "_queue_url", "_dead_letter_queue_url"
DEFAULT_RATE = 10.0
"""Messages a second that a redrive moves: what failed once is not let loose on its consumer all at the same time."""
MAX_RATE = 500.0
"""What SQS's own redrive takes at most (StartMessageMoveTask, API reference)."""
DEFAULT_PEEK = 10
MAX_PEEK = 1_000
MAX_REDRIVE = 1_000_000


@dataclass(frozen=True, slots=True)
class StackQueue:
    """A queue and the one that takes its failures; `url` is empty for those of a stream, which come from no queue."""

    name: str
    url: str
    dead_letters_url: str

    @property
    def dead_letters_name(self) -> str:
        """The short name of the dead-letter queue."""
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Depth:
    """What SQS says of one queue, all of it approximate; `oldest_seconds` is None where CloudWatch has no figure."""

    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue with its depth and that of its dead-letter queue."""

    queue: StackQueue
    depth: Depth | None
    dead_letters: Depth | None


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it lies in a queue, `body` and `attributes` as they came: foreign text.

    `sent_ms` (epoch) is when it was first put into the queue that it came from, `handle` what releases or deletes it.
    """

    id: str
    body: str
    sent_ms: int
    received: int
    handle: str
    attributes: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def attribute(self, name: str) -> str | None:
        """The text of a message attribute."""
        value = self.attributes.get(name, {}).get("StringValue")
        return value if isinstance(value, str) else None


@dataclass(slots=True)
class Course:
    """How far a redrive is: messages moved, left because they were not asked for, refused by the queue (codes), and
    come back to the dead-letter queue while it went on. `interrupted` says that it ended before its time."""

    moved: int = 0
    left: int = 0
    came_back: int = 0
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    interrupted: bool = False


def queues_of(outputs: StackOutputs) -> list[StackQueue]:
    """The queues of a stack as its outputs name them; those of a channel that is off are left out."""
    fields = {
        field.name: str(getattr(part, field.name))
        for part in outputs.components()
        for field in dataclasses.fields(part)
    }
    dead = {name.removesuffix(_DEAD_LETTERS): url for name, url in fields.items() if name.endswith(_DEAD_LETTERS)}
    work = {
        name.removesuffix(_QUEUE): url
        for name, url in fields.items()
        if name.endswith(_QUEUE) and not name.endswith(_DEAD_LETTERS)
    }
    return [
        StackQueue(name.replace("_", "-"), work.get(name, ""), dead.get(name, ""))
        for name in dict.fromkeys([*work, *dead])
        if work.get(name) or dead.get(name)
    ]


def physical_name(url: str) -> str:
    """A queue's name in AWS, the last part of its address."""
    return url.rpartition("/")[2]


def parse_rate(value: object) -> float:
    """Messages a second that a redrive moves, above 0."""
    return per_second(value, name="rate", things="messages", most=MAX_RATE)


def parse_number(value: object, what: str, most: int) -> int:
    """A whole number of messages from 1 to `most`."""
    text = str(value).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= number <= most:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"{what} is {safe_line(value, 40)}", f"give a whole number from 1 to {most}"
        )
    return number


def find_queue(outputs: StackOutputs, name: str) -> StackQueue:
    """The queue of that short or physical name, or whose dead-letter queue has it; raises with the names there are."""
    queues = [queue for queue in queues_of(outputs) if queue.dead_letters_url]
    for queue in queues:
        names = {queue.name, queue.dead_letters_name, physical_name(queue.url), physical_name(queue.dead_letters_url)}
        if name and name in names:
            return queue
    raise ConsoleError(
        ProblemKind.BAD_INPUT,
        f"{safe_line(name, 80)!r} is no queue of {outputs.identity.stack}",
        f"give one of {', '.join(queue.name for queue in queues)}",
    )
