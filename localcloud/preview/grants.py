"""Who may do what: every policy of a graph as grants that can be compared one by one."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localcloud import resource_types as types
from localcloud.graph import RecordedGraph, Registration
from localcloud.iam_documents import EVERYTHING_BUT, Condition, Statement, statements
from localcloud.preview.names import Names

_OWN_POLICIES = {
    types.QUEUE_POLICY: ("queueUrl", types.QUEUE),
    types.TOPIC_POLICY: ("arn", types.TOPIC),
    types.BUCKET_POLICY: ("bucket", types.BUCKET),
    types.EVENT_BUS_POLICY: ("eventBusName", types.EVENT_BUS),
    types.KEY: ("", types.KEY),
}
"""Types whose `policy` says who may reach a resource, and by which property they name it."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """`principal` may (or, where `allows` is false, must never) do `action` on `resource` under `conditions`.

    `principal` is in words, so that a role keeps its identity by what it is for; `action` and `resource` are IAM's,
    patterns included. A managed policy is an `action` of its own, written as its ARN.
    """

    principal: str
    action: str
    resource: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    allows: bool = True


def grants(graph: RecordedGraph, names: Names) -> frozenset[Grant]:
    """Every grant of every role, trust policy, resource policy and permission in `graph`."""
    found: set[Grant] = set()
    by_urn = {item.urn: item for item in graph.registrations}
    for item in graph.registrations:
        found.update(_grants_of(item, by_urn, names))
    return frozenset(found)


def gained(before: frozenset[Grant], after: frozenset[Grant]) -> list[Grant]:
    """Grants of `after` that nothing in `before` included; one that was only narrowed is not among them."""
    return sorted(each for each in after - before if not _covered(each, before))


def narrowed(lost: Iterable[Grant], after: frozenset[Grant]) -> frozenset[Grant]:
    """Those of `lost` of which `after` still has a part."""
    return frozenset(each for each in lost if any(_covers(each, other) for other in after))


def _covered(grant: Grant, others: Iterable[Grant]) -> bool:
    return any(_covers(other, grant) for other in others)


def _covers(wide: Grant, narrow: Grant) -> bool:
    return (
        wide.allows == narrow.allows
        and wide.principal == narrow.principal
        and set(wide.conditions) <= set(narrow.conditions)
        and _matches(wide.action.lower(), narrow.action.lower())
        and _matches(wide.resource, narrow.resource)
    )


def _matches(pattern: str, text: str) -> bool:
    if pattern.startswith(EVERYTHING_BUT) or text.startswith(EVERYTHING_BUT):
        return pattern == text
    # IAM knows `*` and `?` only; square brackets are plain characters there.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _grants_of(item: Registration, by_urn: dict[str, Registration], names: Names) -> Iterator[Grant]:
    if item.type == types.ROLE:
        yield from _trust(item, names)
        for arn in item.inputs.get("managedPolicyArns") or ():
            yield Grant(names.role(item), str(arn), "*")
    elif item.type in (types.ROLE_POLICY, types.ROLE_POLICY_ATTACHMENT):
        role = _pointed(item, "role", types.ROLE, by_urn)
        principal = names.role(role) if role else f"role {item.inputs.get('role', '?')}"
        if item.type == types.ROLE_POLICY:
            yield from _identity(principal, item.inputs.get("policy"))
        else:
            yield Grant(principal, str(item.inputs.get("policyArn", "?")), "*")
    elif item.type == types.MANAGED_POLICY:
        yield from _identity(f"whoever has policy {item.name}", item.inputs.get("policy"))
    elif item.type in _OWN_POLICIES:
        name, type_ = _OWN_POLICIES[item.type]
        owner = _pointed(item, name, type_, by_urn) if name else item
        yield from _resource_policy(item, owner, names)
    elif item.type == types.PERMISSION:
        yield _permission(item, _pointed(item, "function", types.FUNCTION, by_urn), names)


def _pointed(item: Registration, name: str, type_: str, by_urn: dict[str, Registration]) -> Registration | None:
    candidates = (by_urn.get(urn) for urn in item.property_dependencies.get(name, ()))
    return next((each for each in candidates if each is not None and each.type == type_), None)


def _identity(principal: str, document: object) -> Iterator[Grant]:
    for statement in statements(document):
        yield from _product(statement, [principal], statement.resources)


def _trust(role: Registration, names: Names) -> Iterator[Grant]:
    for statement in statements(role.inputs.get("assumeRolePolicy")):
        who = [names.principal(*pair) for pair in statement.principals]
        yield from _product(statement, who, [str(role.outputs.get("arn", role.urn))])


def _resource_policy(item: Registration, owner: Registration | None, names: Names) -> Iterator[Grant]:
    for statement in statements(item.inputs.get("policy")):
        who = [names.principal(*pair) for pair in statement.principals]
        # In a key's policy `*` is the key itself (KMS developer guide, "Key policies").
        own = owner is not None and statement.resources == ("*",)
        resources = [str(owner.outputs.get("arn"))] if own and owner is not None else statement.resources
        yield from _product(statement, who, resources)


def _permission(item: Registration, function: Registration | None, names: Names) -> Grant:
    who = str(item.inputs.get("principal", "*"))
    kind = "Service" if who.endswith(".amazonaws.com") else "*" if who == "*" else "AWS"
    bounds = {"aws:SourceArn": item.inputs.get("sourceArn"), "aws:SourceAccount": item.inputs.get("sourceAccount")}
    return Grant(
        names.principal(kind, who),
        str(item.inputs.get("action", "lambda:InvokeFunction")),
        str(function.outputs.get("arn") if function else item.inputs.get("function")),
        tuple(("ArnLike", key, (str(value),)) for key, value in bounds.items() if value),
    )


def _product(statement: Statement, principals: Iterable[str], resources: Iterable[str]) -> Iterator[Grant]:
    conditions = tuple(_flat(each) for each in statement.conditions)
    targets = list(resources)
    for principal in principals:
        for action in statement.actions:
            for resource in targets:
                yield Grant(principal, action, resource, conditions, statement.allows)


def _flat(condition: Condition) -> tuple[str, str, tuple[str, ...]]:
    return condition.operator, condition.key, condition.values


def document_changed(before: object, after: object) -> bool:
    """Whether two policy documents mean different things; what is no document is compared as it is."""
    parsed = [_statements_of(each) for each in (before, after)]
    return (before != after) if None in parsed else parsed[0] != parsed[1]


def _statements_of(document: object) -> frozenset[Statement] | None:
    if not isinstance(document, str):
        return None
    try:
        json.loads(document)
    except ValueError:
        return None
    return frozenset(statements(document))
