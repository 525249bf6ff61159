"""What a month of one screen costs: an hour of each screen in virtual time over counted calls, at the console's prices.

The stack answers with plausible sizes, because DynamoDB is paid by the kilobyte: twenty campaigns, one of them open or
none, at least the alarms of a stack with all there is, a few up, messages in some of the queues, thirty sessions with
five hundred listeners each.
"""

from __future__ import annotations

import json
import math
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from console.places import Place
from console.services.budget import Budget
from console.services.monitor import Monitor
from console.services.runner import Runner
from console.sources.aws import AwsSource
from console.sources.base import CampaignApi, Connection
from console.sources.bills import QUESTIONS_A_DAY
from console.sources.clients import Clients, Target
from console.sources.fake_outputs import fake_outputs
from console.sources.records import AwsRecords
from console.sources.sessions import AwsSessions
from console.sources.telemetry import AwsTelemetry
from console.spend import METRIC_READ, PRICES, SpendMeter
from console.ui.desk import Desk
from console.ui.registry import HOME, SCREENS, screen_for
from console.ui.works import Works
from console.view.glyphs import UNICODE
from lambdas.core.keys import LISTENERS_INDEX
from lambdas.core.outputs import output_name
from tests.support.canned_dynamo import Dynamo, item
from tests.support.stopped_clock import StoppedClock

HOUR, TICK_SECONDS = 3_600.0, 0.25
HOURS_A_DAY, DAYS = 8, 22
"""A person's working hours of a month."""
SENDING_SHARE = 0.25
NAIVE_METRICS, NAIVE_SECONDS = 30, 10
START = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
CAMPAIGNS, ALARMS, RESOURCES, SESSIONS, LISTENERS = 20, 150, 120, 30, 500
LOUD_NAMES = tuple(f"alarm-{number}" for number in range(3))
ALARMS_PER_PAGE = 50
"""Where MaxRecords is not given (DescribeAlarms, CloudWatch API reference)."""
FILLED = ("receipts", "sms-work")
"""Queues that hold messages, they and their dead-letter queues."""
SUBJECTS = {
    "alarms": "alarm-0",
    "campaigns": "c-000",
    "messages": "c-000-0000001",
    "queues": "receipts",
    "sessions": "session-0",
}
READ_UNIT_BYTES = 4_096
"""An eventually consistent read of so much is half a unit (DynamoDB developer guide, "Read request unit")."""


class _AtOnce(Runner):
    """Calls are over when they have been started: virtual time has no threads."""

    def _spawn(self, run: Callable[[], None], name: str) -> None:
        run()


def _half_units(rows: list[dict[str, Any]]) -> float:
    return 0.5 * max(1, math.ceil(len(json.dumps(rows, default=str)) / READ_UNIT_BYTES))


class _Tables(Dynamo):
    """The stack's tables; the newest campaign is sending, or all are over."""

    def __init__(self, clock: StoppedClock, meter: SpendMeter, *, running: bool) -> None:
        super().__init__()
        self._clock = clock
        self._meter = meter
        for number in range(CAMPAIGNS):
            over = {} if running and not number else {"status": "completed", "done_rows": 100, "claimed_rows": 100}
            self.campaign(f"c-{number:03d}", clock.now() - HOUR * number - 60, **over)

    def query(self, **request: Any) -> dict[str, Any]:
        """Counted as a call, its items as read units."""
        self._meter.count("dynamodb:Query")
        if request.get("IndexName") == LISTENERS_INDEX:
            keys = [item(connectionId=f"connection-{number:020d}", targetLanguage="de") for number in range(LISTENERS)]
            return {"Items": keys, "ConsumedCapacity": {"CapacityUnits": _half_units(keys)}}
        answer = super().query(**request)
        return {**answer, "ConsumedCapacity": {"CapacityUnits": _half_units(answer["Items"])}}

    def batch_get_item(self, RequestItems: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A row for each key, half a unit for each."""
        self._meter.count("dynamodb:BatchGetItem")
        ((table, wanted),) = RequestItems.items()
        rows = [self._row(key) for key in wanted["Keys"]]
        units = [{"CapacityUnits": 0.5 * len(rows)}]
        return {"Responses": {table: rows}, "ConsumedCapacity": units}

    def _row(self, key: Mapping[str, Any]) -> dict[str, Any]:
        now_ms = int(self._clock.now() * 1000)
        if "sessionId" in key:
            return {**key, **_session(now_ms)}
        if "connectionId" in key:
            return {**key, **item(openedAt=now_ms, lastSeenAt=now_ms, role="listener", counted=True)}
        if "message_id" not in key:
            return {**key, **item(sent=100, cost=1)}
        return {**key, **item(customer_id="customer-1", channel="sms", status="delivered", timestamp=now_ms)}


def _session(now_ms: int) -> dict[str, Any]:
    """A session and the roster in one: each reads what it knows."""
    texts = {"status": "active", "speaker": "s", "speakerConnection": "c", "sourceLanguage": "en"}
    numbers = {"createdAt": now_ms, "changedAt": now_ms, "endsAt": now_ms // 1000, "listeners": 5, "sequence": 7}
    ids = {"SS": [f"session-{number}" for number in range(SESSIONS)]}
    return {**item(**texts, **numbers), "sessions": ids}


class _Aws:
    """botocore's clients, counted as `Clients` counts them: `client(service)` is this object for all but DynamoDB."""

    def __init__(self, clock: StoppedClock, *, running: bool) -> None:
        self.meter = SpendMeter()
        self.target = Target("us-east-1")
        self.bills = 0
        self._clock = clock
        self._tables = _Tables(clock, self.meter, running=running)

    def client(self, service: str) -> Any:
        """The client of a service."""
        return self._tables if service == "dynamodb" else self

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        """A page of the alarms, of those in one state where it is named, or the ones that are asked for."""
        self.meter.count("cloudwatch:DescribeAlarms")
        names = request.get("AlarmNames") or [f"alarm-{number}" for number in range(ALARMS)]
        found = [self._alarm(name, "ALARM" if name in LOUD_NAMES else "OK") for name in names]
        found = [each for each in found if request.get("StateValue", each["StateValue"]) == each["StateValue"]]
        start, size = int(request.get("NextToken", 0)), request.get("MaxRecords", ALARMS_PER_PAGE)
        following = {"NextToken": str(start + size)} if start + size < len(found) else {}
        return {"MetricAlarms": found[start : start + size], **following}

    def _alarm(self, name: str, state: str) -> dict[str, Any]:
        return {
            "AlarmName": name,
            "AlarmArn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}",
            "StateValue": state,
            "StateTransitionedTimestamp": datetime.fromtimestamp(START - 300, UTC),
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": "q"}],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "Threshold": 0.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }

    def describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        """No change."""
        self.meter.count("cloudwatch:DescribeAlarmHistory")
        return {"AlarmHistoryItems": []}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        """Paid by the metric."""
        self.meter.count("cloudwatch:GetMetricData")
        self.meter.count_metrics(sum("MetricStat" in each for each in request["MetricDataQueries"]))
        now = [datetime.fromtimestamp(self._clock.now(), UTC)]
        results = [{"Id": each["Id"], "Timestamps": now, "Values": [1.0]} for each in request["MetricDataQueries"]]
        return {"MetricDataResults": results}

    def filter_log_events(self, **_: Any) -> dict[str, Any]:
        """Silence; the call is free of charge."""
        self.meter.count("cloudwatch-logs:FilterLogEvents")
        return {"events": []}

    def get_resources(self, **_: Any) -> dict[str, Any]:
        """One page after the other, each a call."""
        self.meter.count("resource-groups-tagging-api:GetResources")
        found = [{"ResourceARN": f"arn:aws:sqs:us-east-1:0:q-{number}"} for number in range(RESOURCES)]
        return {"ResourceTagMappingList": found}

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        """Free of charge."""
        self.meter.count("lambda:GetFunctionConfiguration")
        return {"LastModified": datetime.fromtimestamp(START, UTC).isoformat(), "CodeSha256": "c"}

    def get_parameter_history(self, **_: Any) -> dict[str, Any]:
        """Free of charge."""
        self.meter.count("ssm:GetParameterHistory")
        return {"Parameters": []}

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:
        """One for each queue."""
        self.meter.count("sqs:GetQueueAttributes")
        filled = any(name in QueueUrl for name in FILLED)
        return {"Attributes": {"ApproximateNumberOfMessages": "3" if filled else "0"}}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        """An empty queue."""
        self.meter.count("sqs:ReceiveMessage")
        return {}

    def get_cost_and_usage(self, **_: Any) -> dict[str, Any]:
        """A cent, which is not of this hour: `month_usd` adds those of a month."""
        self.bills += 1
        return {"ResultsByTime": []}


def _connection(aws: _Aws, clock: StoppedClock) -> Connection:
    outputs = fake_outputs("dev")
    more = {
        "api_url": "https://api.example.com",
        "whatsapp_messages_per_second": "80",
        "email_messages_per_second": "14",
    }
    outputs = type(outputs).from_mapping(
        outputs.to_mapping() | {output_name(name): value for name, value in more.items()}
    )
    clients = cast(Clients, aws)
    source = AwsSource(outputs, clients, clock.now)
    telemetry = AwsTelemetry(outputs, clients, clock.now)
    return Connection(
        outputs,
        source,
        telemetry,
        AwsRecords(outputs, clients, source.campaign),
        AwsSessions(outputs, clients, clock.now),
        cast(CampaignApi, None),
    )


def _nothing(*_: Any) -> Any:
    return None


def month_usd(place: Place, *, running: bool) -> tuple[float, int]:
    """US dollars of a month with this place on the screen, and calls of an hour; no budget slows it."""
    with tempfile.TemporaryDirectory() as cache, _environment("XDG_CACHE_HOME", cache):
        return _month_usd(place, running=running)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def _month_usd(place: Place, *, running: bool) -> tuple[float, int]:
    clock = StoppedClock(START)
    aws = _Aws(clock, running=running)
    connection = _connection(aws, clock)
    runner = _AtOnce(clock=clock)
    monitor = Monitor(connection, runner=runner, clock=clock, rng=random.Random(1), budget=Budget(None, 0.0, clock))
    desk = Desk(connection, monitor, runner, clock, UNICODE, Works(), **cast(Any, dict.fromkeys(DESK_CALLS, _nothing)))
    below, screen = screen_for(desk, Place(HOME)), screen_for(desk, place)
    for spec in below.own_feeds():
        monitor.watch(spec)
    specs = [*(monitor.spec(name) for name in screen.reads), *screen.own_feeds()]
    for spec in specs:
        monitor.watch(spec)
    monitor.focus([spec.name for spec in specs])
    while clock.now() < START + HOUR:
        monitor.tick()
        clock.advance(TICK_SECONDS)
    failed = {name: feed.state.error for name, feed in monitor.feeds.items() if feed.state.error is not None}
    if failed.keys() - {f"message {place.subject}"}:
        raise RuntimeError(f"{place} cannot be priced: {failed}")
    bills = DAYS * QUESTIONS_A_DAY * PRICES["cost-explorer:GetCostAndUsage"].usd if aws.bills else 0.0
    return aws.meter.use.usd * HOURS_A_DAY * DAYS + bills, aws.meter.use.calls + aws.bills


def usual_month_usd(place: Place) -> float:
    """US dollars of a month with this place on the screen, a campaign running for `SENDING_SHARE` of the time."""
    sending, idle = (month_usd(place, running=running)[0] for running in (True, False))
    return SENDING_SHARE * sending + (1 - SENDING_SHARE) * idle


def naive_month_usd() -> float:
    """US dollars of a console that asks CloudWatch for `NAIVE_METRICS` metrics every `NAIVE_SECONDS`, all that time."""
    return HOURS_A_DAY * DAYS * HOUR / NAIVE_SECONDS * NAIVE_METRICS * METRIC_READ.usd


DESK_CALLS = ("go", "back", "say", "complain", "copy", "ask", "prompt", "lag")


def places() -> Iterator[Place]:
    """Every screen, and one subject of each that has subjects."""
    for spec in SCREENS:
        yield Place(spec.name)
        if spec.name in SUBJECTS:
            yield Place(spec.name, SUBJECTS[spec.name])
