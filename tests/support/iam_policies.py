"""Identity policies as flat grants, and whether a grant covers a call: IAM's matching, written here a second time.

Neither the components nor the emulator may vouch for themselves. Rules: IAM user guide, "Resource" and "Action"
elements: `*` is any run of characters, also none and also across `:` and `/`; `?` is one character; actions are
compared without regard to case, resources with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource pattern that a statement of a role allows."""

    role: str
    sid: str
    action: str
    resource: str

    def covers(self, action: str, resource: str) -> bool:
        """Whether a call of `action` on `resource` is allowed by this grant, conditions aside."""
        return matches(self.action.lower(), action.lower()) and matches(self.resource, resource)


def matches(pattern: str, text: str) -> bool:
    """Whether IAM's `pattern` matches the whole of `text`."""
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def grants_of(role: str, document: str | Mapping[str, Any]) -> Iterator[Grant]:
    """The grants of one policy; raises `ValueError` for a statement that is not a plain Allow."""
    policy = json.loads(document) if isinstance(document, str) else document
    for statement in _listed(policy["Statement"]):
        if statement["Effect"] != "Allow" or {"NotAction", "NotResource"} & statement.keys():
            raise ValueError(f"{role}: {statement.get('Sid')} is not a plain Allow")
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Grant(role, statement.get("Sid", ""), action, resource)


def unused(grants: Iterable[Grant], calls: Iterable[tuple[str, str, str]]) -> list[Grant]:
    """Grants that none of the `calls` (role, action, resource) needed, sorted."""
    made = list(calls)
    return sorted(
        grant
        for grant in grants
        if not any(role == grant.role and grant.covers(action, resource) for role, action, resource in made)
    )


def uncovered(grants: Iterable[Grant], calls: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Calls (role, action, resource) that no grant allows, sorted."""
    given = list(grants)
    return sorted(
        call for call in calls if not any(grant.role == call[0] and grant.covers(*call[1:]) for grant in given)
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
