"""Throughput over time: what was sent before the console was opened, by channel; by keys over a made-up stack."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from console.domain import ConsoleError, ProblemKind
from console.places import Place
from console.sources.fake import FakeStack
from console.telemetry import Series
from console.ui.app import ConsoleApp
from console.ui.screens.throughput import ThroughputScreen
from console.ui.widgets.chart import Chart
from tests.console.screens import application, first_data, opened, press, shown, shows, until
from tests.support.stopped_clock import StoppedClock

SIZES = [(80, 24), (120, 30), (200, 50)]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def here(app: ConsoleApp) -> Place:
    """Where the console is."""
    assert app.here is not None
    return app.here.place


@pytest.mark.parametrize("size", SIZES)
def test_a_console_that_was_just_opened_shows_what_was_sent_before(size: tuple[int, int]) -> None:
    async def body() -> None:
        stack = FakeStack(StoppedClock())
        app = application(stack, clock=stack.clock)
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            assert app.monitor is not None
            assert app.monitor.overview.throughput.history[0].achieved is None, "it has not read a rate itself"
            await until(pilot, lambda: "40/s" in shown(pilot))
            await press(pilot, "3")
            await opened(pilot, ThroughputScreen)
            await shows(pilot, "sms: ", "max ", "100/s", "live, 1 h 00 m")
            chart = app.screen.query_one(Chart)
            x, y = chart.region.right - 1, chart.region.bottom - 1
            assert chart in app.screen.get_widget_at(x, y)[0].ancestors_with_self

    run(body())


def test_another_stretch_of_time_is_asked_for_and_belongs_to_the_link() -> None:
    async def body() -> None:
        stack = FakeStack()
        asked: list[float] = []
        rates = stack.telemetry.rates

        def noted(start: float, end: float) -> tuple[Series, ...]:
            asked.append(round(end - start))
            return rates(start, end)

        stack.telemetry.rates = noted  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "3")
            await opened(pilot, ThroughputScreen)
            await shows(pilot, "live, 1 h 00 m", "[] pan")
            await press(pilot, "minus")
            await until(pilot, lambda: 10_800 in asked and "live, 3 h 00 m" in shown(pilot))
            assert here(app).params == {}
            await press(pilot, "left_square_bracket")
            await until(pilot, lambda: set(here(app).params) == {"from", "to"})
            assert float(here(app).params["to"]) - float(here(app).params["from"]) == 10_800

    run(body())


def test_rates_that_cannot_be_read_leave_the_present() -> None:
    async def body() -> None:
        stack = FakeStack()

        def denied(start: float, end: float) -> tuple[Series, ...]:
            raise ConsoleError(ProblemKind.FORBIDDEN, "not allowed: cloudwatch:GetMetricData", "ask for it")

        working = stack.telemetry.rates
        stack.telemetry.rates = denied  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await shows(pilot, "throughput: no earlier readings", "achieved")
            await press(pilot, "3")
            await shows(pilot, "by channel", "not allowed: cloudwatch:GetMetricData", "achieved")
            stack.telemetry.rates = working  # type: ignore[method-assign]
            await press(pilot, "r")
            await shows(pilot, "sms: ", "live, 1 h 00 m", "[] pan")

    run(body())
