"""Bad days for a made-up stack: faults that begin and end while the console runs over it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.clock import Clock
from console.sources.base import Connection
from console.sources.clients import Clients, Target
from console.sources.faults import FaultKind, FaultPlan, parse_faults
from console.sources.intercept import Call, intercepted

PROFILE = "work"


class Weather:
    """The hook around a stack's calls: fair, until `turn` names faults as `parse_faults` reads them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.plan = FaultPlan(clock=clock)
        self._clock = clock

    def turn(self, faults: str) -> None:
        """From now on these faults and no others; none clears up."""
        before, self.plan = self.plan, FaultPlan(*(parse_faults(faults) if faults else ()), clock=self._clock)
        before.lift()

    @property
    def hanging(self) -> int:
        """Calls that do not end before the weather turns."""
        return self.plan.injected[FaultKind.SLOW]

    def __call__(self, call: Call, proceed: Callable[[], Any]) -> Any:
        return self.plan(call, proceed)


class WeatherFile:
    """The same for a console in a process of its own: the faults are what a file says at the moment of a call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = ""
        self._weather = Weather()
        self._lock = threading.Lock()

    def __call__(self, call: Call, proceed: Callable[[], Any]) -> Any:
        told = self._path.read_text(encoding="utf-8")
        with self._lock:
            if told != self._told:
                self._told = told
                self._weather.turn(told)
        return self._weather(call, proceed)


def under(hook: Weather | WeatherFile, connection: Connection) -> Connection:
    """The connection in this weather, its calls made with a profile that can log in."""
    return intercepted(replace(connection, clients=Clients(Target("us-east-1", PROFILE))), hook)
