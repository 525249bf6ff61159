"""Dead letters moved back so that an interruption at any point loses none.

A message is put into its queue first and deleted from the dead-letter queue after that. Whatever ends the process
between the two leaves it in both: its consumer gets it twice, and every consumer here knows what it has done already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.queues import Course, Letter
from console.sources.letters import BATCH, PATIENCE, Letters


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a redrive goes and how it waits. `pause` sleeps seconds or less, `wished` says that it is to end."""

    per_second: float
    pause: Callable[[float], None]
    wished: Callable[[], bool]
    monotonic: Callable[[], float] = time.monotonic

    @property
    def batch(self) -> int:
        """Messages moved together: what a second allows, at least one and at most a batch of SQS."""
        return max(1, min(BATCH, int(self.per_second)))


class Redrive:
    """One move of messages; `course` tells how far it is, also after an exception."""

    def __init__(
        self,
        letters: Letters,
        wanted: Callable[[Letter], bool],
        pace: Pace,
        *,
        most: int | None = None,
        told: Callable[[Course], None] = lambda _: None,
    ) -> None:
        self.course = Course()
        self._letters = letters
        self._wanted = wanted
        self._pace = pace
        self._most = most
        self._told = told
        self._seen: set[str] = set()
        self._put: set[str] = set()
        self._held: list[Letter] = []

    def run(self) -> Course:
        """Move what is wanted until the queue is read, `most` are moved or somebody wishes to end it.

        What was moved, failed again and came back meanwhile is left: nothing goes round in circles.
        """
        barren = 0
        began = self._pace.monotonic()
        try:
            while barren < PATIENCE and (room := self._room()) > 0:
                if self._pace.wished():
                    self.course.interrupted = True
                    break
                chosen, fresh = self._choose(self._letters.receive(min(self._pace.batch, room)))
                barren = 0 if fresh else barren + 1
                if chosen:
                    self._move(chosen)
                    self._told(self.course)
                    self._pace.pause(began + self.course.moved / self._pace.per_second - self._pace.monotonic())
        finally:
            self._letters.release(self._held)
        return self.course

    def _room(self) -> int:
        return BATCH if self._most is None else self._most - self.course.moved

    def _choose(self, received: Sequence[Letter]) -> tuple[list[Letter], bool]:
        """The messages to move, and whether any was new; the others are held to the end, so that they come once."""
        fresh = [each for each in received if each.id not in self._seen]
        self._seen |= {each.id for each in fresh}
        back = [each for each in fresh if each.id in self._put]
        chosen = [each for each in fresh if each.id not in self._put and self._wanted(each)]
        self.course.came_back += len(back)
        self.course.left += len(fresh) - len(back) - len(chosen)
        taken = {each.id for each in chosen}
        self._held += [each for each in received if each.id not in taken]
        return chosen, bool(fresh)

    def _move(self, chosen: Sequence[Letter]) -> None:
        held = len(self._held)
        self._held += chosen
        sent, refused = self._letters.send(chosen)
        self._put |= set(sent.values())
        self.course.refused.update(refused.values())
        self._letters.delete([each for each in chosen if each.id in sent])
        self._held[held:] = [each for each in chosen if each.id not in sent]
        self.course.moved += len(sent)
