"""Send windows: the recipient's wall clock decides, whatever is done to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import DAYS, Opening, SendWindow, is_zone, parse_send_window, zone_rules
from tests.support.window_oracle import at_us, changes_of, openings, shows_open, utc

NINE_TO_EIGHT = SendWindow(9 * 60, 20 * 60)
ZONES = sorted(available_timezones())
EDGY = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Africa/Cairo",
        "Pacific/Chatham", "Antarctica/Troll", "America/Asuncion", "Africa/Casablanca", "Asia/Kathmandu")  # fmt: skip


def spans(found: list[Opening]) -> list[tuple[datetime, datetime]]:
    return [tuple(datetime.fromtimestamp(us // MICROSECOND, UTC) for us in (o.start_us, o.end_us)) for o in found]  # type: ignore[misc]


def test_an_ordinary_day() -> None:
    (day,) = openings(NINE_TO_EIGHT, "Europe/Berlin", utc(2027, 2, 1), utc(2027, 2, 1, 23))
    assert spans([day]) == [(utc(2027, 2, 1, 8), utc(2027, 2, 1, 19))]
    assert day.holds(day.start_us)
    assert not day.holds(day.end_us)
    assert NINE_TO_EIGHT.closes_us("Europe/Berlin", day.start_us + 1) == day.end_us
    assert NINE_TO_EIGHT.closes_us("Europe/Berlin", day.start_us - 1) == day.start_us - 1, "closed"


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # Berlin puts its clock from 02:00 to 03:00 on 28 March 2027, at 01:00 UTC.
        (2 * 60 + 30, 8 * 60, utc(2027, 3, 28, 1), utc(2027, 3, 28, 6)),
        (60, 2 * 60 + 30, utc(2027, 3, 28), utc(2027, 3, 28, 1)),
        (3 * 60, 4 * 60, utc(2027, 3, 28, 1), utc(2027, 3, 28, 2)),
        (20 * 60, 9 * 60, utc(2027, 3, 27, 19), utc(2027, 3, 28, 7)),
    ],
)
def test_a_time_that_does_not_exist_is_the_moment_the_clock_jumps(
    start: int, end: int, opens: datetime, closes: datetime
) -> None:
    assert (opens, closes) in spans(
        openings(SendWindow(start, end), "Europe/Berlin", utc(2027, 3, 27, 12), utc(2027, 3, 29))
    )


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # Berlin's clock goes back from 03:00 to 02:00 on 31 October 2027, at 01:00 UTC.
        (2 * 60 + 30, 8 * 60, utc(2027, 10, 31, 1, 30), utc(2027, 10, 31, 7)),
        (60, 2 * 60 + 30, utc(2027, 10, 30, 23), utc(2027, 10, 31, 0, 30)),
        (2 * 60 + 15, 2 * 60 + 45, utc(2027, 10, 31, 1, 15), utc(2027, 10, 31, 1, 45)),
        (20 * 60, 9 * 60, utc(2027, 10, 30, 18), utc(2027, 10, 31, 8)),
    ],
)
def test_a_time_that_exists_twice_opens_late_and_closes_early(
    start: int, end: int, opens: datetime, closes: datetime
) -> None:
    assert (opens, closes) in spans(
        openings(SendWindow(start, end), "Europe/Berlin", utc(2027, 10, 30, 12), utc(2027, 11, 1))
    )


def test_a_window_inside_the_hour_that_is_skipped_does_not_open_that_day() -> None:
    found = spans(openings(SendWindow(135, 165), "Europe/Berlin", utc(2027, 3, 27), utc(2027, 3, 30)))
    assert [opens.day for opens, _ in found] == [27, 29]


def test_days_are_those_on_which_it_opens() -> None:
    fridays = SendWindow(22 * 60, 2 * 60, frozenset({4}))
    assert spans(openings(fridays, "UTC", utc(2027, 1, 1), utc(2027, 1, 15))) == [
        (utc(2027, 1, day, 22), utc(2027, 1, day + 1, 2)) for day in (1, 8)
    ]


def test_whole_days_that_follow_each_other_are_one_opening() -> None:
    weekdays = SendWindow(0, 24 * 60, frozenset(range(5)))
    assert spans(openings(weekdays, "Europe/Berlin", utc(2027, 1, 31), utc(2027, 2, 8))) == [
        (utc(2027, 1, 31, 23), utc(2027, 2, 5, 23)),
        (utc(2027, 2, 7, 23), utc(2027, 2, 12, 23)),
    ]


def test_of_several_zones_only_what_is_open_in_all() -> None:
    both = openings(NINE_TO_EIGHT, "America/New_York,America/Los_Angeles", utc(2027, 2, 1, 2), utc(2027, 2, 2))
    assert spans(both) == [(utc(2027, 2, 1, 17), utc(2027, 2, 2, 1))]
    short = SendWindow(9 * 60, 11 * 60)
    assert short.next_opening("Europe/Berlin,Asia/Tokyo", at_us(utc(2027, 2, 1))) is None


@given(
    st.sampled_from(EDGY),
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 730 * 1440),
)
def test_nothing_is_sent_when_the_clock_shows_a_quiet_hour(
    zone: str, start: int, length: int, days: set[int], minute: int
) -> None:
    end = (start + length) % 1440 or 1440
    if end == start:
        return
    window, instant = SendWindow(start, end, frozenset(days)), utc(2026, 1, 1) + timedelta(minutes=minute)
    opening = window.next_opening(zone, at_us(instant))
    if opening is None:
        return
    assert opening.end_us > at_us(instant)
    for at in (opening.start_us, (opening.start_us + opening.end_us) // 2, opening.end_us - MICROSECOND):
        shown = datetime.fromtimestamp(at // MICROSECOND, UTC)
        assert shows_open(window, zone, shown), f"{shown.astimezone(ZoneInfo(zone))} is in a quiet hour"
    if not opening.holds(at_us(instant)) and shows_open(window, zone, instant):
        near = changes_of(zone, instant - timedelta(days=2), instant + timedelta(days=2))
        assert near, "the window is closed although the clock shows an hour of it"


def test_zones_whose_clocks_agree_have_equal_rules() -> None:
    since = int(utc(2027, 1, 1).timestamp())
    rules = {zone: zone_rules(zone, since, 400) for zone in ("Europe/Berlin", "Europe/Rome", "Europe/London")}
    assert rules["Europe/Berlin"] == rules["Europe/Rome"] != rules["Europe/London"]
    assert [offset for _, offset in rules["Europe/Berlin"]] == [3600, 7200, 3600]
    assert [datetime.fromtimestamp(at, UTC) for at, _ in rules["Europe/Berlin"][1:]] == changes_of(
        "Europe/Berlin", utc(2027, 1, 1), utc(2028, 1, 1)
    )


@pytest.mark.parametrize(
    "value",
    [
        {"start": "09:00", "end": "20:00"},
        {"start": "20:00", "end": "06:30", "days": ["mon", "sun"], "timezone": "Europe/Berlin"},
        {"start": "00:00", "end": "24:00", "days": ["sat"]},
    ],
)
def test_a_window_comes_back_as_it_was_given(value: dict[str, Any]) -> None:
    problems: list[str] = []
    window = parse_send_window(value, "options.send_window", problems)
    assert not problems
    assert window is not None
    assert window.to_json() == value
    assert SendWindow.from_json(window.to_json()) == window


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("09:00-20:00", "must be an object with start and end"),
        ({"start": "09:00"}, "must be an object with start and end"),
        ({"start": "09:00", "end": "20:00", "zone": "UTC"}, "must be an object with start and end"),
        ({"start": "9:00", "end": "20:00"}, ".start must be a time of day like 09:00"),
        ({"start": "09:00", "end": "24:01"}, ".end must be a time of day like 09:00"),
        ({"start": "09:00", "end": "09:00"}, "must start at another time than it ends"),
        ({"start": "24:00", "end": "09:00"}, "must start at another time than it ends"),
        ({"start": "09:00", "end": "20:00", "days": []}, ".days must be a list of some of mon, tue"),
        ({"start": "09:00", "end": "20:00", "days": ["monday"]}, ".days must be a list"),
        ({"start": "09:00", "end": "20:00", "timezone": "Berlin"}, ".timezone must be an IANA time zone"),
        ({"start": "09:00", "end": "20:00", "timezone": "../../etc/passwd"}, ".timezone must be an IANA time zone"),
    ],
)
def test_a_wrong_window_is_named(value: object, problem: str) -> None:
    problems: list[str] = []
    assert parse_send_window(value, "options.send_window", problems) is None
    assert len(problems) == 1
    assert problems[0].startswith("options.send_window")
    assert problem in problems[0]


def test_every_zone_can_be_asked_for() -> None:
    now = at_us(utc(2027, 6, 1))
    assert all(is_zone(zone) and NINE_TO_EIGHT.next_opening(zone, now) for zone in ZONES)
    assert not is_zone(None)
    assert DAYS[utc(2027, 2, 1).weekday()] == "mon"
