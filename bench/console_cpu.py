"""`python -m bench.console_cpu SIDE WHAT N`: CPU of drawing, measured in a process of its own; prints milliseconds.

SIDE is ours or plain; WHAT is `overview` (a beat with a running campaign), `table` (1,000 rows, 50 of them changed) or
`fill` (N rows until they are on the screen, wall time).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from bench.console_peer import COLUMNS, PlainConsole, cells
from console.campaigns import make_request
from console.domain import Alarm, AlarmState
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.ui.themes import register_themes
from console.ui.widgets.virtual_table import VirtualTable
from console.view.glyphs import UNICODE
from console.view.table import Table
from console.view.tables.alarms import KIND

SIZE = (120, 40)
ROWS, CHANGED = 1_000, 50


def alarms(number: int, beat: int) -> tuple[Alarm, ...]:
    """Alarms of which every `number / CHANGED`-th has another reason at each beat."""
    step = max(1, number // CHANGED)
    return tuple(
        Alarm(f"alarm-{n:06d}", AlarmState.OK, "warning", 0.0, f"datapoint {beat if n % step == 0 else 0}", "")
        for n in range(number)
    )


class OurTable(App[None]):
    """The virtual table alone."""

    def __init__(self) -> None:
        super().__init__()
        register_themes(self)
        self.table: Table[Alarm] = Table(KIND)

    def compose(self) -> ComposeResult:
        """One widget."""
        yield VirtualTable(self.table, UNICODE)

    def put(self, rows: tuple[Alarm, ...]) -> None:
        """A new reading."""
        self.table.put(rows)
        self.query_one(VirtualTable).update_rows()

    def seen(self) -> int:
        """Rows that can be scrolled to."""
        return len(self.table.shown)


class PlainTable(App[None]):
    """A DataTable alone, told what changed."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[Alarm, ...] = ()

    def compose(self) -> ComposeResult:
        """One widget."""
        yield DataTable()

    def on_mount(self) -> None:
        """The columns."""
        for name in COLUMNS:
            self.query_one(DataTable).add_column(name, key=name)

    def put(self, rows: tuple[Alarm, ...]) -> None:
        """A new reading: cells that differ are updated."""
        table = self.query_one(DataTable)
        if not self.rows:
            for row in rows:
                table.add_row(*cells(row), key=row.name)
        for before, row in zip(self.rows, rows, strict=False):
            if before != row:
                table.update_cell(row.name, "reason", row.reason)
        self.rows = rows

    def seen(self) -> int:
        """Rows that can be scrolled to."""
        return self.query_one(DataTable).row_count


async def beats(pilot: Pilot[None], beat: Callable[[int], Awaitable[None]], number: int) -> float:
    """Median CPU milliseconds of a beat and the drawing that follows."""
    spent = []
    for each in range(number):
        began = time.process_time()
        await beat(each)
        await pilot.pause()
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


async def table_beats(side: str, number: int) -> float:
    """A table of 1,000 rows."""
    app = OurTable() if side == "ours" else PlainTable()
    async with app.run_test(size=SIZE) as pilot:
        app.put(alarms(ROWS, 0))
        await pilot.pause()

        async def beat(each: int) -> None:
            app.put(alarms(ROWS, each + 1))

        return await beats(pilot, beat, number) - making(number)


def making(number: int) -> float:
    """Median CPU milliseconds of making the readings, which is not drawing."""
    spent = []
    for each in range(number):
        began = time.process_time()
        alarms(ROWS, each)
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


async def fill(side: str, number: int) -> float:
    """Milliseconds until so many rows are on the screen."""
    app = OurTable() if side == "ours" else PlainTable()
    rows = alarms(number, 0)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        began = time.perf_counter()
        app.put(rows)
        await pilot.pause()
        took = 1000 * (time.perf_counter() - began)
        if app.seen() != number:
            raise RuntimeError(f"only {app.seen():,} of {number:,} rows were there when the screen came to rest")
        return took


async def overview(side: str, number: int) -> float:
    """A beat of the overview with a campaign that runs; reading the made-up stack is part of both."""
    stack = FakeStack()
    stack.send(make_request(5_000, 20.0))
    if side == "plain":
        plain = PlainConsole(stack)
        async with plain.run_test(size=SIZE) as pilot:
            await pilot.pause(1.2)

            async def beat(_: int) -> None:
                await plain.read_all().wait()

            return await beats(pilot, beat, number)
    ours = ConsoleApp("bench", lambda progress: stack.connection())
    async with ours.run_test(size=SIZE) as pilot:
        while ours.monitor is None or not ours.monitor.settled:
            await pilot.pause(0.05)
        monitor = ours.monitor

        async def our_beat(_: int) -> None:
            monitor.refresh()
            monitor.tick()
            while not monitor.settled:
                await asyncio.sleep(0)
                monitor.tick()
            ours._draw()

        return await beats(pilot, our_beat, number)


def main(side: str, what: str, number: int) -> None:
    """Print one figure."""
    run = {"overview": overview, "table": table_beats, "fill": fill}[what]
    print(asyncio.run(run(side, number)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
