"""A recorded graph with the questions that policies and costs ask of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from localcloud.graph import RecordedGraph, Registration, Unknown


class View:
    """A recorded graph with the questions that its readers ask of it.

    Who belongs to whom is read from the dependencies that the engine records for each property, not from names and
    ARNs, which a preview of a first deployment does not know. What is unknown breaks no rule.
    """

    def __init__(self, graph: RecordedGraph) -> None:
        self._graph = graph
        self._by_urn = {item.urn: item for item in graph.registrations}
        self._pointing: dict[tuple[str, str], list[Registration]] = defaultdict(list)
        for item in graph.registrations:
            for name, targets in item.property_dependencies.items():
                for urn in targets:
                    self._pointing[urn, name].append(item)

    def resources(self) -> Iterator[Registration]:
        """Everything that exists in AWS because of this stack."""
        return (item for item in self._graph.registrations if item.custom and not item.external)

    def of(self, *types: str) -> Iterator[Registration]:
        """The resources of these types."""
        return (item for item in self.resources() if item.type in types)

    def at(self, urn: str) -> Registration | None:
        """The registration with this URN."""
        return self._by_urn.get(urn)

    def pointed(self, item: Registration, name: str, type_: str) -> Registration | None:
        """The resource of `type_` from which the property `name` of `item` was made."""
        candidates = (self._by_urn.get(urn) for urn in item.property_dependencies.get(name, ()))
        return next((each for each in candidates if each is not None and each.type == type_), None)

    def pointing(self, target: Registration, type_: str, *names: str) -> list[Registration]:
        """The resources of `type_` with a property among `names` that was made from `target`."""
        return [item for name in names for item in self._pointing[target.urn, name] if item.type == type_]

    def pointed_by_any(self, target: Registration, *names: str) -> bool:
        """Whether any resource has a property among `names` that was made from `target`."""
        return any(item is not target for name in names for item in self._pointing[target.urn, name])


def inside(value: object, *path: str) -> object:
    """`value[path[0]][path[1]]...`; None where something on the way is missing, unknown where it is unknown."""
    for name in path:
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, Unknown) or value is None:
            return value
        value = value.get(name) if isinstance(value, dict) else None
    return value
