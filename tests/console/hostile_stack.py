"""A stack all of whose texts are hostile: AWS's answers, as botocore hands them in, with other texts each time.

What reads them is the product's own: `AwsSource`, `AwsTelemetry`, `AwsRecords`. Nothing can be done to this stack.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from console.domain import ConsoleError, ProblemKind
from console.services.outputs import parse_outputs
from console.sources.aws import AwsSource
from console.sources.base import CampaignApi, Connection
from console.sources.clients import Clients, Target
from console.sources.fake_outputs import fake_outputs
from console.sources.intercept import Call, intercepted
from console.sources.records import AwsRecords
from console.sources.sessions import AwsSessions
from console.sources.telemetry import AwsTelemetry
from console.spend import SpendMeter
from lambdas.core.keys import LISTENERS_INDEX, SESSION_ROSTER
from lambdas.core.outputs import output_name
from tests.support.canned_dynamo import Dynamo, item

ROWS = 36
"""Rows of a list: what a terminal of fifty lines shows at once, so that every text that is read is seen."""
CAMPAIGNS = 5
SESSIONS = 6
LANGUAGES = 8
ENVIRONMENT = "dev"


class Texts:
    """Gives one text after the other; those that `wanted` names (a JSON list of numbers) come before all others."""

    def __init__(self, texts: tuple[str, ...], wanted: Path) -> None:
        self._texts = texts
        self._wanted = wanted
        self._lock = threading.Lock()
        self._left = iter(range(0))
        self._told = ""

    def next(self) -> str:
        """The next one, round and round."""
        with self._lock:
            place = next(self._left, None)
            if place is None:
                self._left = self._again()
                place = next(self._left)
            return self._texts[place]

    def _again(self) -> Iterator[int]:
        wanted = json.loads(self._wanted.read_text()) if self._wanted.exists() else []
        return iter(wanted or range(len(self._texts)))


class HostileAws:
    """Stands for botocore's clients: `client(service)` is this object, whose methods are operations."""

    def __init__(self, texts: Texts, rows: Texts) -> None:
        self.text = texts.next
        self.meter = SpendMeter()
        self.target = Target("us-east-1", "work")
        self.dynamo = HostileTables(rows)

    def client(self, service: str) -> Any:
        """The client of a service."""
        return self.dynamo if service == "dynamodb" else self

    def require_account(self) -> None:
        """Before a write."""

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        names = request.get("AlarmNames") or [self.text() for _ in range(ROWS)]
        return {"MetricAlarms": [self._alarm(name) for name in names]}

    def _alarm(self, name: str) -> dict[str, Any]:
        return {
            "AlarmName": name,
            "AlarmArn": self.text(),
            "AlarmDescription": f"{self.text()}. severity: critical; runbook: {self.text()}",
            "StateValue": "ALARM",
            "StateReason": self.text(),
            "StateTransitionedTimestamp": datetime.now(UTC) - timedelta(minutes=5),
            "Namespace": self.text(),
            "MetricName": self.text(),
            "Dimensions": [{"Name": self.text(), "Value": self.text()}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": self.text(),
        }

    def describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        changes = [
            {
                "Timestamp": datetime.now(UTC) - timedelta(minutes=number),
                "HistorySummary": "Alarm updated from OK to ALARM",
                "HistoryData": json.dumps({"newState": {"stateValue": "ALARM", "stateReason": self.text()}}),
            }
            for number in range(10)
        ]
        return {"AlarmHistoryItems": changes}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        results = [
            {"Id": each["Id"], "Label": self.text(), "Timestamps": [datetime.now(UTC)], "Values": [3.0]}
            for each in request["MetricDataQueries"]
        ]
        return {"MetricDataResults": results}

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        now = time.time()
        events = [self._event(now, number) for number in range(4)]
        return {"events": [each for each in events if request["startTime"] <= each["timestamp"] <= request["endTime"]]}

    def _event(self, now: float, number: int) -> dict[str, Any]:
        message = self.text()
        if number == 1:
            message = json.dumps({"level": "ERROR", "event": message, self.text(): self.text()})
        moment = int(now * 1000) - 10 * number
        return {"eventId": f"{self.text()}", "timestamp": moment, "message": message, "logStreamName": self.text()}

    def get_resources(self, **_: Any) -> dict[str, Any]:
        found = [
            {
                "ResourceARN": f"arn:aws:sqs:us-east-1:0:{self.text()}",
                "Tags": [{"Key": self.text(), "Value": self.text()}],
            }
            for _ in range(ROWS)
        ]
        return {"ResourceTagMappingList": found}

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {"LastModified": datetime.now(UTC).isoformat(), "CodeSha256": self.text()}

    def get_parameter_history(self, **_: Any) -> dict[str, Any]:
        value = json.dumps({"version": self.text(), "stackVersion": self.text()})
        return {"Parameters": [{"Version": 1, "Value": value, "LastModifiedDate": datetime.now(UTC)}]}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": "3"}}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        letter = {
            "MessageId": self.text(),
            "Body": self.text(),
            "ReceiptHandle": self.text(),
            "Attributes": {"SentTimestamp": "1763726400000", "ApproximateReceiveCount": "5"},
            "MessageAttributes": {self.text(): {"StringValue": self.text(), "DataType": "String"}},
        }
        return {"Messages": [letter]}

    def change_message_visibility_batch(self, **_: Any) -> dict[str, Any]:
        return {"Successful": []}

    def get_cost_and_usage(self, **_: Any) -> dict[str, Any]:
        groups = [
            {"Keys": [self.text()], "Metrics": {"UnblendedCost": {"Amount": "1.5", "Unit": "USD"}}} for _ in range(10)
        ]
        day = datetime.now(UTC).date().isoformat()
        return {"ResultsByTime": [{"TimePeriod": {"Start": day, "End": day}, "Groups": groups}]}


class HostileTables(Dynamo):
    """The stack's tables, with campaigns that are open and rows for every id that is asked for."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._next = texts.next
        for number in range(CAMPAIGNS):
            self.campaign(self._next(), time.time() - number, status="paused")

    def query(self, **request: Any) -> dict[str, Any]:
        if request.get("IndexName") == LISTENERS_INDEX:
            found = [item(connectionId=self._next(), targetLanguage=self._next()) for _ in range(LANGUAGES)]
            return {"Items": found, "ConsumedCapacity": {"CapacityUnits": 0.5}}
        answer = super().query(**request)
        for row in answer["Items"]:
            if "status" in row:
                row.update(item(pause_reason=self._next(), pause_code=self._next(), stop_reason=self._next()))
        return answer

    def batch_get_item(self, RequestItems: dict[str, Any], **_: Any) -> dict[str, Any]:
        ((table, wanted),) = RequestItems.items()
        rows = [self._row(each) for each in wanted["Keys"][:ROWS]]
        return {"Responses": {table: rows}, "ConsumedCapacity": [{"CapacityUnits": 0.5}]}

    def _row(self, key: Mapping[str, Any]) -> dict[str, Any]:
        if "sessionId" in key:
            return self._roster() if key["sessionId"]["S"] == SESSION_ROSTER else self._session(key)
        if "connectionId" in key:
            now_ms = int(time.time() * 1000)
            return item(openedAt=now_ms, lastSeenAt=now_ms, role=self._next(), counted=False)
        if "message_id" not in key:
            return item(**{name: each["S"] for name, each in key.items()}, sent=1, cost=1)
        return item(
            message_id=self._next(),
            customer_id=self._next(),
            channel=self._next(),
            status=self._next(),
            timestamp=int(time.time() * 1000),
            error_code=self._next(),
        )

    def _roster(self) -> dict[str, Any]:
        return {"sessionId": {"S": SESSION_ROSTER}, "sessions": {"SS": [self._next() for _ in range(SESSIONS)]}}

    def _session(self, key: Mapping[str, Any]) -> dict[str, Any]:
        now_ms = int(time.time() * 1000)
        row = item(
            status=self._next(),
            speaker=self._next(),
            speakerConnection=self._next(),
            sourceLanguage=self._next(),
            createdAt=now_ms,
            changedAt=now_ms,
            endedAt=now_ms,
            endsAt=now_ms // 1000 + 60,
            listeners=3,
            sequence=7,
            reason=self._next(),
        )
        return {**row, **key}


class HostileApi:
    """The campaign API, which refuses everything with a hostile sentence; `acted` is written when anything was asked
    that would do something."""

    def __init__(self, texts: Texts, acted: Path) -> None:
        self._texts = texts
        self._acted = acted

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any) -> Any:
            if name not in ("plan", "ping", "state"):
                self._acted.write_text(name)
            raise ConsoleError(ProblemKind.UNEXPECTED, "refused")

        return refuse


class _Hook:
    """Answers what no client of botocore answers, and fails now and then with hostile words."""

    def __init__(self, texts: Texts) -> None:
        self._next = texts.next
        self._asked = 0

    def __call__(self, call: Call, proceed: Any) -> Any:
        if call.name == "records.timeline":
            return self._timeline()
        self._asked += 1
        if call.method == "spend" and self._asked % 2:
            raise RuntimeError(self._next() + self._next())
        return proceed()

    def _timeline(self) -> dict[str, Any]:
        leg = {
            "channel": self._next(),
            "status": self._next(),
            "destination": self._next(),
            "country": self._next(),
            "error_code": self._next(),
            "explanation": self._next(),
            "provider_id": self._next(),
            "message_id": self._next(),
            "flags": [self._next(), self._next()],
            "decided": {"at_ms": 1_763_726_400_500, "explanation": self._next()},
            "events": [{"status": self._next(), "at_ms": 1_763_726_400_000 + 100 * number} for number in range(4)],
        }
        about = {name: self._next() for name in ("message_id", "status", "campaign_id", "customer_id", "explanation")}
        return {**about, "legs": [leg, leg], "next": {"step": "wait", "explanation": self._next()}}


def hostile_connection(texts: Texts, rows: Texts, acted: Path) -> Connection:
    """The whole stack; `rows` are the texts of its tables."""
    values = fake_outputs(ENVIRONMENT).to_mapping()
    foreign = {name: texts.next() for name, value in values.items() if value.startswith("fake-")}
    outputs = parse_outputs(values | foreign | {output_name("api_url"): "https://127.0.0.1:9"}, "the stack")
    clients = cast(Clients, HostileAws(texts, rows))
    source = AwsSource(outputs, clients)
    connection = Connection(
        outputs,
        source,
        AwsTelemetry(outputs, clients),
        AwsRecords(outputs, clients, source.campaign),
        AwsSessions(outputs, clients),
        cast(CampaignApi, HostileApi(texts, acted)),
        clients,
    )
    return intercepted(connection, _Hook(texts))
