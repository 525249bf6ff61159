"""Whether an event matches an EventBridge pattern (EventBridge user guide, "Creating event patterns" and "Comparison
operators for use in event patterns"): every field of the pattern must match, by any of its values; where the event has
a list, any of its members may match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_ABSENT = object()


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether `event` matches; raises `ValueError` for a pattern or an operator that EventBridge does not know."""
    return all(_field_matches(wanted, event.get(name, _ABSENT)) for name, wanted in pattern.items())


def _field_matches(wanted: object, value: object) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value if isinstance(value, dict) else {})
    if not isinstance(wanted, list) or not wanted:
        raise ValueError(f"a field of a pattern is an object or a list of values, not {wanted!r}")
    members = value if isinstance(value, list) else [value]
    return any(_value_matches(each, member) for each in wanted for member in members)


def _value_matches(wanted: object, value: object) -> bool:
    if not isinstance(wanted, dict):
        return value is not _ABSENT and type(value) is type(wanted) and value == wanted
    ((operator, operand),) = wanted.items()
    if operator not in _OPERATORS:
        raise ValueError(f"{operator!r} is not an operator of event patterns known here")
    return _OPERATORS[operator](operand, value)


def _wildcard(operand: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, operand.split("*"))), re.DOTALL)


def _anything_but(operand: object, value: object) -> bool:
    if value is _ABSENT:
        return False
    refused = operand if isinstance(operand, list) else [operand]
    return not any(_value_matches(each, value) for each in refused)


_OPERATORS: Mapping[str, Callable[[Any, object], bool]] = {
    "exists": lambda operand, value: (value is not _ABSENT) == operand,
    "prefix": lambda operand, value: isinstance(value, str) and value.startswith(operand),
    "suffix": lambda operand, value: isinstance(value, str) and value.endswith(operand),
    "equals-ignore-case": lambda operand, value: isinstance(value, str) and value.lower() == operand.lower(),
    "wildcard": lambda operand, value: isinstance(value, str) and _wildcard(operand).fullmatch(value) is not None,
    "anything-but": _anything_but,
}
