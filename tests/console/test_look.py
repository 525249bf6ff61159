"""Themes and the chart widget, on the application's own style sheet."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from console.domain import ConsoleError
from console.sources.fake import FakeStack
from console.sources.replay import ReplayClock
from console.telemetry import Series
from console.ui.app import ConsoleApp
from console.ui.screens.overview import OverviewScreen
from console.ui.themes import THEMES, register_themes, set_theme, theme_name
from console.ui.widgets.chart import Chart
from console.view import format as fmt
from console.view.chart import ChartSpec
from console.view.glyphs import ASCII, BLOCK, UNICODE, Glyphs
from console.view.palette import PALETTES
from console.view.timespan import Timespan
from tests.console.screens import application, first_data, press, shown, shows, until
from tests.support.stopped_clock import START, StoppedClock

NOW = 1_795_003_200.0


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run one test on an event loop of its own."""
    asyncio.run(test)


def foregrounds(app: App[Any], words: str) -> set[str]:
    """The colours in which the screen shows `words`."""
    strips = app.screen._compositor.render_strips()
    segments = [segment for strip in strips for segment in strip if words in segment.text and segment.style]
    return {segment.style.color.name for segment in segments if segment.style and segment.style.color}


def frame_colours(app: App[Any]) -> tuple[str, str]:
    """The colours of the header's ground and of a panel's frame."""
    header, panel = app.screen.query_one("#header").styles, app.screen.query_one("#cost").styles
    return header.background.hex.lower(), panel.border_top[1].hex.lower()


@pytest.mark.parametrize("name", [name for name in PALETTES if name != "ansi"])
def test_every_theme_draws_states_in_its_own_colours(name: str) -> None:
    async def body() -> None:
        app = application(FakeStack())
        set_theme(app, name)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            assert foregrounds(app, "● OK") == {PALETTES[name].colours["ok"]}
            assert theme_name(app) == name

    run(body())


def test_the_ansi_theme_leaves_all_colours_to_the_terminal() -> None:
    async def body() -> None:
        app = application(FakeStack(environment="prod"))
        set_theme(app, "ansi")
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            styles = [s.style for strip in app.screen._compositor.render_strips() for s in strip if s.style]
            colours = [colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None]
            assert colours
            assert all(colour.triplet is None for colour in colours), "no colour but the terminal's sixteen"

    run(body())


def test_a_theme_can_be_changed_while_the_console_runs() -> None:
    async def body() -> None:
        app = application(FakeStack())
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            for name in PALETTES:
                set_theme(app, name)
                await pilot.pause()
                await shows(pilot, "▲ ALARM")
            with pytest.raises(ConsoleError, match="there is no theme 'neon'"):
                set_theme(app, "neon")
            set_theme(app, "light")
            await until(pilot, lambda: foregrounds(app, "● OK") == {PALETTES["light"].colours["ok"]})

    run(body())


@pytest.mark.parametrize(("environment", "marked"), [("prod", True), ("dev", False)])
def test_production_is_framed_in_another_colour(environment: str, marked: bool) -> None:
    async def body() -> None:
        app = application(FakeStack(environment=environment))
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            assert isinstance(app.screen, OverviewScreen)
            colours = PALETTES["dark"].colours
            wanted = (colours["prod"], colours["prod-frame"])
            if marked:
                await until(pilot, lambda: frame_colours(app) == wanted)
            assert not set(frame_colours(app)) & set(wanted) or marked

    run(body())


def test_a_replay_is_framed_in_amber_and_never_called_live() -> None:
    async def body() -> None:
        stack = FakeStack(StoppedClock(), environment="prod")
        clock = ReplayClock(START, START + 600, stack.clock)
        recorded = dataclasses.replace(stack.connection(), clock=clock, note=lambda: "replay of night.jsonl")
        app = application(recorded)
        async with app.run_test(size=(120, 30)) as pilot:
            await shows(pilot, "receipts-dlq")
            await shows(pilot, f"{fmt.clock(stack.clock.now())} ")
            await shows(pilot, " REPLAY ")
            await shows(pilot, "replay of night.jsonl")
            assert "LIVE" not in shown(pilot)
            colours = PALETTES["dark"].colours
            await until(pilot, lambda: frame_colours(app) == (colours["replay"], colours["replay-frame"]))
            await press(pilot, "space")
            await shows(pilot, "PAUSED", "REPLAY")

    run(body())


class ChartApp(App[None]):
    """A chart between two fields, as a screen would have it."""

    CSS_PATH = Path(sys.modules[ConsoleApp.__module__].__file__ or "").parent / str(ConsoleApp.CSS_PATH)

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        register_themes(self)
        self.glyphs = glyphs
        self.moved: list[Timespan] = []

    def compose(self) -> ComposeResult:
        yield Input(id="before")
        yield Chart("errors", self.glyphs, id="chart")
        yield Input(id="after")

    def on_mount(self) -> None:
        points = tuple((NOW - 3600 + 60 * place, float(place)) for place in range(61))
        self.query_one(Chart).show(ChartSpec((Series("errors", 60, points),), 0, 0, threshold=40.0), NOW)
        self.query_one("#before").focus()

    def on_chart_moved(self, event: Chart.Moved) -> None:
        self.moved.append(event.timespan)


def test_a_chart_is_panned_zoomed_and_set_live_by_keys() -> None:
    async def body() -> None:
        app = ChartApp()
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("tab")
            assert isinstance(app.focused, Chart)
            await shows(pilot, "live, 1 h 00 m")
            await pilot.press("left_square_bracket")
            await shows(pilot, "10:30:00 to 11:30:00")
            await pilot.press("plus")
            await shows(pilot, "10:45:00 to 11:15:00")
            await pilot.press("minus", "right_square_bracket")
            await shows(pilot, "live, 1 h 00 m")
            await pilot.press("minus", "0")
            await until(pilot, lambda: len(app.moved) == 5)
            assert [span.live for span in app.moved] == [False, False, False, True, True]
            assert [span.seconds for span in app.moved] == [3600, 1800, 3600, 3600, 10_800]
            await pilot.press("tab")
            assert app.focused is app.query_one("#after"), "the focus is not kept"

    run(body())


def test_the_cursor_reads_values_by_keys_and_by_mouse() -> None:
    async def body() -> None:
        app = ChartApp()
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("tab", "left")
            await shows(pilot, "12:00:00  errors 60.0")
            await pilot.press("left", "left", "right")
            await shows(pilot, "11:59:00  errors 59.0")
            await pilot.press("backspace")
            await shows(pilot, "min 0.00 max 60.0")
            chart = app.query_one(Chart)
            await pilot.hover(chart, offset=(50, 5))
            hovered = [row for row in shown(pilot).splitlines() if "errors" in row and ":" in row]
            assert len(hovered) == 1
            await pilot.click(chart, offset=(20, 5))
            clicked = [row for row in shown(pilot).splitlines() if "errors" in row and ":" in row]
            assert clicked != hovered
            await pilot.hover(chart, offset=(60, 5))
            assert clicked == [row for row in shown(pilot).splitlines() if "errors" in row and ":" in row]

    run(body())


@pytest.mark.parametrize("glyphs", [UNICODE, BLOCK, ASCII])
@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50), (20, 6)])
def test_a_chart_fills_its_widget_at_every_size(size: tuple[int, int], glyphs: Glyphs) -> None:
    async def body() -> None:
        app = ChartApp(glyphs)
        async with app.run_test(size=size) as pilot:
            await pilot.press("tab", "left")
            chart = app.query_one(Chart)
            rows = [chart.render_line(y) for y in range(chart.size.height)]
            assert {row.cell_length for row in rows} == {chart.size.width}
            if size[0] >= 80:
                await shows(pilot, "40")
                await shows(pilot, "12:00:00  errors 60.0")

    run(body())


def test_a_chart_follows_a_change_of_theme() -> None:
    async def body() -> None:
        app = ChartApp()
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: foregrounds(app, "╌40") == {PALETTES["dark"].colours["series-2"]})
            set_theme(app, "light")
            await until(pilot, lambda: foregrounds(app, "╌40") == {PALETTES["light"].colours["series-2"]})

    run(body())


def test_all_themes_are_registered_under_names_of_their_own() -> None:
    app = application(FakeStack())
    assert {theme.name for theme in THEMES.values()} <= set(app.available_themes)
