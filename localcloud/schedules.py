"""Scheduled rules and EventBridge schedules on the cloud's clock instead of wall time."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace

from ministack.services import eventbridge, scheduler

from localcloud.clock import Clock

TICK_SECONDS = 0.2
"""Longest delay of a due schedule, in real seconds; ministack looks every 10 s."""


class Schedules:
    """Fires what is due; runs on the host's event loop, where everything that changes a queue runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ticking = threading.local()

    def install(self) -> None:
        """Take the place of ministack's two scheduler threads."""
        eventbridge.start_scheduler = _nothing
        scheduler.start_scheduler = _nothing
        eventbridge._now_ts = self._now
        scheduler.time = SimpleNamespace(time=self._now, sleep=time.sleep)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Fire every enabled rule and schedule that is due by the cloud's clock, once each."""
        self._ticking.now = self._clock.now()
        try:
            self._start_countdowns()
            eventbridge._tick_scheduled_rules()
            scheduler._tick_schedules()
        finally:
            self._ticking.now = None

    def _now(self) -> float:
        """The cloud's time while schedules are looked at, wall time for all else (creation times, event times)."""
        cloud_time: float | None = getattr(self._ticking, "now", None)
        return time.time() if cloud_time is None else cloud_time

    def _start_countdowns(self) -> None:
        """A rate counts from the creation, whose time ministack keeps in wall time: count from first sight instead."""
        now = self._clock.now()
        for key, rule in list(eventbridge._rules._data.items()):
            if rule.get("ScheduleExpression"):
                eventbridge._rule_last_fired.setdefault(key, now)
        for key, schedule in list(scheduler._schedules._data.items()):
            if not schedule.get("ScheduleExpression", "").startswith("at("):
                scheduler._schedule_last_fired.setdefault(key, now)


def _nothing() -> None:
    """In the place of a thread that is not wanted."""
