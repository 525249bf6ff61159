"""Send windows by brute force: what the clock on the recipient's wall shows, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import Opening, SendWindow

DAY_US = 86_400 * MICROSECOND


def at_us(instant: datetime) -> int:
    """Microseconds since the epoch."""
    return round(instant.timestamp() * MICROSECOND)


def shows_open(window: SendWindow, zone: str, instant: datetime) -> bool:
    """Whether a clock in the zone shows a time within the window."""
    local = instant.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if window.start < window.end:
        return window.start <= minute < window.end and local.weekday() in window.days
    yesterday = (local.date() - timedelta(days=1)).weekday()
    late = minute >= window.start and local.weekday() in window.days
    return late or (minute < window.end and yesterday in window.days)


def openings(window: SendWindow, zones: str, since: datetime, until: datetime) -> list[Opening]:
    """All openings that begin in a span of time."""
    found: list[Opening] = []
    at, end = at_us(since), at_us(until)
    while (opening := window.next_opening(zones, at)) is not None and opening.start_us < end:
        found.append(opening)
        at = opening.end_us
    return found


def changes_of(zone: str, since: datetime, until: datetime) -> list[datetime]:
    """The instants (to the minute) at which the zone's clock is put forward or back."""
    clock, found, day = ZoneInfo(zone), [], since
    while day < until:
        low, high = day, day + timedelta(days=1)
        if low.astimezone(clock).utcoffset() != high.astimezone(clock).utcoffset():
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
                same = middle.astimezone(clock).utcoffset() == low.astimezone(clock).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high)
        day += timedelta(days=1)
    return found


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
