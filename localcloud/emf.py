"""The embedded metric format: metric data out of a log line, as CloudWatch Logs extracts them.

Source of every rule: "Specification: Embedded metric format" in CloudWatch's user guide.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

MAX_METRICS_PER_DIRECTIVE = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30
MAX_DIMENSION_VALUE = 1024
MAX_NAME = 1024
MAX_EVENT_BYTES = 256 * 1024

_SIZES = [prefix + size for prefix in ("Kilo", "Mega", "Giga", "Tera") for size in ("bytes", "bits")]
_SIZES += ["Bytes", "Bits"]
UNITS = frozenset(
    ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"]
    + _SIZES
    + [f"{size}/Second" for size in _SIZES]
)


@dataclass(frozen=True, slots=True)
class EmbeddedDatum:
    """The values of one metric under one exact dimension set; `timestamp_ms` is since the epoch."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    values: tuple[float, ...]
    timestamp_ms: float


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a line yields: `errors` has one sentence per part that the format forbids; a plain line has neither."""

    data: tuple[EmbeddedDatum, ...] = ()
    errors: tuple[str, ...] = ()


_NOTHING = Extraction()


class _Invalid(ValueError):
    pass


def extract(message: str) -> Extraction:
    """The metric data of one log line.

    A runtime may put its own words before the document (time, request id), never after it. A wrong directive costs its
    own metrics, a wrong metric costs itself; the rest of the line counts. Lines that do not name `_aws` are plain.
    """
    if '"_aws"' not in message:
        return _NOTHING
    try:
        document = _document(message)
        if document is None:
            return _NOTHING
        timestamp, directives = _metadata(document["_aws"])
    except _Invalid as error:
        return Extraction(errors=(str(error),))
    data: list[EmbeddedDatum] = []
    errors: list[str] = []
    for directive in directives:
        try:
            _read_directive(directive, document, timestamp, data, errors)
        except _Invalid as error:
            errors.append(str(error))
    return Extraction(tuple(data), tuple(errors))


def _document(message: str) -> dict[str, Any] | None:
    if len(message.encode("utf-8", "surrogatepass")) > MAX_EVENT_BYTES:
        raise _Invalid(f"the line is longer than {MAX_EVENT_BYTES} bytes")
    try:
        document = json.loads(message[max(message.find("{"), 0) :])
    except (ValueError, RecursionError) as error:
        raise _Invalid(f"the line names _aws but is not one JSON object: {error}") from None
    if not isinstance(document, dict) or "_aws" not in document:
        return None
    return document


def _metadata(metadata: object) -> tuple[float, list[object]]:
    if not isinstance(metadata, dict):
        raise _Invalid("_aws is not an object")
    timestamp, directives = metadata.get("Timestamp"), metadata.get("CloudWatchMetrics")
    if not _is_number(timestamp) or timestamp < 0:
        raise _Invalid("_aws.Timestamp is not a number of milliseconds")
    if not isinstance(directives, list):
        raise _Invalid("_aws.CloudWatchMetrics is not an array")
    return float(timestamp), directives


def _read_directive(
    directive: object,
    document: Mapping[str, Any],
    timestamp: float,
    data: list[EmbeddedDatum],
    errors: list[str],
) -> None:
    if not isinstance(directive, dict):
        raise _Invalid("a metric directive is not an object")
    namespace = _name(directive.get("Namespace"), "Namespace")
    definitions = directive.get("Metrics")
    if not isinstance(definitions, list) or len(definitions) > MAX_METRICS_PER_DIRECTIVE:
        raise _Invalid(f"Metrics of {namespace} is not an array of up to {MAX_METRICS_PER_DIRECTIVE} definitions")
    dimension_sets = _dimension_sets(directive.get("Dimensions"), document)
    for definition in definitions:
        try:
            name, unit, values = _metric(definition, document)
        except _Invalid as error:
            errors.append(str(error))
            continue
        data.extend(EmbeddedDatum(namespace, name, names, unit, values, timestamp) for names in dimension_sets)


def _dimension_sets(sets: object, document: Mapping[str, Any]) -> list[tuple[tuple[str, str], ...]]:
    if not isinstance(sets, list) or not sets:
        raise _Invalid("Dimensions is not an array of dimension sets")
    resolved = []
    for names in sets:
        if not isinstance(names, list) or len(names) > MAX_DIMENSIONS:
            raise _Invalid(f"a dimension set is not an array of up to {MAX_DIMENSIONS} names")
        pairs: dict[str, str] = {}
        for name in names:
            value = document.get(_name(name, "dimension"))
            if not isinstance(value, str) or not 0 < len(value) <= MAX_DIMENSION_VALUE:
                raise _Invalid(f"dimension {name} is not a string of 1 to {MAX_DIMENSION_VALUE} characters")
            pairs[name] = value
        resolved.append(tuple(sorted(pairs.items())))
    return list(dict.fromkeys(resolved))


def _metric(definition: object, document: Mapping[str, Any]) -> tuple[str, str, tuple[float, ...]]:
    if not isinstance(definition, dict):
        raise _Invalid("a metric definition is not an object")
    name = _name(definition.get("Name"), "metric")
    unit = definition.get("Unit", "None")
    if not isinstance(unit, str) or unit not in UNITS:
        raise _Invalid(f"metric {name} has the unknown unit {unit!r}")
    target = document.get(name)
    candidates = target if isinstance(target, list) else [target]
    values = tuple(float(value) for value in candidates if _is_number(value))
    if not 0 < len(candidates) <= MAX_VALUES or len(values) != len(candidates):
        raise _Invalid(f"metric {name} is not a number or an array of up to {MAX_VALUES} numbers")
    return name, unit, values


def _name(name: object, what: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise _Invalid(f"a {what} name is not a string of 1 to {MAX_NAME} characters")
    return name


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
