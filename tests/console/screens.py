"""What the tests of the screen share: an application over a made-up stack, and waiting for what it shows."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot

from console.sources.base import Connect
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.screens.overview import OverviewScreen
from console.view.glyphs import UNICODE, Glyphs

WAITS = 1_500


def application(stack: FakeStack, *, allow_actions: bool = False, glyphs: Glyphs = UNICODE) -> ConsoleApp:
    """The console over `stack`."""
    connect: Connect = lambda progress: stack.connection()  # noqa: E731 - one line beside its type
    return ConsoleApp("the made-up stack", connect, allow_actions=allow_actions, glyphs=glyphs)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the application run until `condition` holds."""
    for _ in range(WAITS):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"it did not happen; on the screen:\n{shown(pilot)}")


async def first_data(pilot: Pilot[None]) -> None:
    """Wait for the overview with all feeds answered."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: app.monitor is not None and app.monitor.settled)
    await until(pilot, lambda: isinstance(app.screen, OverviewScreen) and "LIVE" in shown(pilot))


def shown(pilot: Pilot[None]) -> str:
    """The text on the terminal (Textual's compositor is private; the version is pinned)."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
