"""Steps of a setup: each looks first, says what it found, and can make it so. Order matters, repeating does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from console.services.errors import classify
from console.setup.outcome import Outcome, Word


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found: all as it should be, something for a person, or something that `act` does.

    `act` answers what it did; it is only ever called after this finding, and finds things as they were.
    """

    word: Word
    detail: str
    remedy: str = ""
    act: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a stack needs; `look` reads and changes nothing."""

    name: str
    look: Callable[[], Finding]


def there(detail: str) -> Finding:
    """Nothing is left to do."""
    return Finding(Word.THERE, detail)


def would(detail: str, act: Callable[[], str]) -> Finding:
    """`act` does it."""
    return Finding(Word.WOULD, detail, act=act)


def by_hand(detail: str, remedy: str) -> Finding:
    """No call does it, or none that should be made unasked."""
    return Finding(Word.HAND, detail, remedy)


def carry_out(steps: Iterable[Step], *, apply: bool) -> Iterator[Outcome]:
    """Look at each step, and with `apply` do what it would. A step that fails is told, and the next one follows."""
    for step in steps:
        try:
            found = step.look()
            if apply and found.act is not None:
                yield Outcome(step.name, Word.DONE, found.act())
                continue
        except Exception as error:
            problem = classify(error)
            yield Outcome(step.name, Word.FAILED, problem.sentence, problem.remedy)
            continue
        yield Outcome(step.name, found.word, found.detail, found.remedy)
