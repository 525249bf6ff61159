"""Keys that are typed faster than the screen follows mean what they would mean slowly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from console.campaigns import make_request
from console.places import Place
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.send_campaign import CampaignForm
from console.ui.typing_ahead import PATIENCE_SECONDS
from tests.console.screens import application, first_data, opened, press, shows, type_ahead, until
from tests.console.terminal import Terminal
from tests.console.terminal_grammar import copies_of

MADE_UP = str(Path(__file__).parent / "made_up.py")


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def test_a_choice_is_made_before_its_menu_is_drawn() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await first_data(pilot)
            await type_ahead(pilot, "2", "y", "l")
            await until(pilot, lambda: app.clipboard == "cpaas://local/alarms")
            await type_ahead(pilot, "j", "y", "a", "1", "y", "l")
            await until(pilot, lambda: app.clipboard == "cpaas://local/overview")

    run(body())


def test_what_is_copied_belongs_to_the_row_that_the_key_before_went_to() -> None:
    async def body() -> None:
        app = application(FakeStack())
        copied: list[str] = []
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2")
            await shows(pilot, "receipts-dlq")
            names = [alarm.name for alarm in app.here.table.shown]  # type: ignore[union-attr]
            await type_ahead(pilot, *"yajyajya")
            await until(pilot, lambda: len(copied) == 3)
            assert [each.rpartition(":")[2] for each in copied] == names[:3]

    run(body())


def test_enter_takes_the_choice_that_the_arrows_went_to() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await type_ahead(pilot, "2", "o", "down", "down", "down", "enter")
            await until(pilot, lambda: app.here is not None and app.here.place == Place("deployments"))

    run(body())


def test_an_action_is_on_the_campaign_that_was_selected_and_its_dialog_takes_the_keys() -> None:
    async def body() -> None:
        stack = FakeStack()
        first, second = (stack.send(make_request(5_000, 5)).id for _ in range(2))
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await type_ahead(pilot, "down", "a", "p")
            await opened(pilot, ChangeCampaign)
            await type_ahead(pilot, "enter")
            await until(pilot, lambda: stack.state(first).status == "paused")
            assert stack.state(second).status == "running"
            await until(pilot, lambda: not isinstance(app.screen, ChangeCampaign))
            await type_ahead(pilot, "a", "n", "0")
            await opened(pilot, CampaignForm)
            await press(pilot)
            assert app.screen.query_one("#recipients", Input).value == "1000"

    run(body())


def test_what_is_pasted_waits_for_the_keys_before_it() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await type_ahead(pilot, "2", "slash")
            app.post_message(events.Paste("name:dlq"))
            await type_ahead(pilot, "enter")
            await shows(pilot, "/name:dlq", "1 of 3")

    run(body())


def test_a_key_that_leads_deeper_comes_before_the_next_one() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "2")
            await shows(pilot, "receipts-dlq")
            await type_ahead(pilot, "enter", "y", "l")
            await until(pilot, lambda: app.clipboard == "cpaas://local/alarms/ai-cpaas-demo-local-receipts-dlq")

    run(body())


def test_keys_do_not_wait_for_ever_for_what_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            monkeypatch.setattr(app, "_opened", lambda screen: None)
            await type_ahead(pilot, "2", "5")
            await until(pilot, lambda: not app.keys_are_answered)
            beat = app._clock.monotonic()
            app.give_up_waiting(beat)
            app.give_up_waiting(beat + PATIENCE_SECONDS + 1)
            await until(pilot, lambda: here(app) == "campaigns")

    run(body())


def here(app: ConsoleApp) -> str:
    """The screen on top."""
    return "" if app.here is None else app.here.place.screen


def test_one_burst_of_bytes_from_a_terminal_is_a_row_of_keys() -> None:
    terminal = Terminal([sys.executable, MADE_UP, "local"], columns=100, rows=30)
    try:
        terminal.shows("LIVE")
        terminal.press("2yl")
        terminal.until(lambda _: copies_of(bytes(terminal.written)) == ["cpaas://local/alarms"])
        terminal.press("jya:campaigns\ryl")
        terminal.until(lambda _: len(copies_of(bytes(terminal.written))) == 3)
        arn, link = copies_of(bytes(terminal.written))[1:]
        assert arn.startswith("arn:aws:cloudwatch:")
        assert link == "cpaas://local/campaigns"
        terminal.press("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()
