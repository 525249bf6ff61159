"""What a policy rule is, and the view of a graph that rules look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from components.environments import ENVIRONMENTS, Environment, EnvironmentPolicy
from localcloud.graph import RecordedGraph, Registration, Unknown


class Severity(StrEnum):
    """`mandatory` stops a deployment, `advisory` is told; the words are those of Pulumi's enforcement levels."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Fault:
    """One resource that breaks a rule: its URN, what is wrong and what to do.

    `part` names what inside the resource is meant where that matters, such as a statement's id.
    """

    urn: str
    message: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a name, a sentence, and the check that finds who breaks it; `cdk_nag` is its counterpart there."""

    name: str
    sentence: str
    check: Callable[[View], Iterable[Fault]]
    cdk_nag: str = ""
    severity: Severity = Severity.MANDATORY


class View:
    """A recorded graph with the questions that rules ask of it.

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

    def registrations(self) -> Iterator[Registration]:
        """Everything, components included."""
        return iter(self._graph.registrations)

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


def policy_of(item: Registration) -> EnvironmentPolicy:
    """What the environment in the resource's tags decides; the strictest one where none is named."""
    tags = item.inputs.get("tags")
    named = str(tags.get("Environment", "")) if isinstance(tags, dict) else ""
    return ENVIRONMENTS[Environment(named) if named in {*Environment} else Environment.PROD]


def lacks(value: object) -> bool:
    """Whether a property is missing or off; an unknown one is not."""
    return not isinstance(value, Unknown) and not value


def differs(value: object, wanted: object) -> bool:
    """Whether a property is known to be something else."""
    return not isinstance(value, Unknown) and value != wanted


def inside(value: object, *path: str) -> object:
    """`value[path[0]][path[1]]...`; None where something on the way is missing, unknown where it is unknown."""
    for name in path:
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, Unknown) or value is None:
            return value
        value = value.get(name) if isinstance(value, dict) else None
    return value
