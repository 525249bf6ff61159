"""What became of a step of a setup."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """What became of a step."""

    THERE = "is there"
    WOULD = "would do"
    DONE = "done"
    HAND = "by hand"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step's state; `remedy` tells what a person has to do, and where."""

    name: str
    word: Word
    detail: str
    remedy: str = ""
