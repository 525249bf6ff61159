"""Lanes: the run of a campaign's rows that one channel sends.

Rows are planned channel by channel, so each channel claims from a run of its own, at its own identity's rate, while
the campaign's budget and status are shared. Its pace is divided among the channels that still send, in proportion to
their rows: they end together unless an identity is slower than its share, and a slow one holds up none of the others.
A campaign of one channel has one lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Lane:
    """Rows `first_row` .. `end_row - 1` of a channel; `next_row` is the first that nobody has claimed.

    `highest_price_usd` is what a claim reserves for each of its rows, `booked_until_us` (epoch) the end of the time
    that the channel's claims have booked.
    """

    channel: str
    first_row: int
    end_row: int
    highest_price_usd: Decimal
    next_row: int = 0
    booked_until_us: int | None = None

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


def cursor(channel: str) -> str:
    """Attribute of META that holds a lane's `next_row`: of its own, because every claim moves it."""
    return f"next_{channel}"


def booked(channel: str) -> str:
    """Attribute of META that holds the end of the time that a lane has booked; absent before its first claim."""
    return f"booked_{channel}"


def revived(channel: str) -> str:
    """Attribute of META that holds until when the sweeper puts no further token for a lane."""
    return f"revived_{channel}"


def lane_attributes(lanes: tuple[Lane, ...]) -> dict[str, Any]:
    """What a new plan writes into META."""
    return {
        "lanes": {
            lane.channel: {"first": lane.first_row, "end": lane.end_row, "price": lane.highest_price_usd}
            for lane in lanes
        },
        **{cursor(lane.channel): lane.first_row for lane in lanes},
    }


def lanes_of(meta: Mapping[str, Any]) -> tuple[Lane, ...]:
    """The lanes of a META item, by their rows; none before it has been planned."""
    lanes = [
        Lane(
            channel,
            int(lane["first"]),
            int(lane["end"]),
            Decimal(lane["price"]),
            int(meta[cursor(channel)]),
            meta.get(booked(channel)),
        )
        for channel, lane in meta.get("lanes", {}).items()
    ]
    return tuple(sorted(lanes, key=lambda lane: lane.first_row))
