"""The state of all alarms of a stack: those that are up at each read, the whole list less often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.domain import Alarm, AlarmState
from console.sources.clients import Clients
from console.sources.shapes import alarm_of, understood

WHOLE_SECONDS = 60.0
"""How old the states of alarms that are not up may become. Each hundred alarms are a page, which is a paid call; those
in ALARM are one."""
PAGE_ALARMS = 100
"""The most that DescribeAlarms answers with at once (CloudWatch API reference)."""


class AlarmStates:
    """Reads the alarms whose names begin with `prefix`; `now` is the epoch second.

    An alarm that rises is seen at the next read. One that is no longer up makes the same read a whole one, which tells
    what it is now. The embedded cloud costs nothing, so it is read whole each time.
    """

    def __init__(self, prefix: str, clients: Clients, now: Callable[[], float]) -> None:
        self._prefix = prefix
        self._clients = clients
        self._now = now
        self._last: tuple[float, tuple[Alarm, ...]] | None = None

    def read(self) -> tuple[Alarm, ...]:
        """All metric and composite alarms."""
        at, known = self._last or (-WHOLE_SECONDS, ())
        if self._now() - at < WHOLE_SECONDS and not self._clients.target.is_local:
            loud = {alarm.name: alarm for alarm in self._ask(StateValue=AlarmState.ALARM.value)}
            if all(alarm.name in loud for alarm in known if alarm.state is AlarmState.ALARM):
                return self._keep(at, {alarm.name: alarm for alarm in known} | loud)
        return self._keep(self._now(), {alarm.name: alarm for alarm in self._ask()})

    def _keep(self, at: float, found: Mapping[str, Alarm]) -> tuple[Alarm, ...]:
        alarms = tuple(found.values())
        self._last = at, alarms
        return alarms

    def _ask(self, **state: str) -> list[Alarm]:
        request: dict[str, Any] = {
            "AlarmNamePrefix": self._prefix,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": PAGE_ALARMS,
            **state,
        }
        found: list[Alarm] = []
        while True:
            answer = self._clients.client("cloudwatch").describe_alarms(**request)
            for kind in ("MetricAlarms", "CompositeAlarms"):
                found += [understood("an alarm", alarm_of, alarm) for alarm in answer.get(kind) or []]
            if not answer.get("NextToken"):
                return found
            request["NextToken"] = answer["NextToken"]
