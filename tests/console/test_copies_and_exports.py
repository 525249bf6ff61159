"""Copies and exports, driven by keys: what is under the cursor, and files that overwrite nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from console.sources.fake import FakeStack
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.menu import MenuScreen
from tests.console.screens import application, first_data, opened, press, shows, until


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def test_what_is_copied_is_what_is_under_the_cursor() -> None:
    async def body() -> None:
        app = application(FakeStack())
        copied: list[str] = []
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
            await first_data(pilot)
            await press(pilot, "2")
            await shows(pilot, "receipts-dlq")
            for key in ("c", "r", "j", "a", "i", "l"):
                await press(pilot, "y")
                await opened(pilot, MenuScreen)
                await press(pilot, key)
                await opened(pilot, AlarmsScreen)
            await until(pilot, lambda: len(copied) == 6)
            cell, row, document, arn, command, link = copied
            assert cell == "▲ ALARM"
            assert row.split("\t")[1] == "receipts-dlq"
            assert json.loads(document)["name"] == "ai-cpaas-demo-local-receipts-dlq"
            assert arn.endswith(":alarm:ai-cpaas-demo-local-receipts-dlq")
            assert command.startswith("aws cloudwatch describe-alarms --alarm-names ai-cpaas-demo-local-receipts-dlq")
            assert link == "cpaas://local/alarms"

    run(body())


def written(directory: Path) -> list[Path]:
    """The files there that hold the alarms, to their end or not."""
    return [path for path in directory.iterdir() if "receipts-dlq" in path.read_text()]


@pytest.mark.parametrize(("key", "ending"), [("c", "csv"), ("j", "json"), ("s", "svg")])
def test_an_export_is_a_file_that_never_overwrites_another(tmp_path: Path, key: str, ending: str) -> None:
    async def body() -> None:
        app = application(FakeStack())
        app.directory = tmp_path
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2")
            await shows(pilot, "receipts-dlq")
            for number in (1, 2):
                await press(pilot, "e")
                await opened(pilot, MenuScreen)
                await press(pilot, key)
                await until(pilot, lambda number=number: len(written(tmp_path)) == number)  # type: ignore[misc]
        assert all(path.suffix == f".{ending}" for path in tmp_path.iterdir())

    run(body())


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    async def body() -> None:
        app = application(FakeStack())
        app.directory = tmp_path / "absent"
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "colon", *"export csv", "enter")
            await shows(pilot, "No such file or directory")

    run(body())
