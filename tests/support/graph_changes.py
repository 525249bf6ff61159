"""A recorded graph with something changed in it, taken out or added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from localcloud import resource_types as types
from localcloud.graph import RecordedGraph, Registration

PREFIX = "urn:pulumi:prod::ai-cpaas-demo::"


@dataclass(frozen=True)
class Break:
    """One way to break one rule: change the first resource that `picks`, expect the finding on `at` (or on itself)."""

    rule: str
    type: str
    inputs: Mapping[str, Any]
    picks: str = ""
    at: str = ""
    protect: bool | None = None

    def __str__(self) -> str:
        return f"{self.rule}-{'-'.join(self.inputs) or 'options'}"


GONE = object()
"""In place of an input: it is taken out."""


def pick(graph: RecordedGraph, type_: str, named: str = "") -> Registration:
    """The first resource of a type whose logical name has `named` in it."""
    return next(item for item in graph.of_type(type_) if named in item.name)


def pick_near(graph: RecordedGraph, item: Registration, named: str) -> Registration:
    """The resource called `named` that `item` was made from."""
    targets = {urn for urns in item.property_dependencies.values() for urn in urns}
    return next(each for each in graph.registrations if each.urn in targets and named in each.name)


def changed(graph: RecordedGraph, item: Registration, how: Break) -> RecordedGraph:
    """`graph` with one registration changed; what a removed property was made from is forgotten with it."""
    inputs = dict(item.inputs)
    links = dict(item.property_dependencies)
    parent = item.parent
    for name, value in how.inputs.items():
        if name == "__parent__":
            parent = next(each.urn for each in graph.registrations if each.type == types.STACK)
        elif value is GONE:
            inputs.pop(name)
            links.pop(name, None)
        else:
            inputs[name] = value(inputs[name]) if callable(value) else value
    protect = item.protect if how.protect is None else how.protect
    after = replace(item, inputs=inputs, property_dependencies=links, parent=parent, protect=protect)
    return RecordedGraph(tuple(after if each is item else each for each in graph.registrations), graph.stack_outputs)


def made(
    type_: str,
    name: str,
    parent: str,
    inputs: Mapping[str, Any],
    *,
    links: Mapping[str, tuple[str, ...]] | None = None,
    protect: bool = False,
    custom: bool = True,
) -> Registration:
    """A registration that the program does not make."""
    return Registration(
        urn=f"{PREFIX}{type_}::{name}",
        type=type_,
        name=name,
        custom=custom,
        parent=parent,
        property_dependencies=links or {},
        protect=protect,
        inputs=inputs,
        outputs={},
    )


def plus(graph: RecordedGraph, *more: Registration) -> RecordedGraph:
    """`graph` with registrations added."""
    return RecordedGraph((*graph.registrations, *more), graph.stack_outputs)
