"""The daily cap of single messages: one conditional write a message, exact under any number of senders."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.counting import DAY_COUNTER_SECONDS, utc_day

OUTBOX = "OUTBOX"


class DayBudget:
    """Implements `lambdas.core.single_sending.DayBudgetPort` over the SPEND item of the UTC day."""

    def __init__(self, table: Table, *, cap_usd: float, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._cap = Decimal(str(cap_usd))
        self._now_ms = now_ms

    def take(self, amount_usd: Decimal) -> bool:
        """Reserve money of today's cap; False if it does not suffice."""
        room = self._cap - amount_usd
        if room < 0:
            return False
        try:
            self._add(amount_usd, {"room": room}, "attribute_not_exists(#spent) OR #spent <= :room")
        except ConditionFailed:
            return False
        return True

    def give_back(self, amount_usd: Decimal) -> None:
        """Return what was not spent."""
        self._add(-amount_usd, {}, None)

    def _add(self, amount_usd: Decimal, values: dict[str, Decimal], condition: str | None) -> None:
        now_ms = self._now_ms()
        self._table.update(
            {"pk": keys.spend_day(utc_day(now_ms)), "sk": OUTBOX},
            "ADD #spent :amount SET #ttl = :ttl",
            {"amount": amount_usd, "ttl": now_ms // 1_000 + DAY_COUNTER_SECONDS, **values},
            condition=condition,
        )
