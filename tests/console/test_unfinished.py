"""What is under way when somebody leaves: how it ends is told, asked for again it is the same, and the end waits."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.campaigns import make_request
from console.domain import ConsoleError, ProblemKind
from console.queues import find_queue
from console.sources.fake import FakeStack
from console.sources.fake_letters import FakeLetters
from console.ui import commanding, export_file
from console.ui.app import ConsoleApp
from console.ui.screens.campaigns import CampaignScreen
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.leave import LeaveScreen
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.redrive import RedriveScreen
from console.ui.screens.send_campaign import CampaignConfirm, CampaignForm
from tests.console.day import Day
from tests.console.screens import application, first_data, opened, press, shown, shows, until

MANY = 400


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def told(app: ConsoleApp) -> list[str]:
    """What the application has said beside its screens."""
    return [each.message for each in app._notifications]


async def planned(pilot: Pilot[None]) -> None:
    """From the form to the plan of what it asks for."""
    await press(pilot, "enter")
    await opened(pilot, CampaignConfirm)


async def sending(day: Day, pilot: Pilot[None]) -> None:
    """A send is out, and hangs."""
    await first_data(pilot)
    await press(pilot, "a", "enter")
    await opened(pilot, CampaignForm)
    await planned(pilot)
    day.weather.turn("slow:api.send")
    await press(pilot, *"100", "enter")
    await until(pilot, lambda: day.weather.hanging == 1)


def test_a_send_that_is_left_is_told_when_it_ends_and_the_same_form_sends_it_once() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(100, 30), notifications=True) as pilot:
            await sending(day, pilot)
            await day.until(pilot, lambda: re.search(r"sending: working \d+s, esc leaves", shown(pilot)) is not None)
            await press(pilot, "escape")
            await opened(pilot, CampaignForm)
            assert "sending: it may still be done; how it ends is told" in told(day.app)
            assert day.stack.sent == []
            day.weather.turn("")
            await until(pilot, lambda: "campaign fake-001 is running" in told(day.app))
            await planned(pilot)
            await press(pilot, *"100", "enter")
            await opened(pilot, CampaignScreen)
            assert len(day.stack.sent) == 1

    run(body())


def test_a_send_without_an_answer_says_that_it_may_be_done_and_enter_does_it_once() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(140, 30), notifications=True) as pilot:
            await sending(day, pilot)
            await day.shows(pilot, "no answer within 30 s", "it may have been done all the same; enter asks again")
            assert "next attempt" not in shown(pilot)
            day.weather.turn("")
            await press(pilot, "enter")
            await opened(pilot, CampaignScreen)
            await until(pilot, lambda: day.runner.out == 0)
            assert len(day.stack.sent) == 1

    run(body())


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (None, "fake-001: running -> paused"),
        (
            ConsoleError(ProblemKind.CONFLICT, "it has ended", "look at it"),
            "pause of fake-001: it has ended; look at it",
        ),
    ],
)
def test_a_change_that_is_left_is_told_when_it_ends(error: ConsoleError | None, end: str) -> None:
    async def body() -> None:
        day = Day()
        day.stack.send(make_request(5_000, 5))
        async with day.app.run_test(size=(140, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "p")
            await opened(pilot, ChangeCampaign)
            day.weather.turn("slow:api.state")
            await press(pilot, "enter")
            await until(pilot, lambda: day.weather.hanging == 1)
            await press(pilot, "escape")
            await opened(pilot, OverviewScreen)
            day.stack.error = error
            day.weather.turn("")
            await until(pilot, lambda: end in told(day.app))

    run(body())


def test_a_dry_run_that_is_given_up_leaves_the_form_as_it_was() -> None:
    async def body() -> None:
        day = Day()
        async with day.app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "enter")
            form = await opened(pilot, CampaignForm)
            day.weather.turn("slow:api.plan")
            await press(pilot, "enter")
            await day.shows(pilot, "dry run: working ", "esc gives up")
            await press(pilot, "escape")
            await shows(pilot, "dry run: given up")
            day.weather.turn("")
            await until(pilot, lambda: day.runner.out == 0)
            assert day.app.screen is form
            await planned(pilot)
            await press(pilot, "escape", "escape")
            await opened(pilot, OverviewScreen)

    run(body())


async def redriving(pilot: Pilot[None], app: ConsoleApp) -> FakeLetters:
    """Letters on their way at four a second: a move of a minute and a half."""
    stack = app.connection.source if app.connection is not None else None
    assert isinstance(stack, FakeStack)
    letters = stack.telemetry.letters_of(find_queue(stack.outputs, "plan"))
    letters.put([f"order {number}" for number in range(MANY)])
    await press(pilot, "colon", *"queues plan", "enter")
    await until(pilot, lambda: app.here is not None and app.here.place.subject == "plan")
    await press(pilot, "a", "v")
    (await opened(pilot, RedriveScreen)).query_one("#rate", Input).value = "4"
    await press(pilot, "enter")
    await shows(pilot, f"{MANY} would go to plan")
    await press(pilot, *"redrive", "enter")
    await until(pilot, lambda: re.search(r"moved [1-9]", shown(pilot)) is not None)
    return letters


def test_the_end_waits_for_a_redrives_batch_and_no_letter_lies_in_both_queues_or_is_hidden() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            letters = await redriving(pilot, app)
            await press(pilot, "ctrl+c")
            await opened(pilot, LeaveScreen)
            await shows(pilot, "redrive of plan-dlq", "enter lets it come to a good end")
            await press(pilot, "escape")
            await opened(pilot, RedriveScreen)
            before = len(letters.taken)
            await until(pilot, lambda: len(letters.taken) > before)
            await press(pilot, "ctrl+c", "enter")
            await until(pilot, lambda: not app.is_running)
            assert not app.works.out
            moved = len(letters.taken)
            assert 0 < moved < MANY
            assert (letters.waiting(), letters.in_flight) == (MANY - moved, 0)

    run(body())


def test_a_write_is_let_end_unless_the_end_is_asked_for_once_more() -> None:
    async def body(*, twice: bool) -> None:
        day = Day()
        async with day.app.run_test(size=(100, 30)) as pilot:
            await sending(day, pilot)
            await press(pilot, "ctrl+c")
            await opened(pilot, LeaveScreen)
            await shows(pilot, "sending on local")
            await press(pilot, "enter")
            await shows(pilot, "ending; ctrl+c leaves at once")
            assert day.app.is_running
            if twice:
                await press(pilot, "ctrl+c")
            else:
                day.weather.turn("")
            await until(pilot, lambda: not day.app.is_running)
            assert len(day.stack.sent) == (0 if twice else 1)
        day.weather.turn("")

    run(body(twice=False))
    run(body(twice=True))


def test_an_export_is_written_to_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gate, write = threading.Event(), export_file.write_new

    def slow(path: Path, text: str) -> None:
        gate.wait()
        write(path, text)

    async def body() -> None:
        app = application(FakeStack())
        app.directory = tmp_path
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "e", "j", "q")
            await opened(pilot, LeaveScreen)
            await shows(pilot, "writing ")
            gate.set()
            await shows(pilot, "all of it has ended")
            await press(pilot, "q")
            await until(pilot, lambda: not app.is_running)
        (written,) = tmp_path.iterdir()
        assert "receipts-dlq" in written.read_text()

    monkeypatch.setattr(commanding, "write_new", slow)
    run(body())
