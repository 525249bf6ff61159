"""Lanes: the run of a campaign's rows that one channel sends in one zone's send window.

Rows are planned channel by channel, so each channel claims from runs of its own, at its own identity's rate, while
the campaign's budget and status are shared. Its pace is divided among the channels that still send, in proportion to
their rows: they end together unless an identity is slower than its share, and a slow one holds up none of the others.
Within a channel, rows lie zone by zone where the campaign has a send window. A campaign of one channel without a window
has one lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lambdas.core.pacing import HORIZON_US, LEASE_SECONDS, MICROSECOND
from lambdas.core.send_window import Opening, SendWindow

AHEAD_US = HORIZON_US + LEASE_SECONDS * MICROSECOND
"""How far ahead a claim's time may reach: its end lies a lease behind the horizon."""
ALWAYS = Opening(0, 1 << 62)
"""Of a lane without a window."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Rows `first_row` .. `end_row - 1` of a channel; `next_row` is the first that nobody has claimed.

    `highest_price_usd` is what a claim reserves for each of its rows, `booked_until_us` (epoch) the end of the time
    that the channel's claims have booked. `zone` is the one whose window holds for the rows (`SendWindow.next_opening`
    reads it), empty without a window; `number` tells apart the lanes of a channel, None where it has but one. `parts`
    are the message parts of all its rows, 0 where nobody has counted them.
    """

    channel: str
    first_row: int
    end_row: int
    highest_price_usd: Decimal
    next_row: int = 0
    booked_until_us: int | None = None
    zone: str = ""
    number: int | None = None
    parts: int = 0

    @property
    def name(self) -> str:
        """What META knows the lane by: `sms`, or `sms_0`, `sms_1` ... where a window splits the channel."""
        return self.channel if self.number is None else f"{self.channel}_{self.number}"

    @property
    def rows(self) -> int:
        """How many rows the channel sends in all."""
        return self.end_row - self.first_row

    def is_sending(self, now_us: int) -> bool:
        """Whether rows wait to be claimed, or claimed ones for time that has not passed."""
        return self.next_row < self.end_row or (self.booked_until_us or 0) > now_us

    @property
    def claimed(self) -> range:
        """The rows that workers have taken."""
        return range(self.first_row, max(self.first_row, min(self.next_row, self.end_row)))


def cursor(lane: str) -> str:
    """Attribute of META that holds a lane's `next_row`: of its own, because every claim moves it."""
    return f"next_{lane}"


def booked(channel: str) -> str:
    """Attribute of META that holds the end of the time that a channel has booked; absent before its first claim."""
    return f"booked_{channel}"


def revived(channel: str) -> str:
    """Attribute of META that holds until when the sweeper puts no further token for a channel."""
    return f"revived_{channel}"


def by_channel(lanes: Iterable[Lane]) -> dict[str, tuple[Lane, ...]]:
    """The lanes of each channel."""
    found: dict[str, tuple[Lane, ...]] = {}
    for lane in lanes:
        found[lane.channel] = (*found.get(lane.channel, ()), lane)
    return found


def opening_of(lane: Lane, window: SendWindow | None, now_us: int) -> Opening | None:
    """The time in which a lane's rows may be sent, or may next; None if that is too far off to be known."""
    return ALWAYS if window is None or not lane.zone else window.next_opening(lane.zone, now_us)


def sending_rows(lanes: Iterable[Lane], window: SendWindow | None, now_us: int) -> int:
    """What a channel weighs when the campaign's rate is divided: the rows of its lanes that are open, or will be within
    what claims book ahead; 0 while it has nothing to send."""
    openings = ((lane, opening_of(lane, window, now_us)) for lane in lanes)
    found = [lane for lane, opening in openings if opening and opening.start_us <= now_us + AHEAD_US]
    return sum(lane.rows for lane in found) if any(lane.is_sending(now_us) for lane in found) else 0


def lane_of_row(lanes: Iterable[Lane], row: int) -> Lane | None:
    """The lane that holds a planned row."""
    return next((lane for lane in lanes if lane.first_row <= row < lane.end_row), None)


def unrecorded_rows(lanes: Iterable[Lane], chunks: Iterable[tuple[int, int]]) -> Iterator[tuple[Lane, int, int]]:
    """Runs of claimed rows that no chunk records, with their lanes; `chunks` are each one's first row and end, and both
    are in the order of their rows and read once."""
    following = iter(chunks)
    chunk = next(following, None)
    for lane in lanes:
        row, stop = lane.claimed.start, lane.claimed.stop
        while chunk is not None and chunk[0] < stop:
            if chunk[0] > row:
                yield lane, row, chunk[0]
            row = max(row, chunk[1])
            chunk = next(following, None)
        if row < stop:
            yield lane, row, stop


def lane_attributes(lanes: tuple[Lane, ...]) -> dict[str, Any]:
    """What a new plan writes into META."""
    return {
        "lanes": {
            lane.name: {
                "first": lane.first_row,
                "end": lane.end_row,
                "price": lane.highest_price_usd,
                **({"zone": lane.zone} if lane.zone else {}),
                **({"parts": lane.parts} if lane.parts else {}),
            }
            for lane in lanes
        },
        **{cursor(lane.name): lane.first_row for lane in lanes},
    }


def lanes_of(meta: Mapping[str, Any]) -> tuple[Lane, ...]:
    """The lanes of a META item, by their rows; none before it has been planned."""
    lanes = []
    for name, lane in meta.get("lanes", {}).items():
        channel, _, number = name.partition("_")
        lanes.append(
            Lane(
                channel,
                int(lane["first"]),
                int(lane["end"]),
                Decimal(lane["price"]),
                int(meta[cursor(name)]),
                meta.get(booked(channel)),
                lane.get("zone", ""),
                int(number) if number else None,
                int(lane.get("parts", 0)),
            )
        )
    return tuple(sorted(lanes, key=lambda lane: lane.first_row))
