"""Queues on the screen: how full they are, what was set aside and why, and back with it."""

from __future__ import annotations

import asyncio
import re
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
from tests.console.screens import application, first_data, opened, press, shown, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


MANY = 400
"""At four a second their move takes a minute and a half: one that is stopped has not ended by itself."""


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
    await opened(pilot, RedriveScreen)
    screen: RedriveScreen = app.screen
    return screen


def test_letters_are_seen_with_their_reasons_and_put_back_after_a_count_and_a_word() -> None:
    async def body() -> None:
        stack = FakeStack()
        app = application(stack)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "6")
            await opened(pilot, QueuesScreen)
            await shows(pilot, "▲ 3")
            assert shown(pilot).index("receipts") < shown(pilot).index("plan")
            await press(pilot, "enter")
            await opened(pilot, LettersScreen)
            await shows(pilot, "not JSON")
            await press(pilot, "down")
            await shows(pilot, "no json, from +1******7755")
            assert "+14254147755" not in shown(pilot)
            await shows(pilot, "of about 3 in receipts-dlq")
            letters = letters_of(stack, "receipts")
            assert (letters.waiting(), letters.in_flight) == (3, 0), "a look takes nothing"
            await press(pilot, "o")
            await shows(pilot, "ai-cpaas-demo-local-receipts-dlq")
            await shows(pilot, "log when it was sent")
            await press(pilot, "m")
            await until(pilot, lambda: app.here is not None and app.here.place.screen == "logs")
            assert app.here is not None
            assert app.here.place.subject == "delivery-processor"
            await press(pilot, "escape")
            await opened(pilot, LettersScreen)

            await press(pilot, "a", "v")
            await opened(pilot, RedriveScreen)
            await shows(pilot, "from receipts-dlq to receipts, about 3 messages")
            await press(pilot, "enter")
            await shows(pilot, "3 would go to receipts, 0 would stay")
            assert letters.taken == []
            await press(pilot, "enter")
            await shows(pilot, "type redrive to go on")
            assert letters.taken == []
            app.screen.query_one("#rate", Input).value = "500"
            await until(pilot, lambda: "would go" not in shown(pilot))
            app.screen.query_one("#word", Input).value = "redrive"
            await press(pilot, "enter")
            await shows(pilot, "3 would go")
            await press(pilot, "enter")
            await shows(pilot, "3 moved from receipts-dlq to receipts")
            assert sorted(letters.taken) == sorted(LETTERS["receipts"])
            await press(pilot, "enter")
            await shows(pilot, "no message lies in receipts-dlq")

    run(body())


def test_escape_stops_a_redrive_between_two_batches_and_loses_nothing() -> None:
    async def body() -> None:
        stack = FakeStack()
        letters, bodies = letters_of(stack, "plan"), [f"order {number}" for number in range(MANY)]
        letters.put(bodies)
        app = application(stack)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await at_the_dialog(pilot, app, "queues plan")
            dialog.query_one("#rate", Input).value = "4"
            await press(pilot, "enter")
            await shows(pilot, f"{MANY} would go to plan")
            await press(pilot, *"redrive", "enter")
            await until(pilot, lambda: re.search(r"moved [1-9]", shown(pilot)) is not None)
            await shows(pilot, "to go; esc stops")
            await press(pilot, "escape")
            await shows(pilot, "interrupted: ")
            moved = len(letters.taken)
            assert 0 < moved < MANY
            assert (letters.waiting(), letters.in_flight) == (MANY - moved, 0)
            await press(pilot, "escape")
            await opened(pilot, LettersScreen)
            await shows(pilot, f"of about {MANY - moved} in plan-dlq")

            await press(pilot, "a", "v")
            await opened(pilot, RedriveScreen)
            app.screen.query_one("#rate", Input).value = "500"
            await press(pilot, "enter")
            await shows(pilot, f"{MANY - moved} would go")
            await press(pilot, *"redrive", "enter")
            await shows(pilot, f"{MANY - moved} moved")
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
            await shows(pilot, "the rate is many")
            dialog.query_one("#rate", Input).value = "100"
            dialog.query_one("#reason", Input).value = "NOT json"
            await press(pilot, "enter")
            await shows(pilot, "2 would go to receipts, 2 would stay")
            await press(pilot, *"redrive", "enter")
            await shows(pilot, "1 moved from receipts-dlq")
            await shows(pilot, "receipts refused 1 (InvalidMessageContents)")
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
            await shows(pilot, "3 would go")
            stack.error = ConsoleError(ProblemKind.THROTTLED, "SQS throttles", "wait a moment")
            await press(pilot, *"redrive", "enter")
            await shows(pilot, "SQS throttles")
            assert (letters.waiting(), letters.in_flight, letters.taken) == (3, 0, [])
            await press(pilot, "escape")
            await opened(pilot, LettersScreen)

    run(body())


@pytest.mark.parametrize(("environment", "allowed"), [("prod", True), ("dev", False)])
def test_production_wants_its_name_and_a_read_only_console_offers_nothing(environment: str, allowed: bool) -> None:
    async def body() -> None:
        stack = FakeStack(environment=environment)
        app = application(stack, allow_actions=allowed)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "6")
            await shows(pilot, "▲ 3")
            await press(pilot, "a")
            if not allowed:
                await until(pilot, lambda: "--allow-actions" in shown(pilot).replace("\n", ""))
                return
            await press(pilot, "v")
            await shows(pilot, "type prod to confirm")
            await press(pilot, "enter")
            await shows(pilot, "3 would go")
            await press(pilot, *"redrive", "enter")
            await shows(pilot, "type prod to go on")
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
            await shows(pilot, "sqs:GetQueueAttributes is not allowed")
            await shows(pilot, "queues forbidden")
            await shows(pilot, "LIVE")
            refused.clear()
            await press(pilot, "r")
            await until(pilot, lambda: "▲ 3" in shown(pilot) and "is not allowed" not in shown(pilot))
            refused.add("sqs:GetQueueAttributes")
            await press(pilot, "r")
            await shows(pilot, "data from")
            await shows(pilot, "▲ 3")
            await press(pilot, "2")
            await until(pilot, lambda: "receipts-dlq" in shown(pilot) and "is not allowed" not in shown(pilot))

    run(body())
