"""Queues on the screen: how full they are, what was set aside and why, and back with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from textual.widgets import Input

from console.domain import ConsoleError, ProblemKind
from console.queues import find_queue
from console.sources.fake import FakeStack
from console.sources.fake_letters import LETTERS, FakeLetters
from console.ui.screens.queues import LettersScreen, QueuesScreen
from console.ui.screens.redrive import RedriveScreen
from tests.console.screens import application, first_data, press, shown, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def letters_of(stack: FakeStack, name: str) -> FakeLetters:
    """The dead letters of a queue."""
    return stack.telemetry.letters_of(find_queue(stack.outputs, name))


async def at_the_dialog(pilot: Any, app: Any, place: str) -> RedriveScreen:
    """Open the redrive of what is there."""
    await first_data(pilot)
    await press(pilot, "colon", *place, "enter")
    await until(pilot, lambda: app.here is not None and app.here.place.screen == "queues")
    await until(pilot, lambda: app.here.item is not None)
    await press(pilot, "a", "v")
    await until(pilot, lambda: isinstance(app.screen, RedriveScreen))
    screen: RedriveScreen = app.screen
    return screen


def test_letters_are_seen_with_their_reasons_and_put_back_after_a_count_and_a_word() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "6")
            await until(pilot, lambda: isinstance(app.screen, QueuesScreen) and "▲ 3" in shown(pilot))
            assert shown(pilot).index("receipts") < shown(pilot).index("plan")
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(app.screen, LettersScreen) and "not JSON" in shown(pilot))
            await press(pilot, "down")
            await until(pilot, lambda: "no json, from +1******7755" in shown(pilot))
            assert "+14254147755" not in shown(pilot)
            assert "of about 3 in receipts-dlq" in shown(pilot)
            letters = letters_of(stack, "receipts")
            assert (letters.waiting(), letters.in_flight) == (3, 0), "a look takes nothing"
            await press(pilot, "o")
            await until(pilot, lambda: "ai-cpaas-demo-local-receipts-dlq" in shown(pilot))
            assert "log when it was sent" in shown(pilot)
            await press(pilot, "m")
            await until(pilot, lambda: app.here is not None and app.here.place.screen == "logs")
            assert app.here is not None
            assert app.here.place.subject == "delivery-processor"
            await press(pilot, "escape")
            await until(pilot, lambda: isinstance(app.screen, LettersScreen))

            await press(pilot, "a", "v")
            await until(pilot, lambda: isinstance(app.screen, RedriveScreen))
            assert "from receipts-dlq to receipts, about 3 messages" in shown(pilot)
            await press(pilot, "enter")
            await until(pilot, lambda: "3 would go to receipts, 0 would stay" in shown(pilot))
            assert letters.taken == []
            await press(pilot, "enter")
            await until(pilot, lambda: "type redrive to go on" in shown(pilot))
            assert letters.taken == []
            app.screen.query_one("#rate", Input).value = "500"
            await until(pilot, lambda: "would go" not in shown(pilot))
            app.screen.query_one("#word", Input).value = "redrive"
            await press(pilot, "enter")
            await until(pilot, lambda: "3 would go" in shown(pilot))
            await press(pilot, "enter")
            await until(pilot, lambda: "3 moved from receipts-dlq to receipts" in shown(pilot))
            assert sorted(letters.taken) == sorted(LETTERS["receipts"])
            await press(pilot, "enter")
            await until(pilot, lambda: "no message lies in receipts-dlq" in shown(pilot))

    run(body())


def test_escape_stops_a_redrive_between_two_batches_and_loses_nothing() -> None:
    async def body() -> None:
        stack = FakeStack()
        letters, bodies = letters_of(stack, "plan"), [f"order {number}" for number in range(40)]
        letters.put(bodies)
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await at_the_dialog(pilot, app, "queues plan")
            dialog.query_one("#rate", Input).value = "4"
            await press(pilot, "enter")
            await until(pilot, lambda: "40 would go to plan" in shown(pilot))
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: "moved 4 " in shown(pilot) or "moved 8 " in shown(pilot))
            assert "to go; esc stops" in shown(pilot)
            await press(pilot, "escape")
            await until(pilot, lambda: "interrupted: " in shown(pilot))
            moved = len(letters.taken)
            assert 0 < moved < 40
            assert (letters.waiting(), letters.in_flight) == (40 - moved, 0)
            await press(pilot, "escape")
            await until(pilot, lambda: isinstance(app.screen, LettersScreen))
            await until(pilot, lambda: f"of about {40 - moved} in plan-dlq" in shown(pilot))

            await press(pilot, "a", "v")
            await until(pilot, lambda: isinstance(app.screen, RedriveScreen))
            app.screen.query_one("#rate", Input).value = "500"
            await press(pilot, "enter")
            await until(pilot, lambda: f"{40 - moved} would go" in shown(pilot))
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: f"{40 - moved} moved" in shown(pilot))
            assert sorted(letters.taken) == sorted(bodies)

    run(body())


def test_only_letters_of_the_reason_go_and_refusals_are_told() -> None:
    async def body() -> None:
        stack = FakeStack()
        letters = letters_of(stack, "receipts")
        letters.put(["no json at all"])
        letters.refuses = frozenset({"no json at all"})
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await at_the_dialog(pilot, app, "queues receipts-dlq")
            dialog.query_one("#rate", Input).value = "many"
            await press(pilot, "enter")
            await until(pilot, lambda: "the rate is many" in shown(pilot))
            dialog.query_one("#rate", Input).value = "100"
            dialog.query_one("#reason", Input).value = "NOT json"
            await press(pilot, "enter")
            await until(pilot, lambda: "2 would go to receipts, 2 would stay" in shown(pilot))
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: "1 moved from receipts-dlq" in shown(pilot))
            assert "receipts refused 1 (InvalidMessageContents)" in shown(pilot)
            assert letters.taken == ["no json, from +14254147755"]
            assert (letters.waiting(), letters.in_flight) == (3, 0)

    run(body())


def test_a_redrive_that_fails_on_its_way_says_so_and_leaves_all_visible() -> None:
    async def body() -> None:
        stack = FakeStack()
        letters = letters_of(stack, "receipts")
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            await at_the_dialog(pilot, app, "queues receipts")
            await press(pilot, "enter")
            await until(pilot, lambda: "3 would go" in shown(pilot))
            stack.error = ConsoleError(ProblemKind.THROTTLED, "SQS throttles", "wait a moment")
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: "SQS throttles" in shown(pilot))
            assert (letters.waiting(), letters.in_flight, letters.taken) == (3, 0, [])
            await press(pilot, "escape")
            await until(pilot, lambda: isinstance(app.screen, LettersScreen))

    run(body())


@pytest.mark.parametrize(("environment", "allowed"), [("prod", True), ("dev", False)])
def test_production_wants_its_name_and_a_read_only_console_offers_nothing(environment: str, allowed: bool) -> None:
    async def body() -> None:
        stack = FakeStack(environment=environment)
        app = application(stack, allow_actions=allowed)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "6")
            await until(pilot, lambda: "▲ 3" in shown(pilot))
            await press(pilot, "a")
            if not allowed:
                await until(pilot, lambda: "--allow-actions" in shown(pilot).replace("\n", ""))
                return
            await press(pilot, "v")
            await until(pilot, lambda: "type prod to confirm" in shown(pilot))
            await press(pilot, "enter")
            await until(pilot, lambda: "3 would go" in shown(pilot))
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: "type prod to go on" in shown(pilot))
            assert letters_of(stack, "receipts").taken == []

    run(body())


def test_queues_that_cannot_be_read_say_so_and_everything_else_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        stack = FakeStack()
        real, refused = stack._ask, {"sqs:GetQueueAttributes"}

        def ask(call: str) -> None:
            if call in refused:
                raise ConsoleError(ProblemKind.FORBIDDEN, f"{call} is not allowed", "ask for it")
            real(call)

        monkeypatch.setattr(stack, "_ask", ask)
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "6")
            await until(pilot, lambda: "sqs:GetQueueAttributes is not allowed" in shown(pilot))
            assert "queues forbidden" in shown(pilot)
            assert "LIVE" in shown(pilot), "alarms, campaigns, messages and spend are fresh"
            refused.clear()
            await press(pilot, "r")
            await until(pilot, lambda: "▲ 3" in shown(pilot) and "is not allowed" not in shown(pilot))
            refused.add("sqs:GetQueueAttributes")
            await press(pilot, "r")
            await until(pilot, lambda: "data from" in shown(pilot))
            assert "▲ 3" in shown(pilot), "the last good rows stay"
            await press(pilot, "2")
            await until(pilot, lambda: "receipts-dlq" in shown(pilot) and "is not allowed" not in shown(pilot))

    run(body())
