"""The view: pure functions from snapshots to lines."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import (
    NEWEST_CAMPAIGNS,
    Alarm,
    AlarmState,
    ApiUse,
    Fetched,
    Message,
    Overview,
    Problem,
    ProblemKind,
    Spend,
    StackFacts,
    Throughput,
)
from console.tallies import Tally, tally
from console.view import format as fmt
from console.view import overview as view
from console.view.frame import header_row
from console.view.glyphs import ASCII, BLOCK, UNICODE, glyphs_for, to_ascii
from console.view.progress import progress_bar
from console.view.segments import Role, Segment, cut, line, pad, pad_left, pad_tail, plain, spread, width
from lambdas.core.campaign import CampaignStatus, ChannelCounts
from tests.support.summaries import NOW, campaign

SPEND = Spend("2026-11-21", {"2026-11-21": 1.0})


def overview() -> Overview:
    nothing: Fetched[Any] = Fetched(at=NOW)
    return Overview(
        StackFacts("ai-cpaas-development", "dev", "dev", "123456789012", "ap-southeast-2", "1", False),
        NOW,
        *(nothing, nothing, nothing, nothing),
        Throughput(),
        ApiUse(),
    )


def alarm(name: str, state: AlarmState, severity: str = "critical", since: float = NOW - 60) -> Alarm:
    return Alarm(name, state, severity, since, "because", "docs/runbooks/x.md")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (9.995, "10.0"), (99.96, "100"), (999, "999"), (999.7, "1.00k"), (1234, "1.23k"), (2.5e6, "2.50M")],
)
def test_si_keeps_three_digits(value: float, text: str) -> None:
    assert fmt.si(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (float("nan"), "-"), (0, "$0.00"), (0.00001, "<$0.0001"), (0.00881, "$0.0088"), (12.345, "$12.35")],
)
def test_money(value: float | None, text: str) -> None:
    assert fmt.money(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (59.4, "59 s"), (59.7, "1 m 00 s"), (200, "3 m 20 s"), (7500, "2 h 05 m"), (90000, "1 d 1 h")],
)
def test_span(seconds: float, text: str) -> None:
    assert fmt.span(seconds) == text


def test_a_hundred_percent_is_said_of_the_whole_only() -> None:
    assert fmt.percent(99_999, 100_000) == "99.9 %"
    assert fmt.percent(100_000, 100_000) == "100.0 %"
    assert fmt.percent(0, 0) == "-"


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=4), st.integers(min_value=1, max_value=120))
def test_a_bar_never_leaves_its_columns(shares: list[float], columns: int) -> None:
    bar = progress_bar([(share, Role.OK) for share in shares], columns, UNICODE)
    assert width(bar) == columns


def test_a_bar_is_full_only_at_the_end() -> None:
    assert UNICODE.empty in plain(progress_bar([(0.999, Role.OK)], 20, UNICODE))
    assert UNICODE.empty not in plain(progress_bar([(1.0, Role.OK)], 20, UNICODE))


def test_tally_adds_up_in_every_phase() -> None:
    running = tally(campaign())
    assert running == Tally(queued=54, awaiting_receipt=12, delivered=30, failed=3, in_doubt=1)
    assert running.total == 100
    refused = campaign(
        status=CampaignStatus.COMPLETED,
        claimed_rows=100,
        done_rows=100,
        channels={"sms": ChannelCounts(sent=90, delivered=80, failed=20, refused=10)},
    )
    assert tally(refused) == Tally(delivered=80, failed=20)
    counters_behind = campaign(
        status=CampaignStatus.COMPLETED, claimed_rows=100, done_rows=100, channels={"sms": ChannelCounts(sent=60)}
    )
    assert tally(counters_behind) == Tally(awaiting_receipt=100)
    stopped = campaign(
        status=CampaignStatus.STOPPED,
        claimed_rows=70,
        done_rows=70,
        unsent=5,
        channels={"sms": ChannelCounts(sent=65, delivered=60, failed=5)},
    )
    assert tally(stopped) == Tally(delivered=60, failed=5, not_sent=35)
    chunk_open = campaign(
        status=CampaignStatus.CANCELLED,
        claimed_rows=70,
        done_rows=40,
        channels={"sms": ChannelCounts(sent=60, delivered=45, failed=5)},
    )
    assert tally(chunk_open).awaiting_receipt == 10
    assert tally(chunk_open).total == 100


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_tally_never_goes_below_zero(sent: int, delivered: int, failed: int, doubt: int, claimed_rows: int) -> None:
    counts = ChannelCounts(sent=sent, delivered=delivered, failed=failed, in_doubt=doubt)
    assert min(dataclasses.astuple(tally(campaign(claimed_rows=claimed_rows, channels={"sms": counts})))) >= 0


def test_alarms_come_loudest_first_and_hide_none_silently() -> None:
    alarms = [
        alarm("p-ok", AlarmState.OK),
        alarm("p-warning", AlarmState.ALARM, "warning"),
        alarm("p-critical", AlarmState.ALARM, since=NOW - 600),
        alarm("p-nodata", AlarmState.NODATA),
    ]
    lines = view.alarm_rows(alarms, NOW, columns=40, rows=4, glyphs=UNICODE, prefix="p-")
    assert [plain(each).split()[2] for each in lines[:2]] == ["critical", "warning"]
    assert all(width(each) == 40 for each in lines)
    short = view.alarm_rows(alarms, NOW, columns=40, rows=2, glyphs=UNICODE)
    assert plain(short[-1]) == "3 more, 1 of them in ALARM"
    assert short[-1][0].role is Role.WARN


def test_state_is_legible_without_colour() -> None:
    rows = view.alarm_rows([alarm("x", AlarmState.ALARM)], NOW, columns=40, rows=3, glyphs=ASCII)
    assert plain(rows[0]).startswith("! ALARM")
    assert rows[0][0].badge


def test_a_campaign_shows_progress_and_eta() -> None:
    first, second = view.campaign_rows([campaign()], NOW, columns=80, rows=2, glyphs=UNICODE)
    assert "RUNNING" in plain(first)
    assert plain(first).endswith("ETA 5.4 s")
    assert "34/100 34.0 %" in plain(second)
    assert width(first) == width(second) == 80


def test_open_campaigns_that_do_not_fit_are_counted() -> None:
    lines = view.campaign_rows(
        [campaign(), campaign(id="c-2"), campaign(id="c-3")], NOW, columns=80, rows=2, glyphs=UNICODE
    )
    assert "2 more open" in plain(lines[-1])


def test_a_list_that_may_lack_campaigns_says_so() -> None:
    today, long_ago = campaign(), campaign(created_ms=int((NOW - 2 * 86_400) * 1000), status=CampaignStatus.COMPLETED)
    short, many = [today] * (NEWEST_CAMPAIGNS - 1), [today] * NEWEST_CAMPAIGNS
    assert (view.list_note(short), view.delivery_note(short, NOW)) == ("", "")
    assert view.list_note(many) == "newest 20 and all open"
    assert view.delivery_note(many, NOW) == "newest 20 and open"
    assert view.delivery_note([*short, long_ago], NOW) == "", "all of the last 24 hours are there"


def test_delivery_counts_open_and_recent_campaigns_only() -> None:
    old = campaign(status=CampaignStatus.COMPLETED, created_ms=int((NOW - 2 * 86_400) * 1000))
    total, by_channel = view.delivery([campaign(), old], NOW)
    assert total.total == 100
    assert by_channel == {"sms": {"sent": 45, "delivered": 30, "failed": 3, "in_doubt": 1}}


def test_the_forecast_is_linear_over_the_month() -> None:
    noon_of_the_21st = 20.5
    spend = Spend("2026-11-21", {"2026-11-01": 41.0})
    assert view.forecast(spend, NOW) == pytest.approx(41.0 * 30 / noon_of_the_21st)


def test_panels_that_are_low_leave_out_what_says_least() -> None:
    failing = campaign(channels={"sms": ChannelCounts(sent=45, delivered=30, in_doubt=1)})
    lines = view.delivery_rows([failing], NOW, columns=40, rows=4, glyphs=UNICODE)
    assert [plain(each).split()[1] for each in lines] == ["delivered", "awaiting", "to", "in"]
    everything = view.delivery_rows([campaign()], NOW, columns=40, rows=9, glyphs=UNICODE)
    assert len(everything) == 5
    assert len(view.delivery_rows([campaign()], NOW, columns=40, rows=2, glyphs=UNICODE)) == 5, "no figure is hidden"
    snapshot = overview()
    assert "reserved" in "".join(map(plain, view.cost_rows(SPEND, NOW, snapshot, columns=60, rows=5)))
    assert "reserved" not in "".join(map(plain, view.cost_rows(SPEND, NOW, snapshot, columns=60, rows=4)))


def test_the_header_gives_up_the_account_and_the_region_before_the_stack() -> None:
    rows = {columns: plain(header_row(overview(), columns=columns, glyphs=UNICODE)) for columns in (120, 80, 62, 52)}
    assert all(" ai-cpaas-development/dev RO" in row for row in rows.values())
    assert "ap-southeast-2" in rows[120]
    assert "123456789012" in rows[80]
    assert "ap-southeast-2" not in rows[80]
    assert "1234" not in rows[52]
    assert all(len(row) == columns for columns, row in rows.items())


def test_the_header_names_the_profile_where_one_is_used() -> None:
    named = dataclasses.replace(overview(), stack=dataclasses.replace(overview().stack, profile="on-call"))
    assert "profile on-call" in plain(header_row(named, columns=120, glyphs=UNICODE))
    assert "profile" not in plain(header_row(overview(), columns=120, glyphs=UNICODE))


def test_ids_are_cut_at_their_front() -> None:
    assert pad_tail("c-576cd6df1b38f7706823-0000299", 12) == "…823-0000299"
    assert pad_tail("short", 8) == "short   "
    assert width((Segment(pad_tail("日本日本日本", 6)),)) == 6


def test_trouble_keeps_the_age_of_the_data_in_sight() -> None:
    feed = Fetched(1, at=NOW - 47, error=Problem(ProblemKind.THROTTLED, "slow down"), retry_at=NOW + 8)
    assert plain(view.freshness(feed, NOW, UNICODE)) == "◆ throttled: data from 11:59:13, 47s old, again in 8s"
    empty: Fetched[int] = Fetched(error=Problem(ProblemKind.CREDENTIALS, "expired", "log in"))
    assert [plain(each) for each in view.waiting(empty, NOW, UNICODE)] == ["◆ expired", "log in"]


def test_messages_show_their_time_to_the_receipt() -> None:
    message = Message("c-1-0000001", "cust", "sms", "delivered", 1000, changed_ms=2300)
    (row,) = view.message_rows([message], columns=100, rows=5, glyphs=UNICODE)
    assert "1.3 s" in plain(row)


def test_glyphs_follow_the_encoding() -> None:
    assert glyphs_for("UTF-8") is UNICODE
    assert glyphs_for("ascii") is ASCII
    assert glyphs_for("latin-1") is ASCII
    assert glyphs_for("no such thing") is ASCII
    assert glyphs_for(None) is ASCII
    assert glyphs_for("utf-8", "linux") is BLOCK
    assert glyphs_for("ascii", "linux") is ASCII
    assert to_ascii("Grüße") == "Gr??e"


@given(st.text(max_size=30), st.integers(min_value=0, max_value=30))
def test_cells_are_exact(text: str, cells: int) -> None:
    cleaned = text.replace("\n", " ")
    assert width(cut((Segment(cleaned), Segment("tail")), cells)) <= cells
    assert width(spread(line("left"), line("right"), max(cells, 5))) == max(cells, 5)


def test_padding_aligns_wide_characters() -> None:
    assert pad("日本", 5) == "日本 "
    assert pad_left("日本", 5) == " 日本"
