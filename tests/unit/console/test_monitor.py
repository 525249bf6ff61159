"""All feeds together: one snapshot a beat, slower as the month's budget runs out, and whether actions are on."""

from __future__ import annotations

import dataclasses
import random
import threading

import pytest

from bench.console_month import month_usd
from console.domain import Alarm
from console.places import Place
from console.screen_options import DEFAULT_BUDGET_USD
from console.services.budget import Budget
from console.services.monitor import ALARMS_SLOWNESS, Beats, Monitor
from console.services.runner import MOST, Lane
from console.sources.fake import FakeStack
from console.ui.registry import HOME
from lambdas.core.outputs import ACTIONS_ALLOWED
from tests.support.stopped_clock import StoppedClock
from tests.support.threads import until


def test_every_feed_of_the_whole_stack_has_a_place_of_its_own() -> None:
    clock = StoppedClock()
    monitor = Monitor(FakeStack(clock).connection(), clock=clock, rng=random.Random(1))
    assert len(monitor._standard) <= MOST[Lane.STANDING]


@pytest.mark.parametrize("screen", [HOME, "messages", "sessions"])
def test_a_month_of_the_dearest_screens_stays_below_the_budget(screen: str) -> None:
    assert month_usd(Place(screen), running=True)[0] < DEFAULT_BUDGET_USD


def test_a_spent_budget_slows_alarms_least() -> None:
    clock = StoppedClock()
    budget = Budget(None, 2.0, clock)
    monitor = Monitor(FakeStack(clock).connection(), clock=clock, rng=random.Random(1), budget=budget, beats=Beats())
    budget.note(1.99)
    monitor.tick()
    assert monitor.slowness == 4.0
    assert monitor.feeds["alarms"].every == ALARMS_SLOWNESS * Beats().alarms
    assert monitor.feeds["spend"].every == 4.0 * Beats().spend


def test_the_monitor_is_one_immutable_snapshot_per_beat() -> None:
    clock = StoppedClock()
    stack = FakeStack(clock)
    monitor = Monitor(stack.connection(), clock=clock, rng=random.Random(1))

    def settled() -> bool:
        monitor.tick()
        return monitor.settled

    until(settled)
    overview = monitor.overview
    with pytest.raises(dataclasses.FrozenInstanceError):
        overview.paused = True  # type: ignore[misc]
    assert overview.alarms.value == stack.alarm_list
    assert overview.api.calls == 4
    monitor.paused = True
    clock.time += 60
    monitor.tick()
    assert not any(feed.reading for feed in monitor._feeds.values())
    assert monitor.overview.alarms.age(clock.time) == 60


class HangingStack(FakeStack):
    """Its alarms answer when they are let."""

    def __init__(self, clock: StoppedClock) -> None:
        super().__init__(clock)
        self.answers = threading.Event()

    def alarms(self) -> tuple[Alarm, ...]:
        self.answers.wait(60)
        return super().alarms()


def test_a_reading_asked_for_by_hand_follows_one_that_is_out_where_reading_is_held() -> None:
    clock = StoppedClock()
    stack = HangingStack(clock)
    monitor = Monitor(stack.connection(), clock=clock, rng=random.Random(1))
    monitor.tick()
    monitor.paused = True
    monitor.refresh()
    monitor.tick()
    feed = monitor.feeds["alarms"]
    assert feed.reading
    stack.answers.set()

    def read_twice() -> bool:
        monitor.tick()
        return feed.reads == 2

    until(read_twice)
    monitor.tick()
    assert not feed.reading


def test_actions_are_on_in_local_and_by_request_only() -> None:
    assert Monitor(FakeStack(environment="local").connection()).stack.actions_allowed
    assert not Monitor(FakeStack(environment="dev").connection()).stack.actions_allowed
    assert Monitor(FakeStack(environment="dev").connection(), allow_actions=True).stack.actions_allowed
    connection = FakeStack(environment="dev").connection()
    identity = dataclasses.replace(connection.outputs.identity, console_actions=ACTIONS_ALLOWED)
    allowing = dataclasses.replace(connection, outputs=dataclasses.replace(connection.outputs, identity=identity))
    assert Monitor(allowing).stack.actions_allowed, "the stack's own settings say so"
