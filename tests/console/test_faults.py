"""Bad days: each panel fails alone and says since when, keys go on answering, and all is live again by itself."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Coroutine
from typing import Any

import pytest
from botocore.exceptions import ClientError
from textual.widgets import Input

from console.campaigns import make_request
from console.domain import Alarm, AlarmState
from console.places import Place
from console.services.errors import Caller
from console.sources.base import Connection
from console.sources.faults import FaultKind
from console.ui.registry import SCREENS
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.send_campaign import CampaignConfirm, CampaignForm
from tests.console.day import Day
from tests.console.screens import application, first_data, opened, press, shown, shows, until

TOLD = {
    FaultKind.EXPIRED: ("credentials", "the AWS credentials have expired", "aws sso login --profile work"),
    FaultKind.THROTTLED: ("throttled", "AWS throttles these calls", "asks less often"),
    FaultKind.UNREACHABLE: ("unreachable", "cannot reach the endpoint", "check the address and the network"),
    FaultKind.HALF: ("unreachable", "Connection was closed", "check the address and the network"),
    FaultKind.SKEWED: ("clock_skew", "AWS refused the signature", "clock is right"),
    FaultKind.REGION: ("not_found", "not there in us-east-1", "its region (--region)"),
    FaultKind.DENIED: ("forbidden", "not allowed", "the identity in use lacks this permission"),
}
"""What a fault is called in the status row, its sentence, and its remedy."""


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


@pytest.mark.parametrize("kind", TOLD)
def test_a_bad_day_is_told_everywhere_and_ends_without_a_restart(kind: FaultKind) -> None:
    name, sentence, remedy = TOLD[kind]

    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(140, 40), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn(kind.value)
            await press(pilot, "r")
            await day.shows(pilot, "4 of 4 feeds STALE")
            await day.until(
                pilot, lambda: shown(pilot).count(f"{name}: data from ") == 7
            )  # every panel says since when
            text = shown(pilot)
            assert "again in" in text
            assert all(f"{feed} {name}" in text.splitlines()[-2] for feed in ("alarms", "campaigns", "spend"))
            assert "receipts-dlq" in text, "the last value stays"
            assert "month to date" in text
            await day.keys_answer(pilot)
            await press(pilot, "2")
            await day.shows(pilot, sentence, remedy, "receipts-dlq", "asked again in")
            await press(pilot, "1")
            day.weather.turn("")
            await day.shows(pilot, "LIVE", "all feeds answer")
            await until(pilot, lambda: f"{name}: data from" not in shown(pilot))

    run(body())


@pytest.mark.parametrize("kind", TOLD)
def test_a_stack_that_was_never_read_says_why_and_is_read_when_the_day_is_better(kind: FaultKind) -> None:
    _, sentence, remedy = TOLD[kind]

    async def body() -> None:
        day = Day(faults=kind.value)
        async with day.app.run_test(size=(200, 50), notifications=True) as pilot:
            await day.shows(pilot, sentence, remedy, "asked again in")
            await day.keys_answer(pilot)
            day.weather.turn("")
            await day.shows(pilot, "LIVE", "receipts-dlq", "month to date")

    run(body())


@pytest.mark.parametrize("name", [spec.name for spec in SCREENS])
def test_every_screen_outlives_a_bad_day(name: str) -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(140, 40), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn("unreachable,slow:records.*")
            day.app.go(Place(name))
            await press(pilot, "r")
            await day.shows(pilot, "4 of 4 feeds STALE")
            await day.keys_answer(pilot)
            for key in ("y", "a", "slash", "colon"):
                await press(pilot, key, "escape")
            day.weather.turn("")
            await day.shows(pilot, "LIVE", "all feeds answer")
            assert day.app.here is not None
            assert day.app.here.place.screen == name

    run(body())


def test_expired_credentials_are_a_banner_with_the_command_that_renews_them() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn("expired:spend")
            await press(pilot, "r")
            await day.shows(pilot, "1 of 4 feeds STALE")
            await until(pilot, lambda: "the AWS credentials have expired since " in shown(pilot).splitlines()[1])
            assert "aws sso login --profile work  (L runs it)" in shown(pilot).splitlines()[1]
            day.weather.turn("")
            await day.shows(pilot, "LIVE")
            await until(pilot, lambda: "expired" not in shown(pilot))

    run(body())


def test_dialogs_jumps_and_searches_name_the_command_that_renews_credentials() -> None:
    async def body() -> None:
        day, renew = Day(), "aws sso login --profile work"
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn("expired:api.*,expired:records.*,expired:alarm")
            await press(pilot, "a", "enter")
            await opened(pilot, CampaignForm)
            await press(pilot, "enter")
            await day.shows(pilot, "the AWS credentials have expired", renew)
            await press(pilot, "escape")
            day.app.go(Place("messages", "customer=test-00001"))
            await day.shows(pilot, "trouble", renew)
            await press(pilot, "2", "o", "l")
            await day.until(pilot, lambda: any(renew in each.message for each in day.app._notifications))

    run(body())


def test_credentials_that_have_expired_before_the_first_connection_are_renewed_by_the_same_command() -> None:
    async def body() -> None:
        def connect(_: object) -> Connection:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetParametersByPath")

        app = application(connect, caller=Caller("work", "eu-west-1"))
        async with app.run_test(size=(120, 30)) as pilot:
            await shows(pilot, "aws sso login --profile work")

    run(body())


def test_one_feed_that_is_denied_fails_alone() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            day.weather.turn("denied:alarms")
            await day.shows(pilot, "1 of 4 feeds STALE", "forbidden: data from", "alarms forbidden")
            denied, fresh = day.feed("alarms").state, day.feed("spend").state.at
            await day.until(pilot, lambda: day.feed("spend").state.at > fresh)
            assert day.feed("alarms").state.value is denied.value
            assert day.feed("alarms").state.at == denied.at
            assert shown(pilot).count("forbidden: data from") == 1
            assert "spend" not in shown(pilot).splitlines()[-2]

    run(body())


def test_a_throttled_feed_is_asked_less_and_less_often() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            day.weather.turn("throttled:alarms")
            waits: list[float] = []
            for number in range(1, 6):
                await day.until(pilot, lambda number=number: day.feed("alarms").failures >= number)  # type: ignore[misc]
                state = day.feed("alarms").state
                waits.append(state.retry_at - day.clock.now())
                await day.shows(pilot, "throttled: data from", "again in", "receipts-dlq")
                day.clock.advance(waits[-1])
            assert all(1.3 < later / earlier < 2.7 for earlier, later in itertools.pairwise(waits)), waits
            day.weather.turn("")
            await day.shows(pilot, "LIVE")

    run(body())


def test_one_call_that_hangs_keeps_nothing_else_waiting() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            day.weather.turn("slow:alarms")
            await until(pilot, lambda: not day.feed("alarms").reading)
            day.feed("alarms").ask()
            await day.until(pilot, lambda: day.feed("alarms").reading)
            fresh = day.feed("spend").state.at
            await day.until(pilot, lambda: re.search(r"alarms asked \d+s ago", shown(pilot)) is not None)
            await day.keys_answer(pilot)
            assert day.feed("alarms").reading
            await day.shows(pilot, "timed_out: data from", "alarms timed_out")
            assert day.feed("spend").state.at > fresh
            assert "no answer within 8 s" in day.feed("alarms").state.error.sentence
            day.weather.turn("")
            await day.shows(pilot, "LIVE", "all feeds answer")

    run(body())


def test_calls_that_hang_are_told_leave_room_for_deeds_and_become_free_again() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn("slow:source.*,slow:telemetry.*,slow:sessions.*")
            await day.shows(pilot, "4 of 4 feeds STALE")
            await press(pilot, "r")
            await day.until(pilot, lambda: "earlier calls still hang" in str(day.feed("alarms").state.error))
            await day.keys_answer(pilot)
            await press(pilot, "a", "enter")
            await opened(pilot, CampaignForm)
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await press(pilot, "escape")
            day.weather.turn("")
            await day.shows(pilot, "LIVE")

    run(body())


def test_jumps_over_and_over_into_calls_that_hang_take_no_room_from_anything_else() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2")
            await opened(pilot, AlarmsScreen)
            day.weather.turn("slow:telemetry.alarm,slow:telemetry.series,slow:records.*")
            for _ in range(12):
                await press(pilot, "o", "l", "escape")
            assert day.weather.hanging == 1, "what is out is not asked again"
            for _ in range(4):
                await press(pilot, "enter", "escape", "colon", *"messages fake-9", "enter", "escape", "2")
                await opened(pilot, AlarmsScreen)
            assert day.weather.hanging <= 4
            for number in range(12):
                await press(pilot, "colon", *f"messages other-{number}", "enter", "escape", "2")
                await opened(pilot, AlarmsScreen)
            read = day.feed("alarms").state.at
            await day.until(pilot, lambda: day.feed("alarms").state.at > read + 60)
            await press(pilot, "a", "enter")
            await opened(pilot, CampaignForm)
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await press(pilot, "escape", "escape")
            await opened(pilot, AlarmsScreen)
            await press(pilot, "o", "l")
            await shows(pilot, "earlier calls still hang")
            day.weather.turn("")
            await until(pilot, lambda: day.runner.out == 0)
            await press(pilot, "o", "l")
            await opened(pilot, LogsScreen)

    run(body())


def test_half_an_answer_to_a_send_is_told_and_sending_again_sends_nothing_twice() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(100, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "enter")
            (await opened(pilot, CampaignForm)).query_one("#recipients", Input).value = "40"
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            day.weather.turn("half:api.sendx1")
            await press(pilot, *"40", "enter")
            await shows(pilot, "Connection was closed")
            await press(pilot, "enter")
            await until(pilot, lambda: not isinstance(day.app.screen, CampaignConfirm))
            assert [request.recipients for request in day.stack.sent] == [40]

    run(body())


def test_a_search_that_loses_pages_finds_every_row_once() -> None:
    async def body() -> None:
        day = Day()
        campaign_id = day.stack.send(make_request(1_000, 500)).id
        day.clock.advance(10)
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            day.weather.turn("half:records.searchx1,throttled:records.searchx2")
            day.app.go(Place("messages", f"campaign={campaign_id}"))
            await day.shows(pilot, "throttles these calls")
            await day.shows(pilot, "  1,000 read")
            table = day.app.screen.table  # type: ignore[attr-defined]
            assert len({message.id for message in table.items}) == table.total == 1_000

    run(body())


@pytest.mark.parametrize("name", [spec.name for spec in SCREENS])
def test_a_terminal_as_small_as_a_stamp_breaks_nothing(name: str) -> None:
    async def body() -> None:
        day = Day()
        day.stack.send(make_request(5_000, 50))
        async with day.app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            day.app.go(Place(name))
            for size in ((20, 5), (1, 1), (3, 200), (300, 2)):
                await pilot.resize_terminal(*size)
                await until(pilot, lambda size=size: day.app.size == size)  # type: ignore[misc]
                await press(pilot, "down", "question_mark", "escape", "colon", "a", "escape")
            await pilot.resize_terminal(120, 40)
            await until(pilot, lambda: len(shown(pilot).splitlines()) == 40)
            await day.shows(pilot, "LIVE", "quit")

    run(body())


def test_a_cell_that_cannot_be_drawn_is_a_mark_while_the_other_rows_are_shown_moved_in_and_sorted() -> None:
    async def body() -> None:
        day = Day()
        strange = Alarm("strange", AlarmState.OK, "warning", "yesterday", "why", 7)  # type: ignore[arg-type]
        async with day.app.run_test(size=(200, 50), notifications=True) as pilot:
            await first_data(pilot)
            good = day.stack.alarm_list
            day.app.go(Place("alarms"))
            day.stack.alarm_list = (*good, strange)
            await press(pilot, "r")
            await day.shows(pilot, "strange", "receipts-dlq", "what was read cannot be shown: column")
            row = next(line for line in shown(pilot).splitlines() if "strange" in line)
            assert "?" in row
            await press(pilot, "end")
            for _ in range(5):
                await press(pilot, "right", "s", "s", "up", "down")
                await day.shows(pilot, "strange", "receipts-dlq")
            await press(pilot, "slash", *"strange", "enter")
            await day.shows(pilot, f"1 of {len(good) + 1}")
            await day.keys_answer(pilot)
            await press(pilot, "y", "r")
            await until(pilot, lambda: "strange" in day.app.clipboard)
            day.stack.alarm_list = good
            await press(pilot, "escape", "r")
            await until(pilot, lambda: "cannot be shown" not in shown(pilot))

    run(body())


def test_values_that_no_view_expects_are_told_by_their_panel_alone() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            good = day.stack.alarm_list
            day.stack.alarm_list = (Alarm("x", AlarmState.ALARM, "critical", "yesterday", None, ()),)  # type: ignore[arg-type]
            await press(pilot, "r")
            await day.shows(pilot, "cannot be shown")
            await shows(pilot, "month to date")
            await day.keys_answer(pilot)
            await press(pilot, "2")
            await day.shows(pilot, "cannot be shown")
            await press(pilot, "1")
            await opened(pilot, OverviewScreen)
            day.stack.alarm_list = good
            await press(pilot, "r")
            await day.shows(pilot, "receipts-dlq")
            await until(pilot, lambda: "cannot be shown" not in shown(pilot))

    run(body())
