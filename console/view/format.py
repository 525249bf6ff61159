"""Figures as people read them: fixed shapes, three significant digits, `-` for what is not known."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MISSING = "-"


def count(value: float | None) -> str:
    """Whole number with thousands separated; from a million on in SI with three significant digits."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{round(value):,}" if abs(value) < 1e6 else si(value)


def si(value: float | None, unit: str = "") -> str:
    """Three significant digits with an SI prefix: 1234 -> 1.23k."""
    if value is None or not math.isfinite(value):
        return MISSING
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit * 0.9995:
            return f"{_three(value / limit)}{prefix}{unit}"
    return f"{_three(value)}{unit}"


def _three(value: float) -> str:
    size = abs(value)
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    return f"{value:.{digits}f}"


def rate(value: float | None) -> str:
    """Messages per second."""
    return MISSING if value is None or not math.isfinite(value) else f"{si(value)}/s"


def money(value: float | None) -> str:
    """US dollars: cents from ten dollars on, four digits below (an SMS costs less than a cent)."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "$0.00"
    if abs(value) < 0.0001:
        return "<$0.0001"
    return f"${value:,.2f}" if abs(value) >= 10 else f"${value:.4f}"


def percent(part: float, whole: float) -> str:
    """Share with one digit; `-` of nothing. 100.0 % is said of the whole only."""
    if whole <= 0:
        return MISSING
    share = 100 * part / whole
    if part < whole and share > 99.9:
        share = 99.9
    return f"{share:.1f} %"


def span(seconds: float | None) -> str:
    """A length of time: 0.4 s, 47 s, 3 m 20 s, 2 h 05 m, 3 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def age(seconds: float | None) -> str:
    """How long ago, coarse, so that it does not flicker: 3s, 47s, 12m, 5h, 2d."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    whole = int(max(0.0, seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def clock(epoch: float | None) -> str:
    """Time of day, UTC: 12:04:09."""
    at = None if epoch is None else _moment(epoch)
    return MISSING if at is None else at.strftime("%H:%M:%S")


def stamp(epoch: float) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    at = _moment(epoch)
    return MISSING if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(epoch: float) -> datetime | None:
    """None for what is no time of the calendar, as a broken row of a table may hold."""
    try:
        return datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None
