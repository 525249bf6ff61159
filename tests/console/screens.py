"""What the tests of the screen share: an application over a made-up stack, keys, and waiting for what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from textual import events
from textual.keys import REPLACED_KEYS, _character_to_key, key_to_character
from textual.pilot import Pilot, WaitForScreenTimeout
from textual.screen import Screen

from console.sources.base import Connect, Connection
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.overview import OverviewScreen

S = TypeVar("S", bound=Screen[Any])

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.01
TICK_SECONDS = 0.02
"""The application's beat in tests: what arrives is taken at once."""


def application(source: FakeStack | Connection | Connect, **options: Any) -> ConsoleApp:
    """The console over `source`, with options of `ConsoleApp`."""
    if isinstance(source, FakeStack):
        source = source.connection()
    connect: Connect = (lambda progress: source) if isinstance(source, Connection) else source
    return ConsoleApp("the made-up stack", connect, tick_seconds=TICK_SECONDS, **options)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the application run until `condition` holds. Widgets of one that ends meanwhile are not waited for."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE_SECONDS:g} s; on the screen:\n{shown(pilot)}")
        try:
            await pilot.pause(LOOK_SECONDS)
        except WaitForScreenTimeout:
            if pilot.app.is_running:
                raise


async def type_ahead(pilot: Pilot[None], *keys: str) -> None:
    """Type faster than anything can answer; keys are called as in `Pilot.press`."""
    for key in keys:
        name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
        character = key if len(key) == 1 else key_to_character(REPLACED_KEYS.get(name, name))
        pilot.app.post_message(events.Key(name, character))


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Type, and wait until every key is answered.

    `Pilot.press` waits after each key until the process has been idle for a while instead, which may be soon enough and
    takes up to two seconds.
    """
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await type_ahead(pilot, *keys)
    await pilot._wait_for_screen()
    await until(pilot, lambda: app.keys_are_answered or not app.is_running)


async def opened(pilot: Pilot[None], kind: type[S]) -> S:
    """Wait for a screen of that kind, drawn."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: isinstance(app.screen, kind) and app.keys_are_answered)
    assert isinstance(app.screen, kind)
    return app.screen


async def first_data(pilot: Pilot[None]) -> None:
    """Wait for the overview with all feeds answered, and all of it drawn."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: app.monitor is not None and app.monitor.settled)
    await until(pilot, lambda: isinstance(app.screen, OverviewScreen) and "LOADING" not in shown(pilot))
    await shows(pilot, "LIVE", "month to date", "quit")


async def shows(pilot: Pilot[None], *words: str) -> str:
    """Wait until the terminal shows all of `words`; its text."""
    text = ""

    def all_there() -> bool:
        nonlocal text
        text = shown(pilot)
        return all(each in text for each in words)

    await until(pilot, all_there)
    return text


def shown(pilot: Pilot[None]) -> str:
    """The text on the terminal (Textual's compositor is private; the version is pinned)."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def here(app: ConsoleApp) -> str:
    """The screen on top."""
    return "" if app.here is None else app.here.place.screen
