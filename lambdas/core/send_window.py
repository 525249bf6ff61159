"""Send windows: the hours in which a recipient may be written to, on the clock of the recipient's own zone.

An opening begins at the last instant at which the wall clock shows its start and ends at the first at which it shows
its end, so nobody's clock shows a quiet hour while an opening lasts: a local time that exists twice opens the window
the second time and closes it the first time, one that does not exist counts as the moment the clock jumps over it.
Times are integer microseconds since the epoch; zones are IANA names, and several of them joined by a comma stand for
somebody whose zone is one of them: open is what is open in all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

MICROSECOND = 1_000_000
DAY_SECONDS = 86_400
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 32
"""How far ahead an opening is looked for; several zones may have none in common at all."""
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_FIELDS = frozenset({"start", "end", "days", "timezone"})


class Opening(NamedTuple):
    """The time `[start_us, end_us)` in which sending is allowed."""

    start_us: int
    end_us: int

    def holds(self, at_us: int) -> bool:
        """Whether an instant lies in it."""
        return self.start_us <= at_us < self.end_us


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Minutes of the local day from `start` to `end`, over midnight where `end` is not later; `days` (0 = Monday) are
    those on which it opens, `timezone` is meant for recipients whose own is not known."""

    start: int
    end: int
    days: frozenset[int] = frozenset(range(7))
    timezone: str | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SendWindow:
        """The inverse of `to_json`."""
        return cls(
            _minutes(value["start"]),
            _minutes(value["end"]),
            frozenset(DAYS.index(day) for day in value.get("days", DAYS)),
            value.get("timezone"),
        )

    def to_json(self) -> dict[str, Any]:
        """As a request gives it; what goes without saying is left out."""
        return {
            "start": f"{self.start // 60:02d}:{self.start % 60:02d}",
            "end": f"{self.end // 60:02d}:{self.end % 60:02d}",
            **({} if len(self.days) == len(DAYS) else {"days": [DAYS[day] for day in sorted(self.days)]}),
            **({"timezone": self.timezone} if self.timezone else {}),
        }

    @classmethod
    def from_text(cls, text: str) -> SendWindow | None:
        """A stack's window as an environment variable holds it, JSON; None for an empty one."""
        return cls.from_json(json.loads(text)) if text else None

    def next_opening(self, zones: str, at_us: int) -> Opening | None:
        """The opening that holds at an instant, else the next one; None if there is none in the next 32 days."""
        names = zones.split(",")
        second = at_us // MICROSECOND
        last = second + LOOK_AHEAD_DAYS * DAY_SECONDS
        while second < last:
            found = [opening for name in names if (opening := _zone_opening(self, name, second))]
            if len(found) < len(names):
                return None
            start, end = max(start for start, _ in found), min(end for _, end in found)
            if start < end:
                return Opening(start * MICROSECOND, end * MICROSECOND)
            second = end
        return None

    def closes_us(self, zones: str, at_us: int) -> int:
        """When the opening ends that holds at an instant; the instant itself while the window is closed."""
        opening = self.next_opening(zones, at_us)
        return opening.end_us if opening is not None and opening.holds(at_us) else at_us


def parse_send_window(value: object, where: str, problems: list[str]) -> SendWindow | None:
    """Read a window as a request gives it; adds to `problems` and returns None where something is wrong."""
    if not isinstance(value, dict) or value.keys() - _FIELDS or not {"start", "end"} <= value.keys():
        problems.append(f"{where} must be an object with start and end, and perhaps days and timezone")
        return None
    before = len(problems)
    for name in ("start", "end"):
        if not (isinstance(value[name], str) and _TIME.fullmatch(value[name])):
            problems.append(f"{where}.{name} must be a time of day like 09:00")
    days = value.get("days", list(DAYS))
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        problems.append(f"{where}.days must be a list of some of {', '.join(DAYS)}")
    if value.get("timezone") is not None and not is_zone(value["timezone"]):
        problems.append(f"{where}.timezone must be an IANA time zone like Europe/Berlin")
    if len(problems) > before:
        return None
    if value["start"] in (value["end"], "24:00"):
        problems.append(f"{where} must start at another time than it ends; 00:00 to 24:00 is a whole day")
        return None
    return SendWindow.from_json({name: each for name, each in value.items() if each is not None})


def is_zone(name: object) -> bool:
    """Whether a value names an IANA time zone."""
    return isinstance(name, str) and name in _zone_names()


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def zone_rules(name: str, since_s: int, days: int) -> tuple[tuple[int, int], ...]:
    """A zone's offsets from UTC from `since_s` (epoch seconds) over some days, as (from when, seconds); zones with
    equal rules show the same time all the while."""
    zone = _clock(name)
    rules = [(since_s, _offset(zone, since_s))]
    for day in range(1, days + 1):
        low, high = since_s + (day - 1) * DAY_SECONDS, since_s + day * DAY_SECONDS
        if (offset := _offset(zone, high)) == rules[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _offset(zone, middle) == offset else (middle, high)
        rules.append((high, offset))
    return tuple(rules)


def _clock(zone: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # 2 ms that only campaigns with a window need

    return ZoneInfo(zone)


def _offset(zone: tzinfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _zone_opening(window: SendWindow, zone: str, second: int) -> tuple[int, int] | None:
    """The first opening in one zone that ends after an instant, together with those that follow without a gap."""
    day = datetime.fromtimestamp(second, UTC).toordinal() - 2
    found: tuple[int, int] | None = None
    for ordinal in range(day, day + LOOK_AHEAD_DAYS):
        opening = _day_opening(window, zone, ordinal)
        if opening is None or opening[1] <= second:
            continue
        if found is None:
            found = opening
        elif opening[0] <= found[1]:
            found = (found[0], opening[1])
        else:
            break
    return found


@lru_cache(maxsize=65_536)
def _day_opening(window: SendWindow, zone: str, ordinal: int) -> tuple[int, int] | None:
    """The opening that begins on a local day, in epoch seconds; None if it does not open or the clock jumps over it."""
    day = date.fromordinal(ordinal)
    if day.weekday() not in window.days:
        return None
    midnight = datetime.combine(day, time())
    start = midnight + timedelta(minutes=window.start)
    end = midnight + timedelta(minutes=window.end, days=0 if window.end > window.start else 1)
    clock = _clock(zone)
    opens = _instant(clock, start)[1]
    closes = next((instant for instant in _instant(clock, end) if instant > opens), opens)
    return (opens, closes) if closes > opens else None


def _instant(zone: tzinfo, wall: datetime) -> tuple[int, int]:
    """The first and the last instant (epoch seconds) at which a wall clock comes to show a time."""
    first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first <= second:
        return first, second
    low, high = second, first
    while high - low > 1:
        middle = (low + high) // 2
        passed = datetime.fromtimestamp(middle, zone).replace(tzinfo=None) >= wall
        low, high = (low, middle) if passed else (middle, high)
    return high, high
