"""A Pulumi policy pack's resources as a recorded graph, so that a pack runs the same rules.

What a pack is given differs in three ways. Properties are outputs, so what the provider fills in is there as well.
Values that a preview cannot know raise when they are read; here they become `UNKNOWN`, which breaks no rule, so a rule
about a document with unknown ARNs in it says nothing until the first deployment. And nothing says what is a component:
all of ours are of the package `cpaas`. Waivers arrive like any component, with rule and reason among their outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from localcloud.graph import UNKNOWN, RecordedGraph, Registration

_NOT_RESOURCES = ("cpaas:", "pulumi:")


class PackResource(Protocol):
    """Of `pulumi_policy.PolicyResource`, what rules ask."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str
    opts: Any
    parent: Any
    dependencies: Any
    property_dependencies: Any


def recorded(resources: Iterable[PackResource], unknown_error: type[Exception]) -> RecordedGraph:
    """The graph that `resources` are; `unknown_error` is what reading an unknown property raises."""
    registrations = [_registration(resource, unknown_error) for resource in resources]
    return RecordedGraph(tuple(sorted(registrations, key=lambda item: item.urn)), {})


def _registration(resource: PackResource, unknown_error: type[Exception]) -> Registration:
    properties = _plain(resource.props, unknown_error)
    return Registration(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        custom=not resource.resource_type.startswith(_NOT_RESOURCES),
        parent=resource.parent.urn if resource.parent is not None else "",
        dependencies=tuple(sorted(each.urn for each in resource.dependencies)),
        property_dependencies={
            name: tuple(sorted(each.urn for each in targets))
            for name, targets in resource.property_dependencies.items()
            if targets
        },
        protect=bool(resource.opts.protect),
        inputs=properties,
        outputs=properties,
    )


def _plain(value: Any, unknown_error: type[Exception]) -> Any:
    if isinstance(value, Mapping):
        return {key: _item(value, key, unknown_error) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index, unknown_error) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _item(container: Any, key: Any, unknown_error: type[Exception]) -> Any:
    try:
        value = container[key]
    except unknown_error:
        return UNKNOWN
    return _plain(value, unknown_error)
