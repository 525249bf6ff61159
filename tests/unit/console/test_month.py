"""What the month costs, in figures, bars and words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ApiUse, ChannelSpend, Spend
from console.forecast import month_forecast
from console.telemetry import Bill
from console.view.bars import Bar, bars
from console.view.glyphs import ASCII, BLOCK, UNICODE, Glyphs
from console.view.month import (
    OwnSpend,
    bill_badge,
    bill_lines,
    channel_lines,
    day_lines,
    day_note,
    money_lines,
    own_lines,
)
from console.view.segments import plain, text_of, width

NOON_OF_THE_11TH = datetime(2026, 11, 11, 12, tzinfo=UTC).timestamp()
STEPS = ((1.0, 10.0), (0.8, 4.0), (0.5, 2.0))


def month(*days: float, **others: object) -> Spend:
    by_day = {f"2026-11-{number:02d}": usd for number, usd in enumerate(days, start=1)}
    return Spend(f"2026-11-{len(days):02d}", by_day, **others)  # type: ignore[arg-type]


def test_equal_days_have_no_band_and_the_forecast_is_what_they_come_to() -> None:
    forecast = month_forecast(month(*[2.0] * 10, 1.0), NOON_OF_THE_11TH)
    assert forecast.expected == pytest.approx(60.0)
    assert [forecast.low, forecast.high] == pytest.approx([60.0, 60.0])
    assert forecast.days_left == pytest.approx(19.5)


def test_the_band_is_two_deviations_of_a_day_times_the_root_of_the_days_left() -> None:
    forecast = month_forecast(month(*[1.0, 3.0] * 5, 1.0), NOON_OF_THE_11TH)
    deviation = (10 / 9) ** 0.5
    assert forecast.high is not None
    assert forecast.high - forecast.expected == pytest.approx(2 * deviation * 19.5**0.5)


@given(st.lists(st.floats(0, 1_000), min_size=1, max_size=30))
def test_the_band_holds_the_estimate_and_never_less_than_is_spent(days: list[float]) -> None:
    now = datetime(2026, 11, len(days), 18, tzinfo=UTC).timestamp()
    forecast = month_forecast(month(*days), now)
    assert (forecast.low is None) == (len(days) <= 3 or not any(days[:-1]))
    if forecast.low is not None and forecast.high is not None:
        assert forecast.low <= forecast.expected + 1e-9
        assert forecast.expected <= forecast.high
        assert forecast.low >= sum(days) - 1e-9


@given(
    st.lists(st.none() | st.floats(0, 1e9), max_size=40),
    st.integers(1, 120),
    st.integers(0, 12),
    st.sampled_from([UNICODE, BLOCK, ASCII]),
)
def test_bars_fill_their_rows_and_anything_above_nothing_is_seen(
    values: list[float | None], columns: int, rows: int, glyphs: Glyphs
) -> None:
    lines = bars(
        [Bar(value, str(place)) for place, value in enumerate(values)], columns=columns, rows=rows, glyphs=glyphs
    )
    assert len(lines) == (rows if values and rows >= 2 else 0)
    assert all(width(each) <= columns for each in lines)
    if lines and columns >= len(values):
        foot = plain(lines[-2])
        each = max(1, min(6, columns // len(values)))
        for place, value in enumerate(values):
            assert (foot[place * each] != " ") == bool(value and value > 0)


def test_bars_are_as_high_as_their_figures() -> None:
    lines = [
        plain(each) for each in bars([Bar(4.0, "1"), Bar(2.0, "2"), Bar(None, "3")], columns=6, rows=3, glyphs=UNICODE)
    ]
    assert lines == ["█     ", "█ █   ", "1 2 3 "]


def test_the_month_is_told_at_every_width() -> None:
    spend = month(*[1.0, 3.0] * 5, 1.0, reserved=2.0, cap=50.0)
    wide = text_of(money_lines(spend, NOON_OF_THE_11TH, 100))
    for words in ("today", "$1.0000", "$21.00", "$60.00", " to $", "of $50.00 cap", "2 deviations of a day"):
        assert words in wide
    narrow = money_lines(spend, NOON_OF_THE_11TH, 36)
    assert all(width(each) <= 36 for each in narrow)
    assert "$50.69 to $69.31" in text_of(narrow)
    assert "none before 3 full days" in text_of(money_lines(month(1.0, 2.0), NOON_OF_THE_11TH, 60))


def test_a_thousand_messages_are_priced_by_channel() -> None:
    spend = month(1.0, by_channel={"sms": ChannelSpend(2_000, 17.62), "email": ChannelSpend(10, 0.001)})
    for columns in (36, 80):
        lines = channel_lines(spend, columns)
        assert all(width(each) <= columns for each in lines)
        assert "$8.8100" in text_of(lines)
        assert "$0.1000" in text_of(lines)
    assert text_of(channel_lines(month(1.0), 80)) == "nothing was sent this month"


def test_each_day_of_the_month_has_a_bar_and_today_stands_out() -> None:
    spend = month(*[1.0] * 10, 4.0)
    lines = day_lines(spend, NOON_OF_THE_11TH, columns=76, rows=4, glyphs=UNICODE)
    assert len(lines) == 4
    assert plain(lines[0]).split() == ["█"], "only today is so high"
    assert plain(lines[-1]).split()[:3] == ["1", "2", "3"]
    assert day_note(spend) == "2026-11, most on day 11: $4.0000"
    assert day_note(month(0.0)) == "nothing spent yet"


def test_the_bill_names_its_services_and_its_date() -> None:
    services = {f"service {number}": float(number) for number in range(1, 9)}
    bill = Bill(NOON_OF_THE_11TH, "the whole account 1", {"2026-11-01": 36.0}, services)
    lines = bill_lines(bill, columns=40, rows=5)
    assert len(lines) == 5
    text = text_of(lines)
    assert text.index("service 8") < text.index("service 7")
    assert "5 services more" in text
    assert "$15.00" in text.splitlines()[-1]
    assert plain(bill_badge(bill, NOON_OF_THE_11TH + 7_200)) == "as of 2026-11-11T12:00Z, 2h ago"
    assert text_of(bill_lines(None, columns=40, rows=5)) == "an embedded cloud has no bill"


@pytest.mark.parametrize(
    ("spent", "slowness", "words"),
    [(0.1, 1.0, "reads at full pace"), (1.7, 4.0, "reads are 4x rarer"), (9.0, 10.0, "reads are 10x rarer")],
)
def test_the_consoles_own_spend_stands_beside_its_budget(spent: float, slowness: float, words: str) -> None:
    own = OwnSpend(ApiUse(12, 0.05), spent, 2.0, slowness, STEPS)
    lines = own_lines(own, 70, UNICODE)
    assert all(width(each) <= 70 for each in lines)
    text = text_of(lines)
    for each in ("12 calls", "of $2.0000", words, "2x from 50 %, 4x from 80 %, 10x from 100 %"):
        assert each in text
    unbounded = text_of(own_lines(OwnSpend(ApiUse(12, 0.05), spent, 0.0, 1.0, STEPS), 70, UNICODE))
    assert "nothing slows reading" in unbounded
    assert "of $0" not in unbounded
    assert "no budget is kept" in text_of(own_lines(OwnSpend(ApiUse(), None, 0.0, 1.0, STEPS), 70, UNICODE))
