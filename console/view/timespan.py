"""The stretch of time that a chart or log shows: how long, and whether it follows the present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.view import format as fmt

LENGTHS = (300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800, 1_209_600)
"""Seconds that zooming steps through: five minutes to two weeks, as long as metrics of a minute are kept (CloudWatch
keeps datapoints of 60 seconds for 15 days)."""
DEFAULT = 3600
PAN = 0.5
"""Share of its length by which one step moves it."""


@dataclass(frozen=True, slots=True)
class Timespan:
    """`seconds` up to `end` (epoch seconds), or up to the present where `end` is None."""

    seconds: float = DEFAULT
    end: float | None = None

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Timespan:
        """What a place's `from` and `to` say; the present hour where they say nothing that makes sense."""
        try:
            start, end = (float(params[name]) for name in ("from", "to"))
        except (KeyError, ValueError):
            return cls()
        return cls(end - start, end) if 0 < end - start <= LENGTHS[-1] and start >= 0 else cls()

    def params(self, now: float) -> dict[str, str]:
        """The same as parameters of a place; a live one is fixed to what it shows `now`."""
        start, end = self.bounds(now)
        return {"from": f"{start:.0f}", "to": f"{end:.0f}"}

    @property
    def live(self) -> bool:
        """Whether it follows the present."""
        return self.end is None

    def bounds(self, now: float) -> tuple[float, float]:
        """Start and end in epoch seconds."""
        end = now if self.end is None else min(self.end, now)
        return end - self.seconds, end

    def panned(self, steps: int, now: float) -> Timespan:
        """Moved by half its length a step, to the left where `steps` is negative; at the present it follows it."""
        end = self.bounds(now)[1] + steps * PAN * self.seconds
        return replace(self, end=None if end >= now else end)

    def zoomed(self, steps: int, now: float) -> Timespan:
        """Longer by so many of `LENGTHS`, shorter where `steps` is negative; its middle stays unless it is live."""
        nearest = min(range(len(LENGTHS)), key=lambda place: abs(LENGTHS[place] - self.seconds))
        seconds = float(LENGTHS[max(0, min(len(LENGTHS) - 1, nearest + steps))])
        if self.end is None:
            return replace(self, seconds=seconds)
        end = self.end + (seconds - self.seconds) / 2
        return Timespan(seconds, None if end >= now else end)

    def following(self) -> Timespan:
        """As long, up to the present."""
        return replace(self, end=None)

    def words(self, now: float) -> str:
        """`live, 1 h 00 m` or `12:00:00 to 13:00:00`, the day where it is another one."""
        start, end = self.bounds(now)
        if self.live:
            return f"live, {fmt.span(self.seconds)}"
        if fmt.stamp(start)[:10] == fmt.stamp(end)[:10] == fmt.stamp(now)[:10]:
            return f"{fmt.clock(start)} to {fmt.clock(end)}"
        return f"{_day(start)} to {_day(end)}"


def _day(at: float) -> str:
    return fmt.stamp(at)[:16].replace("T", " ")
