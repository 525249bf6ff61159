"""Dead letters for readers: some of a queue's messages, each with the reason why it is there, all left in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from console.letter_bodies import shown_body
from console.letter_reasons import reason_of
from console.queues import Letter, StackQueue
from console.telemetry import DeadLetter
from console.text import safe_line

PATIENCE = 2
"""Receives in a row that bring nothing new, after which the queue counts as read."""
BATCH = 10


class Letters(Protocol):
    """A dead-letter queue and the queue behind it; `sources/queues.py` is the real one."""

    def waiting(self) -> int:
        """About how many messages lie in the dead-letter queue."""
        ...

    def receive(self, most: int) -> list[Letter]:
        """Some messages, held back from others for a while."""
        ...

    def release(self, letters: Sequence[Letter]) -> None:
        """Make them visible again."""
        ...

    def send(self, letters: Sequence[Letter]) -> tuple[dict[str, str], dict[str, str]]:
        """Put them back: new ids and codes of refusals, both by old id."""
        ...

    def delete(self, letters: Sequence[Letter]) -> None:
        """Take them off the dead-letter queue."""
        ...


def peek(letters: Letters, most: int) -> list[Letter]:
    """Up to `most` messages, visible again when this returns; reading them has counted as one receive more."""
    found: dict[str, Letter] = {}
    barren = 0
    try:
        while len(found) < most and barren < PATIENCE:
            fresh = [each for each in letters.receive(min(BATCH, most - len(found))) if each.id not in found]
            found |= {each.id: each for each in fresh}
            barren = 0 if fresh else barren + 1
    finally:
        letters.release(list(found.values()))
    return sorted(found.values(), key=lambda each: (each.sent_ms, each.id))


def dead_letter(letter: Letter, queue: StackQueue, channels: Collection[str]) -> DeadLetter:
    """`letter` as people may see it, in a stack with these channels."""
    return DeadLetter(
        id=safe_line(letter.id, 64),
        sent_at=letter.sent_ms / 1000,
        received=letter.received,
        reason=reason_of(letter, queue.name, channels).sentence,
        body=shown_body(letter.body),
    )
