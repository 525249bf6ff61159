"""Adding a batch of differences to COUNT items, once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.counting import CounterDelta, CounterKey

MARKER_TTL_SECONDS = 3 * 86_400
"""Longer than a stream keeps a record (24 h)."""
MAX_TRANSACTION_ITEMS = 100
COUNTRY_PREFIX = "sent_to_"
"""Of a day's attributes that count messages by country."""


def counter_key(key: CounterKey) -> dict[str, str]:
    """Key of a campaign's or a day's COUNT item."""
    partition = keys.campaign(key.campaign_id) if key.campaign_id else keys.spend_day(key.day)
    return {"pk": partition, "sk": keys.count(key.channel)}


class Counters:
    """COUNT items of the campaigns table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, deltas: Mapping[CounterKey, CounterDelta], marker: str, now_s: int) -> bool:
        """Add all differences and the batch's marker in one transaction; False if the batch was counted before."""
        updates = [self._update(key, delta) for key, delta in sorted(deltas.items(), key=lambda item: str(item[0]))]
        fresh = False
        for number, group in enumerate(_groups(updates, MAX_TRANSACTION_ITEMS - 1)):
            fresh |= self._transact(group, f"{marker}-{number}", now_s)
        return fresh

    def _transact(self, updates: list[dict[str, Any]], marker: str, now_s: int) -> bool:
        put = {
            "TableName": self._table.name,
            "Item": {
                "pk": {"S": f"BATCH#{marker}"},
                "sk": {"S": "MARKER"},
                "ttl": {"N": str(now_s + MARKER_TTL_SECONDS)},
            },
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
        }
        try:
            self._table.transact([{"Put": put}, *({"Update": update} for update in updates)])
        except ConditionFailed:
            return False
        return True

    def _update(self, key: CounterKey, delta: CounterDelta) -> dict[str, Any]:
        counts = delta.counts
        values: dict[str, int | Decimal] = {
            "sent": counts.sent,
            "delivered": counts.delivered,
            "failed": counts.failed,
            "refused": counts.refused,
            "unwanted": counts.unwanted,
            "passed_on": counts.passed_on,
            "in_doubt": counts.in_doubt,
            "delivery_ms_sum": counts.delivery_ms_sum,
            "cost": counts.cost_usd,
        }
        values |= {f"{COUNTRY_PREFIX}{country}": sent for country, sent in sorted(delta.countries.items())}
        expression = "ADD " + ", ".join(f"#{name} :{name}" for name in values)
        sets = []
        if delta.first_sent_ms is not None and delta.last_sent_ms is not None:
            sets += ["#first_sent_ms = if_not_exists(#first_sent_ms, :first_sent_ms)", "#last_sent_ms = :last_sent_ms"]
            values |= {"first_sent_ms": delta.first_sent_ms, "last_sent_ms": delta.last_sent_ms}
        if delta.expires_at_s is not None:
            sets.append("#ttl = :ttl")
            values["ttl"] = delta.expires_at_s
        if sets:
            expression += f" SET {', '.join(sets)}"
        return self._table.update_arguments(counter_key(key), expression, values)


def _groups(updates: list[dict[str, Any]], size: int) -> list[list[dict[str, Any]]]:
    return [updates[start : start + size] for start in range(0, len(updates), size)]
