"""Row `console`: what the screen costs, beside a plain Textual program that shows the same with its own widgets."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.console_month import month_usd, naive_month_usd, places, usual_month_usd
from bench.report import Measure
from console.places import Place
from console.ui.registry import HOME
from tests.console.terminal import Terminal

ROOT = Path(__file__).parents[1]
SIDES = ("ours", "plain")
PLAIN = "plain Textual"
REFRESH_MS, FILL_MS, PAINT_S, QUIT_S, MONTH_USD = 20.0, 200.0, 1.0, 0.5, 2.0
SECONDS = 20.0


def run(brief: bool) -> list[Measure]:
    """All figures; processes take turns."""
    beats, fill = (10, 5_000) if brief else (60, 100_000)
    found = [
        _beside(
            "CPU per beat of the overview, a campaign running",
            "ms",
            lambda side: _cpu(side, "overview", beats),
            REFRESH_MS,
        ),
        _beside("CPU per refresh of 1,000 rows, 50 changed", "ms", lambda side: _cpu(side, "table", beats), REFRESH_MS),
        _beside(f"{fill:,} rows until they are seen", "ms", lambda side: _cpu(side, "fill", fill), FILL_MS),
        _beside(
            "start to the first paint", "s", lambda side: min(_painted(side) for _ in range(1 if brief else 5)), PAINT_S
        ),
        _beside(
            "quit while all calls hang",
            "s",
            lambda side: statistics.median(_quit(side) for _ in range(1 if brief else 3)),
            QUIT_S,
        ),
        _beside(
            "bytes to the terminal a second, a campaign running",
            "B/s",
            lambda side: _bytes(side, 5.0 if brief else SECONDS),
            None,
        ),
    ]
    ours, naive = usual_month_usd(Place(HOME)), naive_month_usd()
    what = "AWS API spend a month (8 h x 22 days, the overview open)"
    peers = {"30 metrics every 10 s": naive}
    month = Measure("console", what, "$", ours, peers, f"<= ${MONTH_USD:g}", ours <= MONTH_USD)
    return [*found, month, _dearest(naive)]


def _dearest(naive: float) -> Measure:
    """The screen that costs most when it is kept open all that time, a campaign running."""
    usd, name = max((month_usd(place, running=True)[0], f"{place.screen} {place.subject}") for place in places())
    what = f"the same with the dearest screen open: {name.strip()}"
    return Measure("console", what, "$", usd, {"30 metrics every 10 s": naive}, f"<= ${MONTH_USD:g}", usd <= MONTH_USD)


def _beside(what: str, unit: str, measure: Callable[[str], float], bar: float | None) -> Measure:
    ours, plain = (measure(side) for side in SIDES)
    held = None if bar is None else ours <= bar
    return Measure("console", what, unit, ours, {PLAIN: plain}, "" if bar is None else f"<= {bar:g} {unit}", held)


def _cpu(side: str, what: str, number: int) -> float:
    command = [sys.executable, "-m", "bench.console_cpu", side, what, str(number)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def _program(side: str, *words: str) -> Terminal:
    return Terminal([sys.executable, "-m", "bench.console_program", side, *words], columns=120, rows=40)


def _painted(side: str) -> float:
    """Seconds from the start of the interpreter to the first frame that shows something."""
    began = time.perf_counter()
    terminal = _program(side)
    try:
        terminal.until(lambda text: "quit" in text)
        return time.perf_counter() - began
    finally:
        terminal.close()


def _quit(side: str) -> float:
    """Seconds from the key to the end of the process, every call hanging."""
    terminal = _program(side, "hang")
    try:
        terminal.until(lambda text: "RUNNING" in text or "running" in text)
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            terminal.read(0.1)
        began = time.perf_counter()
        terminal.press("q")
        terminal.ended(30)
        return time.perf_counter() - began
    finally:
        terminal.close()


def _bytes(side: str, seconds: float) -> float:
    terminal = _program(side)
    try:
        terminal.until(lambda text: "RUNNING" in text or "running" in text)
        before, end = len(terminal.written), time.monotonic() + seconds
        while time.monotonic() < end:
            terminal.read(0.1)
        return (len(terminal.written) - before) / seconds
    finally:
        terminal.close()
