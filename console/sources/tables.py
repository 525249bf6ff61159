"""Reads of DynamoDB tables, eventually consistent, with what they consumed added to the spend meter. No scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.sources.clients import Clients
from lambdas.core.attribute_values import Item, from_item, to_item

BATCH_LIMIT = 100
"""Keys of one BatchGetItem (DynamoDB API reference)."""
BATCH_ROUNDS = 4


class Tables:
    """The console's two kinds of read: a bounded query, a batch of keys."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def query(
        self,
        table: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        newest_first: bool = False,
        limit: int | None = 100,
    ) -> list[Item]:
        """Items of one partition, at most `limit`, all where it is None; follows pages until then."""
        return self.page(
            table, condition, names, values, index=index, newest_first=newest_first, limit=limit, start=None
        )[0]

    def page(
        self,
        table: str,
        condition: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        start: Item | None,
        index: str | None = None,
        newest_first: bool = False,
        limit: int | None = 100,
    ) -> tuple[list[Item], Item | None]:
        """Items of one partition from behind the key `start` on, at most `limit` (None: all), and where to go on; None
        at the end."""
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": dict(names),
            "ExpressionAttributeValues": dict(values),
            "ScanIndexForward": not newest_first,
            "ReturnConsumedCapacity": "TOTAL",
            **({"IndexName": index} if index else {}),
            **({"ExclusiveStartKey": to_item(start)} if start else {}),
        }
        items: list[Item] = []
        while True:
            if limit is not None:
                request["Limit"] = limit - len(items)
            answer = self._clients.client("dynamodb").query(**request)
            self._consumed("Query", [answer.get("ConsumedCapacity")])
            items += [from_item(item) for item in answer.get("Items", [])]
            last = answer.get("LastEvaluatedKey")
            if not last or (limit is not None and len(items) >= limit):
                return items, from_item(last) if last else None
            request["ExclusiveStartKey"] = last

    def batch_get(self, table: str, key: str, values: Sequence[str]) -> list[Item]:
        """Items by their whole key `key`, in no order; what is not there is left out."""
        return self.batch_get_keys(table, [{key: each} for each in values])

    def batch_get_keys(self, table: str, wanted: Sequence[Item]) -> list[Item]:
        """The same by keys of any number of attributes."""
        items: list[Item] = []
        for start in range(0, len(wanted), BATCH_LIMIT):
            pending: Any = {table: {"Keys": [to_item(each) for each in wanted[start : start + BATCH_LIMIT]]}}
            for _ in range(BATCH_ROUNDS):
                answer = self._clients.client("dynamodb").batch_get_item(
                    RequestItems=pending, ReturnConsumedCapacity="TOTAL"
                )
                self._consumed("BatchGetItem", answer.get("ConsumedCapacity") or [])
                items += [from_item(item) for item in answer.get("Responses", {}).get(table, [])]
                pending = answer.get("UnprocessedKeys")
                if not pending:
                    break
            else:
                raise ConsoleError(
                    ProblemKind.THROTTLED, f"{table} gave only a part of the rows", "it is busy; asked again soon"
                )
        return items

    def status(self, table: str) -> str:
        """The table's status word; ACTIVE is good."""
        answer = self._clients.client("dynamodb").describe_table(TableName=table)
        return str(answer.get("Table", {}).get("TableStatus", "unknown"))

    def _consumed(self, operation: str, capacities: Sequence[Any]) -> None:
        for capacity in capacities:
            if capacity:
                units = float(capacity.get("CapacityUnits", 0.0))
                self._clients.meter.count_read_units(units, f"dynamodb:{operation}")
