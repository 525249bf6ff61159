"""Resources and outputs of a stack as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.domain import StackFacts
from console.invocations import aws
from console.telemetry import Resource
from console.text import safe_line
from console.view.segments import Line, Role, line, pad
from console.view.table import Column, Kind
from lambdas.core.outputs import StackOutputs


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the stack."""

    component: str
    name: str
    value: str


def outputs_of(outputs: StackOutputs) -> tuple[Output, ...]:
    """All outputs in the order of their components."""
    return tuple(
        Output(part.COMPONENT, safe_line(name, 80), safe_line(value, 400))
        for part in outputs.components()
        for name, value in part.to_mapping().items()
    )


def _listed(resource: Resource, stack: StackFacts) -> Sequence[str]:
    """GetResources takes ARNs or filters, never both (Resource Groups Tagging API reference)."""
    return aws(stack, "resourcegroupstaggingapi", "get-resources", "--resource-arn-list", resource.arn)


RESOURCES: Kind[Resource] = Kind(
    name="resources",
    columns=(
        Column("service", 14, lambda each, _: each.service, role=lambda _: Role.MUTED),
        Column("kind", 16, lambda each, _: each.kind, role=lambda _: Role.MUTED),
        Column("name", 0, lambda each, _: each.name, role=lambda _: Role.STRONG),
        Column("arn", 0, lambda each, _: each.arn, role=lambda _: Role.MUTED, need=120),
    ),
    id=lambda each: each.arn,
    sort="service",
    arn=lambda each, _: each.arn,
    command=_listed,
)

OUTPUTS: Kind[Output] = Kind(
    name="outputs",
    columns=(
        Column("component", 12, lambda each, _: each.component, role=lambda _: Role.MUTED, need=100),
        Column("name", 34, lambda each, _: each.name),
        Column("value", 0, lambda each, _: each.value, role=lambda _: Role.STRONG),
    ),
    id=lambda each: f"{each.component}.{each.name}",
)


def resource_details(resource: Resource) -> list[Line]:
    """One resource with its tags."""
    rows = (("service", resource.service), ("kind", resource.kind), ("arn", resource.arn))
    tags = sorted(resource.tags.items())
    return [
        line((resource.name, Role.STRONG)),
        *(line((pad(name, 10), Role.MUTED), value) for name, value in rows),
        (),
        line(("tags", Role.MUTED)),
        *(line((f"  {pad(name, 16)}", Role.MUTED), value) for name, value in tags),
    ]


def output_details(output: Output) -> list[Line]:
    """One output with its whole value."""
    return [line((output.component, Role.MUTED)), line((output.name, Role.STRONG)), line(output.value)]
