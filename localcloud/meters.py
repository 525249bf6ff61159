"""Counts what the stack would be billed for: DynamoDB write units, and requests by service."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb

from localcloud.emulator import caller_name

_SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_BATCH_WRITES = frozenset({"BatchWriteItem", "TransactWriteItems", "ExecuteTransaction"})
_WRITES = _SINGLE_WRITES | _BATCH_WRITES
_CAPACITY = "ConsumedCapacity"


class Meters:
    """Running totals since the last `clear`. Used on the event loop only.

    A write whose condition fails is counted as 1 unit; a transaction counts twice (DynamoDB developer guide,
    "Read/write capacity": a failed conditional write consumes units, a transaction prepares and commits).
    """

    def __init__(self) -> None:
        self._units: Counter[tuple[str, str, str]] = Counter()
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._requests: Counter[str] = Counter()
        self._observers: list[Callable[[str, float], None]] = []

    def install(self) -> None:
        """Measure every DynamoDB request after its authorization."""
        dynamodb.handle_request = self._metered(dynamodb.handle_request)

    def subscribe(self, observer: Callable[[str, float], None]) -> None:
        """Call `observer` with table and units after every write."""
        self._observers.append(observer)

    def count_request(self, service: str) -> None:
        """One request to a service, by signing name."""
        self._requests[service] += 1

    def clear(self) -> None:
        """Start from zero."""
        self._units.clear()
        self._calls.clear()
        self._requests.clear()

    def report(self) -> dict[str, Any]:
        """`write_units` by table and operation, the same with `caller` in `writes`, and `requests` by service."""
        units: dict[str, Counter[str]] = {}
        for (table, operation, _), amount in self._units.items():
            units.setdefault(table, Counter())[operation] += amount
        writes = [
            {"table": table, "operation": operation, "caller": caller, "calls": self._calls[key], "units": amount}
            for key, amount in sorted(self._units.items())
            for table, operation, caller in [key]
        ]
        return {
            "write_units": {table: dict(by_operation) for table, by_operation in sorted(units.items())},
            "total_write_units": sum(self._units.values()),
            "writes": writes,
            "requests": dict(sorted(self._requests.items())),
        }

    def _metered(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        async def metered(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            if operation not in _WRITES:
                return await handle(method, path, headers, body, query)
            try:
                asked = json.loads(body)
            except ValueError:
                return await handle(method, path, headers, body, query)
            wants = asked.get("ReturnConsumedCapacity", "NONE")
            if wants in ("NONE", "INDEXES"):
                body = json.dumps({**asked, "ReturnConsumedCapacity": "INDEXES"}).encode()
            status, answer_headers, answer = await handle(method, path, headers, body, query)
            document = json.loads(answer)
            self._count(operation, asked, status, document)
            if wants != "NONE" or _CAPACITY not in document:
                return status, answer_headers, answer
            del document[_CAPACITY]
            answer_headers.pop("x-amz-crc32", None)
            return status, answer_headers, json.dumps(document).encode()

        return metered

    def _count(self, operation: str, asked: dict[str, Any], status: int, document: dict[str, Any]) -> None:
        caller = caller_name()
        if status < 300:
            found = document.get(_CAPACITY) or []
            for each in found if isinstance(found, list) else [found]:
                self._add(each["TableName"], operation, caller, float(each["CapacityUnits"]))
            return
        error = str(document.get("__type", "")).rpartition("#")[2]
        if error == "ConditionalCheckFailedException":
            self._add(asked["TableName"], operation, caller, 1.0)
        elif error == "TransactionCanceledException":
            for item in asked.get("TransactItems", []):
                (request,) = item.values()
                self._add(request["TableName"], operation, caller, 2.0)

    def _add(self, table: str, operation: str, caller: str, units: float) -> None:
        name = table.rpartition("/")[2]
        key = (name, operation, caller)
        self._units[key] += units  # type: ignore[assignment]  # a Counter counts what is added, fractions too
        self._calls[key] += 1
        for observer in self._observers:
            observer(name, units)
