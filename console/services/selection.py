"""Which dead letters a redrive is to move, and a rehearsal that counts them and moves none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from console.domain import ConsoleError, ProblemKind
from console.letter_reasons import Reason, reason_of
from console.queues import Course, Letter, StackQueue
from console.services.redrive import Pace, Redrive
from console.sources.letters import Letters


@dataclass(frozen=True, slots=True)
class Selection:
    """Messages of one dead-letter queue whose reason has `reason` in it (in any case), in a stack with these
    `channels`."""

    queue: StackQueue
    channels: Collection[str]
    reason: str = ""

    def why(self, letter: Letter) -> Reason:
        """Why the message was set aside."""
        return reason_of(letter, self.queue.name, self.channels)

    def holds(self, letter: Letter) -> bool:
        """Whether it is asked for and can be moved at all."""
        reason = self.why(letter)
        return reason.movable and self.reason.lower() in reason.sentence.lower()


def require_movable(queue: StackQueue) -> None:
    """Raise for a dead-letter queue with no queue behind it."""
    if not queue.url:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            f"{queue.dead_letters_name} holds positions in a stream, not messages: nothing can be put back",
            "the counters are recounted when their campaigns settle (docs/runbooks/dead-letter-queue.md)",
        )


class Rehearsal:
    """A redrive that moves nothing: `reasons` counts what it would have moved, at most `most` messages."""

    def __init__(self, letters: Letters, selection: Selection, pace: Pace, *, most: int | None = None) -> None:
        self.reasons: Counter[str] = Counter()
        self._selection = selection
        self._most = most
        self._redrive = Redrive(letters, self._note, pace)

    @property
    def course(self) -> Course:
        """How far it is: `left` counts every message seen."""
        return self._redrive.course

    def run(self) -> Course:
        """Read the dead-letter queue to its end, and make all of it visible again."""
        return self._redrive.run()

    def _note(self, letter: Letter) -> bool:
        if self._selection.holds(letter) and (self._most is None or self.reasons.total() < self._most):
            self.reasons[self._selection.why(letter).sentence] += 1
        return False
