"""Rules for rights: what roles may do, and who may reach a resource."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import Registration
from localcloud.iam_documents import EVERYTHING_BUT, Statement, statements
from localcloud.policies.rule import Fault, Rule, lacks
from localcloud.rights import (
    ATTACHMENTS,
    IDENTITY_POLICIES,
    RESOURCE_POLICIES,
    WHOLE_TYPE,
    identity_documents,
    unread,
)
from localcloud.view import View

_SOURCES = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:principalorgid"})


def _no_managed_policies(view: View) -> Iterator[Fault]:
    for role in view.of(types.ROLE):
        if not lacks(role.inputs.get("managedPolicyArns")) and isinstance(role.inputs["managedPolicyArns"], list):
            yield Fault(role.urn, "has a managed policy, which grants what its writer thought of; write statements")
    for item in view.of(*ATTACHMENTS):
        yield Fault(item.urn, "attaches a managed policy, which grants what its writer thought of; write statements")


def _identity_statements(view: View) -> Iterator[tuple[Registration, Statement]]:
    for item in view.of(*IDENTITY_POLICIES, types.ROLE):
        # The provider repeats a role's policies among its inline ones, which a policy pack sees.
        told = {
            statement
            for policy in view.pointing(item, types.ROLE_POLICY, "role")
            for statement in statements(policy.inputs.get("policy"))
        }
        for document in identity_documents(item):
            for statement in statements(document):
                if statement.allows and statement not in told:
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


def _allowing(view: View) -> Iterator[tuple[Registration, Statement]]:
    for item in view.of(*RESOURCE_POLICIES):
        for statement in statements(item.inputs.get(RESOURCE_POLICIES[item.type].document)):
            if statement.allows:
                yield item, statement


def _sources_named(view: View) -> Iterator[Fault]:
    """Key policies are not asked: for several uses of a key AWS documents no condition that names a source."""
    for item, statement in _allowing(view):
        if RESOURCE_POLICIES[item.type].owner == types.KEY:
            continue
        bound = any(each.key.lower() in _SOURCES for each in statement.conditions)
        if not bound and any(kind == "Service" for kind, _ in statement.principals):
            yield Fault(
                item.urn,
                "lets a service in on behalf of anybody (a confused deputy); add a condition on aws:SourceArn",
                statement.sid,
            )


def _nobody_in_general(view: View) -> Iterator[Fault]:
    for item, statement in _allowing(view):
        if ("*", "*") in statement.principals and not statement.conditions:
            yield Fault(item.urn, "lets everybody in; name principals or add a condition", statement.sid)
    for url in view.of(types.FUNCTION_URL):
        if url.inputs.get("authorizationType") == "NONE":
            yield Fault(url.urn, "lets everybody call its function; set authorization_type to AWS_IAM")


def _rights_understood(view: View) -> Iterator[Fault]:
    for item in view.resources():
        if (part := unread(item)) is not None:
            what = "can give rights and is of a type" if part == WHOLE_TYPE else f"gives rights by its {part}"
            yield Fault(
                item.urn,
                f"{what} that neither rules nor previews can read; write them as a policy of the resource or the role, "
                "or say in a waiver what they are",
            )


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
        "Nothing that has a resource policy is open to everybody.",
        _nobody_in_general,
        cdk_nag="AwsSolutions-EVB1",
    ),
    Rule("rights-understood", "Every right can be read by rules and previews.", _rights_understood),
)
