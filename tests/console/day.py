"""A console over a made-up stack in some weather; its clock is moved by the test, so that minutes are over at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from console.services.runner import Runner
from console.sources.fake import FakeStack
from console.ui.screens.help import TextScreen
from tests.console.screens import application, press, shown, until
from tests.console.weather import Weather, under
from tests.support.stopped_clock import StoppedClock

STEP_SECONDS = 0.5
"""What passes on the set clock between two looks at the screen."""


class Day:
    """One console over a stack in some weather; `app` is driven, `clock` moved by the test."""

    def __init__(self, *, faults: str = "", calls: int = 8) -> None:
        self.clock = StoppedClock()
        self.stack = FakeStack(self.clock)
        self.weather = Weather(self.clock)
        self.weather.turn(faults)
        self.runner = Runner(calls, self.clock)
        connection = under(self.weather, self.stack.connection())
        self.app = application(connection, runner=self.runner, clock=self.clock)

    async def until(self, pilot: Pilot[None], condition: Callable[[], bool]) -> None:
        """Let time pass until `condition` holds."""

        def holds() -> bool:
            met = condition()
            if not met:
                self._pass()
            return met

        await until(pilot, holds)

    def _pass(self) -> None:
        """A step of time, or as far as the next attempt; none before the console has taken all that was answered."""
        feeds = {} if self.app.monitor is None else self.app.monitor.feeds
        out = max(self.runner.out, sum(feed.reading for feed in feeds.values()))
        if out > self.weather.hanging or self.app._ticked < self.clock.time or self.app._changed:
            return
        attempts = [feed.state.retry_at for feed in feeds.values() if feed.state.retry_at is not None]
        self.clock.time = max(self.clock.time + STEP_SECONDS, min(attempts, default=0.0))

    async def shows(self, pilot: Pilot[None], *words: str) -> None:
        """Let time pass until all of `words` are on the screen."""
        await self.until(pilot, lambda: all(each in shown(pilot) for each in words))

    async def keys_answer(self, pilot: Pilot[None]) -> None:
        """Without any time passing: help opens and closes."""
        await press(pilot, "question_mark")
        await until(pilot, lambda: isinstance(self.app.screen, TextScreen))
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(self.app.screen, TextScreen))

    def feed(self, name: str) -> Any:
        """The feed of that name."""
        assert self.app.monitor is not None
        return self.app.monitor.feeds[name]
