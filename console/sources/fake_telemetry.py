"""Monitoring of a made-up stack: it follows from the clock and the alarms, so equal times give equal answers."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.clock import Clock
from console.domain import Alarm, AlarmState, ConsoleError, ProblemKind
from console.queues import DEFAULT_PEEK, Depth, QueueState, StackQueue, find_queue, queues_of
from console.sources.channel_rates import periods_of
from console.sources.deployments import functions_of
from console.sources.fake_letters import FakeLetterBox, FakeLetters
from console.sources.letters import dead_letter, peek
from console.sources.log_lines import log_line
from console.telemetry import (
    AlarmChange,
    AlarmDetail,
    AlarmRule,
    Bill,
    DeadLetter,
    Deployment,
    LogLine,
    LogPage,
    Resource,
    Series,
)
from lambdas.core.outputs import COMPONENTS, StackOutputs

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
LOG_STEP = 4.0
"""Seconds between two lines of one group."""
PAGE_LINES = 500
ERROR_EVERY, WARNING_EVERY = 41, 13
RULES = {
    "delivery-rate-low": AlarmRule(
        metric="DeliveryRate, Average of 60 s",
        namespace="CPaaS",
        dimensions={"Stack": "local", "Channel": "sms"},
        threshold=90.0,
        comparison="LessThanThreshold",
        period_seconds=60,
        evaluation_periods=5,
        datapoints_to_alarm=5,
        missing_data="missing",
        queries="[]",
    ),
    "dlq": AlarmRule(
        metric="ApproximateNumberOfMessagesVisible, Maximum of 60 s",
        namespace="AWS/SQS",
        dimensions={"QueueName": "fake-receipts-dead-letter-queue-url"},
        threshold=0.0,
        comparison="GreaterThanThreshold",
        period_seconds=60,
        evaluation_periods=1,
        datapoints_to_alarm=1,
        missing_data="notBreaching",
        queries="[]",
    ),
}
"""By the end of an alarm's name."""
EARLIER = ((52 * MINUTE, 41 * MINUTE, 18.0), (24 * MINUTE, 9 * MINUTE, 30.0))
"""What was sent before the stack was made up: from and until how many seconds before, messages per second."""
COMPOSITE = "stack-down"
"""How the name of a composite alarm over all others ends."""
OTHER_RULE = AlarmRule(
    metric="ThrottledMessages, Sum of 60 s",
    namespace="CPaaS",
    dimensions={"Stack": "local"},
    threshold=10.0,
    comparison="GreaterThanThreshold",
    period_seconds=60,
    evaluation_periods=3,
    datapoints_to_alarm=2,
    missing_data="notBreaching",
    queries="[]",
)


class FakeTelemetry:
    """Telemetry of a stack whose alarms `alarms` tells, and `sent` how many messages its campaigns have sent by then;
    `ask` precedes every answer and may raise."""

    def __init__(
        self,
        outputs: StackOutputs,
        clock: Clock,
        ask: Callable[[str], None],
        alarms: Callable[[], tuple[Alarm, ...]],
        sent: Callable[[float], int],
    ) -> None:
        self._outputs = outputs
        self._clock = clock
        self._ask = ask
        self._alarms = alarms
        self._sent = sent
        self._begun = clock.now()
        self._letters = FakeLetterBox(int((self._begun - 2 * HOUR) * 1000), ask)

    def alarm(self, name: str) -> AlarmDetail:
        """An alarm with its rule, which is that of its name's end, and the changes of the day before its last."""
        self._ask("cloudwatch:DescribeAlarms")
        self._ask("cloudwatch:DescribeAlarmHistory")
        for alarm in self._alarms():
            if alarm.name == name:
                identity = self._outputs.identity
                arn = f"arn:aws:cloudwatch:{identity.region}:{identity.account_id}:alarm:{name}"
                if name.endswith(COMPOSITE):
                    return AlarmDetail(alarm, arn, None, self._expression(name), self._history(alarm))
                return AlarmDetail(alarm, arn, _rule(name), "", self._history(alarm))
        raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no alarm {name!r}")

    def rules(self, names: Sequence[str]) -> dict[str, AlarmRule]:
        """By the ends of their names."""
        self._ask("cloudwatch:DescribeAlarms")
        metric_alarms = (alarm.name for alarm in self._alarms() if not alarm.name.endswith(COMPOSITE))
        return {name: _rule(name) for name in metric_alarms if name in names}

    def _expression(self, name: str) -> str:
        return " OR ".join(f'ALARM("{each.name}")' for each in self._alarms() if each.name != name)

    def series(self, rule: AlarmRule, start: float, end: float) -> Series:
        """Beyond the threshold for as long as the alarm was up, by the rule's window earlier than its changes."""
        self._ask("cloudwatch:GetMetricData")
        name = str(json.loads(rule.queries)[0]["Label"])
        history = next((self._history(alarm) for alarm in self._alarms() if alarm.name == name), ())
        points = (
            (float(at), _value(rule, name, at, _state_at(history, at + rule.window_seconds)))
            for at in rule.periods(start, end)
        )
        return Series(rule.metric, rule.period_seconds, tuple(points))

    def rates(self, start: float, end: float) -> tuple[Series, ...]:
        """What the campaigns send, and what was sent before the stack was made up; over SMS, which alone is on."""
        self._ask("cloudwatch:GetMetricData")
        grid = periods_of(start, min(end, self._clock.now()))
        return (Series("sms", grid.step, tuple((float(at), self._rate(at)) for at in grid)),)

    def _rate(self, at: int) -> float:
        """Of the minute before."""
        ago = self._begun - at
        earlier = next((rate for first, last, rate in EARLIER if last < ago <= first), 0.0)
        return round(
            earlier * (0.94 + 0.06 * _wave("sms", at)) + (self._sent(at) - self._sent(at - MINUTE)) / MINUTE, 3
        )

    def _history(self, alarm: Alarm) -> tuple[AlarmChange, ...]:
        since = self._begun if alarm.since is None else alarm.since
        states = {
            AlarmState.ALARM: [(0.0, AlarmState.ALARM), (6 * HOUR, AlarmState.OK), (6.5 * HOUR, AlarmState.ALARM)],
            AlarmState.OK: [(0.0, AlarmState.OK), (20 * MINUTE, AlarmState.ALARM)],
            AlarmState.NODATA: [(0.0, AlarmState.NODATA)],
        }[alarm.state]
        changes = [*states, (DAY, AlarmState.OK), (2 * DAY, AlarmState.NODATA)]
        return tuple(
            AlarmChange(since - ago, earlier[1], state, alarm.reason if not ago else f"Threshold: now {state.value}.")
            for (ago, state), earlier in itertools.pairwise(changes)
        )

    def log_groups(self) -> tuple[str, ...]:
        """One group for each function."""
        identity = self._outputs.identity
        return tuple(f"/{identity.project}/{identity.stack}/{thing}" for thing in functions_of(self._outputs).values())

    def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
        """A line every few seconds; the cursor is the number of the next one."""
        self._ask("cloudwatch-logs:FilterLogEvents")
        if group not in self.log_groups():
            raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no log group {group}")
        shift = zlib.crc32(group.encode()) % 4_000 / 1_000
        first = int(cursor) if cursor else int(-(-(start - shift) // LOG_STEP))
        last = int((end - shift) // LOG_STEP)
        numbers = range(first, last + 1)[:PAGE_LINES]
        lines = (self._line(group, number, number * LOG_STEP + shift) for number in numbers)
        following = str(numbers[-1] + 1) if numbers and numbers[-1] < last else None
        return LogPage(tuple(line for line in lines if text in line.message), following)

    def _line(self, group: str, number: int, at: float) -> LogLine:
        function = group.rpartition("/")[2]
        in_alarm = any(each.state is AlarmState.ALARM and each.since and at >= each.since for each in self._alarms())
        fails = number % ERROR_EVERY == 0 or (in_alarm and function == "delivery-processor" and number % 3 == 0)
        level = "ERROR" if fails else "WARNING" if number % WARNING_EVERY == 0 else "INFO"
        told: dict[str, tuple[str, dict[str, object]]] = {
            "ERROR": ("receipt_failed", {"reason": "ProvisionedThroughputExceededException", "batch": number % 10}),
            "WARNING": ("receipt_parked", {"reason": "event TEXT_BRAND_NEW of aws.sms-voice"}),
            "INFO": ("batch_done", {"messages": 1 + number % 10, "took_ms": 12 + number % 37}),
        }
        event, fields = told[level]
        document = {"level": level, "event": event, "function": function, "stack": "local", **fields}
        raw = {"eventId": f"{group}-{number}", "timestamp": int(at * 1000), "message": json.dumps(document)}
        return log_line(group, {**raw, "logStreamName": f"{function}/[$LATEST]{number // 900:08x}"})

    def deployments(self) -> tuple[Deployment, ...]:
        """Two: one shortly before the stack was made up, one a day earlier."""
        self._ask("lambda:GetFunctionConfiguration")
        code = [
            Deployment(self._begun - 2 * HOUR, f"function {thing}", f"code {zlib.crc32(thing.encode()):08x}")
            for thing in functions_of(self._outputs).values()
        ]
        release = self._outputs.identity.version
        outputs = [
            Deployment(self._begun - 2 * HOUR - ago * DAY, f"outputs of {kind.COMPONENT}", f"version {2 - ago}")
            for ago in (0, 1)
            for kind in COMPONENTS
        ]
        named = [
            replace(each, detail=f"{each.detail}, release {release}") if each.what.endswith(" stack") else each
            for each in outputs
        ]
        return tuple(sorted([*code, *named], key=lambda each: each.at, reverse=True))

    def resources(self) -> tuple[Resource, ...]:
        """The functions, queues and alarms that have names."""
        self._ask("resource-groups-tagging-api:GetResources")
        return tuple(sorted(self._resources(), key=lambda each: each.arn))

    def _resources(self) -> Iterator[Resource]:
        identity = self._outputs.identity
        tags = {"Project": identity.project, "Stack": identity.stack}
        queues = [url for queue in queues_of(self._outputs) for url in (queue.url, queue.dead_letters_url) if url]
        of_kinds = (
            ("lambda", "function", ":", list(functions_of(self._outputs))),
            ("sqs", "queue", "", queues),
            ("cloudwatch", "alarm", ":", [alarm.name for alarm in self._alarms()]),
        )
        for service, kind, colon, names in of_kinds:
            for name in names:
                place = f"{kind}{colon}" if colon else ""
                arn = f"arn:aws:{service}:{identity.region}:{identity.account_id}:{place}{name}"
                yield Resource(arn, service, kind, name, tags)

    def queues(self) -> tuple[QueueState, ...]:
        """Work that comes and goes within a minute, and the dead letters as they are."""
        self._ask("sqs:GetQueueAttributes")
        minute = int(self._clock.now() // MINUTE)
        return tuple(
            QueueState(
                queue,
                Depth(int(40 * _wave(queue.name, minute)), int(10 * _wave(queue.name, minute + 1)), 0, 3.0)
                if queue.url
                else None,
                self._set_aside(queue),
            )
            for queue in queues_of(self._outputs)
        )

    def _set_aside(self, queue: StackQueue) -> Depth:
        letters = self._letters.of(queue)
        waiting, in_flight = letters.waiting(), letters.in_flight
        oldest = self._clock.now() - self._begun + 2 * HOUR if waiting + in_flight else None
        return Depth(waiting, in_flight, 0, oldest)

    def letters_of(self, queue: StackQueue) -> FakeLetters:
        """A queue's dead letters, to be read and moved."""
        return self._letters.of(queue)

    def letters(self, queue: str) -> tuple[DeadLetter, ...]:
        """Read as those of a real queue are."""
        found = find_queue(self._outputs, queue)
        channels = self._outputs.messaging.rates().keys()
        return tuple(dead_letter(each, found, channels) for each in peek(self._letters.of(found), DEFAULT_PEEK))

    def bill(self) -> Bill | None:
        """The same for each day of the month until today; None in the environment local, as with the embedded cloud."""
        if self._outputs.identity.environment == "local":
            return None
        self._ask("cost-explorer:GetCostAndUsage")
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        days = [today.replace(day=1) + timedelta(days=day) for day in range(today.day)]
        by_service = {
            "AWS End User Messaging": 4.2,
            "AWS Lambda": 0.31,
            "Amazon DynamoDB": 0.22,
            "AmazonCloudWatch": 0.4,
        }
        daily = sum(by_service.values())
        return Bill(
            as_of=self._begun,
            scope=f"the whole account {self._outputs.identity.account_id}",
            by_day={day.isoformat(): round(daily, 6) for day in days},
            by_service={name: round(usd * len(days), 6) for name, usd in by_service.items()},
        )


def _rule(name: str) -> AlarmRule:
    """The rule of the name's end, its query labelled with the alarm's name."""
    rule = next((rule for end, rule in RULES.items() if name.endswith(end)), OTHER_RULE)
    metric_name, _, statistic = rule.metric.partition(", ")
    metric = {
        "Namespace": rule.namespace,
        "MetricName": metric_name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in rule.dimensions.items()],
    }
    stat = {"Metric": metric, "Period": rule.period_seconds, "Stat": statistic.partition(" ")[0]}
    return replace(rule, queries=json.dumps([{"Id": "m0", "Label": name, "MetricStat": stat, "ReturnData": True}]))


def _wave(name: str, number: int) -> float:
    """From 0 to 1, and always the same for the same number."""
    return zlib.crc32(f"{name} {number}".encode()) / 0xFFFFFFFF


def _state_at(history: tuple[AlarmChange, ...], at: float) -> AlarmState:
    return next((change.new for change in history if at >= change.at), AlarmState.NODATA)


def _value(rule: AlarmRule, name: str, at: int, state: AlarmState) -> float | None:
    """A datapoint on the side of the threshold where the alarm's state says that it was."""
    if state is AlarmState.NODATA:
        return None
    room = max(abs(rule.threshold) / 10, 1.0)
    above = rule.comparison.startswith("Greater") == (state is AlarmState.ALARM)
    if not above and rule.threshold == 0:
        return 0.0
    return round(rule.threshold + room * (0.2 + 3 * _wave(name, at)) * (1 if above else -1), 3)
