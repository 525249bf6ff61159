"""Going about: keys, command line, filters, menus, links, files, all over a made-up stack."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from console.commandline import parse_command
from console.domain import Alarm, AlarmState
from console.places import Place
from console.sources.fake import FakeStack
from console.sources.replay import ReplayClock
from console.ui.app import ConsoleApp
from console.ui.registry import SCREENS, aliases
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.help import TextScreen
from console.ui.screens.overview import OverviewScreen
from console.ui.widgets.key_bar import KeyBar
from console.ui.widgets.prompt import Prompt
from console.ui.widgets.virtual_table import VirtualTable
from tests.console.screens import application, first_data, here, opened, press, shown, shows, until

DLQ = "ai-cpaas-demo-local-receipts-dlq"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def many_alarms(number: int) -> tuple[Alarm, ...]:
    """Alarms with names that sort, every tenth in ALARM."""
    return tuple(
        Alarm(f"a-{n:04d}", AlarmState.OK if n % 10 else AlarmState.ALARM, "warning", 1_000.0 - n, f"reason {n}", "")
        for n in range(number)
    )


def keys_below(app: ConsoleApp) -> str:
    """The row of keys, where all of it fits; empty before it does."""
    bar = app.screen.query_one(KeyBar)
    fits = bool(bar.children) and all(each.region.right <= bar.region.right for each in bar.children)
    rows = app.screen._compositor.render_strips()
    return "".join(segment.text for segment in rows[-1]) if fits else ""


@pytest.mark.parametrize("place", [*(Place(spec.name) for spec in SCREENS), Place("alarms", DLQ)], ids=str)
def test_help_and_quit_are_always_among_the_keys_below_and_no_key_is_cut(place: Place) -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            app.go(place)
            await until(pilot, lambda: app.here is not None and app.here.place == place)
            for columns in (80, 60, 40, 200):
                await pilot.resize_terminal(columns, 24)
                await until(pilot, lambda: "? help" in keys_below(app) and "q quit" in keys_below(app))
            await until(pilot, lambda: "y copy" in keys_below(app))

    run(body())


def test_every_screen_opens_by_its_key_and_its_names_and_leads_back() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await first_data(pilot)
            for spec in SCREENS:
                if spec.key:
                    await press(pilot, spec.key)
                    await until(pilot, lambda name=spec.name: here(app) == name)  # type: ignore[misc]
                await press(pilot, "1", "colon", *spec.name, "enter")
                await until(pilot, lambda name=spec.name: here(app) == name)  # type: ignore[misc]
                for name in spec.aliases:
                    assert parse_command(name, aliases(), "local") == Place(spec.name)
            await press(pilot, "2", "escape")
            await opened(pilot, OverviewScreen)
            await press(pilot, "escape")
            assert isinstance(app.screen, OverviewScreen)

    run(body())


def test_names_of_screens_and_keys_are_unique() -> None:
    names = [name for spec in SCREENS for name in (spec.name, *spec.aliases)]
    keys = [spec.key for spec in SCREENS if spec.key]
    assert len(names) == len(set(names))
    assert len(keys) == len(set(keys))
    assert len(aliases()) == len(names)


def test_a_filter_acts_while_it_is_typed_and_escape_takes_it_away() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.alarm_list = many_alarms(50)
        app = application(stack)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "slash", *"name:a-003")
            await shows(pilot, "10 of 50")
            await press(pilot, "enter")
            await until(pilot, lambda: not app.screen.query_one(Prompt).opened)
            await shows(pilot, "/name:a-003")
            await press(pilot, "1", "2")
            await shows(pilot, "10 of 50")
            await press(pilot, "escape")
            await shows(pilot, "50  ", "a-0010")
            assert isinstance(app.screen, AlarmsScreen)
            await press(pilot, "slash", *"~(", "enter")
            await shows(pilot, "no regular expression")

    run(body())


def test_the_cursor_stays_on_its_row_while_rows_come_and_go() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.alarm_list = many_alarms(200)
        app = application(stack)
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "right", "s")
            table = app.screen.query_one(VirtualTable)
            await until(pilot, lambda: table.item is not None and table.item.name == "a-0000")
            await press(pilot, *["down"] * 7)
            assert table.item.name == "a-0007"  # type: ignore[union-attr]
            stack.alarm_list = many_alarms(200)[3:]
            await press(pilot, "r")
            await shows(pilot, "197")
            assert table.item.name == "a-0007"  # type: ignore[union-attr]
            await press(pilot, "G")
            assert table.item.name == "a-0199"  # type: ignore[union-attr]
            await until(pilot, lambda: "a-0199" in shown(pilot) and "a-0003" not in shown(pilot))
            stack.alarm_list = many_alarms(5)
            await press(pilot, "r")
            await until(pilot, lambda: "a-0004" in shown(pilot) and "a-0199" not in shown(pilot))
            await press(pilot, "s")
            await until(pilot, lambda: shown(pilot).index("a-0004") < shown(pilot).index("a-0000"))

    run(body())


def test_the_mouse_sorts_selects_and_opens() -> None:
    async def body() -> None:
        stack = FakeStack()
        stack.alarm_list = many_alarms(20)
        app = application(stack)
        async with app.run_test(size=(100, 30)) as pilot:
            await first_data(pilot)
            await pilot.click("#alarms")
            await opened(pilot, AlarmsScreen)
            table = app.screen.query_one(VirtualTable)
            await until(pilot, lambda: table.item is not None)
            await pilot.click(VirtualTable, offset=(14, 0))
            assert app.here is not None
            await until(pilot, lambda: app.here is not None and app.here.place.params.get("sort") == "name")
            await pilot.click(VirtualTable, offset=(14, 5))
            await until(pilot, lambda: table.item is not None and table.item.name == "a-0004")
            await pilot.click(VirtualTable, offset=(14, 5))
            await until(pilot, lambda: app.here is not None and app.here.place.subject == "a-0004")

    run(body())


def test_commands_act_and_nonsense_is_told() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await first_data(pilot)
            assert app.monitor is not None
            await press(pilot, "colon", *"every 30", "enter")
            await until(pilot, lambda: app.monitor is not None and app.monitor.least_seconds == 30.0)
            await press(pilot, "colon", *"theme light", "enter")
            await until(pilot, lambda: "light" in app.theme)
            await press(pilot, "colon", *"theme neon", "enter")
            await shows(pilot, "no theme")
            await press(pilot, "colon", *"alrams", "enter")
            await shows(pilot, "did you mean al")
            await press(pilot, "colon", *"help", "enter")
            await opened(pilot, TextScreen)
            await press(pilot, "escape", "colon", "up", "up")
            await shows(pilot, ":alrams")
            await press(pilot, "enter")
            await until(pilot, lambda: not app.screen.query_one(Prompt).opened)
            await press(pilot, "colon", *"q", "enter")
            await until(pilot, lambda: not app.is_running)

    run(body())


def test_a_dialog_leaves_no_keys_of_the_screen_below_it() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            await press(pilot, "y")
            await shows(pilot, "link to this place")
            await until(pilot, lambda: "q quit" not in shown(pilot))
            await press(pilot, "escape")
            await shows(pilot, "q quit")

    run(body())


def test_the_place_before_is_one_key_away() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24)) as pilot:
            await first_data(pilot)
            await press(pilot, "2", "5")
            await until(pilot, lambda: here(app) == "campaigns")
            await press(pilot, "minus")
            await until(pilot, lambda: here(app) == "alarms")
            await press(pilot, "minus")
            await until(pilot, lambda: here(app) == "campaigns")

    run(body())


def test_a_link_opens_its_place_and_one_of_another_stack_is_refused() -> None:
    async def body(link: str, words: str, place: Place) -> None:
        stack = FakeStack()
        app = application(stack, link=link)
        async with app.run_test(size=(120, 30), notifications=True) as pilot:
            await until(pilot, lambda: words in shown(pilot))
            assert app.here is not None
            assert app.here.place == place

    run(body("cpaas://local/alarms?filter=%21ok", "/!ok", Place("alarms", "", {"filter": "!ok"})))
    run(body("cpaas://prod/alarms", "the link leads to the stack prod", Place("overview")))
    run(body("cpaas://local/alarms?filter=%7E%28", "no regular expression", Place("overview")))


def test_the_palette_knows_every_screen() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(100, 40)) as pilot:
            await first_data(pilot)
            await press(pilot, "ctrl+p")
            await shows(pilot, "Search for commands")
            await press(pilot, *"throughput")
            await shows(pilot, "target against achieved")
            await press(pilot, "enter")
            await until(pilot, lambda: here(app) == "throughput")

    run(body())


def test_keys_pressed_fast_lose_nothing_and_break_nothing() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await first_data(pilot)
            for _ in range(5):
                await press(
                    pilot,
                    *"25321-",
                    "slash",
                    *"abc",
                    "escape",
                    "colon",
                    "escape",
                    "y",
                    "escape",
                    *"jkGg",
                    "a",
                    "escape",
                )
            await press(pilot, "1")
            await opened(pilot, OverviewScreen)
            assert len(app.places) == 1

    run(body())


def test_a_replay_is_never_mistaken_for_the_present() -> None:
    async def body() -> None:
        stack = FakeStack()
        connection = replace(stack.connection(), clock=ReplayClock(stack.clock.now(), stack.clock.now() + 600))
        app = application(connection)
        async with app.run_test(size=(100, 30)) as pilot:
            await shows(pilot, "REPLAY")
            assert "LIVE" not in shown(pilot)
            assert app.screen.has_class("-replay")

    run(body())
