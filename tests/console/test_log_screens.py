"""Logs on the screen: from an alarm to its error lines and back, held, wrapped, filtered, one group failing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from console.domain import ConsoleError, ProblemKind
from console.places import Place
from console.sources.fake import FakeStack
from console.telemetry import LogPage
from console.ui.app import ConsoleApp
from console.ui.screens.alarm import AlarmScreen
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.log_line import LogLineScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.runbook import RunbookScreen
from console.view import table
from console.view.glyphs import ASCII
from console.view.table import STEP
from tests.console.screens import application, first_data, opened, press, shown, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def logs(app: ConsoleApp) -> LogsScreen:
    """The logs, which must be on top."""
    assert isinstance(app.here, LogsScreen)
    return app.here


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
def test_from_an_alarm_to_its_errors_to_the_runbook_and_back(size: tuple[int, int]) -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "enter")
            await opened(pilot, AlarmScreen)
            await shows(pilot, "OK -> ALARM")
            alarm = app.here
            assert alarm is not None
            await press(pilot, "o", "l")
            await opened(pilot, LogsScreen)
            assert logs(app).place.subject == "delivery-processor"
            start, end = (float(logs(app).place.params[name]) for name in ("from", "to"))
            assert end - start == 1_200
            await shows(pilot, "read to", "batch_done")
            await press(pilot, "n")
            await until(pilot, lambda: (item := logs(app).item) is not None and item.level == "ERROR")
            first = logs(app).item
            await press(pilot, "n")
            await until(pilot, lambda: logs(app).item is not first)
            second = logs(app).item
            assert second is not None
            assert second.level == "ERROR"
            await press(pilot, "N")
            await until(pilot, lambda: logs(app).item == first)
            await press(pilot, "enter")
            await opened(pilot, LogLineScreen)
            await shows(pilot, "reason: ProvisionedThroughputExceededException")
            await press(pilot, "y", "j")
            await until(pilot, lambda: app.clipboard.startswith('{"level": "ERROR"'))
            await press(pilot, "escape")
            await opened(pilot, LogsScreen)
            await press(pilot, "escape")
            await until(pilot, lambda: app.here is alarm)
            await press(pilot, "o", "b")
            await opened(pilot, RunbookScreen)
            await press(pilot, "escape")
            await until(pilot, lambda: app.here is alarm)
            await press(pilot, "escape")
            await opened(pilot, AlarmsScreen)

    run(body())


def test_from_the_list_the_alarm_is_read_before_its_logs_are_opened() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "o", "l")
            await opened(pilot, LogsScreen)
            assert logs(app).place.subject == "delivery-processor"
            await press(pilot, "escape")
            await opened(pilot, AlarmsScreen)
            stack.error = ConsoleError(ProblemKind.THROTTLED, "AWS throttles these calls")
            await press(pilot, "o", "l")
            await shows(pilot, "AWS throttles")
            assert isinstance(app.screen, AlarmsScreen)

    run(body())


def test_all_groups_are_followed_live_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        monkeypatch.setattr(table, "UNFILTERED_STEP", STEP)
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "7")
            await opened(pilot, LogsScreen)
            await shows(pilot, "lines  live")
            groups = set(stack.telemetry.log_groups())
            await until(pilot, lambda: {each.group for each in logs(app).tail.buffer.lines} == groups)
            lines = logs(app).tail.buffer.lines
            assert [each.at for each in lines] == sorted(each.at for each in lines)
            await until(pilot, lambda: logs(app).item == logs(app).table.shown[-1])
            count = len(lines)
            assert count > STEP, "so many that they are arranged in steps"
            await until(pilot, lambda: len(logs(app).tail.buffer.lines) > count)
            await until(pilot, lambda: logs(app).item == logs(app).tail.buffer.lines[-1])
            await press(pilot, "g")
            first = logs(app).item
            count = len(logs(app).tail.buffer.lines)
            await until(pilot, lambda: len(logs(app).tail.buffer.lines) > count)
            assert logs(app).item == first

    run(body())


def test_held_lines_stand_still_while_others_wait() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "7")
            await opened(pilot, LogsScreen)
            await shows(pilot, "lines  live")
            await press(pilot, "space")
            await shows(pilot, "HELD, ")
            held = list(logs(app).table.shown)
            await until(pilot, lambda: "HELD, 0 wait" not in shown(pilot) and "HELD, " in shown(pilot))
            assert logs(app).table.shown == held
            assert "PAUSED" not in shown(pilot)
            await press(pilot, "space")
            await until(pilot, lambda: "lines  live" in shown(pilot) and len(logs(app).table.shown) > len(held))

    run(body())


def test_nothing_is_read_while_nobody_looks() -> None:
    async def body() -> None:
        stack = FakeStack()
        asked: list[str] = []
        answer = stack.telemetry.logs

        def counted(group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
            asked.append(group)
            return answer(group, start, end, cursor=cursor, text=text)

        stack.telemetry.logs = counted  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            assert asked == []
            app.go(Place("logs", "sweeper,message-sender"))
            await shows(pilot, "lines  live")
            both = {"sweeper", "message-sender"}
            await until(pilot, lambda: {group.rpartition("/")[2] for group in asked} == both)
            hidden = logs(app)
            app.go(Place("runbooks", "README"))
            await opened(pilot, RunbookScreen)
            await until(pilot, lambda: not any(feed.reading for feed in hidden.tail._feeds.values()))
            before = len(asked)
            monitor = app.monitor
            assert monitor is not None
            read = monitor.state("alarms").at
            monitor.refresh()
            await until(pilot, lambda: monitor.state("alarms").at != read)
            for _ in range(20):
                hidden._beat()
            assert len(asked) == before
            await press(pilot, "escape")
            await until(pilot, lambda: len(asked) > before)

    run(body())


def test_a_group_that_is_denied_is_named_and_the_others_go_on() -> None:
    async def body() -> None:
        stack = FakeStack()
        answer = stack.telemetry.logs

        def denied(group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
            if group.endswith("/sweeper"):
                raise ConsoleError(ProblemKind.FORBIDDEN, "not allowed: logs:FilterLogEvents", "ask for it")
            return answer(group, start, end, cursor=cursor, text=text)

        stack.telemetry.logs = denied  # type: ignore[method-assign]
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "7")
            await shows(pilot, "sweeper: not allowed: logs:FilterLogEvents")
            await shows(pilot, "lines  live", "batch_done")
            app.go(Place("self"))
            await shows(pilot, "logs sweeper", "◆ forbidden")
            others = len(stack.telemetry.log_groups()) - 1
            await shows(pilot, f"logs, {others} groups")
            await shows(pilot, "● good, at rest")
            await press(pilot, "slash", *"filter", "enter")
            await shows(pilot, "cloudwatch-logs:FilterLogEve")
            await press(pilot, "7")
            await shows(pilot, "lines  live", "batch_done")
            lines = logs(app).tail.buffer
            await until(pilot, lambda: "message-sender" in {each.function for each in lines.lines})
            assert "sweeper" not in {each.function for each in lines.lines}
            stack.telemetry.logs = answer  # type: ignore[method-assign]
            await press(pilot, "r")
            await until(pilot, lambda: "not allowed" not in shown(pilot))
            await until(pilot, lambda: "sweeper" in {each.function for each in logs(app).tail.buffer.lines})

    run(body())


def test_a_filter_narrows_wrapped_and_unwrapped_lines() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "7")
            await shows(pilot, "lines  live")
            await press(pilot, "slash", *"level:error", "enter")
            await until(pilot, lambda: " of " in shown(pilot) and "batch_done" not in shown(pilot))
            assert all(each.level == "ERROR" for each in logs(app).table.shown)
            await press(pilot, "space")
            await shows(pilot, "HELD")
            here = logs(app).item
            assert "batch=" not in shown(pilot)
            await press(pilot, "w")
            await shows(pilot, "batch=")
            assert logs(app).item == here
            await press(pilot, "N")
            await until(pilot, lambda: logs(app).item != here)
            await press(pilot, "w")
            await until(pilot, lambda: "batch=" not in shown(pilot))
            assert logs(app).place.params["filter"] == "level:error"
            await press(pilot, "escape")
            await shows(pilot, "batch_done")

    run(body())


def test_from_a_line_to_its_minute_in_all_groups() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            app.go(Place("logs", "sweeper"))
            await shows(pilot, "lines  live")
            await press(pilot, "y", "i")
            await until(pilot, lambda: app.clipboard.startswith("aws logs filter-log-events --log-group-name"))
            await press(pilot, "o", "t")
            await until(pilot, lambda: isinstance(app.here, LogsScreen) and app.here.place.subject == "")
            await shows(pilot, "message-sender")
            await press(pilot, "0")
            await shows(pilot, "lines  live")
            assert logs(app).place.params == {}
            await press(pilot, "left_square_bracket")
            await shows(pilot, "all read")
            lines, place = logs(app).tail.buffer.lines, logs(app).place
            assert float(place.params["from"]) - 1 <= lines[0].at <= lines[-1].at <= float(place.params["to"]) + 1
            await press(pilot, "right_square_bracket")
            await shows(pilot, "lines  live")

    run(body())


def test_an_unknown_group_is_refused_with_those_that_there_are() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "colon", *"logs nothing", "enter")
            await shows(pilot, "there is no log group 'nothing'")
            await shows(pilot, "message-sender")
            await press(pilot, "colon", *"logs mess", "tab", "enter")
            await opened(pilot, LogsScreen)
            assert logs(app).place.subject == "message-sender"

    run(body())


def test_logs_are_ascii_where_they_must_be() -> None:
    async def body() -> None:
        app = application(FakeStack(), glyphs=ASCII)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "7")
            await shows(pilot, "lines  live")
            assert shown(pilot).isascii()
            await press(pilot, "enter")
            await opened(pilot, LogLineScreen)
            assert shown(pilot).isascii()

    run(body())
