"""When a campaign is through: limits alone, limits together, and which one binds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel, Route
from lambdas.core.forecast import DAY_S, MICROSECOND, Forecast, ForecastLane, Limits, forecast

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Hours:
    """Open each UTC day from `first` to `last` o'clock; the zone is hours to the east."""

    first: float
    last: float

    @dataclass(frozen=True)
    class Opening:
        start_us: int
        end_us: int

    def next_opening(self, zones: str, at_us: int) -> Hours.Opening | None:
        shift = int(zones) * 3_600
        day = (at_us / MICROSECOND + shift) // DAY_S - 1
        while True:
            start = day * DAY_S + self.first * 3_600 - shift
            if at_us < (start + (self.last - self.first) * 3_600) * MICROSECOND:
                end = start + (self.last - self.first) * 3_600
                return Hours.Opening(int(start * MICROSECOND), int(end * MICROSECOND))
            day += 1


def sms(
    messages: int, *, parts: int = 1, cost: float = 0.0, highest: float | None = None, zone: str = ""
) -> ForecastLane:
    return ForecastLane(Channel.SMS, messages, messages * parts, cost, cost if highest is None else highest, zone)


def mails(messages: int) -> ForecastLane:
    return ForecastLane(Channel.EMAIL, messages, messages, 0.0, 0.0)


RATES = {Channel.SMS: 9.0, Channel.EMAIL: 90.0}


def ask(*lanes: ForecastLane, tps: float = 1_000, **limits: object) -> Forecast:
    return forecast(lanes, Limits(tps, RATES, **limits), MONDAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lanes", "tps", "seconds", "limit"),
    [
        ([sms(900)], 1, 900, "throughput_tps"),
        ([sms(900)], 1_000, 100, "sms_rate"),
        ([sms(900, parts=3)], 1_000, 300, "sms_rate"),
        ([sms(900), mails(900)], 1_000, 100, "sms_rate"),
        ([sms(900), mails(18_000)], 1_000, 200, "email_rate"),
        ([sms(90), mails(90)], 1, 180, "throughput_tps"),
        ([], 1, 0, None),
    ],
)
def test_the_slowest_of_side_by_side_limits_binds(
    lanes: list[ForecastLane], tps: float, seconds: float, limit: str | None
) -> None:
    found = ask(*lanes, tps=tps)
    assert found.seconds == pytest.approx(seconds)
    assert (found.limited_by, found.unsent) == (limit, 0)


def test_when_a_channel_is_through_the_others_take_its_share() -> None:
    found = forecast([sms(100), mails(300)], Limits(4, {Channel.SMS: 100, Channel.EMAIL: 2}), 0)
    # 1/s of SMS for 100 s; email takes 2/s of its 3/s share, and no more afterwards
    assert found.seconds == pytest.approx(150)
    assert found.limited_by == "email_rate"


def test_a_daily_quota_makes_a_campaign_last_for_days() -> None:
    found = ask(mails(450), daily_quotas={Channel.EMAIL: 200})
    assert found.seconds == pytest.approx(2 * DAY_S + 50 / 90)
    assert found.limited_by == "email_daily_quota"
    assert found.saves["email_daily_quota"] == pytest.approx(2 * DAY_S + 50 / 90 - 5)


def test_a_window_stops_the_clock_at_night() -> None:
    found = ask(sms(9 * 3_600 * 12, zone="0"), window=Hours(9, 17))
    # an hour until nine, eight hours of the first day, four of the second
    assert found.seconds == pytest.approx(3_600 + DAY_S + 4 * 3_600)
    assert list(found.saves) == ["sms_rate", "send_window"]


def test_zones_open_one_after_the_other() -> None:
    found = ask(sms(9, zone="-8"), sms(9, zone="0"), window=Hours(9, 17))
    assert found.seconds == pytest.approx(9 * 3_600 + 1)
    assert found.limited_by == "send_window"


def test_money_that_ends_first_leaves_messages() -> None:
    found = ask(sms(900, cost=9.0), spend_cap_usd=4.5)
    assert found.seconds == pytest.approx(50)
    assert (found.unsent, found.limited_by) == (450, "spend_cap")


def test_a_days_money_waits_for_the_next_day_and_a_months_for_the_next_month() -> None:
    day = ask(sms(900, cost=9.0), daily_cap_usd=5.0)
    assert day.seconds == pytest.approx(16 * 3_600 + 400 / 9)
    assert day.limited_by == "daily_cap"
    month = ask(sms(900, cost=9.0), sms_monthly_usd=5.0)
    april = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
    assert month.seconds == pytest.approx(april - MONDAY + 400 / 9)
    assert month.limited_by == "sms_monthly_spend"


def test_caps_book_the_highest_price_and_the_months_limit_the_planned_one() -> None:
    capped = ask(sms(900, cost=9.0, highest=18.0), spend_cap_usd=9.0)
    assert capped.seconds == pytest.approx(50)
    assert capped.unsent == 450
    day = ask(sms(900, cost=9.0, highest=18.0), daily_cap_usd=10.0)
    assert day.seconds == pytest.approx(16 * 3_600 + 400 / 9)
    month = ask(sms(900, cost=9.0, highest=18.0), sms_monthly_usd=9.0)
    assert month.seconds == pytest.approx(100)
    assert month.pauses_s is None


def test_a_campaign_pauses_on_all_channels_where_the_months_limit_ends() -> None:
    found = ask(sms(900, cost=9.0), mails(9_000), sms_monthly_usd=4.5)
    april = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
    assert found.pauses_s == pytest.approx(MONDAY + 50)
    assert found.seconds == pytest.approx(april - MONDAY + 50)
    assert found.limited_by == "sms_monthly_spend"
    shown = found.to_json()
    assert (shown["pauses_at"], shown["ends_at"]) == ("2026-03-02T08:00:50Z", "2026-04-01T00:00:50Z")
    assert ask(mails(9_000), sms_monthly_usd=0.0).pauses_s is None, "no SMS, no limit"


def test_a_campaign_without_an_end_says_so() -> None:
    found = ask(sms(900, cost=9_000.0), daily_cap_usd=1.0)
    assert (found.seconds, found.limited_by) == (math.inf, "daily_cap")
    shown = found.to_json()
    assert (shown["ends_at"], shown["duration_seconds"]) == (None, None)
    assert shown["without_limit_saves_seconds"] == {"daily_cap": None}


def test_times_are_told_in_utc() -> None:
    shown = ask(sms(900)).to_json()
    assert (shown["starts_at"], shown["ends_at"]) == ("2026-03-02T08:00:00Z", "2026-03-02T08:01:40Z")


def test_limits_come_from_a_stacks_routes() -> None:
    routes = {Channel.SMS: Route("", "", 20, 10), Channel.EMAIL: Route("", "", 1, 1)}
    assert Limits.of(routes, 5.0).rates == {Channel.SMS: 9.0, Channel.EMAIL: 0.9}


LANES = st.lists(
    st.builds(
        ForecastLane,
        st.sampled_from([Channel.SMS, Channel.EMAIL]),
        st.integers(0, 5_000),
        st.integers(5_000, 9_000),
        st.floats(0, 50),
        st.floats(0, 60),
        st.sampled_from(["-8", "0", "5"]),
    ),
    max_size=4,
)


@given(
    LANES,
    st.floats(0.5, 500),
    st.sampled_from([None, Hours(9, 17)]),
    st.sampled_from([{}, {Channel.EMAIL: 2_000}]),
    st.sampled_from([None, 20.0]),
)
def test_no_limit_makes_a_campaign_faster_and_the_rates_are_kept(
    lanes: list[ForecastLane],
    tps: float,
    window: Hours | None,
    quotas: dict[Channel, int],
    daily: float | None,
) -> None:
    limits = Limits(tps, RATES, window, quotas, daily_cap_usd=daily)
    found = forecast(lanes, limits, MONDAY)
    assert all(saved > 0 for saved in found.saves.values())
    if math.isfinite(found.seconds):
        assert found.seconds >= sum(lane.messages for lane in lanes) / tps * (1 - 1e-6)
        for channel, rate in RATES.items():
            parts = sum(lane.parts for lane in lanes if lane.channel is channel and lane.messages)
            assert found.seconds >= parts / rate * (1 - 1e-6)
    if any(lane.messages for lane in lanes):
        assert found.limited_by is not None
