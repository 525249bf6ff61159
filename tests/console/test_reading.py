"""What is read of the stack while people look, look away, ask by hand and leave."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from console.campaigns import make_request
from console.services.monitor import OVERVIEW
from console.sources.fake import FakeStack
from console.ui.registry import SCREENS
from tests.console.screens import application, first_data, here, press, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def test_reading_by_hand_reads_once_for_each_r() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "colon", *"every off", "enter")
            await shows(pilot, "PAUSED", "r reads once")
            assert app.monitor is not None
            stack.alarm_list = ()
            feed = app.monitor.feeds["alarms"]
            await until(pilot, lambda: not feed.reading)
            before = feed.reads
            await press(pilot, "r")
            await shows(pilot, "this stack has no alarms", "PAUSED")
            assert feed.reads == before + 1
            await press(pilot, "colon", *"every soon", "enter")
            await shows(pilot, "PAUSED", "soon")
            assert app.monitor.paused
            await press(pilot, "colon", *"every auto", "enter")
            await shows(pilot, "LIVE")

    run(body())


def test_what_nobody_looks_at_is_read_less_often() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            assert app.monitor is not None
            looked_at = app.monitor.feeds["spend"].every
            await press(pilot, "2")
            await until(pilot, lambda: here(app) == "alarms" and app.monitor.feeds["spend"].every > looked_at)  # type: ignore[union-attr]
            assert app.monitor.feeds["alarms"].every == 2.0
            await press(pilot, "1")
            await until(pilot, lambda: app.monitor.feeds["spend"].every == looked_at)  # type: ignore[union-attr]

    run(body())


def test_a_screen_that_is_left_reads_no_more() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.send(make_request(10, 10))
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            assert app.monitor is not None
            for spec in SCREENS:
                await press(pilot, "colon", *spec.name, "enter")
                await until(pilot, lambda name=spec.name: here(app) == name)  # type: ignore[misc]
            for key in ("2", "5"):
                await press(pilot, key, "enter")
                await until(pilot, lambda: app.here is not None and bool(app.here.place.subject))
            await press(pilot, "1")
            await until(pilot, lambda: set(app.monitor.feeds) == {*OVERVIEW, "rates", "session_gauges"})  # type: ignore[union-attr]

    run(body())
