"""From an alarm to what explains it: metric, deployments, runbook; driven by keys over a made-up stack."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.widgets import Static

from console.domain import Alarm, AlarmState, ConsoleError, ProblemKind
from console.places import Place
from console.sources.fake import FakeStack
from console.telemetry import AlarmRule, Series
from console.ui.app import ConsoleApp
from console.ui.screens.alarm import AlarmScreen
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.deployments import DeploymentsScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.menu import MenuScreen
from console.ui.screens.runbook import RunbookScreen
from console.ui.widgets.chart import Chart
from console.ui.widgets.panel import Panel
from console.ui.widgets.virtual_table import VirtualTable
from console.view.glyphs import ASCII
from tests.console.screens import application, first_data, opened, press, shown, shows, until

DLQ = "ai-cpaas-demo-local-receipts-dlq"
DOWN = "ai-cpaas-demo-local-stack-down"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def here(app: ConsoleApp) -> Place:
    """Where the console is."""
    assert app.here is not None
    return app.here.place


def facts(app: ConsoleApp) -> str:
    """All words of the panel of facts."""
    return str(app.screen.query_one("#facts", Panel).visual)


def with_composite() -> FakeStack:
    """The made-up stack with an alarm over the others."""
    stack = FakeStack()
    since = stack.clock.now() - 700
    stack.alarm_list += (Alarm(DOWN, AlarmState.ALARM, "critical", since, "why", "docs/runbooks/stack-down.md"),)
    return stack


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
def test_enter_opens_an_alarm_with_its_metric_rule_and_history(size: tuple[int, int]) -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "enter")
            await opened(pilot, AlarmScreen)
            await shows(pilot, "OK -> ALARM")
            assert here(app) == Place("alarms", DLQ)
            await shows(pilot, "live, 1 h 00 m")
            await until(pilot, lambda: "before the alarm" in facts(app) and "Maximum of 60 s > 0" in facts(app))
            assert "for 1 of 1 periods" in facts(app)
            for words in ("▲ ALARM", "dead-letter-queue.md", "[] pan", "+- zoom", "go to"):
                await shows(pilot, words)
            for selector in ("#facts", "#metric", "#table", "#status", "Footer"):
                widget = app.screen.query_one(selector)
                x, y = widget.region.right - 1, widget.region.bottom - 1
                assert widget in app.screen.get_widget_at(x, y)[0].ancestors_with_self, selector
            await press(pilot, "tab", "enter")
            await shows(pilot, "[3.0] was greater than the threshold")

    run(body())


def test_another_stretch_of_time_is_asked_for_and_belongs_to_the_link() -> None:
    async def body() -> None:
        stack = FakeStack()
        asked: list[float] = []
        series = stack.telemetry.series

        def noted(rule: AlarmRule, start: float, end: float) -> Series:
            asked.append(end - start)
            return series(rule, start, end)

        stack.telemetry.series = noted  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            app.go(Place("alarms", DLQ))
            await until(pilot, lambda: set(asked) == {3600.0} and "live, 1 h 00 m" in shown(pilot))
            await press(pilot, "minus")
            await until(pilot, lambda: 10_800.0 in asked and "live, 3 h 00 m" in shown(pilot))
            assert here(app).params == {}
            await press(pilot, "left_square_bracket")
            await until(pilot, lambda: set(here(app).params) == {"from", "to"})
            begun = float(here(app).params["from"])
            chart = app.screen.query_one(Chart)
            assert chart.timespan.bounds(stack.clock.now())[0] == pytest.approx(begun, abs=1)
            await press(pilot, "o", "m")
            await until(pilot, lambda: chart.timespan.seconds == 300)

    run(body())


def test_an_alarm_whose_metric_cannot_be_read_keeps_its_facts() -> None:
    async def body() -> None:
        stack = FakeStack()

        def denied(rule: AlarmRule, start: float, end: float) -> Series:
            raise ConsoleError(ProblemKind.FORBIDDEN, "not allowed: cloudwatch:GetMetricData", "ask for it")

        working = stack.telemetry.series
        stack.telemetry.series = denied  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            app.go(Place("alarms", DLQ))
            await shows(pilot, "not allowed: cloudwatch:GetMetricData")
            await until(pilot, lambda: "missing data treated as good" in facts(app))
            await shows(pilot, "OK -> ALARM")
            stack.telemetry.series = working  # type: ignore[method-assign]
            await press(pilot, "r")
            await shows(pilot, "live, 1 h 00 m")
            await until(pilot, lambda: app.screen.query_one(Chart).has_focus)
            stack.telemetry.series = denied  # type: ignore[method-assign]
            await press(pilot, "r")
            await until(pilot, lambda: "metric ◆ forbidden: data from" in facts(app))
            await shows(pilot, "live, 1 h 00 m")

    run(body())


def test_an_alarm_that_is_gone_is_said_to_be() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            app.go(Place("alarms", "no-such"))
            await shows(pilot, "there is no alarm 'no-such'")
            await press(pilot, "o", "y")
            await press(pilot, "escape", "escape")
            await until(pilot, lambda: here(app).screen != "alarms" or here(app).subject == "")

    run(body())


def test_a_composite_alarm_shows_its_children_and_leads_to_them() -> None:
    async def body() -> None:
        app = application(with_composite())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            app.go(Place("alarms", DOWN))
            await shows(pilot, "rises when ALARM(")
            await shows(pilot, "▲ ALARM   receipts-dlq")
            await until(pilot, lambda: not app.screen.query_one(Chart).display)
            await press(pilot, "enter")
            await until(pilot, lambda: here(app) == Place("alarms", DLQ))
            await press(pilot, "escape")
            await until(pilot, lambda: here(app) == Place("alarms", DOWN))

    run(body())


@pytest.mark.parametrize("from_list", [True, False])
def test_a_composite_alarm_leads_to_the_logs_of_the_children_that_are_up(from_list: bool) -> None:
    async def body() -> None:
        app = application(with_composite())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "2")
            await until(pilot, lambda: DOWN.rpartition("local-")[2] in shown(pilot))
            if from_list:
                app.screen.query_one(VirtualTable).select(DOWN)
            else:
                app.go(Place("alarms", DOWN))
                await shows(pilot, "rises when ALARM(")
            await press(pilot, "o", "l")
            await opened(pilot, LogsScreen)
            assert app.screen.place.subject == "delivery-processor"  # type: ignore[attr-defined]

    run(body())


def test_from_the_list_one_key_leads_to_runbook_and_deployments() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 60)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "o", "b")
            await opened(pilot, RunbookScreen)
            assert here(app) == Place("runbooks", "dead-letter-queue")
            await shows(pilot, "Messages in a dead-letter queue")
            await press(pilot, "G")
            await shows(pilot, "How to verify")
            page = app.screen.query_one("#page", Static)
            await until(pilot, lambda: '--stack "local"' in str(page.visual))
            await press(pilot, "escape")
            await opened(pilot, AlarmsScreen)
            await press(pilot, "o", "d")
            await opened(pilot, DeploymentsScreen)
            await shows(pilot, "function delivery-processor")
            await press(pilot, "enter")
            await shows(pilot, "deployed together")
            await shows(pilot, "outputs of monitoring")
            await press(pilot, "escape")
            await opened(pilot, DeploymentsScreen)
            await press(pilot, "slash", *"outputs", "enter")
            await until(pilot, lambda: "function delivery" not in shown(pilot) and "outputs of stack" in shown(pilot))

    run(body())


def test_what_can_be_copied_of_an_alarm_reproduces_it_elsewhere() -> None:
    async def body() -> None:
        app = application(FakeStack(environment="dev"))
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            app.go(Place("alarms", DLQ))
            await shows(pilot, "OK -> ALARM")
            for key, expected in (
                ("a", f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{DLQ}"),
                ("i", f"aws cloudwatch describe-alarms --alarm-names {DLQ} --alarm-types MetricAlarm"),
                ("g", "aws cloudwatch get-metric-data --metric-data-queries '[{"),
                ("l", f"cpaas://dev/alarms/{DLQ}"),
            ):
                await press(pilot, "y", key)
                await until(pilot, lambda start=expected: app.clipboard.startswith(start))  # type: ignore[misc]
            await press(pilot, "o", "w")
            await until(pilot, lambda: app.clipboard.startswith("https://us-east-1.console.aws.amazon.com/"))
            await shows(pilot, "open it where there is a browser")

    run(body())


def test_an_embedded_cloud_has_no_page_at_aws() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "o")
            await opened(pilot, MenuScreen)
            await shows(pilot, "runbook")
            assert "AWS console" not in shown(pilot)

    run(body())


def test_a_page_that_is_not_on_this_machine_is_named() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.alarm_list = (Alarm("a", AlarmState.ALARM, "critical", None, "", "https://wiki.example.com/dlq"),)
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "o", "b")
            await shows(pilot, "the page is not on this machine")
            await press(pilot, "y", "p")
            await until(pilot, lambda: app.clipboard == "https://wiki.example.com/dlq")

    run(body())


def test_the_screens_of_an_alarm_are_ascii_where_they_must_be() -> None:
    async def body() -> None:
        app = application(with_composite(), glyphs=ASCII)
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            for place in (
                Place("alarms", DLQ),
                Place("alarms", DOWN),
                Place("runbooks", "README"),
                Place("deployments"),
            ):
                app.go(place)
                await until(pilot, lambda place=place: here(app) == place and app.keys_are_answered)  # type: ignore[misc]
                await until(pilot, lambda: "LOADING" not in shown(pilot))
                assert shown(pilot).isascii(), place

    run(body())


def test_markup_in_an_alarm_is_only_text_on_every_screen_that_shows_it() -> None:
    async def body() -> None:
        evil = "[/nope] [@click=app.quit]here[/] [b $primary {x} %s"
        stack = FakeStack()
        since = stack.clock.now() - 60
        stack.alarm_list = (Alarm(evil, AlarmState.ALARM, "critical", since, evil, "[@click=app.quit]x", evil),)
        app = application(stack)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "enter")
            await opened(pilot, AlarmScreen)
            await shows(pilot, "OK -> ALARM")
            await shows(pilot, "live, 1 h 00 m")
            await until(pilot, lambda: facts(app).count("[@click=app.quit]") == 3)
            await press(pilot, "tab", "enter")
            await shows(pilot, "change of state", "[/nope]")
            rows = shown(pilot).splitlines()
            for offset in [(row.index("here"), y) for y, row in enumerate(rows) if "here" in row]:
                await pilot.click(offset=offset)
            await press(pilot, "escape")
            await opened(pilot, AlarmScreen)
            await press(pilot, "o")
            await opened(pilot, MenuScreen)
            await shows(pilot, "[@click=app.quit]x")
            await press(pilot, "b")
            await shows(pilot, "the page is not on this machine")
            assert app.is_running

    run(body())
