"""One campaign as lines: what matters of it stands whole in half a terminal of 80 columns."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.view.campaign import channel_lines, course_lines, why_lines
from console.view.glyphs import UNICODE
from console.view.segments import plain, text_of, width
from lambdas.core.campaign import CampaignStatus, ChannelCounts, PauseReason
from lambdas.core.lanes import Lane
from lambdas.core.send_window import SendWindow
from tests.support.summaries import NOW, campaign

HALF, ROWS = 36, 7
"""Cells and lines inside of a panel of a terminal of 80 by 24."""
COUNTS = st.builds(
    ChannelCounts,
    sent=st.integers(0, 999_999),
    delivered=st.integers(0, 999_999),
    failed=st.integers(0, 999_999),
    cost_usd=st.floats(0, 9_999),
    delivery_ms_sum=st.integers(0, 10**12),
)


@given(
    st.dictionaries(st.sampled_from(["sms", "whatsapp", "email"]), COUNTS, min_size=1),
    st.integers(HALF, 200),
    st.integers(1, 20),
)
def test_no_channel_and_no_count_is_cut(channels: dict[str, ChannelCounts], columns: int, rows: int) -> None:
    lines = channel_lines(campaign(channels=channels), columns=columns, rows=rows)
    assert max(map(width, lines)) <= columns
    counted = [plain(each).split() for each in lines[1 : 1 + len(channels)]]
    wanted = [
        [name, *(f"{number:,}" for number in (counts.sent, counts.delivered, counts.failed))]
        for name, counts in sorted(channels.items())
    ]
    assert [row[:4] for row in counted] == wanted
    assert len(lines) <= max(rows, 1 + len(channels))


def test_columns_without_room_stand_below_where_there_are_rows() -> None:
    narrow, low = (text_of(channel_lines(campaign(), columns=HALF, rows=rows)) for rows in (4, 3))
    assert [each.split() for each in narrow.splitlines()[2:]] == [
        ["CHANNEL", "RECEIPT", "PER", "1,000"],
        ["sms", "1.2", "s", "$8.8889"],
    ]
    assert narrow.startswith(low)
    assert "RECEIPT" not in low
    beside = channel_lines(campaign(), columns=58, rows=4)
    assert plain(beside[1]).split() == ["sms", "45", "30", "3", "1.2", "s", "$8.8889"]
    assert len(beside) == 2


def test_what_a_window_holds_back_is_told_in_a_low_panel() -> None:
    closed = SendWindow(13 * 60, 14 * 60, timezone="UTC")
    lanes = (Lane("sms", 0, 100, Decimal("0.01"), next_row=50, zone="UTC"),)
    lines = course_lines(campaign(window=closed, lanes=lanes), NOW, UNICODE, columns=HALF, rows=ROWS)
    text = text_of(lines)
    assert len(lines) <= ROWS
    assert max(map(width, lines)) <= HALF
    assert "13:00 to 14:00" in text
    assert "opens 13:00Z" in text
    assert "estimate" in text
    assert "created" not in text
    assert "created" in text_of(course_lines(campaign(), NOW, UNICODE, columns=HALF, rows=ROWS))


@pytest.mark.parametrize("reason", list(PauseReason))
def test_why_it_is_paused_is_never_cut(reason: PauseReason) -> None:
    paused = campaign(status=CampaignStatus.PAUSED, pause_reason=reason, pause_code="DESTINATION_COUNTRY_BLOCKED")
    narrow, wide = (course_lines(paused, NOW, UNICODE, columns=columns, rows=ROWS) for columns in (HALF, 120))
    assert max(map(width, narrow)) <= HALF
    assert len(narrow) <= ROWS
    assert "DESTINATION_COUNTRY_BLOCKED)" in text_of(narrow)
    assert "DESTINATION_COUNTRY_BLOCKED)" in plain(wide[0])


def test_reasons_without_room_are_counted() -> None:
    left_out = campaign(excluded_by_reason={"opted_out": 30, "duplicate": 20, "no_consent": 10})
    assert len(why_lines(left_out)) == 3
    low = why_lines(left_out, 2)
    assert [plain(each).split()[0] for each in low] == ["30", "2"]
    assert plain(low[1]) == "2 more reasons"
