"""A preview document read: what `python -m localcloud.preview` answers, checked and made safe to show.

A document may come from a pull request that nobody has reviewed, so every text is made harmless here, and whatever
does not have the expected form is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

SCHEMA = 1
MAX_ITEMS = 5_000
"""Longest list that is read: far more than any program has resources."""

MAX_TEXT = 600

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Property:
    """One changed property; empty texts where there was or is no value."""

    path: str
    before: str
    after: str
    replaces: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that is `added`, `changed` or `removed`."""

    change: str
    title: str
    replaces: bool
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken policy rule."""

    rule: str
    severity: str
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """One excuse from a policy rule, with its reason."""

    rule: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class CostLine:
    """US dollars a month of one item, before and after."""

    subject: str
    service: str
    item: str
    before: float
    after: float
    assumed: bool
    guess: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that a preview says, in the order of the document."""

    project: str
    stack: str
    head: str
    against: str
    resources: tuple[Resource, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    new_findings: tuple[Finding, ...]
    standing_findings: tuple[Finding, ...]
    gone_findings: tuple[Finding, ...]
    new_waivers: tuple[Waiver, ...]
    gone_waivers: tuple[Waiver, ...]
    infrastructure: tuple[float, float]
    messages: tuple[float, float]
    cost_lines: tuple[CostLine, ...]
    unpriced: tuple[str, ...]
    usage: tuple[tuple[str, float], ...]

    @property
    def findings(self) -> int:
        """Broken rules of the program as it would be."""
        return len(self.new_findings) + len(self.standing_findings)


def read(document: Any) -> Preview:
    """The preview in `document`; raises `ConsoleError` for anything else."""
    try:
        return _preview(_mapping(document))
    except (KeyError, TypeError, ValueError) as error:
        raise ConsoleError(
            ProblemKind.BAD_ANSWER,
            f"this is no preview of this version ({safe_line(error, 120)})",
            "make it with `cpaas-console preview --json` of the same revision",
        ) from error


def _preview(document: Mapping[str, Any]) -> Preview:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']} is not {SCHEMA}")
    permissions, policy, cost = (_mapping(document[name]) for name in ("permissions", "policy", "cost"))
    lines = [*_all(cost["lines"], _cost_line), *_all(cost["message_lines"], _cost_line)]
    return Preview(
        project=_text(document["project"], 100),
        stack=_text(document["stack"], 100),
        head=_revision(_mapping(document["head"])),
        against=_revision(_mapping(document["against"])),
        resources=_all(document["resources"], _resource),
        gained=_all(permissions["gained"], lambda item: _text(item["sentence"])),
        lost=_all(permissions["lost"], lambda item: _text(item["sentence"])),
        new_findings=_all(policy["new"], _finding),
        standing_findings=_all(policy["standing"], _finding),
        gone_findings=_all(policy["gone"], _finding),
        new_waivers=_all(policy["waivers_new"], _waiver),
        gone_waivers=_all(policy["waivers_gone"], _waiver),
        infrastructure=_pair(_mapping(cost["infrastructure"])),
        messages=_pair(_mapping(cost["messages"])),
        cost_lines=tuple(lines),
        unpriced=tuple(_text(item) for item in _list(cost["unpriced"])),
        usage=tuple((_text(name), _number(value)) for name, value in sorted(_mapping(cost["usage"]).items())),
    )


def _revision(item: Mapping[str, Any]) -> str:
    return f"{_text(item['revision'])[:10]} ({_text(item['what'], 100)})"


def _resource(item: Mapping[str, Any]) -> Resource:
    change = item["change"]
    if change not in ("added", "changed", "removed"):
        raise ValueError(f"a resource is {change!r}")
    return Resource(change, _text(item["title"]), item["replaces"] is True, _all(item["properties"], _property))


def _property(item: Mapping[str, Any]) -> Property:
    before, after = _text(item["before"]), _text(item["after"])
    return Property(_text(item["path"]), before, after, item["replaces"] is True)


def _finding(item: Mapping[str, Any]) -> Finding:
    return Finding(*(_text(item[name]) for name in ("rule", "severity", "title", "message")))


def _waiver(item: Mapping[str, Any]) -> Waiver:
    return Waiver(*(_text(item[name]) for name in ("rule", "title", "reason")))


def _cost_line(item: Mapping[str, Any]) -> CostLine:
    subject, service, name = (_text(item[key]) for key in ("subject", "service", "item"))
    amounts = _number(item["before"]), _number(item["after"])
    return CostLine(subject, service, name, *amounts, item["assumed"] is True, item["confidence"] == "guess")


def _pair(item: Mapping[str, Any]) -> tuple[float, float]:
    return _number(item["before"]), _number(item["after"])


def _all(items: Any, read_one: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    return tuple(read_one(_mapping(item)) for item in _list(items))


def _list(items: Any) -> list[Any]:
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise TypeError("a list is missing or too long")
    return items


def _mapping(item: Any) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise TypeError("an object is missing")
    return item


def _text(value: Any, cells: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return safe_line(value, cells)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError("a number is missing")
    return float(value)
