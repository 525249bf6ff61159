"""SMS pumping in a campaign's audience, which is known before anything is sent: ranges that hold too many numbers.

Recipients of a real audience are strewn over a country's numbering plan. A block of extensions in it is ordinary, and
so is a small country whose every range is hit because the audience is a large part of its people; a list that somebody
has counted up is neither. Countries are not judged here: who sends a campaign has chosen them and seen them in the
preflight.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lambdas.core.pumping_guard import RANGE_DIGITS
from lambdas.core.simulator import is_simulator

BLOCK = 50
"""Fewer numbers of a range than this are a company's extensions, at most."""
SHARE = 0.20
"""With `BLOCK` numbers or more, a range that is so much of its country's audience is suspicious: a town's numbers lie
in ten ranges or more, none of which is as much."""
DENSE = 200
"""A fifth of a range's thousand numbers: suspicious, unless the country's other ranges look alike."""
CERTAIN = 500
"""Half of a range: no audience reaches so much of a country."""
FACTOR = 5
ALIKE_RANGES = 30
"""Ranges look alike when there are at least so many and the one has less than `FACTOR` times the others' mean."""


@dataclass(frozen=True, slots=True, order=True)
class SuspiciousRange:
    """A range of numbers and how many different ones of it an audience holds."""

    numbers: int
    country: str
    prefix: str

    def to_json(self) -> dict[str, str | int]:
        """For a campaign's summary: the range without the digits that tell its numbers apart."""
        return {"country": self.country, "range": self.prefix + "x" * RANGE_DIGITS, "numbers": self.numbers}


class AudienceRanges:
    """Counts an audience's numbers by range, one integer each; every number is to be given once."""

    def __init__(self) -> None:
        self._ranges: dict[str, Counter[int]] = {}

    def add(self, number: str, country: str) -> None:
        """Take in one E.164 number."""
        if not is_simulator(number):
            self._ranges.setdefault(country, Counter())[int(number[1:-RANGE_DIGITS] or 0)] += 1

    def suspicious(self) -> tuple[SuspiciousRange, ...]:
        """The ranges that no ordinary audience has, the fullest first."""
        found = (
            SuspiciousRange(numbers, country, f"+{prefix}")
            for country, ranges in self._ranges.items()
            for prefix, numbers in ranges.items()
            if numbers >= BLOCK and _is_suspicious(numbers, ranges.total(), len(ranges))
        )
        return tuple(sorted(found, reverse=True))


def _is_suspicious(numbers: int, total: int, ranges: int) -> bool:
    if numbers >= CERTAIN or (numbers >= SHARE * total and ranges < ALIKE_RANGES):
        return True
    if ranges < ALIKE_RANGES:
        return numbers >= DENSE
    others = (total - numbers) / (ranges - 1)
    return numbers >= max(FACTOR * others, DENSE) or numbers >= max(FACTOR * others, SHARE * total)
