"""CloudWatch's rules for a dashboard body, as far as this product uses it.

Source: CloudWatch API reference, "Dashboard body structure and syntax"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html), and
PutDashboard. What the rules do not know is a problem too: CloudWatch drops unknown properties in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_WIDGETS = 500
MAX_METRICS = 500
MAX_BYTES = 1024 * 1024
COLUMNS = 24
TALLEST = 1000

_TOP = {"start", "end", "periodOverride", "widgets"}
_WIDGET = {"type", "x", "y", "width", "height", "properties"}
_PROPERTIES = {
    "metric": {
        *("metrics", "title", "region", "stat", "period", "view", "stacked", "yAxis", "annotations", "legend"),
        "setPeriodToTimeRange",
    },
    "text": {"markdown", "background"},
    "alarm": {"alarms", "title", "sortBy", "states"},
}
_REQUIRED = {"metric": {"metrics", "region"}, "text": {"markdown"}, "alarm": {"alarms"}}
_VIEWS = {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
_AXIS = {"label", "min", "max", "showUnits"}
_RENDERING = {"color", "label", "period", "stat", "visible", "yAxis", "id", "region"}
_HORIZONTAL = {"label", "value", "color", "fill", "visible", "yAxis"}
_STAT = re.compile(r"SampleCount|Average|Sum|Minimum|Maximum|p(100|\d{1,2}(\.\d{1,10})?)")


@dataclass(frozen=True)
class Charted:
    """A metric that a widget draws, with its dimensions as pairs of name and value."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def metrics_of(body: str) -> list[Charted]:
    """Every metric of a valid body."""
    found = []
    for widget in json.loads(body)["widgets"]:
        for entry in widget["properties"].get("metrics", []):
            words = [word for word in entry if isinstance(word, str)]
            found.append(Charted(words[0], words[1], frozenset(zip(words[2::2], words[3::2], strict=True))))
    return found


def problems(body: str) -> list[str]:
    """What CloudWatch would refuse, drop or draw over something else."""
    if len(body.encode()) > MAX_BYTES:
        return [f"the body has {len(body.encode())} bytes"]
    document = json.loads(body)
    found = [f"unknown top-level property {name}" for name in document.keys() - _TOP]
    if not re.fullmatch(r"-P(\d+[DW]|T\d+[HM])", document.get("start", "-PT3H")):
        found.append(f"start {document['start']!r} is no relative time")
    if document.get("periodOverride", "auto") not in ("auto", "inherit"):
        found.append(f"periodOverride is {document['periodOverride']!r}")
    widgets = document["widgets"]
    if len(widgets) > MAX_WIDGETS:
        found.append(f"{len(widgets)} widgets")
    for index, widget in enumerate(widgets):
        found += [f"widget {index}: {problem}" for problem in (*_placing(widget), *_content(widget))]
    return found + list(_overlaps(widgets))


def _placing(widget: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unknown property {name}" for name in widget.keys() - _WIDGET)
    x, y, width, height = (widget[name] for name in ("x", "y", "width", "height"))
    if not all(isinstance(value, int) for value in (x, y, width, height)):
        yield "a place is not a whole number"
    if not (x >= 0 and width >= 1 and x + width <= COLUMNS):
        yield f"columns {x} to {x + width} are outside of the grid"
    if not (y >= 0 and 1 <= height <= TALLEST):
        yield f"{height} rows from {y} on"


def _content(widget: Mapping[str, Any]) -> Iterator[str]:
    kind, properties = widget["type"], widget["properties"]
    if kind not in _PROPERTIES:
        yield f"type {kind!r}"
        return
    yield from (f"unknown {kind} property {name}" for name in properties.keys() - _PROPERTIES[kind])
    yield from (f"{kind} without {name}" for name in _REQUIRED[kind] - properties.keys())
    if kind == "metric":
        yield from _metric(properties)
    elif kind == "alarm":
        arns = properties["alarms"]
        if not 1 <= len(arns) <= 100:
            yield f"{len(arns)} alarms"
        yield from (f"{arn!r} is no alarm" for arn in arns if not re.fullmatch(r"arn:aws:cloudwatch:.+:alarm:.+", arn))
        if properties.get("sortBy", "default") not in ("default", "stateUpdatedTimestamp", "timestamp"):
            yield f"sortBy {properties['sortBy']!r}"
    elif not isinstance(properties["markdown"], str):
        yield "markdown is not text"


def _metric(properties: Mapping[str, Any]) -> Iterator[str]:
    if properties.get("view", "timeSeries") not in _VIEWS:
        yield f"view {properties['view']!r}"
    if properties.get("setPeriodToTimeRange") and properties.get("view") == "timeSeries":
        yield "setPeriodToTimeRange is for single values"
    yield from _period(properties.get("period", 300))
    for side, axis in properties.get("yAxis", {}).items():
        if side not in ("left", "right") or axis.keys() - _AXIS:
            yield f"yAxis {side}: {axis}"
    annotations = properties.get("annotations", {})
    yield from (f"annotations {name}" for name in annotations.keys() - {"horizontal", "vertical", "alarms"})
    for line in annotations.get("horizontal", []):
        if line.keys() - _HORIZONTAL or not isinstance(line.get("value"), int | float):
            yield f"horizontal annotation {line}"
    if not 1 <= len(properties["metrics"]) <= MAX_METRICS:
        yield f"{len(properties['metrics'])} metrics"
    for entry in properties["metrics"]:
        yield from _entry(entry)


def _entry(entry: list[Any]) -> Iterator[str]:
    *words, rendering = entry if isinstance(entry[-1], dict) else [*entry, {}]
    if not all(isinstance(word, str) and word for word in words):
        yield f"{entry}: an entry names namespace, metric, dimensions"
    elif any(word.startswith(".") for word in words):
        yield f"{entry}: written with abbreviations"
    if len(words) < 2 or len(words) % 2:
        yield f"{entry}: dimensions come as pairs"
    if "expression" in rendering:
        yield f"{entry}: an expression hides what nobody publishes"
    yield from (f"{entry}: unknown rendering {name}" for name in rendering.keys() - _RENDERING)
    if not _STAT.fullmatch(rendering.get("stat", "Average")):
        yield f"{entry}: statistic {rendering['stat']!r}"
    yield from _period(rendering.get("period", 300))


def _period(period: Any) -> Iterator[str]:
    if not isinstance(period, int) or (period not in (1, 5, 10, 30) and (period < 60 or period % 60)):
        yield f"period {period!r}"


def _overlaps(widgets: list[dict[str, Any]]) -> Iterator[str]:
    taken: dict[tuple[int, int], int] = {}
    for index, widget in enumerate(widgets):
        for x in range(widget["x"], widget["x"] + widget["width"]):
            for y in range(widget["y"], widget["y"] + widget["height"]):
                if taken.setdefault((x, y), index) != index:
                    yield f"widget {index} lies on widget {taken[x, y]}"
                    return
