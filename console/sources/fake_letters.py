"""Dead letters of a made-up stack: looked at, held back, put back and taken off as those of SQS are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from console.queues import Letter, StackQueue
from console.sources.letters import BATCH

LETTERS: Mapping[str, tuple[str, ...]] = {
    "receipts": (
        '{"eventType":"TEXT_BRAND_NEW","messageStatus":"BRAND_NEW","messageId":"m-1","isFinal":true}',
        "no json, from +14254147755",
        '{"source":"aws.ses","detail-type":"Email Folded","detail":{}}',
    ),
    "outbox": ('{"phone":"+14254147755","body":"your code is 123456"}',),
}
"""Bodies in the dead-letter queues, by the short name of the queue they came from."""
RECEIVED = 5


@dataclass(slots=True)
class _Held:
    letter: Letter
    visible: bool = True


class FakeLetters:
    """One dead-letter queue and the queue behind it, whose consumer takes everything: `taken` are its bodies.

    Messages are held back until they are released; `refuses` names bodies that the queue does not take.
    """

    def __init__(self, name: str, sent_ms: int, ask: Callable[[str], None]) -> None:
        self.taken: list[str] = []
        self.refuses: frozenset[str] = frozenset()
        self._name = name
        self._sent_ms = sent_ms
        self._ask = ask
        self._lock = threading.Lock()
        self._held: list[_Held] = []
        self._made = 0
        self.put(LETTERS.get(name, ()))

    def put(self, bodies: Sequence[str]) -> None:
        """Set messages aside, as a consumer does that fails."""
        with self._lock:
            for body in bodies:
                letter = Letter(
                    f"{self._name}-letter-{self._made}", body, self._sent_ms + 1_000 * self._made, RECEIVED, ""
                )
                self._held.append(_Held(letter))
                self._made += 1

    def waiting(self) -> int:
        """How many messages are visible."""
        with self._lock:
            return sum(each.visible for each in self._held)

    @property
    def in_flight(self) -> int:
        """How many messages somebody holds."""
        with self._lock:
            return sum(not each.visible for each in self._held)

    def receive(self, most: int) -> list[Letter]:
        """Up to ten visible messages."""
        self._ask("sqs:ReceiveMessage")
        with self._lock:
            found = [each for each in self._held if each.visible][: min(most, BATCH)]
            for each in found:
                each.visible = False
                each.letter = replace(each.letter, received=each.letter.received + 1, handle=each.letter.id)
            return [each.letter for each in found]

    def release(self, letters: Sequence[Letter]) -> None:
        """Visible again."""
        handles = {each.handle for each in letters}
        with self._lock:
            for each in self._held:
                each.visible |= each.letter.handle in handles

    def send(self, letters: Sequence[Letter]) -> tuple[dict[str, str], dict[str, str]]:
        """Put back, and taken by the consumer at once."""
        self._ask("sqs:SendMessageBatch")
        with self._lock:
            sent = {each.id: f"again-{each.id}" for each in letters if each.body not in self.refuses}
            self.taken += [each.body for each in letters if each.id in sent]
            return sent, {each.id: "InvalidMessageContents" for each in letters if each.id not in sent}

    def delete(self, letters: Sequence[Letter]) -> None:
        """Off the dead-letter queue."""
        self._ask("sqs:DeleteMessageBatch")
        gone = {each.id for each in letters}
        with self._lock:
            self._held = [each for each in self._held if each.letter.id not in gone]


class FakeLetterBox:
    """The dead letters of a whole stack, by queue; `sent_ms` (epoch) is when the first of each was sent."""

    def __init__(self, sent_ms: int, ask: Callable[[str], None]) -> None:
        self._sent_ms = sent_ms
        self._ask = ask
        self._lock = threading.Lock()
        self._queues: dict[str, FakeLetters] = {}

    def of(self, queue: StackQueue) -> FakeLetters:
        """Those of one queue."""
        with self._lock:
            if queue.name not in self._queues:
                self._queues[queue.name] = FakeLetters(queue.name, self._sent_ms, self._ask)
            return self._queues[queue.name]
