"""CloudWatch's statistics: which there are by name, and their values over what was published."""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


class StatisticError(ValueError):
    """A statistic that is not computed here; the message names the ones that are."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was published over a stretch of time; `values` is None when percentiles cannot be computed from it."""

    count: float
    total: float
    low: float
    high: float
    values: Mapping[float, float] | None

    def statistic(self, name: str) -> float | None:
        """The named statistic; None for a percentile of statistic sets or negative values, as on AWS."""
        basic = {
            "SampleCount": self.count,
            "Sum": self.total,
            "Average": self.total / self.count,
            "Minimum": self.low,
            "Maximum": self.high,
        }
        if name in basic:
            return basic[name]
        rank = percentile_rank(name)
        if self.values is None or self.low < 0:
            return None
        return min(max(_percentile(self.values, rank), self.low), self.high)


def percentile_rank(name: str) -> float:
    """95.0 for `p95`; raises `StatisticError` for anything that is neither a percentile nor a basic statistic."""
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        raise StatisticError(
            f"the embedded cloud does not compute the statistic {name!r}; use one of {', '.join(STATISTICS)} or pNN.NN"
        )
    return float(match[1])


def check_statistic(name: str) -> None:
    """Raise `StatisticError` unless `name` can be computed."""
    if name not in STATISTICS:
        percentile_rank(name)


def _percentile(values: Mapping[float, float], rank: float) -> float:
    ordered = sorted(values.items())
    position = rank / 100.0 * (sum(values.values()) - 1)
    ends = list(itertools.accumulate(weight for _, weight in ordered))

    def at(index: float) -> float:
        return ordered[min(bisect.bisect_right(ends, index), len(ordered) - 1)][0]

    if position <= 0:
        return ordered[0][0]
    below = math.floor(position)
    low, high = at(below), at(below + 1)
    return low + (high - low) * (position - below)
