"""The policy pack: each rule as a policy over the whole stack.

`pulumi preview --policy-pack localcloud/policies/pack`, in the project's own environment (`make` builds `.venv`). The
engine runs it in a process of its own, which loads neither the embedded cloud nor the AWS provider.
"""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from localcloud.policies import RULES, Rule, examine
from localcloud.policies.adapter import recorded


def policy(rule: Rule) -> StackValidationPolicy:
    """The policy that reports what breaks `rule`."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for finding in examine(recorded(args.resources, UnknownValueError)).findings:
            if finding.rule == rule.name:
                report(finding.message, finding.urn)

    counterpart = f" (cdk-nag: {rule.cdk_nag})" if rule.cdk_nag else ""
    return StackValidationPolicy(
        name=rule.name,
        description=rule.sentence + counterpart,
        validate=validate,
        enforcement_level=EnforcementLevel(rule.severity.value),
    )


POLICIES: list[Policy] = [policy(rule) for rule in RULES.values()]

if __name__ == "__main__":
    PolicyPack(name="cpaas", policies=POLICIES)
