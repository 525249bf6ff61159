"""The daily cap of campaigns over the DAY item of the campaigns table (`lambdas/core/day_cap.py`).

`taken` is the sum of `reserved` and `spent`, kept beside them because a condition expression cannot do sums: one
comparison keeps the cap exact under any number of workers. Both writes are single updates, one write unit each: a
transaction would cost four, and conflict with those of all other workers.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.day_cap import DayFull
from lambdas.core.days import DAY_COUNTER_SECONDS, utc_day

DAY = "DAY"


class CampaignDay:
    """Implements `lambdas.core.day_cap.CampaignDayPort`.

    The table's client makes each call once (`Table.once`): a repeated settlement would free money twice. One whose
    answer is lost leaves its money reserved, as a death does.
    """

    def __init__(self, table: Table, *, cap_usd: float, now_ms: Callable[[], int]) -> None:
        self._table = table.once()
        self.cap_usd = Decimal(str(cap_usd))
        self._now_ms = now_ms

    def reserve(self, amount_usd: Decimal) -> str | DayFull:
        """Reserve of today's cap in one conditional write; the UTC day that pays."""
        now_ms = self._now_ms()
        day = utc_day(now_ms)
        most_before = self.cap_usd - amount_usd
        if most_before < 0:
            return DayFull(day, self.room())
        try:
            self._table.update_once(
                day_key(day),
                "ADD #taken :amount, #reserved :amount SET #ttl = :ttl",
                {"amount": amount_usd, "ttl": now_ms // 1_000 + DAY_COUNTER_SECONDS, "most_before": most_before},
                condition="attribute_not_exists(#taken) OR #taken <= :most_before",
            )
        except ConditionFailed as failed:
            return DayFull(day, self.cap_usd - Decimal((failed.item or {}).get("taken", 0)))
        return day

    def room(self) -> Decimal:
        """What is left of today's cap."""
        item = self._table.get(day_key(utc_day(self._now_ms()))) or {}
        return self.cap_usd - Decimal(item.get("taken", 0))

    def settle(self, day: str, reserved_usd: Decimal, spent_usd: Decimal) -> None:
        """Turn what a day has reserved into what was spent of it; the rest is free again."""
        self._table.update_once(
            day_key(day),
            "ADD #taken :freed, #reserved :released, #spent :spent",
            {"freed": spent_usd - reserved_usd, "released": -reserved_usd, "spent": spent_usd},
        )


def day_key(day: str) -> dict[str, str]:
    """Key of the item that all campaigns share on a UTC day."""
    return {"pk": keys.spend_day(day), "sk": DAY}
