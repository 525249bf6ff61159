"""What deployments have changed, as rows."""

from __future__ import annotations

from console.deployments import Rollout
from console.telemetry import Deployment
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad
from console.view.table import Column, Kind

KIND: Kind[Deployment] = Kind(
    name="deployments",
    columns=(
        Column(
            "when",
            16,
            lambda each, _: fmt.stamp(each.at)[:16].replace("T", " "),
            key=lambda each: each.at,
            role=lambda _: Role.MUTED,
        ),
        Column("what", 28, lambda each, _: each.what, role=lambda _: Role.STRONG),
        Column("detail", 0, lambda each, _: each.detail),
        Column(
            "ago", 5, lambda each, look: fmt.age(look.now - each.at), role=lambda _: Role.MUTED, right=True, live=True
        ),
    ),
    id=lambda each: f"{each.what} {each.at} {each.detail}",
    sort="when",
    descending=True,
)


def details(each: Deployment, now: float) -> list[Line]:
    """One change, whole."""
    return [
        line((each.what, Role.STRONG)),
        line(each.detail),
        line((f"{fmt.stamp(each.at)}, {fmt.span(now - each.at)} ago", Role.MUTED)),
    ]


def rollout_lines(rollout: Rollout) -> list[Line]:
    """What belongs to one rollout, newest first."""
    head = line("deployed together", (f" from {fmt.clock(rollout.started)} to {fmt.clock(rollout.at)}", Role.MUTED))
    rows = [
        line((f"{fmt.clock(each.at)}  ", Role.MUTED), pad(each.what, 28), "  ", each.detail) for each in rollout.changes
    ]
    return [head, *rows]
