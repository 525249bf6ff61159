"""The daily cap of single messages: one conditional write a message, exact under any number of senders."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.days import DAY_COUNTER_SECONDS, utc_day

OUTBOX = "OUTBOX"


class DayBudget:
    """Implements `lambdas.core.single_sending.DayBudgetPort` over the SPEND item of the UTC day.

    The table's client makes each call once (`Table.once`): where an answer is lost, the money stays with the day.
    """

    def __init__(self, table: Table, *, cap_usd: float, now_ms: Callable[[], int]) -> None:
        self._table = table.once()
        self._cap = Decimal(str(cap_usd))
        self._now_ms = now_ms

    def take(self, amount_usd: Decimal) -> str | None:
        """Reserve money of today's cap; the UTC day that pays, None if its cap does not suffice."""
        room = self._cap - amount_usd
        if room < 0:
            return None
        now_ms = self._now_ms()
        day = utc_day(now_ms)
        try:
            self._table.update_once(
                _key(day),
                "ADD #spent :amount SET #ttl = :ttl",
                {"amount": amount_usd, "ttl": now_ms // 1_000 + DAY_COUNTER_SECONDS, "room": room},
                condition="attribute_not_exists(#spent) OR #spent <= :room",
            )
        except ConditionFailed:
            return None
        return day

    def give_back(self, amount_usd: Decimal, day: str) -> None:
        """Return to a day what was not spent: to the one that paid, though another may have begun meanwhile."""
        self._table.update_once(_key(day), "ADD #spent :amount", {"amount": -amount_usd})


def _key(day: str) -> dict[str, str]:
    return {"pk": keys.spend_day(day), "sk": OUTBOX}
