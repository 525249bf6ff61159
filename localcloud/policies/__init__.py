"""Policy as code: rules over a recorded graph, as pure functions.

Tests, `cpaas-console preview` and the Pulumi policy pack (`localcloud/policies/pack`) examine with the same rules. A
resource that need not follow one carries a waiver with the reason, registered where the resource is built
(`components/waiver.py`); a waiver that excuses nothing is a finding itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from localcloud import resource_types
from localcloud.graph import RecordedGraph, Registration, Unknown
from localcloud.policies import edges, functions, messages, rights, shape, stores
from localcloud.policies.rule import Fault, Rule, Severity
from localcloud.view import View

__all__ = ["RULES", "WAIVER_RULE", "Examination", "Finding", "Rule", "Severity", "Waiver", "examine", "waivers"]


def _no_faults(_: View) -> Iterable[Fault]:
    return ()


WAIVER_RULE = Rule(
    "waiver-used",
    "A waiver names a rule that its resource breaks, and says why it may.",
    _no_faults,
    severity=Severity.ADVISORY,
)
"""What `examine` checks by itself, once all others have been."""

RULES: Mapping[str, Rule] = {
    rule.name: rule for family in (messages, stores, functions, rights, edges, shape) for rule in family.RULES
} | {WAIVER_RULE.name: WAIVER_RULE}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One resource that breaks one rule, and nobody said why it may."""

    rule: str
    urn: str
    part: str
    message: str

    @property
    def severity(self) -> Severity:
        """That of its rule."""
        return RULES[self.rule].severity


@dataclass(frozen=True, slots=True, order=True)
class Waiver:
    """The written reason why the resource `urn` (or its part) need not follow `rule`."""

    rule: str
    urn: str
    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings of a graph, and the waivers that excuse others; both sorted."""

    findings: tuple[Finding, ...]
    waived: tuple[Waiver, ...]


def examine(graph: RecordedGraph) -> Examination:
    """Run every rule over `graph`."""
    view = View(graph)
    given = {(item.rule, item.urn, item.part): item for item in waivers(graph)}
    findings: list[Finding] = []
    used: set[Waiver] = set()
    for rule in RULES.values():
        for fault in rule.check(view):
            excuse = given.get((rule.name, fault.urn, fault.part))
            if excuse is not None and excuse.reason:
                used.add(excuse)
            else:
                findings.append(Finding(rule.name, fault.urn, fault.part, fault.message))
    findings += [
        Finding(WAIVER_RULE.name, waiver.urn, waiver.part, _left_over(waiver))
        for waiver in given.values()
        if waiver not in used and not _undecided(waiver, view)
    ]
    return Examination(tuple(sorted(findings)), tuple(sorted(used)))


def waivers(graph: RecordedGraph) -> tuple[Waiver, ...]:
    """The waivers registered in `graph`; each is a component whose parent is the resource it is about."""
    return tuple(_waiver(item) for item in graph.registrations if item.type == resource_types.WAIVER)


def _waiver(item: Registration) -> Waiver:
    # The engine hands a policy pack outputs only, a recording has both.
    said = {**item.inputs, **item.outputs}
    rule, part, reason = (str(said.get(name, "")) for name in ("rule", "part", "reason"))
    return Waiver(rule, item.parent, part, reason.strip())


def _undecided(waiver: Waiver, view: View) -> bool:
    """Whether a sound waiver is about a resource with unknown properties: what it excuses may be among them."""
    resource = view.at(waiver.urn)
    sound = waiver.rule in RULES and waiver.reason
    return bool(sound) and resource is not None and any(isinstance(each, Unknown) for each in resource.inputs.values())


def _left_over(waiver: Waiver) -> str:
    if waiver.rule not in RULES:
        return f"is excused from {waiver.rule}, and there is no such rule; correct or remove the waiver"
    if not waiver.reason:
        return f"is excused from {waiver.rule} without a reason; write it into the waiver"
    return f"is excused from {waiver.rule} and does not break it; remove the waiver"
