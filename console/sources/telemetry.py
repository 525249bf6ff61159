"""Monitoring over AWS: alarms, metrics and logs of CloudWatch; the stack's deployments, resources, queues and bill."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from console.domain import AlarmState, ConsoleError, ProblemKind
from console.queues import DEFAULT_PEEK, QueueState, find_queue, queues_of
from console.sources.alarm_rules import NAME_CELLS, expression_of, returned_id, rule_of
from console.sources.arns import resource_of
from console.sources.bills import Bills
from console.sources.channel_rates import read_rates
from console.sources.clients import Clients
from console.sources.deployments import Deployments, functions_of
from console.sources.letters import dead_letter, peek
from console.sources.log_lines import log_line
from console.sources.queues import QueueDepths, SqsLetters
from console.sources.shapes import LONG_TEXT, alarm_of, understood
from console.telemetry import (
    AlarmChange,
    AlarmDetail,
    AlarmRule,
    Bill,
    DeadLetter,
    Deployment,
    LogPage,
    Resource,
    Series,
)
from console.text import safe_line
from lambdas.core.outputs import StackOutputs

ALARM_TYPES = ["MetricAlarm", "CompositeAlarm"]
ALARMS_PER_CALL = 100
"""The most names and alarms of one DescribeAlarms (API reference)."""
HISTORY = 100
"""Changes of an alarm that are asked for, and what one DescribeAlarmHistory gives at most (API reference)."""
RESOURCES_PER_PAGE = 100
"""The most of one GetResources (Resource Groups Tagging API reference)."""
_SUMMARY = re.compile(r"from (?P<old>ALARM|OK|INSUFFICIENT_DATA) to (?P<new>ALARM|OK|INSUFFICIENT_DATA)")
"""A `HistorySummary` of a state change, as "Alarm updated from OK to ALARM" (AlarmHistoryItem, API reference)."""
_UNQUOTABLE = re.compile(r'["\\\\]+')


class AwsTelemetry:
    """Reads the monitoring of one stack by its outputs. `now` is the epoch second, injected for tests."""

    def __init__(self, outputs: StackOutputs, clients: Clients, now: Callable[[], float] = time.time) -> None:
        self._outputs = outputs
        self._clients = clients
        self._depths = QueueDepths(clients, now)
        self._deployments = Deployments(outputs, clients)
        self._bills = None if clients.target.is_local else Bills(outputs.identity, clients, now)

    def alarm(self, name: str) -> AlarmDetail:
        """One metric or composite alarm with its last `HISTORY` changes of state."""
        answer = self._clients.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=ALARM_TYPES)
        found = [*(answer.get("MetricAlarms") or []), *(answer.get("CompositeAlarms") or [])]
        if not found:
            raise ConsoleError(
                ProblemKind.NOT_FOUND,
                f"there is no alarm {safe_line(name, 255)!r} in {self._clients.target.region}",
                "it may have gone with a deployment; the alarms' list shows those that are there",
            )
        history = self._history(name)
        return understood("an alarm", lambda raw: _detail(raw, history), found[0])

    def rules(self, names: Sequence[str]) -> dict[str, AlarmRule]:
        """Those of metric alarms; `ALARMS_PER_CALL` names a call."""
        client, found = self._clients.client("cloudwatch"), dict[str, AlarmRule]()
        for first in range(0, len(names), ALARMS_PER_CALL):
            wanted = list(names[first : first + ALARMS_PER_CALL])
            answer = client.describe_alarms(AlarmNames=wanted, AlarmTypes=["MetricAlarm"], MaxRecords=ALARMS_PER_CALL)
            for raw in answer.get("MetricAlarms") or []:
                rule = understood("an alarm", rule_of, raw)
                if rule is not None:
                    found[safe_line(raw["AlarmName"], NAME_CELLS)] = rule
        return found

    def _history(self, name: str) -> tuple[AlarmChange, ...]:
        answer = self._clients.client("cloudwatch").describe_alarm_history(
            AlarmName=name,
            AlarmTypes=ALARM_TYPES,
            HistoryItemType="StateUpdate",
            MaxRecords=HISTORY,
            ScanBy="TimestampDescending",
        )
        return tuple(understood("an alarm's history", _change, each) for each in answer.get("AlarmHistoryItems") or [])

    def series(self, rule: AlarmRule, start: float, end: float) -> Series:
        """What the alarm compares with its threshold, of a long span the last `MAX_POINTS` periods."""
        grid = rule.periods(start, end)
        if not grid:
            return Series(rule.metric, rule.period_seconds, ())
        label, values = self._values(json.loads(rule.queries), grid, end)
        return Series(label, rule.period_seconds, tuple((float(at), values.get(at // grid.step)) for at in grid))

    def _values(self, queries: list[dict[str, Any]], grid: range, end: float) -> tuple[str, dict[int, float]]:
        """Label, and values by the number of their period since the epoch."""
        request: dict[str, Any] = {
            "MetricDataQueries": queries,
            "StartTime": datetime.fromtimestamp(grid.start, UTC),
            "EndTime": datetime.fromtimestamp(end, UTC),
            "ScanBy": "TimestampAscending",
        }
        wanted, label = returned_id(queries), ""
        values: dict[int, float] = {}
        while True:
            answer = self._clients.client("cloudwatch").get_metric_data(**request)
            for result in answer.get("MetricDataResults") or []:
                if result["Id"] == wanted:
                    label = result.get("Label") or label
                    pairs = zip(result.get("Timestamps") or [], result.get("Values") or [], strict=True)
                    values |= {int(at.timestamp()) // grid.step: float(value) for at, value in pairs}
            if not answer.get("NextToken"):
                return safe_line(label, 255), values
            request["NextToken"] = answer["NextToken"]

    def rates(self, start: float, end: float) -> tuple[Series, ...]:
        """One GetMetricData for all channels that are on."""
        return read_rates(self._clients, self._outputs, start, end)

    def log_groups(self) -> tuple[str, ...]:
        """The log groups of the stack's functions, in the order of its outputs."""
        identity = self._outputs.identity
        return tuple(f"/{identity.project}/{identity.stack}/{thing}" for thing in functions_of(self._outputs).values())

    def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
        """What one FilterLogEvents gives, up to 10,000 lines or 1 MB; a page without lines may have a cursor."""
        request: dict[str, Any] = {"logGroupName": group, "startTime": int(start * 1000), "endTime": int(end * 1000)}
        if pattern := _pattern(text):
            request["filterPattern"] = pattern
        if cursor:
            request["nextToken"] = cursor
        answer = self._clients.client("logs").filter_log_events(**request)
        lines = [
            understood("a log event", lambda event: log_line(group, event), event)
            for event in answer.get("events") or []
            if text in event.get("message", "")
        ]
        return LogPage(tuple(sorted(lines, key=lambda line: line.at)), answer.get("nextToken") or None)

    def deployments(self) -> tuple[Deployment, ...]:
        """When each function got its code, and when each component's outputs changed, newest first."""
        return self._deployments.read()

    def resources(self) -> tuple[Resource, ...]:
        """All resources with the stack's tags `Project` and `Stack`."""
        identity = self._outputs.identity
        wanted = {"Project": identity.project, "Stack": identity.stack}
        request: dict[str, Any] = {
            "TagFilters": [{"Key": key, "Values": [value]} for key, value in wanted.items()],
            "ResourcesPerPage": RESOURCES_PER_PAGE,
        }
        found: list[Resource] = []
        while True:
            answer = self._clients.client("resourcegroupstaggingapi").get_resources(**request)
            for each in answer.get("ResourceTagMappingList") or []:
                found.append(
                    understood("a resource", lambda raw: resource_of(raw["ResourceARN"], raw.get("Tags") or []), each)
                )
            if not answer.get("PaginationToken"):
                return tuple(sorted(found, key=lambda each: each.arn))
            request["PaginationToken"] = answer["PaginationToken"]

    def queues(self) -> tuple[QueueState, ...]:
        """All queues of the outputs."""
        return tuple(self._depths.read(queues_of(self._outputs)))

    def letters(self, queue: str) -> tuple[DeadLetter, ...]:
        """Up to ten messages; looking at one counts as one receive more."""
        found = find_queue(self._outputs, queue)
        channels = self._outputs.messaging.rates().keys()
        return tuple(
            dead_letter(each, found, channels) for each in peek(SqsLetters(self._clients, found), DEFAULT_PEEK)
        )

    def bill(self) -> Bill | None:
        """The month's bill of the stack's account; None for the embedded cloud, which has no Cost Explorer."""
        return None if self._bills is None else self._bills.read()


def _detail(raw: Mapping[str, Any], history: tuple[AlarmChange, ...]) -> AlarmDetail:
    rule = rule_of(raw)
    return AlarmDetail(
        alarm=alarm_of(raw),
        arn=safe_line(raw["AlarmArn"], 1_600),
        rule=rule,
        expression=expression_of(raw) if rule is None else "",
        history=history,
    )


def _change(raw: Mapping[str, Any]) -> AlarmChange:
    """A change of state: the states out of the summary, the reason out of the data."""
    states = _SUMMARY.search(str(raw["HistorySummary"]))
    data = json.loads(raw.get("HistoryData") or "{}")
    new = data.get("newState") or {}
    return AlarmChange(
        at=raw["Timestamp"].timestamp(),
        old=AlarmState(states["old"]) if states else None,
        new=AlarmState(states["new"] if states else new["stateValue"]),
        reason=safe_line(new.get("stateReason") or "", LONG_TEXT),
    )


def _pattern(text: str) -> str:
    """A filter pattern for lines that hold `text`: its longest piece without quotes, as a quoted phrase.

    How quotes inside of a phrase are written differs between patterns ("Filter pattern syntax", CloudWatch Logs user
    guide), so these are left to the caller, who looks for the whole text anyway.
    """
    piece = max(_UNQUOTABLE.split(text), key=len).strip()
    return f'"{piece}"' if piece else ""
