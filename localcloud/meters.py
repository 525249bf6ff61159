"""Counts what the stack would be billed for by use: DynamoDB units, invocations and their queue messages, log lines,
notifications, events, and requests by service."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.services import dynamodb

from localcloud.emulator import caller_name
from localcloud.invocations import Invocation
from localcloud.service_metrics import Publish

_SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_BATCH_WRITES = frozenset({"BatchWriteItem", "TransactWriteItems", "ExecuteTransaction"})
_WRITES = _SINGLE_WRITES | _BATCH_WRITES
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})
_CAPACITY = "ConsumedCapacity"
POLLED = 10
"""Messages that Lambda takes from a queue, and deletes, in one call (SQS API reference, ReceiveMessage)."""
LINE_BYTES = 26
"""What CloudWatch Logs adds to each event's bytes (PutLogEvents, API reference)."""


class Meters:
    """Running totals since the last `clear`. Used on the event loop only.

    A write whose condition fails is counted as 1 unit; a transaction counts twice (DynamoDB developer guide,
    "Read/write capacity": a failed conditional write consumes units, a transaction prepares and commits).
    """

    def __init__(self) -> None:
        self._units: Counter[tuple[str, str, str]] = Counter()
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._requests: Counter[str] = Counter()
        self._reads: Counter[str] = Counter()
        self._invocations: dict[str, Counter[str]] = {}
        self._log_bytes: Counter[str] = Counter()
        self._published = 0.0
        self._matched_events = 0.0
        self._lock = threading.Lock()
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

    def count_invocation(self, invocation: Invocation) -> None:
        """One invocation of a function, in the thread that ran it."""
        with self._lock:
            sums = self._invocations.setdefault(invocation.function_name, Counter())
            seconds = invocation.duration_ms / 1_000
            polls = -(-invocation.queue_messages // POLLED)
            for name, value in (
                ("count", 1),
                ("seconds", seconds),
                ("gb_seconds", seconds * invocation.memory_mb / 1_024),
                ("queue_messages", invocation.queue_messages),
                ("queue_polls", polls),
            ):
                sums[name] += value  # type: ignore[assignment]  # fractions too

    def count_log_events(self, group: str, _stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Lines of a log group, in the thread that logged them."""
        with self._lock:
            self._log_bytes[group] += sum(len(str(each["message"]).encode()) + LINE_BYTES for each in events)

    def counting(self, publish: Publish) -> Publish:
        """The same, with notifications and matched events counted on the way."""

        def counted(namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
            with self._lock:
                self._published += value * ((namespace, name) == ("AWS/SNS", "NumberOfMessagesPublished"))
                self._matched_events += value * ((namespace, name) == ("AWS/Events", "Invocations"))
            publish(namespace, name, dimensions, value)

        return counted

    def clear(self) -> None:
        """Start from zero."""
        with self._lock:
            self._reads.clear()
            self._invocations.clear()
            self._log_bytes.clear()
            self._published = self._matched_events = 0.0
        self._units.clear()
        self._calls.clear()
        self._requests.clear()

    def report(self) -> dict[str, Any]:
        """`write_units` by table and operation, the same with `caller` in `writes`; `read_units` by table;
        `invocations` by function; `log_bytes` by group; `published` notifications; `matched_events`; `requests` by
        service."""
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
            **self._used(),
        }

    def _used(self) -> dict[str, Any]:
        with self._lock:
            return {
                "read_units": dict(sorted(self._reads.items())),
                "invocations": {name: dict(sums) for name, sums in sorted(self._invocations.items())},
                "log_bytes": dict(sorted(self._log_bytes.items())),
                "published": self._published,
                "matched_events": self._matched_events,
            }

    def _metered(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        async def metered(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            if operation in _READS:
                answered = await handle(method, path, headers, body, query)
                if answered[0] < 300:
                    self._count_read(operation, json.loads(body), json.loads(answered[2]))
                return answered
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

    def _count_read(self, operation: str, asked: dict[str, Any], document: dict[str, Any]) -> None:
        """Units by the size of what was read, missing items as small ones; the answer's JSON is a little larger than
        the items it holds, so the count errs on the dear side."""
        wanted = asked["RequestItems"] if operation == "BatchGetItem" else {asked["TableName"]: asked}
        for table, request in wanted.items():
            rate = 1.0 if request.get("ConsistentRead") else 0.5
            if operation == "BatchGetItem":
                found = document["Responses"].get(table, [])
                units = sum(map(_blocks, found)) + len(request["Keys"]) - len(found)
            elif operation == "GetItem":
                units = _blocks(document.get("Item"))
            else:
                units = _blocks(document.get("Items"))
            with self._lock:
                self._reads[table.rpartition("/")[2]] += units * rate  # type: ignore[assignment]

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


def _blocks(read: Any) -> int:
    """Blocks of 4 KB, of which a read takes at least one (DynamoDB developer guide, "Read/write capacity")."""
    return max(1, -(-len(json.dumps(read, separators=(",", ":"))) // 4_096))
