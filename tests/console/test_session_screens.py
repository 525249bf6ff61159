"""Sessions on the screen: the list, one session, links to both, and a stack that has none."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.sources.fake_sessions import MADE
from console.ui.app import ConsoleApp
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.sessions import SessionScreen, SessionsScreen
from lambdas.core.outputs import SessionOutputs
from tests.console.screens import application, first_data, opened, press, shown, shows, until


async def go(pilot: Any, app: ConsoleApp, place: str) -> None:
    """Type a place."""
    await first_data(pilot)
    await press(pilot, "colon", *place, "enter")
    await until(pilot, lambda: isinstance(app.here, SessionsScreen | SessionScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
def test_sessions_with_the_last_hour_below_and_one_of_them_behind_enter(size: tuple[int, int]) -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=size) as pilot:
            await go(pilot, app, "sessions")
            words = ("500/500", "▲ lost", "◆ gone", "○ closing", "RATE_LIMITED", "active sessions: 100 at most")
            text = await shows(pilot, "limits met: join 187", *words)
            assert text.index("500/500") < text.index("412/500") < text.index(" 0/500"), "the fullest are first"
            sessions = stack.sessions.roster().sessions
            assert all(session.id in text for session in sessions), "ids are whole"
            await press(pilot, "j", "enter")
            await opened(pilot, SessionScreen)
            await shows(pilot, "asked to move, past 100 min", "listeners by language: 412")
            await press(pilot, "escape")
            await opened(pilot, SessionsScreen)

    asyncio.run(body())


def test_only_what_is_looked_at_is_asked_of_cloudwatch() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            assert app.monitor is not None
            assert not set(app.monitor.feeds) & {"sessions", "session_hour"}
            await go(pilot, app, "sessions")
            assert {"sessions", "session_gauges", "session_hour"} <= set(app.monitor.feeds)
            await press(pilot, "escape")
            await until(pilot, lambda: "sessions" not in app.monitor.feeds if app.monitor else False)

    asyncio.run(body())


def test_a_filter_a_copy_and_the_way_to_the_functions_log() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await go(pilot, app, "sessions")
            await shows(pilot, "500/500")
            await press(pilot, "slash", *"speaker:lost", "enter")
            await shows(pilot, f"1 of {len(MADE)}")
            await press(pilot, "y", "m")
            lost = next(session for session in stack.sessions.roster().sessions if session.listeners == 64)
            await until(pilot, lambda: app.clipboard == lost.id)
            await press(pilot, "o", "l")
            await opened(pilot, LogsScreen)
            await shows(pilot, "session-notifier")

    asyncio.run(body())


def test_a_link_leads_to_one_session_and_one_that_is_gone_is_told() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        wanted = next(session for session in stack.sessions.roster().sessions if session.doubt is not None)
        async with app.run_test(size=(120, 30)) as pilot:
            await go(pilot, app, f"cpaas://local/sessions/{wanted.id}")
            await shows(pilot, "128 were counted")
            await press(pilot, "colon", *"session gone", "enter")
            await shows(pilot, "there is no session gone")

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
def test_a_stack_without_sessions_says_which_setting_turns_them_on(size: tuple[int, int]) -> None:
    async def body() -> None:
        app = application(without_sessions(FakeStack()))
        async with app.run_test(size=size) as pilot:
            await go(pilot, app, "sessions")
            await shows(pilot, "has no sessions")
            await shows(pilot, "the setting `sessions` turns them on")
            assert "latency" not in shown(pilot)
            assert "LISTENERS" not in shown(pilot)
            assert app.monitor is not None
            assert not [name for name in app.monitor.feeds if name.startswith("session")]

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
def test_the_overview_has_a_line_of_sessions_that_leads_to_them(size: tuple[int, int]) -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            await shows(pilot, "sessions", " open  ", " listeners  ", " refused in 1 h")
            await press(pilot, "tab", "tab", "shift+tab", "escape", "enter")
            await opened(pilot, AlarmsScreen)
            await press(pilot, "escape", *["tab"] * 6, "enter")
            await opened(pilot, SessionsScreen)
            await press(pilot, "escape")
            await opened(pilot, OverviewScreen)
            await pilot.click("#sessions", offset=(4, 0))
            await opened(pilot, SessionsScreen)

    asyncio.run(body())


@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
def test_the_overview_of_a_stack_without_sessions_says_so_and_asks_nobody(size: tuple[int, int]) -> None:
    async def body() -> None:
        app = application(without_sessions(FakeStack()))
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            await shows(pilot, "none in this stack; the setting `sessions` turns them on")
            assert app.monitor is not None
            assert "session_gauges" not in app.monitor.feeds

    asyncio.run(body())


def without_sessions(stack: FakeStack) -> Connection:
    """The stack's connection, its sessions off."""
    connection = stack.connection()
    return dataclasses.replace(connection, outputs=dataclasses.replace(connection.outputs, sessions=SessionOutputs()))
