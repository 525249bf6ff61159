"""A campaign's life at full size: interruptions at any moment, and two years of quiet hours in every zone."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import available_timezones

import pytest

from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import SendWindow
from tests.support.interruptions import interrupt, retune
from tests.support.window_oracle import at_us, changes_of, openings, shows_open, utc

SINCE, UNTIL = utc(2026, 1, 1), utc(2028, 1, 1)
DAYTIME, OVERNIGHT = SendWindow(9 * 60, 20 * 60), SendWindow(20 * 60, 6 * 60)
IN_THE_CHANGE = SendWindow(90, 150)
"""Half past one to half past two: within the hour that most zones skip and repeat."""


@pytest.mark.parametrize("block", range(10))
def test_500_pauses_resumptions_and_cancellations(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        interrupt(seed)


@pytest.mark.parametrize("block", range(4))
def test_200_changes_of_rate(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        retune(seed)


@pytest.mark.parametrize("window", [DAYTIME, OVERNIGHT, IN_THE_CHANGE], ids=["day", "night", "change"])
def test_no_quiet_hour_of_any_zone_is_open_in_two_years(window: SendWindow) -> None:
    """Each opening's first and last second by the wall clock, and every quarter of an hour around both changes."""
    for zone in sorted(available_timezones()):
        found = openings(window, zone, SINCE, UNTIL)
        assert len(found) >= 725, f"{zone} opens on {len(found)} days"
        for opening in found:
            for at in (opening.start_us, opening.end_us - MICROSECOND):
                assert shows_open(window, zone, shown(at)), f"{zone} at {shown(at)}"
        for change in changes_of(zone, SINCE, UNTIL):
            for quarter in range(-12, 13):
                instant = change + timedelta(minutes=15 * quarter)
                near = window.next_opening(zone, at_us(instant))
                assert near is not None
                assert not near.holds(at_us(instant)) or shows_open(window, zone, instant), f"{zone} at {instant}"


def test_what_is_open_in_several_zones_is_open_in_each() -> None:
    chance, zones = random.Random(11), sorted(available_timezones())
    for _ in range(200):
        several = chance.sample(zones, 3)
        for opening in openings(DAYTIME, ",".join(several), SINCE, SINCE + timedelta(days=60)):
            for zone in several:
                for at in (opening.start_us, opening.end_us - MICROSECOND):
                    assert shows_open(DAYTIME, zone, shown(at))


def shown(at: int) -> datetime:
    """An instant in UTC."""
    return utc(1970, 1, 1) + timedelta(microseconds=at)
