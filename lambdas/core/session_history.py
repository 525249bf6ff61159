"""The last messages of a session: a ring of slots, and what of it a listener who missed some can still have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lambdas.core.session import MAX_LANGUAGE, TO_ALL

SLOTS = 100
"""Messages kept of a session: what one BatchGetItem reads (DynamoDB API reference)."""


AT_A_TIME = 1024 * 1024
"""Characters that one replay sends at most: asking is cheap, and each 32 KB are billed as a message."""

MOST_LANGUAGES = 20
"""Whose last messages since the last one to all a session knows, so that its item stays below a write unit's 1 KB."""

GREATEST_SEQUENCE = 2**53
"""The greatest whole number that every JSON reader has exactly (RFC 8259, "Numbers")."""


class KeptMessage(NamedTuple):
    """One message as it was sent: `text` is the whole envelope, `language` whose listeners it was for, None for all."""

    sequence: int
    language: str | None
    text: str

    def is_for(self, language: str | None) -> bool:
        """Whether a listener of `language` was sent it; a speaker (None) is shown all."""
        return self.language is None or language is None or self.language == language


def longest_before(language: str | None) -> dict[str, int]:
    """What takes the most room of all that `Session.before_next` can be."""
    widest = [language] if language is not None else [f"{number:0{MAX_LANGUAGE}}" for number in range(MOST_LANGUAGES)]
    return dict.fromkeys([TO_ALL, *widest], GREATEST_SEQUENCE)


def slot(sequence: int) -> int:
    """Where a message is kept."""
    return sequence % SLOTS


def wanted(after: int, latest: int) -> range:
    """The sequence numbers of what was missed and may still be there."""
    return range(max(after + 1, latest - SLOTS + 1, 1), latest + 1)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is sent again, up to message `last`; `complete` says that nothing missed up to there is lacking.

    `lacking` numbers between `first` and `last` have no message, of which some may yet be kept.
    """

    messages: Sequence[KeptMessage]
    first: int
    last: int
    latest: int
    lacking: int
    complete: bool


def replay(kept: Iterable[KeptMessage], after: int, latest: int, language: str | None) -> Replay:
    """Choose from the ring what a listener of `language` missed after message `after`, as much as goes at a time.

    A slot that holds another message than the one wanted, or none, makes the replay incomplete: nobody knows whose
    language the lost one had.
    """
    numbers = wanted(after, latest)
    there = {message.sequence: message for message in kept if message.sequence in numbers}
    chosen: list[KeptMessage] = []
    last, room = latest, AT_A_TIME
    for number in sorted(there):
        message = there[number]
        if not message.is_for(language):
            continue
        room -= len(message.text)
        if room < 0 and chosen:
            last = number - 1
            break
        chosen.append(message)
    lacking = sum(number <= last and number not in there for number in numbers)
    complete = not lacking and (after >= latest or numbers.start == after + 1)
    return Replay(chosen, numbers.start, last, latest, lacking, complete)
