"""Who may do what: every policy of a graph as grants that can be compared one by one."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localcloud import resource_types as types
from localcloud import rights
from localcloud.graph import RecordedGraph, Registration
from localcloud.iam_documents import EVERYTHING_BUT, Condition, Statement, statements
from localcloud.preview.names import Names, physical


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
        found.update(_to_identities(item, by_urn, names))
        found.update(_on_resources(item, by_urn, names))
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


def _to_identities(item: Registration, by_urn: dict[str, Registration], names: Names) -> Iterator[Grant]:
    if item.type == types.ROLE:
        yield from _trust(item, names)
        for arn in item.inputs.get("managedPolicyArns") or ():
            yield Grant(names.role(item), str(arn), "*")
        for document in rights.identity_documents(item):
            yield from _identity(names.role(item), document)
    elif item.type in rights.IDENTITY_POLICIES:
        holder = rights.IDENTITY_POLICIES[item.type]
        whose = _holders(item, holder, by_urn, names) if holder else [f"whoever has policy {item.name}"]
        for document in rights.identity_documents(item):
            for principal in whose:
                yield from _identity(principal, document)
    elif item.type in rights.ATTACHMENTS:
        for holder in rights.ATTACHMENTS[item.type]:
            for principal in _holders(item, holder, by_urn, names):
                yield Grant(principal, str(item.inputs.get("policyArn", "?")), "*")


def _on_resources(item: Registration, by_urn: dict[str, Registration], names: Names) -> Iterator[Grant]:
    if item.type in rights.RESOURCE_POLICIES:
        policy = rights.RESOURCE_POLICIES[item.type]
        owner = _pointed(item, policy.named_by, policy.owner, by_urn) if policy.named_by else item
        yield from _resource_policy(item.inputs.get(policy.document), owner, names)
    elif item.type == types.PERMISSION:
        yield _permission(item, _pointed(item, "function", types.FUNCTION, by_urn), names)
    elif item.type == types.KEY_GRANT:
        yield from _key_grant(item, _pointed(item, "keyId", types.KEY, by_urn), names)
    elif item.type == types.FUNCTION_URL and item.inputs.get("authorizationType") == "NONE":
        function = _pointed(item, "functionName", types.FUNCTION, by_urn)
        yield Grant("everybody", "lambda:InvokeFunctionUrl", _arn(function, item.inputs.get("functionName")))


def _holders(item: Registration, name: str, by_urn: dict[str, Registration], names: Names) -> list[str]:
    """Roles, users or groups that `name` of `item` points at, and those that it names only."""
    kind = name.removesuffix("s")
    known = [each for urn in item.property_dependencies.get(name, ()) if (each := by_urn.get(urn)) is not None]
    found = [each for each in known if each.type.lower().endswith(f":{kind}")]
    holders = [names.role(each) if kind == "role" else f"{kind} {names.brief(physical(each))}" for each in found]
    if name == kind:
        return holders or [f"{kind} {item.inputs.get(name) or '?'}"]
    told = {each.outputs.get(output) for each in found for output in ("id", "name")} | {each.id for each in found}
    return holders + [f"{kind} {each}" for each in _listed(item.inputs.get(name)) if each not in told]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _arn(owner: Registration | None, otherwise: object) -> str:
    return str(owner.outputs.get("arn") if owner else otherwise)


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


def _resource_policy(document: object, owner: Registration | None, names: Names) -> Iterator[Grant]:
    for statement in statements(document):
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
        _arn(function, item.inputs.get("function")),
        tuple(("ArnLike", key, (str(value),)) for key, value in bounds.items() if value),
    )


def _key_grant(item: Registration, key: Registration | None, names: Names) -> Iterator[Grant]:
    """KMS's constraints are conditions on the encryption context (KMS developer guide, "Grants in AWS KMS")."""
    conditions = tuple(
        (operator, f"kms:EncryptionContext:{name}", (str(value),))
        for constraint in _listed(item.inputs.get("constraints"))
        for operator, field in (("StringEquals", "encryptionContextEquals"), ("Subset", "encryptionContextSubset"))
        for name, value in sorted((constraint.get(field) or {}).items())
    )
    resource = _arn(key, item.inputs.get("keyId"))
    grantee = names.principal("AWS", str(item.inputs.get("granteePrincipal", "?")))
    for operation in _listed(item.inputs.get("operations")):
        yield Grant(grantee, f"kms:{operation}", resource, conditions)
    if retiring := item.inputs.get("retiringPrincipal"):
        yield Grant(names.principal("AWS", str(retiring)), "kms:RetireGrant", resource)


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
