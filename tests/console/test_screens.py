"""The application, driven by keys over a made-up stack."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from console.domain import Alarm, AlarmState, ConsoleError, ProblemKind
from console.sources.fake import FakeStack
from console.ui.screens.connecting import ConnectingScreen
from console.ui.screens.overview import OverviewScreen
from console.view.glyphs import ASCII
from tests.console.screens import application, first_data, press, shown, shows, until
from tests.support.stopped_clock import StoppedClock

SIZES = [(80, 24), (120, 30), (200, 50)]
WIDGETS = [
    "#header",
    "#alarms",
    "#throughput",
    "#campaigns",
    "#delivery",
    "#cost",
    "#sessions",
    "#messages",
    "#status",
    "Footer",
]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


@pytest.mark.parametrize("size", SIZES)
def test_every_widget_is_really_visible(size: tuple[int, int]) -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            for selector in WIDGETS:
                widget = app.screen.query_one(selector)
                region = widget.region
                assert region.width > 0, selector
                corners = [(region.x, region.y), (region.right - 1, region.bottom - 1)]
                for x, y in corners:
                    found = app.screen.get_widget_at(x, y)[0]
                    assert widget in found.ancestors_with_self, f"{selector} is covered at {x},{y} by {found}"
                assert region.right <= size[0]
                assert region.bottom <= size[1]
            words = ("ALARM", "receipts-dlq", "achieved", "delivered", "month to date", "LIVE", "RW", "quit")
            text = await shows(pilot, *words)
            assert all(len(row) == size[0] for row in text.splitlines())

    run(body())


def test_an_error_keeps_the_data_and_says_how_old_it_is() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            stack.error = ConsoleError(ProblemKind.CREDENTIALS, "the AWS credentials have expired", "log in")
            await press(pilot, "r")
            await shows(pilot, "4 of 4 feeds STALE", "receipts-dlq", "data from", "again in")
            stack.error = None
            await press(pilot, "r")
            await shows(pilot, "LIVE")

    run(body())


def test_a_stack_that_cannot_be_read_yet_says_why_and_what_to_do() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.error = ConsoleError(ProblemKind.UNREACHABLE, "cannot reach the endpoint", "check the network")
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await shows(pilot, "cannot reach the endpoint", "check the network")

    run(body())


def test_a_slow_source_never_blocks_the_keys() -> None:
    async def body() -> None:
        stack, gate = FakeStack(), threading.Event()
        app = application(stack, clock=StoppedClock())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            real = stack._ask

            def hang(call: str) -> None:
                gate.wait()
                real(call)

            stack._ask = hang  # type: ignore[method-assign]
            await press(pilot, "r")
            assert app.monitor is not None
            await until(pilot, lambda: any(feed.reading for feed in app.monitor._feeds.values()))  # type: ignore[union-attr]
            await press(pilot, "question_mark")
            await shows(pilot, "esc closes")
            await press(pilot, "escape", "space")
            await shows(pilot, "PAUSED")
            assert any(feed.reading for feed in app.monitor._feeds.values())
            gate.set()

    run(body())


def test_a_connection_that_fails_can_be_tried_again() -> None:
    async def body() -> None:
        stack, failures = FakeStack(), [ConsoleError(ProblemKind.NOT_FOUND, "there is no stack dev", "check --stack")]

        def connect(progress: object) -> Any:
            if failures:
                raise failures.pop()
            return stack.connection()

        app = application(connect)
        async with app.run_test(size=(80, 24)) as pilot:
            await shows(pilot, "there is no stack dev")
            assert isinstance(app.screen, ConnectingScreen)
            await shows(pilot, "check --stack")
            assert app.problem is not None
            await press(pilot, "r")
            await first_data(pilot)
            assert app.problem is None

    run(body())


def test_progress_is_shown_while_connecting() -> None:
    async def body() -> None:
        stack, gate = FakeStack(), threading.Event()

        def connect(progress: Any) -> Any:
            progress("provision 7/121 Table campaigns")
            gate.wait()
            return stack.connection()

        app = application(connect)
        async with app.run_test(size=(80, 24)) as pilot:
            await shows(pilot, "provision 7/121 Table campaigns")
            gate.set()
            await first_data(pilot)

    run(body())


HOSTILE = [
    "[/nope]",
    "[@click=app.quit]here[/]",
    "[b]bold",
    "[",
    "]",
    "\\[",
    "$primary",
    "{x}",
    "%s",
    "[link=http://x]y",
]


def test_markup_in_foreign_text_is_only_text() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.alarm_list = tuple(
            Alarm(text, AlarmState.ALARM, "critical", None, f"reason {text}", f"runbook{text}", f"meaning {text}")
            for text in HOSTILE
        )
        app = application(stack)
        async with app.run_test(size=(160, 90), notifications=True) as pilot:
            await first_data(pilot)
            await shows(pilot, *(f"ALARM  {text} " for text in HOSTILE))
            await press(pilot, "2")
            for text in HOSTILE:
                await shows(pilot, f"runbook{text}")
                await press(pilot, "down")
            await shows(pilot, "@click")
            rows = shown(pilot).splitlines()
            links = [(row.index("here"), y) for y, row in enumerate(rows) if "@click" in row]
            assert links
            for offset in links * 2:
                await pilot.click(offset=offset)
            assert app.is_running
            await press(pilot, "1")
            everything = " ".join(HOSTILE)
            stack.error = ConsoleError(ProblemKind.UNEXPECTED, everything, everything)
            await press(pilot, "r")
            await shows(pilot, "STALE")
            app.complain(stack.error.problem)
            await shows(pilot, "[/nope]")
            assert app.is_running
            assert isinstance(app.screen, OverviewScreen)

    run(body())


def test_without_utf8_every_cell_is_ascii() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack, glyphs=ASCII)
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            assert shown(pilot).isascii()
            await press(pilot, "a")
            await shows(pilot, "send test campaign")
            assert shown(pilot).isascii()

    run(body())


def test_a_resize_fits_the_panels_again() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(200, 50)) as pilot:
            await first_data(pilot)
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: len(shown(pilot).splitlines()) == 24)
            await until(pilot, lambda: app.screen.query_one("#alarms").size.width == 36)
            await shows(pilot, "receipts-dlq")

    run(body())


def test_a_beat_that_comes_after_the_end_finds_nothing_to_do() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
        assert app.monitor is not None
        calls = stack.use().calls
        app.monitor.refresh()
        app._tick()
        assert stack.use().calls == calls

    run(body())


def test_q_quits_with_nothing_left_running() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "q")
            await until(pilot, lambda: not app.is_running)

    run(body())
