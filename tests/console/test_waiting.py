"""What a key has asked for and takes long; and reading that is held."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.pilot import Pilot

from console.campaigns import make_request
from console.places import Place
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.messages import SearchScreen
from tests.console.day import Day
from tests.console.screens import application, first_data, opened, press, shown, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def held(app: ConsoleApp) -> bool:
    """Whether nothing is read."""
    assert app.monitor is not None
    return app.monitor.paused


async def jumping(day: Day, pilot: Pilot[None]) -> None:
    """From an alarm to its logs, while the alarm cannot be read."""
    await first_data(pilot)
    await press(pilot, "2")
    await opened(pilot, AlarmsScreen)
    day.weather.turn("slow:telemetry.alarm")
    await press(pilot, "o", "l")
    await until(pilot, lambda: day.weather.hanging == 1)


async def answered(day: Day, pilot: Pilot[None]) -> None:
    """All is answered, and has been looked at."""
    day.weather.turn("")
    await until(pilot, lambda: day.runner.out == 0 and all(each.is_finished for each in day.app.workers))


def test_a_jump_that_takes_long_says_so_and_is_made_when_its_answer_comes() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30)) as pilot:
            await jumping(day, pilot)
            await day.shows(pilot, "logs of receipts-dlq: working ", "esc gives up")
            day.weather.turn("")
            await opened(pilot, LogsScreen)
            await press(pilot, "escape")
            await opened(pilot, AlarmsScreen)
            await until(pilot, lambda: "working" not in shown(pilot))

    run(body())


def test_escape_gives_a_jump_up_and_stays() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30), notifications=True) as pilot:
            await jumping(day, pilot)
            await day.shows(pilot, "working ")
            await press(pilot, "escape")
            await until(pilot, lambda: "working" not in shown(pilot))
            await answered(day, pilot)
            assert isinstance(day.app.screen, AlarmsScreen)
            assert not day.app._notifications

    run(body())


@pytest.mark.parametrize(("keys", "leave"), [("/dlq", "enter"), (":log", "escape"), ("?", "escape"), ("a", "escape")])
def test_a_jump_is_not_made_under_the_hands_of_whoever_does_something_else(keys: str, leave: str) -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(120, 30)) as pilot:
            await jumping(day, pilot)
            await press(pilot, *keys)
            await answered(day, pilot)
            assert day.app.here is not None
            assert day.app.here.place.screen == "alarms"
            await press(pilot, leave)
            await opened(pilot, AlarmsScreen)

    run(body())


def test_logs_are_not_trapped_by_reading_that_was_held_elsewhere() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(140, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "space", "7")
            screen = await opened(pilot, LogsScreen)
            await shows(pilot, "0 lines  PAUSED, space goes on")
            await press(pilot, "r")
            await until(pilot, lambda: bool(screen.tail.buffer.lines) and not screen.tail.owes)
            await shows(pilot, "PAUSED, space goes on")
            assert held(app)
            await press(pilot, "space")
            assert not held(app)
            await until(pilot, lambda: "PAUSED" not in shown(pilot))
            await press(pilot, "space")
            await shows(pilot, "HELD")
            assert not held(app)

    run(body())


def test_r_reads_once_where_reading_is_held() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(140, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "space")
            await shows(pilot, "PAUSED")
            await until(pilot, lambda: day.runner.out == 0 and not day.feed("alarms").reading)
            reads = day.feed("alarms").reads
            await press(pilot, "r")
            await until(pilot, lambda: day.feed("alarms").reads == reads + 1)
            day.clock.advance(3_600)
            await until(pilot, lambda: day.app._ticked >= day.clock.time)
            assert (day.feed("alarms").reads, day.feed("alarms").reading) == (reads + 1, False)
            day.stack.send(make_request(10, 50))
            day.app.go(Place("messages", "customer=test-00001"))
            await opened(pilot, SearchScreen)
            await press(pilot, "r")
            await until(pilot, lambda: any("reading is held" in each.message for each in day.app._notifications))

    run(body())
