"""Cost, resources, outputs and the console about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from console.clock import SystemClock
from console.domain import CampaignRequest, ConsoleError, ProblemKind
from console.places import Place
from console.services.budget import Budget
from console.sources.fake import FakeStack
from console.ui.screens.cost import CostScreen
from console.ui.screens.help import TextScreen
from console.ui.screens.own import SelfScreen
from console.ui.screens.resources import OutputsScreen, ResourcesScreen
from tests.console.screens import application, first_data, opened, press, shown, shows, until

SIZES = [(80, 24), (120, 30), (200, 50)]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


@pytest.mark.parametrize("size", SIZES)
def test_the_month_stands_beside_awss_bill_and_the_consoles_own_spend(size: tuple[int, int], tmp_path: Path) -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        stack.send(CampaignRequest(1_000, 1_000_000.0, "x", "k"))
        budget = Budget(tmp_path / "spend.json", 2.0, SystemClock())
        app = application(stack, budget=lambda _: budget)
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            await press(pilot, "8")
            await opened(pilot, CostScreen)
            await shows(pilot, "AWS End User Messaging")
            await shows(pilot, "today", "month to date", "month, estimate", "band", "reserved", "PER 1,000", "as of 20")
            await shows(pilot, "this run", "of $2.0000", "reads at full pace", "most on day")
            text = await shows(pilot, "$8.8100", "AWS: whole account 000000000000")
            assert all(len(row) == size[0] for row in text.splitlines())

    run(body())


def test_an_embedded_cloud_has_no_bill_and_says_so() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "8")
            await shows(pilot, "an embedded cloud has no bill")
            await shows(pilot, "no budget is kept")
            await until(pilot, lambda: "nothing was sent" not in shown(pilot))  # earlier days have sent something

    run(body())


def test_a_bill_that_cannot_be_had_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        real = stack._ask

        def ask(call: str) -> None:
            if call.startswith("cost-explorer"):
                raise ConsoleError(ProblemKind.FORBIDDEN, "ce:GetCostAndUsage is not allowed", "ask for it")
            real(call)

        monkeypatch.setattr(stack, "_ask", ask)
        app = application(stack)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "8")
            await shows(pilot, "ce:GetCostAndUsage is not allowed")
            await shows(pilot, "month, estimate")
            await shows(pilot, "bill forbidden")

    run(body())


def test_resources_and_outputs_are_found_read_and_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        app = application(stack)
        copied: list[str] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "9")
            await opened(pilot, ResourcesScreen)
            await shows(pilot, "campaign-api-dev")
            await press(pilot, "slash", *"campaign-planner service:lambda", "enter")
            await shows(pilot, "  1 of ")
            await press(pilot, "y", "a")
            await until(pilot, lambda: bool(copied))
            assert copied == ["arn:aws:lambda:us-east-1:000000000000:function:ai-cpaas-demo-campaign-planner-dev"]
            await press(pilot, "y", "i")
            await until(pilot, lambda: len(copied) == 2)
            assert copied[1].startswith("aws resourcegroupstaggingapi get-resources --resource-arn-list arn:aws:lambda")
            await press(pilot, "enter")
            await opened(pilot, TextScreen)
            await shows(pilot, "Project")
            await press(pilot, "escape")

            await press(pilot, "colon", *"outputs", "enter")
            await opened(pilot, OutputsScreen)
            await press(pilot, "slash", *"name:SmsParts", "enter")
            await shows(pilot, "SmsPartsPerSecond", "1 of ")
            await press(pilot, "y", "v")
            await until(pilot, lambda: len(copied) == 3)
            assert copied[2] == "100"

    run(body())


@pytest.mark.parametrize("size", SIZES)
def test_the_console_tells_of_itself(size: tuple[int, int]) -> None:
    async def body() -> None:
        stack = FakeStack(environment="dev")
        app = application(stack)
        async with app.run_test(size=size) as pilot:
            await first_data(pilot)
            app.go(Place("self"))
            await until(
                pilot, lambda: isinstance(app.screen, SelfScreen) and "cloudwatch:DescribeAlarms" in shown(pilot)
            )
            for words in ("event loop", "late p50", "of 28 threads out", "dropped", "alarms", "● good"):
                await shows(pilot, words)
            assert not app.screen.query_one("#details").display, "there is nothing beside the calls"
            stack.error = ConsoleError(ProblemKind.THROTTLED, "slow down", "wait")
            await press(pilot, "r")
            await shows(pilot, "◆ throttled")
            assert app.desk is not None
            found = {each.name: each for each in app.desk.connection.usage().apis}
            assert found["cloudwatch:DescribeAlarms"].errors >= 1
            assert found["cloudwatch:DescribeAlarms"].last_error == "ConsoleError"
            await press(pilot, "slash", *"describe", "enter")
            await until(pilot, lambda: "dynamodb:Query" not in shown(pilot))
            await shows(pilot, "cloudwatch:DescribeAlarms")

    run(body())
