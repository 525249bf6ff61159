"""Redriving dead letters: whatever ends it none is lost; filtered, paced, interrupted, going round in circles."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.queues import Course, Letter
from console.services.redrive import Pace, Redrive
from console.sources.letters import BATCH, peek


class Crashed(Exception):
    """The process has ended."""


@dataclass
class Held:
    letter: Letter
    visible: bool = True


class Queues:
    """A dead-letter queue and its source: at-least-once, unordered, and able to die before or after any operation.

    `refuses` names bodies that the source does not take, `fails` those that come back to the dead-letter queue at once
    under a new id, as a message does whose cause is not corrected.
    """

    def __init__(
        self,
        bodies: Sequence[str],
        *,
        refuses: Sequence[str] = (),
        fails: Sequence[str] = (),
        dies_at: int | None = None,
    ) -> None:
        self._ids = itertools.count()
        self.dead = [Held(self._letter(body)) for body in bodies]
        self.source: list[str] = []
        self.reads: Counter[str] = Counter()
        self._refuses, self._fails, self._dies_at = set(refuses), set(fails), dies_at
        self.operations = 0

    def _letter(self, body: str) -> Letter:
        return Letter(f"id-{next(self._ids)}", body, 0, 1, "")

    def _step(self) -> None:
        self.operations += 1
        if self.operations == self._dies_at:
            raise Crashed

    def waiting(self) -> int:
        return sum(held.visible for held in self.dead)

    def receive(self, most: int) -> list[Letter]:
        self._step()
        found = [held for held in self.dead if held.visible][: min(most, BATCH)]
        for held in found:
            held.visible = False
            self.reads[held.letter.id] += 1
        self._step()
        return [replace(held.letter, handle=held.letter.id) for held in found]

    def release(self, letters: Sequence[Letter]) -> None:
        for held in self.dead:
            held.visible |= held.letter.id in {each.handle for each in letters}

    def send(self, letters: Sequence[Letter]) -> tuple[dict[str, str], dict[str, str]]:
        sent, refused = {}, {}
        for each in letters:
            self._step()
            if each.body in self._refuses:
                refused[each.id] = "InvalidMessageContents"
                continue
            again = self._letter(each.body)
            sent[each.id] = again.id
            if each.body in self._fails:
                self.dead.append(Held(again))
            else:
                self.source.append(each.body)
        self._step()
        return sent, refused

    def delete(self, letters: Sequence[Letter]) -> None:
        for each in letters:
            self._step()
            self.dead = [held for held in self.dead if held.letter.id != each.id]
        self._step()

    def all_visible(self) -> None:
        for held in self.dead:
            held.visible = True

    @property
    def left(self) -> list[str]:
        return [held.letter.body for held in self.dead]


class Clock:
    """Time that passes only when somebody pauses; Ctrl-C comes at `ends`."""

    def __init__(self, ends: float = float("inf")) -> None:
        self.now, self.ends = 0.0, ends

    def pause(self, seconds: float) -> None:
        self.now = min(self.now + max(0.0, seconds), max(self.now, self.ends))

    def pace(self, rate: float = 1_000.0) -> Pace:
        return Pace(rate, self.pause, lambda: self.now >= self.ends, lambda: self.now)


def redrive(
    queues: Queues,
    wanted: Callable[[Letter], bool] = lambda _: True,
    most: int | None = None,
    clock: Clock | None = None,
) -> Course:
    return Redrive(queues, wanted, (clock or Clock()).pace(), most=most).run()


@given(st.lists(st.sampled_from("abcdef"), max_size=35), st.integers(1, 400))
def test_whatever_ends_it_no_message_is_lost_and_the_next_run_finishes(bodies: list[str], dies_at: int) -> None:
    queues = Queues(bodies, dies_at=dies_at)
    try:
        redrive(queues)
    except Crashed:
        pass
    assert not Counter(bodies) - (Counter(queues.source) + Counter(queues.left))
    queues.all_visible()
    queues._dies_at = None
    redrive(queues)
    assert queues.left == []
    assert not Counter(bodies) - Counter(queues.source)
    assert len(queues.source) <= len(bodies) + BATCH, "only the batch that was under way is there twice"


def test_every_message_is_moved_once() -> None:
    bodies = [str(number) for number in range(237)]
    queues = Queues(bodies)
    course = redrive(queues)
    assert (course.moved, course.left, course.interrupted) == (237, 0, False)
    assert sorted(queues.source) == sorted(bodies)
    assert queues.left == []


def test_what_is_not_wanted_or_refused_stays_and_is_visible_again() -> None:
    queues = Queues([*"abc" * 20, "too large"], refuses=["too large"])
    course = redrive(queues, lambda letter: letter.body != "b")
    assert (course.moved, course.left, dict(course.refused)) == (40, 20, {"InvalidMessageContents": 1})
    assert Counter(queues.left) == {"b": 20, "too large": 1}
    assert all(held.visible for held in queues.dead)
    assert set(queues.reads.values()) == {1}


def test_what_fails_again_does_not_go_round_in_circles() -> None:
    queues = Queues([*"ab" * 15], fails=["b"])
    course = redrive(queues)
    assert (course.moved, course.came_back) == (30, 15)
    assert Counter(queues.left) == {"b": 15}


def test_no_more_are_moved_than_were_asked_for() -> None:
    queues = Queues(["a"] * 50)
    assert redrive(queues, most=13).moved == 13
    assert (len(queues.source), len(queues.left)) == (13, 37)
    assert all(held.visible for held in queues.dead)


@pytest.mark.parametrize(("rate", "seconds"), [(0.5, 200.0), (10.0, 10.0), (25.0, 4.0)])
def test_the_rate_is_kept(rate: float, seconds: float) -> None:
    clock = Clock()
    Redrive(Queues(["a"] * 100), lambda _: True, clock.pace(rate)).run()
    assert clock.now == pytest.approx(seconds)


def test_ctrl_c_ends_it_between_two_batches_and_nothing_is_there_twice() -> None:
    queues = Queues(["a"] * 100)
    clock = Clock(ends=3.5)
    course = Redrive(queues, lambda _: True, clock.pace(10)).run()
    assert course.interrupted
    assert (course.moved, len(queues.source), len(queues.left)) == (40, 40, 60)
    assert all(held.visible for held in queues.dead)


def test_a_look_consumes_nothing() -> None:
    queues = Queues([str(number) for number in range(30)])
    assert len(peek(queues, 25)) == 25
    assert len({letter.id for letter in peek(queues, 1_000)}) == 30
    assert all(held.visible for held in queues.dead)
    assert (len(queues.left), queues.source) == (30, [])


def test_a_look_that_fails_leaves_everything_visible() -> None:
    queues = Queues([str(number) for number in range(30)], dies_at=3)
    with pytest.raises(Crashed):
        peek(queues, 30)
    assert all(held.visible for held in queues.dead)
