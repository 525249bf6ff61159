"""SMS pumping in a campaign's audience, which is known before anything is sent: ranges that hold too many numbers.

Recipients of a real audience are strewn over a country's numbering plan. A block of extensions in it is ordinary, and
so is a small country whose every range is hit because the audience is a large part of its people; a list that somebody
has counted up is neither. Countries are not judged here: who sends a campaign has chosen them and seen them in the
preflight.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

from lambdas.core.pumping_guard import RANGE_DIGITS
from lambdas.core.simulator import is_simulator

_CODE = "Q"
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

AT_ONCE = 131_072
"""Numbers whose ranges are sorted together, in 5 MB."""


@dataclass(frozen=True, slots=True, order=True)
class SuspiciousRange:
    """A range of numbers and how many different ones of it an audience holds."""

    numbers: int
    country: str
    prefix: str

    def to_json(self) -> dict[str, str | int]:
        """For a campaign's summary: the range without the digits that tell its numbers apart."""
        return {"country": self.country, "range": self.prefix + "x" * RANGE_DIGITS, "numbers": self.numbers}


MAX_SHOWN = 20
"""Ranges that a plan names."""


class AudienceRanges:
    """An audience's ranges by country, one of eight bytes for each number; every number is to be given once.

    A million numbers take 8 MB, and 5 MB more for a moment when they are judged.
    """

    def __init__(self, ranges: Mapping[str, array[int]] | None = None) -> None:
        self._ranges = dict(ranges or {})

    def add(self, number: str, country: str) -> None:
        """Take in one E.164 number."""
        if not is_simulator(number):
            self._ranges.setdefault(country, array(_CODE)).append(int(number[1:-RANGE_DIGITS] or 0))

    def suspicious(self) -> tuple[SuspiciousRange, ...]:
        """The ranges that no ordinary audience has, the fullest first."""
        found: list[SuspiciousRange] = []
        for country, numbers in self._ranges.items():
            ranges, blocks = 0, []
            for prefix, count in _counts(numbers):
                ranges += 1
                if count >= BLOCK:
                    blocks.append((prefix, count))
            found.extend(
                SuspiciousRange(count, country, f"+{prefix}")
                for prefix, count in blocks
                if _is_suspicious(count, len(numbers), ranges)
            )
        return tuple(sorted(found, reverse=True))

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers of each country there are, in the order in which `write` writes them."""
        return {country: len(numbers) for country, numbers in self._ranges.items()}

    def write(self, file: BinaryIO) -> None:
        """Every country's ranges, as they are in memory."""
        for numbers in self._ranges.values():
            numbers.tofile(file)

    @classmethod
    def read(cls, file: BinaryIO, sizes: Mapping[str, int]) -> AudienceRanges:
        """The inverse of `write`."""
        ranges = {}
        for country, size in sizes.items():
            ranges[country] = array(_CODE)
            ranges[country].frombytes(file.read(size * ranges[country].itemsize))
        return cls(ranges)


def _counts(numbers: array[int]) -> Iterator[tuple[int, int]]:
    """Each range and how often it occurs, in passes that sort a share of them: as objects they take five times as much
    as in the array."""
    passes = 1 + len(numbers) // AT_ONCE
    for residue in range(passes):
        for prefix, group in groupby(sorted(number for number in numbers if number % passes == residue)):
            yield prefix, sum(1 for _ in group)


def _is_suspicious(numbers: int, total: int, ranges: int) -> bool:
    if numbers >= CERTAIN or (numbers >= SHARE * total and ranges < ALIKE_RANGES):
        return True
    if ranges < ALIKE_RANGES:
        return numbers >= DENSE
    others = (total - numbers) / (ranges - 1)
    return numbers >= max(FACTOR * others, DENSE) or numbers >= max(FACTOR * others, SHARE * total)
