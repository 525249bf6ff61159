"""The application, driven by keys over a made-up stack."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.widgets import Input

from console.campaigns import make_request
from console.domain import Alarm, AlarmState, ConsoleError, ProblemKind
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.campaigns import CampaignScreen
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.connecting import ConnectingScreen
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.send_campaign import CampaignConfirm, CampaignForm
from console.ui.widgets.panel import Panel
from console.view.glyphs import ASCII
from lambdas.core.campaign import PauseReason
from tests.console.screens import application, first_data, opened, press, shown, shows, until
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
