"""Draws the pictures of README and docs: the console over its made-up stack, at one moment, into docs/pictures/.

The clock stands, reads run at once and nothing comes from outside, so that equal code draws equal bytes; `--check` says
which pictures the code would draw otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from console.campaigns import make_request
from console.services.runner import Runner
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.themes import set_theme
from console.view.glyphs import ASCII, UNICODE, Glyphs
from console.view.palette import PALETTES

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
BEGIN = 1_795_003_200.0
"""The moment at which every picture's session begins: 2026-11-18 12:00 UTC."""
SESSION_SECONDS = 290
CAMPAIGNS = ((20, 1_500, 12.0), (120, 5_000, 22.0))
"""What is sent meanwhile: (second of the session, recipients, messages per second)."""
SETTLING_TICKS = 5
"""Ticks after which everything that a moment makes due has been read, what follows from other reads too."""
PATIENCE_BEATS = 100
EQUAL_LOOKS = 5
FONTS = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the keys pressed after the session, the seconds that then pass, what it shows, how it is drawn.

    `steady` is how many real seconds it must stay the same, for screens that read page by page at a pace of their own.
    """

    name: str
    keys: tuple[str, ...]
    shows: str
    seconds: int = 0
    steady: float = 0.0
    size: tuple[int, int] = (120, 30)
    theme: str = "dark"
    environment: str = "dev"
    glyphs: Glyphs = UNICODE


TABLE: tuple[Picture, ...] = (
    Picture("overview", (), "last messages"),
    Picture("overview-80x24", (), "last messages", size=(80, 24)),
    Picture("overview-200x50", (), "last messages", size=(200, 50)),
    Picture("overview-light", (), "last messages", theme="light"),
    Picture("overview-high-contrast", (), "last messages", theme="high-contrast"),
    Picture("overview-ansi", (), "last messages", theme="ansi"),
    Picture("overview-ascii", (), "last messages", size=(80, 24), glyphs=ASCII),
    Picture("overview-production", (), "last messages", environment="prod"),
    Picture("alarms", ("2",), "REASON"),
    Picture("alarm", ("2", "enter"), "Threshold Crossed", seconds=1),
    Picture("runbook", ("2", "o", "b"), "a dead-letter queue"),
    Picture("throughput", ("3",), "live, 1 h"),
    Picture("messages", ("4",), "REASON"),
    Picture("message", ("4", "enter"), "it has arrived"),
    Picture("campaign", ("5", "enter"), "nobody is left out", seconds=25),
    Picture("campaign-80x24", ("5", "enter"), "nobody is left out", seconds=25, size=(80, 24)),
    Picture("queues", ("6",), "receipts"),
    Picture("letters", ("6", "enter"), "messageStatus"),
    Picture("sessions", (*":sessions", "enter"), "limits met"),
    Picture("session", (*":sessions", "enter", "j", "enter"), "asked to move"),
    Picture("logs", ("2", "enter", "o", "l"), "receipt_parked", steady=2.0),
    Picture("cost", ("8",), "as of"),
    Picture("resources", ("9",), "lambda"),
    Picture("actions", ("5", "enter", "a"), "actions on dev", seconds=1),
)


class StandingClock:
    """Time that passes only when it is told to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        """Epoch seconds."""
        return self.at

    def monotonic(self) -> float:
        """The same: it never runs backwards."""
        return self.at


class PromptRunner(Runner):
    """Runs every call at once, on the caller's own thread, so that no picture depends on who is faster."""

    def _spawn(self, run: Callable[[], None], name: str) -> None:
        run()


def made_up(clock: StandingClock, environment: str) -> tuple[FakeStack, PromptRunner]:
    """A stack that begins its session now."""
    return FakeStack(clock, environment=environment), PromptRunner(clock=clock)


async def draw(picture: Picture) -> str:
    """The picture as SVG."""
    clock = StandingClock(BEGIN)
    stack, runner = made_up(clock, picture.environment)
    app = ConsoleApp(
        "the made-up stack",
        lambda progress: stack.connection(),
        glyphs=picture.glyphs,
        allow_actions=True,
        runner=runner,
        clock=clock,
    )
    set_theme(app, picture.theme)
    async with app.run_test(size=picture.size) as pilot:
        while app.monitor is None or app.here is None or not app.here.is_mounted:
            await pilot.pause(0.01)
        for second in range(SESSION_SECONDS):
            for at, recipients, tps in CAMPAIGNS:
                if at == second:
                    stack.send(make_request(recipients, tps))
            clock.at = BEGIN + second
            for _ in range(SETTLING_TICKS):
                app.monitor.tick()
        for key in picture.keys:
            await pilot.press(key)
            while not app.keys_are_answered:
                await pilot.pause(0.01)
            await _beat(app, pilot)
        for _ in range(picture.seconds):
            clock.at += 1
            await _beat(app, pilot)
        await _quiet(app, pilot, picture.steady)
        for _ in range(PATIENCE_BEATS):
            if picture.shows in text(app) and "LIVE" in text(app):
                return cleaned(app.export_screenshot(title=f"cpaas-console, {picture.name}"), picture)
            await _beat(app, pilot)
        raise SystemExit(f"pictures: {picture.name} never showed {picture.shows!r}:\n{text(app)}")


async def _beat(app: ConsoleApp, pilot: Pilot[None]) -> None:
    """Read all that the screen of this moment wants, and draw it."""
    if app.monitor is not None and app.here is not None:
        for _ in range(SETTLING_TICKS):
            app.monitor.tick()
        app.here.show(app.monitor.overview)
    await pilot.pause()
    await pilot.pause()


async def _quiet(app: ConsoleApp, pilot: Pilot[None], seconds: float) -> None:
    """Wait until the screen has stayed the same for so long, and for `EQUAL_LOOKS`, however slow the machine is."""
    loop = asyncio.get_running_loop()
    seen, since, looks = "", loop.time(), 0
    while looks < EQUAL_LOOKS or loop.time() - since < seconds:
        await _beat(app, pilot)
        await asyncio.sleep(0.02)
        looks += 1
        if text(app) != seen:
            seen, since, looks = text(app), loop.time(), 0


def text(app: ConsoleApp) -> str:
    """What is on the screen (Textual's compositor is private; the version is pinned)."""
    return "\n".join("".join(cell.text for cell in strip) for strip in app.screen._compositor.render_strips())


def cleaned(svg: str, picture: Picture) -> str:
    """Without fonts from elsewhere, in the fonts of the reader's machine, the window in the theme's colours."""
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    colours = PALETTES[picture.theme].colours
    if not PALETTES[picture.theme].ansi:
        svg = svg.replace('<rect fill="#292929"', f'<rect fill="{colours["background"]}"', 1)
    return svg


def main(argv: list[str] | None = None) -> int:
    """Draw the named pictures, or all; 1 where `--check` finds one that is not what the code draws."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", help="pictures to draw (default: all)")
    options.add_argument("--check", action="store_true", help="draw nothing, say which are not up to date")
    asked = options.parse_args(argv)
    known = {picture.name: picture for picture in TABLE}
    if unknown := [name for name in asked.names if name not in known]:
        options.error(f"there is no picture {unknown[0]!r}; there are {', '.join(known)}")
    PICTURES.mkdir(exist_ok=True)
    stale = 0
    for name in asked.names or known:
        svg = asyncio.run(draw(known[name]))
        path = PICTURES / f"{name}.svg"
        if path.is_file() and path.read_text(encoding="utf-8") == svg:
            continue
        stale += 1
        if not asked.check:
            path.write_text(svg, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is not up to date' if asked.check else 'drawn'}\n")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
