"""What a month will cost if it goes on as until now, and how sure that is."""

from __future__ import annotations

import math
import statistics
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime

from console.domain import Spend

DAY_SECONDS = 86_400.0
LEAST_DAYS = 3
"""Full days of which a deviation means something."""
DEVIATIONS = 2.0
"""Half the band's width: about nineteen months of twenty end within two standard deviations of their mean."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """US dollars of a whole month. `low` and `high` are None before `LEAST_DAYS` full days and while none of them has
    cost anything; `days_left` counts the rest of today as a part."""

    expected: float
    low: float | None
    high: float | None
    days_left: float


def month_forecast(spend: Spend, now: float) -> Forecast:
    """Month to date, and for each day left the mean of the days so far (of a first day that has just begun: its own).

    The band takes the days as independent: `DEVIATIONS` standard deviations of a full day times the root of the days
    left, never below what is spent already.
    """
    at = datetime.fromtimestamp(now, UTC)
    days = monthrange(at.year, at.month)[1]
    passed = at.day - 1 + (at.hour * 3600 + at.minute * 60 + at.second) / DAY_SECONDS
    known = spend.month_to_date_usd
    expected = known * days / max(passed, 1.0)
    left = days - passed
    full = [usd for day, usd in full_days(spend, at.date())]
    if len(full) < LEAST_DAYS or not any(full):
        return Forecast(expected, None, None, left)
    half = DEVIATIONS * statistics.stdev(full) * math.sqrt(left)
    return Forecast(expected, max(known, expected - half), expected + half, left)


def full_days(spend: Spend, today: date) -> list[tuple[str, float]]:
    """The days of this month that are over."""
    return [(day, usd) for day, usd in sorted(spend.by_day.items()) if day < today.isoformat()]
