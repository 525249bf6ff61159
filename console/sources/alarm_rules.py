"""What an alarm watches, out of DescribeAlarms: a single metric and metric math come to the same queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from console.telemetry import AlarmRule, Comparison
from console.text import safe_line

NAME_CELLS = 255
SENTENCE_CELLS = 300
MAX_EXPRESSION = 10_240
"""Characters of a composite alarm's rule (PutCompositeAlarm, API reference)."""

Raw = Mapping[str, Any]


def rule_of(raw: Raw) -> AlarmRule | None:
    """The rule of a metric alarm; None where it has no fixed threshold (a composite alarm, an anomaly band)."""
    if "AlarmRule" in raw or raw.get("ThresholdMetricId") or raw["ComparisonOperator"] not in get_args(Comparison):
        return None
    queries = _queries(raw)
    metrics = [query["MetricStat"] for query in queries if query.get("MetricStat")]
    period = int(_returned(queries).get("Period") or min(int(metric["Period"]) for metric in metrics))
    evaluations = int(raw["EvaluationPeriods"])
    return AlarmRule(
        metric=safe_line(_sentence(queries, metrics, period), SENTENCE_CELLS),
        namespace=_words(metric["Metric"]["Namespace"] for metric in metrics),
        dimensions=_dimensions(metrics),
        threshold=float(raw["Threshold"]),
        comparison=raw["ComparisonOperator"],
        period_seconds=period,
        evaluation_periods=evaluations,
        datapoints_to_alarm=int(raw.get("DatapointsToAlarm") or evaluations),
        missing_data=safe_line(raw.get("TreatMissingData") or "missing", 40),
        queries=json.dumps(queries, separators=(",", ":")),
    )


def expression_of(raw: Raw) -> str:
    """What an alarm without a rule goes by: a composite alarm's own expression, or that of its band."""
    if "AlarmRule" in raw:
        return safe_line(raw["AlarmRule"], MAX_EXPRESSION)
    bands = [each["Expression"] for each in raw.get("Metrics") or [] if each["Id"] == raw.get("ThresholdMetricId")]
    return safe_line(" ".join([raw["ComparisonOperator"], *bands]), MAX_EXPRESSION)


def returned_id(queries: Sequence[Raw]) -> str:
    """The id of the query whose data the alarm compares."""
    return str(_returned(queries)["Id"])


def _returned(queries: Sequence[Raw]) -> Raw:
    """An alarm's metrics have exactly one that returns data (PutMetricAlarm, API reference)."""
    return next(query for query in queries if query.get("ReturnData", True))


def _queries(raw: Raw) -> list[dict[str, Any]]:
    if raw.get("Metrics"):
        return [dict(query) for query in raw["Metrics"]]
    metric = {name: raw[name] for name in ("Namespace", "MetricName", "Dimensions") if raw.get(name)}
    stat = {"Metric": metric, "Period": int(raw["Period"]), "Stat": raw.get("ExtendedStatistic") or raw["Statistic"]}
    return [{"Id": "m0", "MetricStat": stat | ({"Unit": raw["Unit"]} if raw.get("Unit") else {}), "ReturnData": True}]


def _sentence(queries: Sequence[Raw], metrics: Sequence[Raw], period: int) -> str:
    expression = _returned(queries).get("Expression")
    names = _words(metric["Metric"]["MetricName"] for metric in metrics)
    statistics = _words(metric["Stat"] for metric in metrics)
    return f"{f'{expression} of ' if expression else ''}{names}, {statistics} of {period} s"


def _dimensions(metrics: Iterable[Raw]) -> dict[str, str]:
    pairs = [pair for metric in metrics for pair in metric["Metric"].get("Dimensions") or []]
    names = dict.fromkeys(pair["Name"] for pair in pairs)
    return {
        safe_line(name, NAME_CELLS): _words(pair["Value"] for pair in pairs if pair["Name"] == name) for name in names
    }


def _words(texts: Iterable[str]) -> str:
    """Each text once, in order."""
    return safe_line(", ".join(dict.fromkeys(map(str, texts))), SENTENCE_CELLS)
