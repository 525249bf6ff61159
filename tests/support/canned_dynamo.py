"""The stack's two tables as canned clients answer them, for the console's sources."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from console.sources.clients import Target
from console.spend import SpendMeter
from lambdas.core import keys

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def attribute(value: object) -> dict[str, Any]:
    """A Python value as DynamoDB sends it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float, Decimal)):
        return {"N": str(value)}
    if isinstance(value, dict):
        return {"M": {name: attribute(each) for name, each in value.items()}}
    return {"S": str(value)}


def item(**values: object) -> dict[str, Any]:
    return {name: attribute(value) for name, value in values.items()}


def _key(row: dict[str, Any]) -> dict[str, Any]:
    names = ("pk", "sk", "listing", "created_at") if "pk" in row else ("message_id", "customer_id", "timestamp")
    return {name: row[name] for name in names if name in row}


class Dynamo:
    """Two tables in memory that answer Query and BatchGetItem as the real ones do, in pages of `page`."""

    def __init__(self, page: int = 1000) -> None:
        self.items: list[dict[str, Any]] = []
        self.tracking: dict[str, dict[str, Any]] = {}
        self.queries: list[dict[str, Any]] = []
        self.page = page
        self.unprocessed = 0

    def query(self, **request: Any) -> dict[str, Any]:
        self.queries.append(request)
        values = request["ExpressionAttributeValues"]
        if request.get("IndexName") == keys.CREATED_INDEX:
            since = int(values.get(":since", {"N": "0"})["N"])
            found = [i for i in self.items if i.get("listing") and int(i["created_at"]["N"]) >= since]
            found.sort(key=lambda i: int(i["created_at"]["N"]), reverse=not request["ScanIndexForward"])
        elif request.get("IndexName") == keys.CUSTOMER_INDEX:
            found = [row for row in self.tracking.values() if row["customer_id"] == values[":customer"]]
            found.sort(key=lambda row: int(row["timestamp"]["N"]), reverse=not request["ScanIndexForward"])
        else:
            low = values[":counts"]["S"]
            high = values[":meta"]["S"] if ":meta" in values else low + "\uffff"
            found = [i for i in self.items if i["pk"] == values[":pk"] and low <= i["sk"]["S"] <= high]
        start = self._behind(found, request.get("ExclusiveStartKey"))
        size = min(self.page, request.get("Limit", self.page))
        answer: dict[str, Any] = {
            "Items": found[start : start + size],
            "ConsumedCapacity": {"CapacityUnits": 0.5},
        }
        if start + size < len(found):
            answer["LastEvaluatedKey"] = _key(found[start + size - 1])
        return answer

    @staticmethod
    def _behind(found: list[dict[str, Any]], last: dict[str, Any] | None) -> int:
        return 0 if last is None else 1 + next(place for place, each in enumerate(found) if _key(each) == last)

    def batch_get_item(self, RequestItems: dict[str, Any], **_: Any) -> dict[str, Any]:
        ((table, wanted),) = RequestItems.items()
        assert len(wanted["Keys"]) <= 100
        if any("pk" in key for key in wanted["Keys"]):
            found = [i for i in self.items if {"pk": i["pk"], "sk": i["sk"]} in wanted["Keys"]]
            return {"Responses": {table: found}, "ConsumedCapacity": [{"CapacityUnits": 0.5 * len(found)}]}
        ids = [key["message_id"]["S"] for key in wanted["Keys"]]
        left = ids[:1] if self.unprocessed else []
        self.unprocessed -= bool(self.unprocessed)
        return {
            "Responses": {table: [self.tracking[each] for each in ids if each in self.tracking and each not in left]},
            "UnprocessedKeys": {table: {"Keys": [{"message_id": {"S": each}} for each in left]}} if left else {},
            "ConsumedCapacity": [{"CapacityUnits": 0.5}],
        }

    def campaign(self, campaign_id: str, created: float = NOW, **changes: object) -> None:
        meta: dict[str, object] = {
            "pk": keys.campaign(campaign_id),
            "sk": keys.META,
            "listing": keys.ALL_CAMPAIGNS,
            "created_at": int(created * 1000),
            "status": "running",
            "version": 1,
            "tps": 50,
            "rows": 100,
            "claimed_rows": 60,
            "lanes": {"sms": {"first": 0, "end": 100, "price": Decimal("0.00881")}},
            "next_sms": 60,
            "done_rows": 50,
            "reserved": Decimal("0.1"),
            "cap": 5,
        }
        self.items.append(item(**meta | changes))
        self.items.append(item(pk=keys.campaign(campaign_id), sk="CHUNK#0000000", cursor=3))
        self.items.append(
            item(pk=keys.campaign(campaign_id), sk="COUNT#sms", sent=55, delivered=40, failed=2, cost=Decimal("0.48"))
        )

    def day(self, day: str, cost: str) -> None:
        self.items.append(item(pk=keys.spend_day(day), sk="COUNT#sms", sent=1, cost=Decimal(cost)))


class Clients:
    """Stands for `console.sources.clients.Clients` with canned clients."""

    def __init__(self, **clients: object) -> None:
        self._clients = clients
        self.meter = SpendMeter()
        self.target = Target("us-east-1", endpoint_url="http://127.0.0.1:1")

    def client(self, service: str) -> Any:
        return self._clients[service]
