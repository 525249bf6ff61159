"""In which zone's send window a recipient's message waits: the recipient's own, that of the number, the window's.

Zones whose clocks agree for longer than any campaign lasts share one name, so that a campaign has as few lanes as it
has different clocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from lambdas.core.channels import Channel
from lambdas.core.send_window import MICROSECOND, SendWindow, zone_rules

RULE_DAYS = 400
"""Clocks that agree for this long (both changes of a year, and a month) are taken for one."""


class LaneZones:
    """Gives rows the zone of their lane; the same rows in the same order always get the same ones."""

    def __init__(self, window: SendWindow | None, since_ms: int) -> None:
        self._window = window
        self._since_s = since_ms // 1_000
        self._names: dict[str, str] = {}
        self._by_rules: dict[tuple[tuple[int, int], ...], str] = {}
        self._lanes: dict[tuple[str, ...], str | None] = {}

    def recall(self, lanes: Iterable[str]) -> None:
        """Take up the zones that lanes have already, so that planning goes on with the same names."""
        for lane in lanes:
            for zone in filter(None, lane.split(",")):
                self._clock(zone)

    def of(self, channel: Channel, address: str, timezone: str | None) -> str | None:
        """The zone of a recipient's lane, empty without a window; several that are possible are joined by commas. None
        if nothing tells the zone, or if the window is never open in all that are possible.

        `address` is an E.164 number or an email address, `timezone` an IANA name.
        """
        if self._window is None:
            return ""
        zones: tuple[str, ...] = (timezone,) if timezone else ()
        if not zones and channel is not Channel.EMAIL:
            zones = zones_of_number(address)
        if not zones and self._window.timezone:
            zones = (self._window.timezone,)
        if zones not in self._lanes:
            self._lanes[zones] = self._lane(zones)
        return self._lanes[zones]

    def _lane(self, zones: tuple[str, ...]) -> str | None:
        assert self._window is not None
        lane = ",".join(sorted({self._clock(zone) for zone in zones}))
        opens = bool(lane) and self._window.next_opening(lane, self._since_s * MICROSECOND) is not None
        return lane if opens else None

    def _clock(self, zone: str) -> str:
        """The first zone given whose clock agrees with this one's."""
        if zone not in self._names:
            self._names[zone] = self._by_rules.setdefault(zone_rules(zone, self._since_s, RULE_DAYS), zone)
        return self._names[zone]


NO_WINDOW = LaneZones(None, 0)
"""Of a campaign without a send window: all rows of a channel are one lane."""


@lru_cache(maxsize=65_536)
def zones_of_number(number: str) -> tuple[str, ...]:
    """The zones in which an E.164 number may be: one for most area codes, all of a country's for its mobiles in
    general; none if it is not known (libphonenumber's prefix table, which names that `Etc/Unknown`)."""
    from phonenumbers import parse, timezone  # 36 ms and a table that only plans with a window need

    found = timezone.time_zones_for_number(parse(number, None))
    return tuple(zone for zone in found if zone != timezone.UNKNOWN_TIMEZONE)
