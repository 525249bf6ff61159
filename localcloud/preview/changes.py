"""What happens to resources: added, changed with each property, replaced where that is known, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud import resource_types as types
from localcloud.graph import Packed, RecordedGraph, Registration, Secret, Unknown
from localcloud.preview.grants import document_changed
from localcloud.preview.names import title

MAX_VALUE = 400
"""Longest text kept of a property's value."""

POLICY_PROPERTIES = frozenset({"policy", "assumeRolePolicy"})

REPLACING: Mapping[str, frozenset[str]] = {
    types.API: frozenset({"protocolType"}),
    types.API_STAGE: frozenset({"apiId", "name"}),
    types.ALARM: frozenset({"name"}),
    types.BUCKET: frozenset({"bucket"}),
    types.DASHBOARD: frozenset({"dashboardName"}),
    types.EVENT_BUS: frozenset({"name"}),
    types.EVENT_RULE: frozenset({"name", "eventBusName"}),
    types.EVENT_SOURCE_MAPPING: frozenset({"eventSourceArn", "startingPosition"}),
    types.EVENT_TARGET: frozenset({"rule", "eventBusName", "targetId"}),
    types.FUNCTION: frozenset({"name", "packageType"}),
    types.LAYER: frozenset({"layerName", "code", "compatibleRuntimes", "compatibleArchitectures", "description"}),
    types.LOG_GROUP: frozenset({"name"}),
    types.PARAMETER: frozenset({"name"}),
    types.PERMISSION: frozenset({"action", "function", "principal", "sourceArn", "sourceAccount"}),
    types.PHONE_NUMBER: frozenset({"isoCountryCode", "messageType", "numberCapabilities", "numberType"}),
    types.QUEUE: frozenset({"name", "fifoQueue"}),
    types.ROLE: frozenset({"name", "path"}),
    types.ROLE_POLICY: frozenset({"name", "role"}),
    types.TABLE: frozenset({"name", "hashKey", "rangeKey"}),
    types.TOPIC: frozenset({"name", "fifoTopic"}),
    types.TOPIC_SUBSCRIPTION: frozenset({"topic", "protocol", "endpoint"}),
    "aws:kms/alias:Alias": frozenset({"name"}),
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": frozenset({"name"}),
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": frozenset(
        {"configurationSetName", "eventDestinationName"}
    ),
    "aws:sesv2/configurationSet:ConfigurationSet": frozenset({"configurationSetName"}),
    "aws:sesv2/emailIdentity:EmailIdentity": frozenset({"emailIdentity"}),
}
"""Properties that AWS cannot change on an existing resource, so that the provider replaces it.

Names and keys by which the services' own APIs address a resource (each service's API reference has no call that
changes them). A type or property that is not listed may be replaced too: nothing is said about it.
"""


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property; `before` and `after` are texts, empty where there was or is none."""

    path: str
    before: str
    after: str
    replaces: bool


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource; `change` is `added`, `changed` or `removed`, `title` its kind and name as people know it."""

    change: str
    urn: str
    type: str
    title: str
    properties: tuple[PropertyChange, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether a property changes that cannot change on an existing resource."""
        return any(each.replaces for each in self.properties)


def changes(before: RecordedGraph, after: RecordedGraph) -> list[ResourceChange]:
    """Every resource that differs, components aside."""
    old = {item.urn: item for item in before.registrations if item.custom}
    found = []
    for item in after.registrations:
        if not item.custom:
            continue
        was = old.pop(item.urn, None)
        if was is None:
            found.append(ResourceChange("added", item.urn, item.type, title(item)))
        elif properties := tuple(_properties(was, item)):
            found.append(ResourceChange("changed", item.urn, item.type, title(item), properties))
    found += [ResourceChange("removed", item.urn, item.type, title(item)) for item in old.values()]
    return sorted(found, key=lambda each: (each.change, each.type, each.title, each.urn))


def _properties(was: Registration, item: Registration) -> Iterator[PropertyChange]:
    replacing = REPLACING.get(item.type, frozenset())
    for name in sorted(was.inputs.keys() | item.inputs.keys()):
        old, new = was.inputs.get(name), item.inputs.get(name)
        if old == new or (name in POLICY_PROPERTIES and not document_changed(old, new)):
            continue
        for path, first, second in _differences(name, old, new):
            yield PropertyChange(path, _text(first), _text(second), name in replacing)
    for option in ("protect", "parent"):
        if (old := getattr(was, option)) != (new := getattr(item, option)):
            yield PropertyChange(f"({option})", _text(old), _text(new), False)


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Paths that differ: into objects, into JSON text, and file by file into archives."""
    if path in POLICY_PROPERTIES:
        # What changed in it is told as rights.
        yield path, "", "a different document, see permissions"
        return
    if isinstance(old, Packed) or isinstance(new, Packed):
        yield from _files(path, old, new)
        return
    first, second = _opened(old), _opened(new)
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys(), key=str):
            if first.get(key) != second.get(key):
                yield from _differences(f"{path}.{key}", first.get(key), second.get(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (left, right) in enumerate(zip(first, second, strict=True)):
            if left != right:
                yield from _differences(f"{path}[{index}]", left, right)
    elif old != new:
        yield path, old, new


def _files(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    first = dict(old.files) if isinstance(old, Packed) else {}
    second = dict(new.files) if isinstance(new, Packed) else {}
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            said = "removed" if name not in second else "added" if name not in first else "other content"
            yield f"{path}/{name}", "", said


def _opened(value: Any) -> Any:
    """JSON text as what it says."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (Secret, Unknown)):
        return _unplain(value)
    text = value if isinstance(value, str) else _json(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def _json(value: Any) -> str:
    return json.dumps(value, default=_unplain, sort_keys=True, ensure_ascii=False)


def _unplain(value: Any) -> str:
    if isinstance(value, Secret):
        return "(secret)"
    if isinstance(value, Unknown):
        return "(known after deployment)"
    return repr(value)
