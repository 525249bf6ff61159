"""CloudWatch's read API over the metric store: GetMetricData, GetMetricStatistics, ListMetrics.

Requests and answers are the JSON protocol's structures; timestamps are epoch seconds of wall time, which `axis` relates
to the store's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from localcloud import metric_math
from localcloud.alarm_rule import MetricQuery, query_from_api
from localcloud.metric_statistics import STATISTICS, check_statistic
from localcloud.metric_store import Axis, MetricKey, MetricStore

MAX_QUERIES = 500
"""MetricDataQueries of one GetMetricData."""
MAX_STATISTICS_POINTS = 1440
"""Data points that one GetMetricStatistics may ask for."""
SUB_MINUTE_PERIODS = (1, 5, 10, 20, 30)


class InvalidQuery(ValueError):
    """A request that CloudWatch refuses; the message is for the caller, `code` is the error's shape."""

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code = code


def get_metric_data(request: Mapping[str, Any], store: MetricStore, axis: Axis) -> dict[str, Any]:
    """The answer to GetMetricData; raises `InvalidQuery`."""
    entries = request.get("MetricDataQueries") or []
    if not 0 < len(entries) <= MAX_QUERIES:
        raise InvalidQuery(f"MetricDataQueries must have 1 to {MAX_QUERIES} entries, not {len(entries)}")
    start, end = _time_range(request)
    queries = {query.id: query for query in (_query(entry) for entry in entries)}
    if len(queries) != len(entries):
        raise InvalidQuery("The values for parameter id in MetricDataQueries are not unique.")
    context = _context(queries, store, axis, start, end)
    newest_first = request.get("ScanBy") != "TimestampAscending"
    results: list[dict[str, Any]] = []
    for entry in entries:
        query = queries[str(entry.get("Id"))]
        if query.return_data:
            label = str(entry.get("Label") or (query.key.name if query.key else query.id))
            results.extend(_result(query, label, series, newest_first) for series in _series(query, context))
    return {"MetricDataResults": results, "Messages": []}


def _query(entry: Mapping[str, Any]) -> MetricQuery:
    try:
        query = query_from_api(entry)
    except ValueError as error:
        raise InvalidQuery(str(error)) from None
    if query.key is None and not query.expression:
        raise InvalidQuery(f"Query {query.id!r} has neither MetricStat nor Expression.")
    if query.key is not None:
        _check_period(query.period)
    return query


def _check_period(period: float) -> None:
    if period not in SUB_MINUTE_PERIODS and (period < 60 or period % 60):
        raise InvalidQuery(f"Period {period:g} must be 1, 5, 10, 20, 30 or a multiple of 60.")


def _context(
    queries: Mapping[str, MetricQuery], store: MetricStore, axis: Axis, start: float, end: float
) -> metric_math.Request:
    metrics: dict[str, metric_math.Series] = {}
    for query in queries.values():
        if query.key is not None:
            points = store.points(query.key, query.statistic, start, end, query.period, unit=query.unit, axis=axis)
            metrics[query.id] = {point.start: point.value for point in points}
    period = min((query.period for query in queries.values() if query.key is not None), default=60.0)
    first = math.floor(start / period)
    needs_grid = any("FILL" in (query.expression or "") for query in queries.values())
    grid = [at * period for at in range(first, math.ceil(end / period))] if needs_grid else []
    expressions = {query.id: query.expression for query in queries.values() if query.expression}
    return metric_math.Request(metrics, expressions, grid, period)


def _series(query: MetricQuery, context: metric_math.Request) -> list[metric_math.Series]:
    if query.key is not None:
        return [context.metrics[query.id]]
    try:
        return metric_math.evaluate(str(query.expression), context)
    except metric_math.MetricMathError as error:
        raise InvalidQuery(f"Error in expression {query.id!r}: {error}") from None


def _result(query: MetricQuery, label: str, series: metric_math.Series, newest_first: bool) -> dict[str, Any]:
    times = sorted(series, reverse=newest_first)
    return {
        "Id": query.id,
        "Label": label,
        "Timestamps": [int(at) for at in times],
        "Values": [series[at] for at in times],
        "StatusCode": "Complete",
    }


def get_metric_statistics(request: Mapping[str, Any], store: MetricStore, axis: Axis) -> dict[str, Any]:
    """The answer to GetMetricStatistics; raises `InvalidQuery`."""
    start, end = _time_range(request)
    period = float(request.get("Period") or 60)
    _check_period(period)
    if (end - start) / period > MAX_STATISTICS_POINTS:
        raise InvalidQuery(
            f"You have requested up to {math.ceil((end - start) / period)} datapoints, which exceeds the limit of "
            f"{MAX_STATISTICS_POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing "
            "the time range.",
            "InvalidParameterCombination",
        )
    basic: Sequence[str] = request.get("Statistics") or []
    extended: Sequence[str] = request.get("ExtendedStatistics") or []
    if not basic and not extended:
        raise InvalidQuery("Must specify either Statistics or ExtendedStatistics", "InvalidParameterCombination")
    unknown = [name for name in basic if name not in STATISTICS]
    if unknown:
        raise InvalidQuery(f"Statistics has the unknown value {unknown[0]!r}.", "InvalidParameterValue")
    key = MetricKey.of(str(request.get("Namespace")), str(request.get("MetricName")), _dimensions(request))
    unit = request.get("Unit") or None
    shown_unit = unit or next(iter(store.units(key)), "None")
    found: dict[float, dict[str, Any]] = {}
    for name in (*basic, *extended):
        _check_statistic(name)
        for point in store.points(key, name, start, end, period, unit=unit, axis=axis):
            datapoint = found.setdefault(point.start, {"Timestamp": int(point.start), "Unit": shown_unit})
            if name in basic:
                datapoint[name] = point.value
            else:
                datapoint.setdefault("ExtendedStatistics", {})[name] = point.value
    return {"Label": key.name, "Datapoints": [found[at] for at in sorted(found)]}


def _check_statistic(name: str) -> None:
    try:
        check_statistic(name)
    except ValueError as error:
        raise InvalidQuery(str(error)) from None


def list_metrics(request: Mapping[str, Any], store: MetricStore) -> dict[str, Any]:
    """The answer to ListMetrics: every metric that has the asked dimensions among its own."""
    wanted = request.get("Dimensions") or []
    metrics = []
    for key in store.metrics():
        dimensions = dict(key.dimensions)
        if request.get("Namespace") not in (None, key.namespace) or request.get("MetricName") not in (None, key.name):
            continue
        if all(
            pair["Name"] in dimensions and pair.get("Value") in (None, "", dimensions[pair["Name"]]) for pair in wanted
        ):
            pairs = [{"Name": name, "Value": value} for name, value in key.dimensions]
            metrics.append({"Namespace": key.namespace, "MetricName": key.name, "Dimensions": pairs})
    return {"Metrics": metrics}


def _dimensions(request: Mapping[str, Any]) -> dict[str, str]:
    return {str(pair["Name"]): str(pair["Value"]) for pair in request.get("Dimensions") or ()}


def _time_range(request: Mapping[str, Any]) -> tuple[float, float]:
    start, end = _epoch(request.get("StartTime"), "StartTime"), _epoch(request.get("EndTime"), "EndTime")
    if start >= end:
        raise InvalidQuery("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _epoch(value: object, name: str) -> float:
    """Epoch seconds of a timestamp as either protocol decodes it."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            raise InvalidQuery(f"The parameter {name} is not a timestamp: {value!r}.") from None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InvalidQuery(f"The parameter {name} is required.")
    return float(value)


def with_times(value: Any, encode: Callable[[Any], Any]) -> Any:
    """An answer with every timestamp replaced by `encode` of it (CBOR tags them)."""
    if isinstance(value, list):
        return [with_times(item, encode) for item in value]
    if not isinstance(value, dict):
        return value
    answer: dict[str, Any] = {}
    for name, item in value.items():
        if name == "Timestamps":
            answer[name] = [encode(each) for each in item]
        else:
            answer[name] = encode(item) if name == "Timestamp" else with_times(item, encode)
    return answer
