"""Bad days on the screen: one panel fails and says since when, the others go on, keys answer, and it recovers."""

from __future__ import annotations

import asyncio

import pytest

from console.sources.fake import FakeStack
from console.sources.faults import Fault, FaultKind, FaultPlan
from console.sources.intercept import intercepted
from tests.console.screens import application, first_data, press, shown, shows, until
from tests.support.stopped_clock import StoppedClock

TOLD = {
    FaultKind.EXPIRED: "alarms credentials",
    FaultKind.THROTTLED: "alarms throttled",
    FaultKind.UNREACHABLE: "alarms unreachable",
    FaultKind.SLOW: "alarms asked",
    FaultKind.HALF: "alarms unreachable",
    FaultKind.SKEWED: "alarms clock_skew",
    FaultKind.REGION: "alarms not_found",
    FaultKind.DENIED: "alarms forbidden",
}
"""What the last row but one says while alarms meet the fault."""
BANNER = {FaultKind.EXPIRED: ("aws sso login", "L runs it")}


def test_every_fault_is_seen() -> None:
    assert set(TOLD) == set(FaultKind)


@pytest.mark.parametrize("kind", TOLD)
def test_a_fault_stays_in_its_panel(kind: FaultKind) -> None:
    async def body() -> None:
        clock = StoppedClock()
        stack = FakeStack(clock)
        plan = FaultPlan(Fault(kind, "source.alarms", start=1.0), clock=clock)
        connection = intercepted(stack.connection(), plan)
        app = application(connection, clock=clock)
        async with app.run_test(size=(120, 30)) as pilot:
            await first_data(pilot)
            clock.time += 1.0
            await press(pilot, "r")
            await until(pilot, lambda: plan.injected[kind] > 0)
            clock.time += 3.0
            await shows(pilot, TOLD[kind], *BANNER.get(kind, ()))
            text = await shows(pilot, "receipts-dlq", "no campaign yet", "throughput")
            assert kind in BANNER or "L runs it" not in text
            await press(pilot, "?")
            await shows(pilot, "esc closes")
            await press(pilot, "escape")
            plan.lift()
            await press(pilot, "r")
            await until(pilot, lambda: "LIVE" in shown(pilot) and TOLD[kind] not in shown(pilot))
            assert app.is_running

    asyncio.run(body())
