"""Metrics of this product out of CloudWatch: what is asked of GetMetricData, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from console.sources.clients import Clients
from lambdas.core.metrics import NAMESPACE, STACK, Metric

MINUTE = 60

Values = Mapping[int, float]
"""By the start of its period (epoch seconds)."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statistic of one metric by `period` seconds; `own` is the metric's own dimension."""

    id: str
    metric: Metric
    statistic: str
    period: int
    own: tuple[str, str] | None = None

    def document(self, stack: str) -> dict[str, Any]:
        """As GetMetricData takes it."""
        pairs = ((STACK, stack), *((self.own,) if self.own else ()))
        metric = {
            "Namespace": NAMESPACE,
            "MetricName": self.metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
        }
        stat = {"Metric": metric, "Period": self.period, "Stat": self.statistic}
        return {"Id": self.id, "MetricStat": stat, "ReturnData": True}


def read(clients: Clients, queries: Iterable[Query], stack: str, start: float, end: float) -> dict[str, Values]:
    """The values of each query between two epoch seconds; all pages of the answer."""
    asked = {query.id: query for query in queries}
    request: dict[str, Any] = {
        "MetricDataQueries": [query.document(stack) for query in asked.values()],
        "StartTime": datetime.fromtimestamp(start, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
        "ScanBy": "TimestampAscending",
    }
    values: dict[str, dict[int, float]] = {name: {} for name in asked}
    while True:
        answer = clients.client("cloudwatch").get_metric_data(**request)
        for result in answer.get("MetricDataResults") or []:
            pairs = zip(result.get("Timestamps") or [], result.get("Values") or [], strict=True)
            values[result["Id"]] |= {int(at.timestamp()): float(value) for at, value in pairs}
        if not answer.get("NextToken"):
            return dict(values)
        request["NextToken"] = answer["NextToken"]
