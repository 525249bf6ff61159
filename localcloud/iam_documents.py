"""IAM policy documents read: statements in one form, whatever of IAM's shorthands they were written in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

EVERYTHING_BUT = "everything but "
"""Starts an action, resource or principal that was written as `NotAction`, `NotResource` or `NotPrincipal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One test of a statement's condition block: operator, key and the values of which one must match."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; `principals` are `(kind, who)` pairs and empty in the policy of a role."""

    sid: str
    allows: bool
    principals: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]


def statements(document: object) -> tuple[Statement, ...]:
    """The statements of a policy document, JSON text or parsed; empty for what is no document (an unknown value)."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return ()
    if not isinstance(document, Mapping):
        return ()
    given = document.get("Statement", ())
    items = given if isinstance(given, list) else [given]
    return tuple(_statement(item) for item in items if isinstance(item, Mapping))


def refuses_plain_http(document: object) -> bool:
    """Whether a resource policy denies everybody's requests that do not come over TLS."""
    return any(
        not statement.allows
        and ("*", "*") in statement.principals
        and any(each.key.lower() == "aws:securetransport" and "false" in each.values for each in statement.conditions)
        for statement in statements(document)
    )


def _statement(item: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(item.get("Sid", "")),
        allows=item.get("Effect") == "Allow",
        principals=_principals(item),
        actions=_either(item, "Action", "NotAction"),
        resources=_either(item, "Resource", "NotResource"),
        conditions=tuple(
            Condition(operator=operator, key=key, values=tuple(sorted(_texts(values))))
            for operator, tests in sorted(_mapping(item.get("Condition")).items())
            for key, values in sorted(_mapping(tests).items())
        ),
    )


def _principals(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    prefix, given = ("", item["Principal"]) if "Principal" in item else (EVERYTHING_BUT, item.get("NotPrincipal", {}))
    if isinstance(given, str):
        return ((given, f"{prefix}{given}"),)
    named = {(kind, f"{prefix}{who}") for kind, whose in _mapping(given).items() for who in _texts(whose)}
    # `{"AWS": "*"}` and `"*"` are the same principal (IAM user guide, "All principals").
    return tuple(sorted({("*", "*") if pair == ("AWS", "*") else pair for pair in named}))


def _either(item: Mapping[str, Any], name: str, negated: str) -> tuple[str, ...]:
    if name in item:
        return tuple(sorted(set(_texts(item[name]))))
    return tuple(f"{EVERYTHING_BUT}{each}" for each in sorted(set(_texts(item.get(negated, ())))))


def _texts(value: object) -> list[str]:
    if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)):
        return [_text(each) for each in value]
    return [_text(value)]


def _text(value: object) -> str:
    """Condition values may be JSON booleans and numbers."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
