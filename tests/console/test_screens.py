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
from tests.console.screens import application, first_data, shown, until

SIZES = [(80, 24), (120, 30), (200, 50)]
WIDGETS = ["#header", "#alarms", "#throughput", "#campaigns", "#delivery", "#cost", "#messages", "#status", "Footer"]


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
            text = shown(pilot)
            for word in ("ALARM", "receipts-dlq", "achieved", "delivered", "month to date", "LIVE", "RW", "quit"):
                assert word in text
            assert all(len(row) == size[0] for row in text.splitlines())

    run(body())


def test_a_running_campaign_is_seen_moving() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            assert "no campaign yet" in shown(pilot)
            for key in ("a", "enter"):
                await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, CampaignForm))
            app.screen.query_one("#recipients", Input).value = "40"
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignConfirm))
            assert "estimated cost" in shown(pilot)
            assert stack.sent == []
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignScreen))
            await until(pilot, lambda: "● completed" in shown(pilot))
            await pilot.press("1")
            await until(pilot, lambda: isinstance(app.screen, OverviewScreen))
            await until(pilot, lambda: "COMPLETED fake-001" in shown(pilot))
            await until(pilot, lambda: "test-000" in shown(pilot))
            assert [request.recipients for request in stack.sent] == [40]

    run(body())


def test_production_is_sent_to_only_after_its_name_is_typed() -> None:
    async def body() -> None:
        stack = FakeStack(environment="prod")
        app = application(stack, allow_actions=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await pilot.press("a", "enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignForm))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignConfirm))
            await pilot.press("enter")
            assert "type prod to go on" in shown(pilot)
            await pilot.press(*"pro", "enter")
            assert stack.sent == []
            await pilot.press("d", "enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignScreen))
            assert len(stack.sent) == 1

    run(body())


def test_the_selected_campaign_is_paused_retuned_resumed_and_cancelled() -> None:
    async def body() -> None:
        stack = FakeStack()
        first, second = (stack.send(make_request(5_000, tps)).id for tps in (5, 10))
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await pilot.press("down", "a", "p")
            await until(pilot, lambda: isinstance(app.screen, ChangeCampaign))
            assert first in shown(pilot)
            assert stack.state(first).status == "running"
            await pilot.press("enter")
            await until(pilot, lambda: f"PAUSED {first}" in shown(pilot))
            assert stack.state(second).status == "running"

            await pilot.press("a", "t")
            await until(pilot, lambda: isinstance(app.screen, ChangeCampaign))
            app.screen.query_one("#tps", Input).value = "none"
            await pilot.press("enter")
            await until(pilot, lambda: "TPS is none" in shown(pilot))
            app.screen.query_one("#tps", Input).value = "8"
            await pilot.press("enter")
            await until(pilot, lambda: f"{first} at 8.00/s" in shown(pilot))

            await pilot.press("a", "u")
            await until(pilot, lambda: "resume the campaign" in shown(pilot))
            await pilot.press("enter")
            await until(pilot, lambda: f"RUNNING {first}" in shown(pilot))

            await pilot.press("a")
            await until(pilot, lambda: "end it for good" in shown(pilot))
            await pilot.press("down", "enter")
            await until(pilot, lambda: "it can never be resumed" in shown(pilot))
            await pilot.press("escape")
            assert stack.state(first).status == "running"
            await pilot.press("a", "x")
            await until(pilot, lambda: isinstance(app.screen, ChangeCampaign))
            await pilot.press("enter")
            await until(pilot, lambda: "type cancel to go on" in shown(pilot))
            assert stack.state(first).status == "running"
            await pilot.press(*"cancel", "enter")
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
            await pilot.press("a", "p")
            await until(pilot, lambda: isinstance(app.screen, ChangeCampaign))
            await pilot.press("enter")
            await until(pilot, lambda: "type prod to go on" in shown(pilot))
            assert stack.state(campaign_id).status == "running"
            await pilot.press(*"prod", "enter")
            await until(pilot, lambda: stack.state(campaign_id).status == "paused")

    run(body())


def test_only_what_makes_sense_for_a_campaign_is_offered() -> None:
    async def body() -> None:
        stack = FakeStack()
        campaign_id = stack.send(make_request(5_000, 5)).id
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await pilot.press("a")
            await until(pilot, lambda: f"{campaign_id}: stop sending" in shown(pilot))
            assert "go on where it stopped" not in shown(pilot)

    run(body())


def test_a_read_only_console_offers_no_action() -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        app = application(stack)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            assert " RO " in shown(pilot)
            await pilot.press("a")
            await until(pilot, lambda: "--allow-actions" in shown(pilot).replace("\n", ""))
            assert isinstance(app.screen, OverviewScreen)

    run(body())


def test_nonsense_in_the_form_is_refused_in_place() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await pilot.press("a", "enter")
            await until(pilot, lambda: isinstance(app.screen, CampaignForm))
            app.screen.query_one("#tps", Input).value = "nan"
            await pilot.press("enter")
            await until(pilot, lambda: "TPS is nan" in shown(pilot))
            stack.error = ConsoleError(ProblemKind.FORBIDDEN, "the campaign API refused", "check --profile")
            app.screen.query_one("#tps", Input).value = "10"
            await pilot.press("enter")
            await until(pilot, lambda: "the campaign API refused" in shown(pilot))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, OverviewScreen))

    run(body())


def test_an_error_keeps_the_data_and_says_how_old_it_is() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            stack.error = ConsoleError(ProblemKind.CREDENTIALS, "the AWS credentials have expired", "log in")
            await pilot.press("r")
            await until(pilot, lambda: "4 of 4 feeds STALE" in shown(pilot))
            text = shown(pilot)
            assert "receipts-dlq" in text
            assert "data from" in text
            assert "again in" in text
            stack.error = None
            await pilot.press("r")
            await until(pilot, lambda: "LIVE" in shown(pilot))

    run(body())


def test_a_stack_that_cannot_be_read_yet_says_why_and_what_to_do() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.error = ConsoleError(ProblemKind.UNREACHABLE, "cannot reach the endpoint", "check the network")
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: "cannot reach the endpoint" in shown(pilot))
            await until(pilot, lambda: "check the network" in shown(pilot))

    run(body())


def test_a_slow_source_never_blocks_the_keys() -> None:
    async def body() -> None:
        stack, gate = FakeStack(), threading.Event()
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            real = stack._ask

            def hang(call: str) -> None:
                gate.wait(30)
                real(call)

            stack._ask = hang  # type: ignore[method-assign]
            await pilot.press("r")
            assert app.monitor is not None
            await until(pilot, lambda: any(feed.reading for feed in app.monitor._feeds.values()))  # type: ignore[union-attr]
            await pilot.press("question_mark")
            await until(pilot, lambda: "esc closes" in shown(pilot))
            await pilot.press("escape", "space")
            await until(pilot, lambda: "PAUSED" in shown(pilot))
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

        app = ConsoleApp("the stack dev", connect)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "there is no stack dev" in shown(pilot))
            assert isinstance(app.screen, ConnectingScreen)
            assert "check --stack" in shown(pilot)
            assert app.problem is not None
            await pilot.press("r")
            await first_data(pilot)
            assert app.problem is None

    run(body())


def test_progress_is_shown_while_connecting() -> None:
    async def body() -> None:
        stack, gate = FakeStack(), threading.Event()

        def connect(progress: Any) -> Any:
            progress("provision 7/121 Table campaigns")
            gate.wait(30)
            return stack.connection()

        app = ConsoleApp("an embedded cloud", connect)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "provision 7/121 Table campaigns" in shown(pilot))
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
            for text in HOSTILE:
                assert f"ALARM  {text} " in shown(pilot)
            await pilot.press("2")
            for text in HOSTILE:
                await until(pilot, lambda text=text: f"runbook{text}" in shown(pilot))  # type: ignore[misc]
                await pilot.press("down")
            rows = shown(pilot).splitlines()
            links = [(row.index("here"), y) for y, row in enumerate(rows) if "@click" in row]
            assert links
            for offset in links * 2:
                await pilot.click(offset=offset)
            assert app.is_running
            await pilot.press("1")
            everything = " ".join(HOSTILE)
            stack.error = ConsoleError(ProblemKind.UNEXPECTED, everything, everything)
            await pilot.press("r")
            await until(pilot, lambda: "STALE" in shown(pilot))
            app.complain(stack.error.problem)
            await until(pilot, lambda: "[/nope]" in shown(pilot))
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
            await pilot.press("a")
            await until(pilot, lambda: "send test campaign" in shown(pilot))
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
            await until(pilot, lambda: "receipts-dlq" in shown(pilot))

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
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)

    run(body())
