"""SMS pumping in a campaign's audience, which is known before anything is sent: numbers that somebody has counted up.

Recipients of a real audience are strewn over a country's numbering plan. A block of extensions in it is ordinary, and
so is a small country whose every range is hit because the audience is a large part of its people; a range that holds
too many numbers is neither, and many runs of numbers that follow one another are not, however short each is. Countries
are not judged here: they are those that the stack and the campaign allow (`countries`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
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

RUN = 20
STEP = 5
"""So many numbers of a range that follow one another at one step, of up to `STEP`, are no chance: of recipients who are
half of all numbers, one in 400 million begins such a run."""
RUNS = 100
RUNS_SHARE = 0.10
"""Runs are suspicious that hold so many numbers and such a share of their country's audience, which a company's
telephones are not."""
RUNS_CERTAIN = 500
RUNS_CERTAIN_SHARE = 0.01
"""So many are suspicious in a share that the telephones of several companies are not."""

AT_ONCE = 65_536
"""Numbers that are sorted together, in 3 MB."""


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
    """An audience's numbers by country, in eight bytes each; every number is to be given once.

    A million numbers take 8 MB, and 3 MB more for a moment when they are judged.
    """

    def __init__(self, numbers: Mapping[str, array[int]] | None = None) -> None:
        self._numbers = dict(numbers or {})

    def add(self, number: str, country: str) -> None:
        """Take in one E.164 number."""
        if not is_simulator(number):
            self._numbers.setdefault(country, array(_CODE)).append(int(number[1:]))

    def suspicious(self) -> tuple[SuspiciousRange, ...]:
        """The ranges that no ordinary audience has, the fullest first."""
        found: list[SuspiciousRange] = []
        for country, numbers in self._numbers.items():
            ranges, in_runs, notable = 0, 0, []
            for prefix, count, following in _counts(numbers):
                ranges += 1
                in_runs += following
                if count >= BLOCK or following:
                    notable.append((prefix, count, following))
            counted_up = _are_counted_up(in_runs, len(numbers))
            found.extend(
                SuspiciousRange(count, country, f"+{prefix}")
                for prefix, count, following in notable
                if (following and counted_up) or (count >= BLOCK and _is_suspicious(count, len(numbers), ranges))
            )
        return tuple(sorted(found, reverse=True))

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers of each country there are, in the order in which `write` writes them."""
        return {country: len(numbers) for country, numbers in self._numbers.items()}

    def write(self, file: BinaryIO) -> None:
        """Every country's numbers, as they are in memory."""
        for numbers in self._numbers.values():
            numbers.tofile(file)

    @classmethod
    def read(cls, file: BinaryIO, sizes: Mapping[str, int]) -> AudienceRanges:
        """The inverse of `write`."""
        found = {}
        for country, size in sizes.items():
            found[country] = array(_CODE)
            found[country].frombytes(file.read(size * found[country].itemsize))
        return cls(found)


def _counts(numbers: array[int]) -> Iterator[tuple[int, int, int]]:
    """Each range, how many of the numbers it has and how many of those are in runs, in passes that sort a share of the
    numbers: as objects they take five times as much as in the array."""
    size = 10**RANGE_DIGITS
    passes = 1 + len(numbers) // AT_ONCE
    for residue in range(passes):
        chosen = sorted(number for number in numbers if number // size % passes == residue)
        for prefix, group in groupby(chosen, lambda number: number // size):
            found = list(group)
            yield prefix, len(found), _in_runs(found)


def _in_runs(numbers: Sequence[int]) -> int:
    """How many of the numbers, which are in order, follow one another at one step."""
    total, length, step = 0, 1, 0
    for before, number in pairwise(numbers):
        if number - before == step:
            length += 1
            continue
        total += length if length >= RUN else 0
        step, length = (number - before, 2) if number - before <= STEP else (0, 1)
    return total + (length if length >= RUN else 0)


def _are_counted_up(in_runs: int, total: int) -> bool:
    share = in_runs / total
    return (in_runs >= RUNS and share >= RUNS_SHARE) or (in_runs >= RUNS_CERTAIN and share >= RUNS_CERTAIN_SHARE)


def _is_suspicious(numbers: int, total: int, ranges: int) -> bool:
    if numbers >= CERTAIN or (numbers >= SHARE * total and ranges < ALIKE_RANGES):
        return True
    if ranges < ALIKE_RANGES:
        return numbers >= DENSE
    others = (total - numbers) / (ranges - 1)
    return numbers >= max(FACTOR * others, DENSE) or numbers >= max(FACTOR * others, SHARE * total)
