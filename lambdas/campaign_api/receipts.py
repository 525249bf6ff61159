"""`GET /api/receipts/overdue`: messages whose final receipt has not come, by age, channel and campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lambdas.adapters.open_messages import OpenMessages
from lambdas.campaign_api.answers import Answer
from lambdas.core.overdue import AGES_MS, AgeGroup, ledger

MOST_READ = 5_000
"""Messages of one channel and age that are read for one answer; more are said to be more."""


class ReceiptService:
    """Shows the ledger."""

    def __init__(self, open_messages: OpenMessages, channels: Iterable[str], now_ms: Callable[[], int]) -> None:
        self._open = open_messages
        self._channels = tuple(channels)
        self._now_ms = now_ms

    def overdue(self) -> Answer:
        """200 with what is open for ten minutes and more."""
        now_ms = self._now_ms()
        groups = []
        for channel in self._channels:
            for age, from_ms, to_ms in AGES_MS:
                first_ms = 0 if to_ms is None else now_ms - to_ms
                found = self._open.between(channel, first_ms, now_ms - from_ms, MOST_READ + 1)
                groups.append(AgeGroup(channel, age, found[:MOST_READ], complete=len(found) <= MOST_READ))
        return Answer(200, ledger(groups))
