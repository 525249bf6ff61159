"""The daily cap of campaigns: what all of them together may cost in a UTC day, reserved before it can be spent.

A claim reserves of the day first and of its campaign then; its chunk remembers the day that paid, and closing it turns
what was reserved there into what was spent. A worker that dies between two of these writes leaves money reserved that
nobody spends: the cap errs on the safe side, by a chunk's money a death, until the day is over.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol


class DayFull(NamedTuple):
    """What a claim asks for does not fit into the day's cap, of which `room_usd` is left."""

    day: str
    room_usd: Decimal


class CampaignDayPort(Protocol):
    """The SPEND item that all campaigns share on a UTC day."""

    def reserve(self, amount_usd: Decimal) -> str | DayFull:
        """Reserve of today's cap in one conditional write; the UTC day that pays."""

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        """Turn what a day has reserved into what was spent of it; the rest is free again."""


def affordable_rows(room_usd: Decimal, price_usd: Decimal, rows: int) -> int:
    """How many of `rows` rows of a price fit into the room that is left."""
    return rows if price_usd <= 0 else max(0, min(rows, int(room_usd / price_usd)))


class DayPurse:
    """What one run has reserved of a day and not given to a claim yet: a claim that fails leaves it to the next one."""

    def __init__(self, day: CampaignDayPort) -> None:
        self._port = day
        self._day = ""
        self._held_usd = Decimal(0)

    def hold(self, amount_usd: Decimal) -> DayFull | None:
        """Have at least `amount_usd` in hand; how much room there is where it does not fit."""
        if self._held_usd >= amount_usd:
            return None
        self.give_back()
        found = self._port.reserve(amount_usd)
        if isinstance(found, DayFull):
            return found
        self._day, self._held_usd = found, amount_usd
        return None

    def pay(self, amount_usd: Decimal) -> str:
        """Hand out what is held; the UTC day that pays."""
        self._held_usd -= amount_usd
        return self._day

    def take_back(self, amount_usd: Decimal) -> None:
        """Hold again what was paid for a claim that was refused."""
        self._held_usd += amount_usd

    def give_back(self) -> None:
        """Free what nobody has claimed with."""
        held_usd, self._held_usd = self._held_usd, Decimal(0)
        if held_usd:
            self._port.settle(self._day, held_usd, Decimal(0))
