"""A customer's rows of the delivery-tracking table, page by page: keys by the index, then the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lambdas.adapters.dynamo import Table
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core import keys
from lambdas.core.attribute_values import from_item, to_item
from lambdas.core.costs import CostRow, Cursor, Period


class RowPage(NamedTuple):
    """Rows in the order of their creation; `next` is None where nothing is left."""

    rows: Sequence[CostRow]
    next: Cursor | None


class CustomerRows:
    """Reads by `customer-index`, which holds keys only."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, customer_id: str, period: Period, *, after: Cursor | None, limit: int) -> RowPage:
        """Up to `limit` rows of a period, from `after` on; the index is eventually consistent, so the last second's
        may be missing."""
        arguments: dict[str, Any] = {
            "TableName": self._table.name,
            "IndexName": keys.CUSTOMER_INDEX,
            "KeyConditionExpression": "#customer_id = :customer AND #at BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#customer_id": "customer_id", "#at": "timestamp"},
            "ExpressionAttributeValues": to_item(
                {":customer": customer_id, ":first": period.from_ms, ":last": period.to_ms}
            ),
            "Limit": limit,
        }
        if after is not None:
            key = {"customer_id": customer_id, "timestamp": after.at_ms, "message_id": after.message_id}
            arguments["ExclusiveStartKey"] = to_item(key)
        answer = self._table.client.query(**arguments)
        found = [from_item(item)["message_id"] for item in answer["Items"]]
        last = from_item(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None
        items = self._table.batch_get(({"message_id": message_id} for message_id in found), consistent=True)
        return RowPage(
            [_row(TrackedMessage.from_item(item)) for item in items],
            Cursor(int(last["timestamp"]), str(last["message_id"])) if last else None,
        )


def _row(message: TrackedMessage) -> CostRow:
    return CostRow(message.channel, message.campaign_id, message.created_ms, message.estimate_usd, message.state)
