"""The tables and metrics of sessions as canned clients answer them, for the console's source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from console.sources.clients import Target
from console.spend import SpendMeter
from lambdas.core.attribute_values import to_item
from lambdas.core.session import Role, SessionStatus

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC).timestamp()
NOW_MS = int(NOW * 1000)


class CannedSessions:
    """Stands for `console.sources.clients.Clients` and for every client: two tables, two functions, some metrics.

    `asked` holds what was asked: the operation and its request.
    """

    def __init__(self, page: int = 1_000) -> None:
        self.meter = SpendMeter()
        self.target = Target("us-east-1", endpoint_url="http://127.0.0.1:1")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.roster: dict[str, set[str]] = {}
        self.environment: dict[str, str] = {"MAX_ACTIVE_SESSIONS": "100", "MAX_LISTENERS": "500"}
        self.metrics: dict[tuple[str, str, str], dict[float, float]] = {}
        self._page = page

    def client(self, service: str) -> CannedSessions:
        return self

    def session(self, session_id: str, listed: str = "sessions", **changes: Any) -> None:
        """One session and its place in the roster."""
        row = {
            "sessionId": session_id,
            "status": SessionStatus.ACTIVE.value,
            "speaker": f"speaker of {session_id}",
            "speakerConnection": f"connection of {session_id}",
            "sourceLanguage": "en",
            "createdAt": NOW_MS - 600_000,
            "changedAt": NOW_MS - 30_000,
            "endsAt": int(NOW) + 3_600,
            "listeners": 3,
            "sequence": 7,
        }
        self.sessions[session_id] = row | changes
        self.roster.setdefault(listed, set()).add(session_id)

    def listener(self, session_id: str, language: str, minutes: float, **changes: Any) -> None:
        """One connection that was opened so many minutes ago."""
        connection_id = f"connection-{len(self.connections)}"
        row = {
            "connectionId": connection_id,
            "sessionId": session_id,
            "targetLanguage": language,
            "role": Role.LISTENER.value,
            "openedAt": NOW_MS - int(minutes * 60_000),
            "lastSeenAt": NOW_MS - 60_000,
            "counted": True,
        }
        self.connections[connection_id] = row | changes

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("BatchGetItem", request))
        ((table, wanted),) = request["RequestItems"].items()
        assert len(wanted["Keys"]) <= 100
        found = []
        for key in wanted["Keys"]:
            ((name, value),) = key.items()
            rows = self.connections if name == "connectionId" else self.sessions
            if value["S"] == "ACTIVE" and self.roster:
                found.append(to_item({"sessionId": "ACTIVE", **self.roster}))
            elif value["S"] in rows:
                found.append(to_item(rows[value["S"]]))
        capacity = [{"CapacityUnits": 0.5 * len(wanted["Keys"])}]
        return {"Responses": {table: found}, "ConsumedCapacity": capacity}

    def query(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("Query", request))
        session_id = request["ExpressionAttributeValues"][":session"]["S"]
        names = ("connectionId", "sessionId", "targetLanguage")
        rows = [row for row in self.connections.values() if row["sessionId"] == session_id and row["targetLanguage"]]
        keys = [to_item({name: row[name] for name in names}) for row in rows]
        last = request.get("ExclusiveStartKey")
        start = 0 if last is None else keys.index(last) + 1
        size = min(self._page, request["Limit"])
        answer: dict[str, Any] = {"Items": keys[start : start + size], "ConsumedCapacity": {"CapacityUnits": 0.5}}
        if start + size < len(keys):
            answer["LastEvaluatedKey"] = keys[start + size - 1]
        return answer

    def get_function_configuration(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetFunctionConfiguration", request))
        return {"Environment": {"Variables": dict(self.environment)}}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("GetMetricData", request))
        results = []
        for each in request["MetricDataQueries"]:
            metric, stat = each["MetricStat"]["Metric"], each["MetricStat"]["Stat"]
            own = [pair["Value"] for pair in metric["Dimensions"] if pair["Name"] != "Stack"]
            values = self.metrics.get(
                (metric["MetricName"], stat, *own[:1]) if own else (metric["MetricName"], stat, "")
            )
            points = sorted((values or {}).items())
            results.append(
                {
                    "Id": each["Id"],
                    "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
                    "Values": [value for _, value in points],
                }
            )
        return {"MetricDataResults": results}
