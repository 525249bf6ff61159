"""Rules for rights: what roles may do, and who may reach a resource."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import Registration
from localcloud.iam_documents import EVERYTHING_BUT, Statement, statements
from localcloud.policies.rule import Fault, Rule, lacks
from localcloud.view import View

_IDENTITY_POLICIES = (types.ROLE_POLICY, types.MANAGED_POLICY)
_RESOURCE_POLICIES = (types.QUEUE_POLICY, types.TOPIC_POLICY, types.BUCKET_POLICY, types.EVENT_BUS_POLICY)
_SOURCES = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:principalorgid"})


def _no_managed_policies(view: View) -> Iterator[Fault]:
    for role in view.of(types.ROLE):
        if not lacks(role.inputs.get("managedPolicyArns")) and isinstance(role.inputs["managedPolicyArns"], list):
            yield Fault(role.urn, "has a managed policy, which grants what its writer thought of; write statements")
    for item in view.of(types.ROLE_POLICY_ATTACHMENT):
        yield Fault(item.urn, "attaches a managed policy, which grants what its writer thought of; write statements")


def _identity_statements(view: View) -> Iterator[tuple[Registration, Statement]]:
    for item in view.of(*_IDENTITY_POLICIES):
        for statement in statements(item.inputs.get("policy")):
            if statement.allows:
                yield item, statement


def _actions_enumerated(view: View) -> Iterator[Fault]:
    for item, statement in _identity_statements(view):
        wild = [each for each in statement.actions if "*" in each or each.startswith(EVERYTHING_BUT)]
        if wild:
            yield Fault(item.urn, f"grants {', '.join(wild)}; enumerate the actions that are used", statement.sid)


def _resources_named(view: View) -> Iterator[Fault]:
    for item, statement in _identity_statements(view):
        if any(each == "*" or each.startswith(EVERYTHING_BUT) for each in statement.resources):
            yield Fault(
                item.urn,
                f"grants {', '.join(statement.actions)} on every resource; name the resources, or give the "
                "statement its reason where AWS knows none",
                statement.sid,
            )


def _allowing(view: View, *policy_types: str) -> Iterator[tuple[Registration, Statement]]:
    for item in view.of(*policy_types):
        for statement in statements(item.inputs.get("policy")):
            if statement.allows:
                yield item, statement


def _sources_named(view: View) -> Iterator[Fault]:
    """Key policies are not asked: for several uses of a key AWS documents no condition that names a source."""
    for item, statement in _allowing(view, types.QUEUE_POLICY, types.TOPIC_POLICY, types.BUCKET_POLICY):
        bound = any(each.key.lower() in _SOURCES for each in statement.conditions)
        if not bound and any(kind == "Service" for kind, _ in statement.principals):
            yield Fault(
                item.urn,
                "lets a service in on behalf of anybody (a confused deputy); add a condition on aws:SourceArn",
                statement.sid,
            )


def _nobody_in_general(view: View) -> Iterator[Fault]:
    for item, statement in _allowing(view, *_RESOURCE_POLICIES, types.KEY):
        if ("*", "*") in statement.principals and not statement.conditions:
            yield Fault(item.urn, "lets everybody in; name principals or add a condition", statement.sid)


RULES = (
    Rule(
        "role-managed-policy",
        "A role has no managed policies.",
        _no_managed_policies,
        cdk_nag="AwsSolutions-IAM4",
    ),
    Rule("action-star", "Actions are enumerated.", _actions_enumerated, cdk_nag="AwsSolutions-IAM5"),
    Rule(
        "resource-star",
        "A right on every resource has a written reason.",
        _resources_named,
        cdk_nag="AwsSolutions-IAM5",
    ),
    Rule("policy-source", "A service that is let in is let in for a named source.", _sources_named),
    Rule(
        "policy-open",
        "No queue, topic, bucket, key or event bus is open to everybody.",
        _nobody_in_general,
        cdk_nag="AwsSolutions-EVB1",
    ),
)
