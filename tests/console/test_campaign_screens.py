"""Campaigns on the screen, driven by keys over a made-up stack: sent, watched and changed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from textual.widgets import Input

from console.campaigns import make_request
from console.domain import ConsoleError, ProblemKind
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.campaigns import CampaignScreen
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.send_campaign import CampaignConfirm, CampaignForm
from console.ui.widgets.panel import Panel
from lambdas.core.campaign import PauseReason
from tests.console.screens import application, first_data, opened, press, shown, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def test_a_running_campaign_is_seen_moving() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await shows(pilot, "no campaign yet")
            await press(pilot, "a", "enter")
            (await opened(pilot, CampaignForm)).query_one("#recipients", Input).value = "40"
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await shows(pilot, "estimated cost")
            await press(pilot, "enter")
            await shows(pilot, "type 40 to go on")
            assert stack.sent == []
            await press(pilot, *"40", "enter")
            await opened(pilot, CampaignScreen)
            await shows(pilot, "● completed")
            await press(pilot, "1")
            await opened(pilot, OverviewScreen)
            await shows(pilot, "COMPLETED fake-001", "test-000")
            assert [request.recipients for request in stack.sent] == [40]

    run(body())


def test_production_is_sent_to_only_after_its_name_is_typed() -> None:
    async def body() -> None:
        stack = FakeStack(environment="prod")
        app = application(stack, allow_actions=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "enter")
            await opened(pilot, CampaignForm)
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await press(pilot, "enter")
            await shows(pilot, "type prod to go on")
            await press(pilot, *"pro", "enter")
            assert stack.sent == []
            await press(pilot, "d", "enter")
            await opened(pilot, CampaignScreen)
            assert len(stack.sent) == 1

    run(body())


def test_the_selected_campaign_is_paused_retuned_resumed_and_cancelled() -> None:
    async def body() -> None:
        stack = FakeStack()
        first, second = (stack.send(make_request(5_000, tps)).id for tps in (5, 10))
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "down", "a", "p")
            await opened(pilot, ChangeCampaign)
            await shows(pilot, first)
            assert stack.state(first).status == "running"
            await press(pilot, "enter")
            await opened(pilot, OverviewScreen)
            await shows(pilot, f"PAUSED (by an operator) {first}")
            assert stack.state(second).status == "running"

            await press(pilot, "a", "t")
            pace = (await opened(pilot, ChangeCampaign)).query_one("#tps", Input)
            pace.value = "none"
            await press(pilot, "enter")
            await shows(pilot, "TPS is none")
            pace.value = "8"
            await press(pilot, "enter")
            await opened(pilot, OverviewScreen)
            await shows(pilot, f"{first} at 8.00/s")

            await press(pilot, "a", "u")
            await shows(pilot, "resume the campaign")
            await press(pilot, "enter")
            await opened(pilot, OverviewScreen)
            await shows(pilot, f"RUNNING {first}")

            await press(pilot, "a")
            await shows(pilot, "end it for good")
            await press(pilot, "down", "enter")
            await shows(pilot, "it can never be resumed")
            await press(pilot, "escape")
            await opened(pilot, OverviewScreen)
            assert stack.state(first).status == "running"
            await press(pilot, "a", "x")
            await opened(pilot, ChangeCampaign)
            await press(pilot, "enter")
            await shows(pilot, "type cancel to go on")
            assert stack.state(first).status == "running"
            await press(pilot, *"cancel", "enter")
            await until(pilot, lambda: isinstance(app.screen, OverviewScreen) and first not in panel(app))
            assert (stack.state(first).status, stack.state(second).status) == ("cancelled", "running")

    run(body())


def panel(app: ConsoleApp) -> str:
    """The text of the panel of campaigns."""
    return str(app.screen.query_one("#campaigns", Panel).visual)


def test_a_campaign_of_production_is_changed_only_after_the_stacks_name_is_typed() -> None:
    async def body() -> None:
        stack = FakeStack(environment="prod")
        campaign_id = stack.send(make_request(5_000, 5)).id
        app = application(stack, allow_actions=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "p")
            await opened(pilot, ChangeCampaign)
            await press(pilot, "enter")
            await shows(pilot, "type prod to go on")
            assert stack.state(campaign_id).status == "running"
            await press(pilot, *"prod", "enter")
            await until(pilot, lambda: stack.state(campaign_id).status == "paused")

    run(body())


def test_only_what_makes_sense_for_a_campaign_is_offered() -> None:
    async def body() -> None:
        stack = FakeStack()
        campaign_id = stack.send(make_request(5_000, 5)).id
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "a")
            await shows(pilot, f"{campaign_id}: stop sending")
            assert "go on where it stopped" not in shown(pilot)

    run(body())


def test_what_the_platform_has_paused_can_be_held() -> None:
    async def body() -> None:
        stack = FakeStack()
        campaign_id = stack.send(make_request(5_000, 5)).id
        stack.pause_itself(campaign_id, PauseReason.DAY_CAP)
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "a")
            await shows(pilot, f"{campaign_id}: stay paused until resumed")
            await press(pilot, "p")
            await opened(pilot, ChangeCampaign)
            await shows(pilot, "hold the paused campaign")
            await press(pilot, "enter")
            await opened(pilot, OverviewScreen)
            await shows(pilot, "(by an operator)")
            assert stack.state(campaign_id).pause_reason == PauseReason.OPERATOR
            await press(pilot, "a")
            await shows(pilot, f"{campaign_id}: go on where it stopped")
            assert "stay paused" not in shown(pilot)

    run(body())


def test_a_read_only_console_offers_a_dry_run_and_nothing_else() -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        app = application(stack)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await shows(pilot, " RO ")
            await press(pilot, "a")
            await until(pilot, lambda: "--allow-actions" in shown(pilot).replace("\n", ""))
            await press(pilot, "enter")
            (await opened(pilot, CampaignForm)).query_one("#channels", Input).value = "email, sms"
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await shows(pilot, "sms 50, email 50")
            await press(pilot, "enter")
            await shows(pilot, "this console is read-only on dev", "start it with --allow-actions")
            assert stack.sent == []

    run(body())


def test_a_campaign_of_several_channels_is_sent_from_the_form() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "enter")
            channels = (await opened(pilot, CampaignForm)).query_one("#channels", Input)
            channels.value = "fax"
            await press(pilot, "enter")
            await shows(pilot, "fax is no channel", "esc: back")
            channels.value = "email,sms"
            await press(pilot, "enter")
            await opened(pilot, CampaignConfirm)
            await press(pilot, *"100", "enter")
            await opened(pilot, CampaignScreen)
            assert [request.channels for request in stack.sent] == [("sms", "email")]

    run(body())


def test_nonsense_in_the_form_is_refused_in_place() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "a", "enter")
            pace = (await opened(pilot, CampaignForm)).query_one("#tps", Input)
            pace.value = "nan"
            await press(pilot, "enter")
            await shows(pilot, "TPS is nan")
            stack.error = ConsoleError(ProblemKind.FORBIDDEN, "the campaign API refused", "check --profile")
            pace.value = "10"
            await press(pilot, "enter")
            await shows(pilot, "the campaign API refused")
            await press(pilot, "escape")
            await opened(pilot, OverviewScreen)

    run(body())
