"""The dashboard for whoever runs the stack: its alarms, then each kind of resource out of the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from components.inventory import Inventory
from components.measures import Measure
from components.widgets import MAX_ALARMS, AlarmGrid, Chart, Line, Section
from lambdas.core.alarm_text import Severity


class Charted(Protocol):
    """A resource of the inventory; `thing` is its name without project and stack."""

    thing: str

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure: ...


def sections(inventory: Inventory) -> list[Section]:
    """Everything, what is wrong first."""
    return [
        Section("Alarms", list(_alarms(inventory))),
        _functions(inventory),
        _queues(inventory),
        _tables(inventory),
        _edges(inventory),
    ]


def _alarms(inventory: Inventory) -> Iterator[AlarmGrid]:
    for severity in reversed(Severity):
        arns = [known.arn for known in inventory.alarms if known.severity is severity]
        for start in range(0, len(arns), MAX_ALARMS):
            yield AlarmGrid(title=severity.value, arns=arns[start : start + MAX_ALARMS])


def _functions(inventory: Inventory) -> Section:
    functions = inventory.functions
    return Section(
        "Functions",
        [
            _chart("Invocations", "invocations", functions, "Invocations", "Sum", stacked=True),
            _chart("Errors", "failed invocations", functions, "Errors", "Sum"),
            _chart("Throttles", "refused invocations", functions, "Throttles", "Sum"),
            _chart("Duration, p95", "milliseconds", functions, "Duration", "p95", width=12),
            _chart(
                "Age of stream records", "milliseconds", inventory.stream_readers, "IteratorAge", "Maximum", width=12
            ),
        ],
    )


def _queues(inventory: Inventory) -> Section:
    queues, visible = inventory.queues, "ApproximateNumberOfMessagesVisible"
    return Section(
        "Queues",
        [
            _chart("Age of the oldest message", "seconds", queues, "ApproximateAgeOfOldestMessage", "Maximum"),
            _chart("Waiting", "messages", queues, visible, "Maximum"),
            _chart("Being worked on", "messages", queues, "ApproximateNumberOfMessagesNotVisible", "Maximum"),
            _chart("In dead-letter queues", "messages", inventory.dead_letter_queues, visible, "Maximum", width=24),
        ],
    )


def _tables(inventory: Inventory) -> Section:
    reads = [line for table in inventory.tables for line in _lines(table.thing, table.throttles("Read"))]
    writes = [line for table in inventory.tables for line in _lines(table.thing, table.throttles("Write"))]
    return Section(
        "Tables",
        [
            _chart("Write units", "units", inventory.tables, "ConsumedWriteCapacityUnits", "Sum"),
            Chart(title="Throttled reads", axis="events", lines=reads),
            Chart(title="Throttled writes", axis="events", lines=writes),
        ],
    )


def _lines(table: str, measures: Iterable[Measure]) -> Iterator[Line]:
    """The table's own line under its name, those of its indexes under theirs."""
    for measure in measures:
        index = measure.dimensions.get("GlobalSecondaryIndexName")
        yield Line(f"{table} {index}" if index else table, measure)


def _edges(inventory: Inventory) -> Section:
    latency = [
        Line(f"{api.thing} {statistic}", api.measure("Latency", statistic))
        for api in inventory.apis
        for statistic in ("p50", "p95")
    ]
    rules, topics, sockets = inventory.rules, inventory.topics, inventory.websocket_apis
    websockets = [
        _chart("WebSocket connections opened", "connections", sockets, "ConnectCount", "Sum"),
        _chart("WebSocket messages", "messages", sockets, "MessageCount", "Sum"),
        Chart(
            title="WebSocket errors",
            axis="errors",
            lines=[
                Line(f"{api.thing} {label}", api.measure(metric, "Sum"))
                for api in sockets
                for label, metric in (("refused or failed", "IntegrationError"), ("not called", "ExecutionError"))
            ],
        ),
    ]
    return Section(
        "APIs, topics and rules",
        [
            Chart(title="API latency", axis="milliseconds", lines=latency),
            *(websockets if sockets else []),
            _chart("Published to topics", "messages", topics, "NumberOfMessagesPublished", "Sum"),
            _chart("Not delivered by topics", "messages", topics, "NumberOfNotificationsFailed", "Sum"),
            _chart("Rules fired", "invocations", rules, "Invocations", "Sum"),
            _chart("Rules that could not deliver", "invocations", rules, "FailedInvocations", "Sum"),
            _chart("Events set aside", "invocations", rules, "InvocationsSentToDlq", "Sum"),
        ],
    )


def _chart(
    title: str,
    axis: str,
    resources: Iterable[Charted],
    metric: str,
    statistic: str,
    *,
    stacked: bool = False,
    width: int = 8,
) -> Chart:
    """One metric of several resources."""
    lines = [Line(resource.thing, resource.measure(metric, statistic)) for resource in resources]
    return Chart(title=title, axis=axis, lines=lines, stacked=stacked, width=width)
