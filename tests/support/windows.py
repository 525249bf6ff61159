"""Campaigns in memory that have a send window: lanes by zone, and what the clocks there showed at each call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lambdas.core.lanes import Lane
from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import SendWindow
from tests.support.campaigns import PRICE_USD
from tests.support.fake_world import FakeWorld
from tests.support.window_oracle import at_us, shows_open


def windowed(zones: Sequence[tuple[str, int]], window: SendWindow, *, tps: float = 20, **world: float) -> FakeWorld:
    """A campaign of SMS with a lane of so many rows in each zone."""
    made = FakeWorld(sum(rows for _, rows in zones), tps=tps, **world)  # type: ignore[arg-type]
    first, lanes = 0, {}
    for number, (zone, rows) in enumerate(zones):
        lane = Lane("sms", first, first + rows, PRICE_USD, first, zone=zone, number=number)
        lanes[lane.name] = lane
        first += rows
    made.campaign.lanes, made.campaign.window = lanes, window
    return made


def set_clock(world: FakeWorld, instant: datetime) -> None:
    """Let time pass until an instant, while nothing runs."""
    world.time.advance_us(at_us(instant) - world.time.now_us())
    assert world.time.now_us() == at_us(instant), "time does not run backwards"


def calls_in(world: FakeWorld, zone: str) -> list[int]:
    """When rows of a zone's lane were called."""
    (lane,) = [lane for lane in world.campaign.lanes.values() if lane.zone == zone]
    rows = {row.destination for row in world.audience[lane.first_row : lane.end_row]}
    return sorted(call.at_us for call in world.calls if call.destination in rows)


def assert_no_quiet_hours(world: FakeWorld) -> None:
    """No call was made while the clock of its row's zone showed a quiet hour."""
    assert world.campaign.window is not None
    for lane in world.campaign.lanes.values():
        for zone in lane.zone.split(","):
            for called_us in calls_in(world, lane.zone):
                shown = datetime.fromtimestamp(called_us // MICROSECOND, UTC)
                assert shows_open(world.campaign.window, zone, shown), f"a call at {shown} to {zone}"
