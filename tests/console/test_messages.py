"""Messages: the newest, searches of a hundred thousand, and what became of one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from console.domain import CampaignRequest, ConsoleError, ProblemKind
from console.places import Place
from console.sources import fake_records
from console.sources.fake import FakeStack
from console.telemetry import MessagePage, MessageSearch
from console.ui.app import ConsoleApp
from console.ui.screens.message import MessageScreen
from console.ui.screens.messages import MessagesScreen, SearchScreen
from console.view.table import STEP, UNFILTERED_STEP
from tests.console.screens import application, first_data, opened, press, shown, shows, until

MANY = 100_000


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def with_campaign(recipients: int) -> tuple[FakeStack, str]:
    """A stack that has sent so many, and the campaign."""
    stack = FakeStack()
    return stack, stack.send(CampaignRequest(recipients, 1_000_000.0, "x", "k")).id


def searched(app: ConsoleApp) -> SearchScreen:
    """The search on the screen."""
    assert isinstance(app.screen, SearchScreen)
    return app.screen


async def type_command(pilot: Any, text: str) -> None:
    """The command line."""
    await press(pilot, "colon", *text, "enter")


def test_columns_for_which_there_is_no_room_are_a_key_away() -> None:
    async def body() -> None:
        stack, campaign_id = with_campaign(40)
        app = application(stack, columns={"alarms": ("name", "since")})
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "4")
            await opened(pilot, MessagesScreen)
            text = await shows(pilot, f"{campaign_id}-0000039")
            assert "CUSTOMER" not in text
            await press(pilot, "w")
            await shows(pilot, "CUSTOMER", f"{campaign_id}-0000039")
            await press(pilot, *["right"] * 7)
            await shows(pilot, "STATUS", "COST", "REASON")
            await press(pilot, "w")
            assert "COST" not in await shows(pilot, "TOOK")
            await type_command(pilot, "columns cost,id")
            assert "STATUS" not in await shows(pilot, "COST", "ID")
            await press(pilot, "2")
            text = await shows(pilot, "NAME", "SINCE", "receipts-dlq")
            assert "SEVERITY" not in text
            await press(pilot, "4")
            assert "STATUS" not in await shows(pilot, "COST", "ID")
            await type_command(pilot, "columns auto")
            await shows(pilot, "STATUS", f"{campaign_id}-0000039")

    run(body())


def test_a_status_is_looked_for_among_the_newest_and_in_a_campaign() -> None:
    async def body() -> None:
        stack, campaign_id = with_campaign(60)
        app = application(stack)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "4")
            await shows(pilot, f"of {campaign_id}")
            await type_command(pilot, "messages status=failed")
            await shows(pilot, "/status:failed", f"of {campaign_id}", f"{campaign_id}-0000059")
            await type_command(pilot, f"messages campaign={campaign_id} status=failed")
            await until(pilot, lambda: isinstance(app.screen, SearchScreen) and "/status:failed" in shown(pilot))
            await type_command(pilot, "messages colour=red")
            await shows(pilot, "not searched by colour")

    run(body())


def test_the_newest_messages_lead_to_one_message_to_its_customer_and_back() -> None:
    async def body() -> None:
        stack, campaign_id = with_campaign(40)
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "4")
            await opened(pilot, MessagesScreen)
            await shows(pilot, "test-00039")
            await press(pilot, "end", "home", "down", "enter")
            await until(
                pilot, lambda: isinstance(app.screen, MessageScreen) and "handed to the provider" in shown(pilot)
            )
            assert app.screen.place == Place("messages", f"{campaign_id}-0000038")  # type: ignore[attr-defined]
            await press(pilot, "o")
            await shows(pilot, "customer's messages")
            await press(pilot, "u")
            await opened(pilot, SearchScreen)
            await shows(pilot, "1 read")
            await shows(pilot, "customer=test-00038")
            await press(pilot, "escape")
            await opened(pilot, MessageScreen)
            await press(pilot, "o", "c")
            await until(pilot, lambda: app.here is not None and app.here.place == Place("campaigns", campaign_id))

    run(body())


def test_a_timeline_tells_all_channels_and_goes_on_until_it_has_ended() -> None:
    async def body() -> None:
        stack, campaign_id = with_campaign(40)
        app = application(stack)
        async with app.run_test(size=(120, 40)) as pilot:
            await first_data(pilot)
            await type_command(pilot, f"messages {campaign_id}-0000019")
            await shows(pilot, "whatsapp", "› fallback")
            await shows(
                pilot,
                "receipt: it has arrived",
                "+40 ms",
                "receipt: CARRIER_UNREACHABLE (retry)",
                "the next channel, because the one before had failed",
                "1 sms",
                "2 whatsapp",
                "1 part  $0.0088 estimated",
                "$0.0111",
                "cost in all $0.0199",
                "nothing: delivered",
            )
            monitor = app.monitor
            assert monitor is not None
            await until(pilot, lambda: monitor.feeds[f"message {campaign_id}-0000019"].every >= 60)
            await press(pilot, "slash", *"event:fallback", "enter")
            await until(pilot, lambda: "1 of 8" in shown(pilot) or "1 of 7" in shown(pilot))

    run(body())


def test_a_message_that_is_not_there_is_said_where_its_timeline_would_be() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await type_command(pilot, "messages nobody")
            await shows(pilot, "there is no message nobody")
            await press(pilot, "escape")
            await until(pilot, lambda: app.here is not None and app.here.place.screen == "overview")
            await type_command(pilot, "messages campaign=")
            assert app.here.place.screen == "overview"  # type: ignore[union-attr]

    run(body())


def test_a_hundred_thousand_messages_are_read_filtered_and_sorted_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        monkeypatch.setattr(fake_records, "PAGE_ROWS", 10_000)
        stack, campaign_id = with_campaign(MANY)
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await type_command(pilot, f"messages campaign={campaign_id}")
            await shows(pilot, "  100,000 read")
            table = searched(app).table
            await until(pilot, lambda: len(table.shown) == MANY)
            steps: list[int] = []
            real = type(table).proceed

            def counting(self: Any, rows: int = 0) -> None:
                before = self._sifted
                real(self, rows)
                steps.append(self._sifted - before)

            monkeypatch.setattr(type(table), "proceed", counting)
            await press(pilot, "slash", *"test-0001", "enter")
            await shows(pilot, "/test-0001  10 of 100,000 read")
            assert {message.customer_id for message in table.shown} == {f"test-0001{n}" for n in range(10)}
            assert max(steps) <= STEP
            await press(pilot, "escape")
            await until(pilot, lambda: not table.arranging and len(table.shown) == MANY)
            await press(pilot, "end")
            await shows(pilot, f"{campaign_id}-0000000")
            await press(pilot, "right", "right", "right", "s")
            await until(
                pilot, lambda: not table.arranging and table.sort == "id" and table.shown[0].id[-7:] == "0000000"
            )
            assert [message.id for message in table.shown] == sorted(message.id for message in table.shown)
            await press(pilot, "home")
            assert max(steps) <= UNFILTERED_STEP
            assert sum(steps) >= 3 * MANY, "each order looks at every row"

    run(body())


def test_a_search_holds_while_paused_or_left_and_goes_on_after_a_page_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        stack, campaign_id = with_campaign(5_000)
        asked: list[str | None] = []
        real, trouble = stack.records.search, [ConsoleError(ProblemKind.THROTTLED, "slow down", "wait")]
        gate = asyncio.Event()

        def search(wanted: MessageSearch, cursor: str | None = None) -> MessagePage:
            asked.append(cursor)
            if cursor == "4000" and trouble:
                raise trouble[0]
            if cursor == "3000" and not gate.is_set():
                gate.set()
                app.call_from_thread(app.action_hold)
            return real(wanted, cursor)

        monkeypatch.setattr(stack.records, "search", search)
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await type_command(pilot, f"messages campaign={campaign_id}")
            await shows(pilot, "slow down", "throttled: data from", "1,000 of 5,000 read")
            await until(pilot, lambda: len(searched(app).table.shown) == 1_000)
            trouble.clear()
            await press(pilot, "r")
            await shows(pilot, "2,200 of 5,000 read  PAUSED")
            await until(pilot, lambda: "slow down" not in shown(pilot))
            calls = len(asked)
            await press(pilot, "down", "enter")
            await opened(pilot, MessageScreen)
            await press(pilot, "space")
            await shows(pilot, "receipt: it has arrived")
            assert len(asked) == calls, "nobody looks at the search"
            await press(pilot, "escape")
            await shows(pilot, "  5,000 read")
            again = {cursor for cursor in asked if asked.count(cursor) > 1}
            assert again == {"4000"}, "only the page that failed was asked for again"
            await press(pilot, "r")
            await until(pilot, lambda: asked.count(None) == 2)

    run(body())
