"""Resources that moved: under which URN each of them was known before, its parents' aliases included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from localcloud.graph import RecordedGraph, Registration


def carried_over(before: RecordedGraph, after: RecordedGraph) -> RecordedGraph:
    """`before` with today's URNs for what has moved, so that what is the same has the same name in both graphs.

    A child of a resource that moved moves with it, as in the engine: its former URN is its parent's with the child's
    type and name behind it (Pulumi, "Resource options", aliases).
    """
    today = {item.urn for item in after.registrations}
    moved = {
        was: urn
        for urn, formers in _former_urns(after).items()
        for was in formers
        if was not in today and any(item.urn == was for item in before.registrations)
    }
    if not moved:
        return before
    return replace(before, registrations=tuple(_renamed(item, moved) for item in before.registrations))


def _former_urns(graph: RecordedGraph) -> dict[str, tuple[str, ...]]:
    by_urn = {item.urn: item for item in graph.registrations}
    known: dict[str, tuple[str, ...]] = {}

    def of(item: Registration) -> tuple[str, ...]:
        if item.urn not in known:
            parent = by_urn.get(item.parent)
            inherited = (_child(alias, item) for alias in (of(parent) if parent else ()))
            known[item.urn] = tuple(dict.fromkeys((*item.aliases, *inherited)))
        return known[item.urn]

    for each in graph.registrations:
        of(each)
    return known


def _child(parent: str, item: Registration) -> str:
    head, _, _ = parent.rpartition("::")
    return f"{head}${item.type}::{item.name}"


def _renamed(item: Registration, moved: Mapping[str, str]) -> Registration:
    def now(urn: str) -> str:
        return moved.get(urn, urn)

    return replace(
        item,
        urn=now(item.urn),
        parent=now(item.parent),
        dependencies=tuple(map(now, item.dependencies)),
        property_dependencies={name: tuple(map(now, urns)) for name, urns in item.property_dependencies.items()},
    )
