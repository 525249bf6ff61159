"""Where rights stand: types that carry policies, and what of a resource's rights nobody here can read."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud import resource_types as types
from localcloud.graph import Registration, Unknown

IDENTITY_POLICIES: Mapping[str, str] = {
    types.ROLE_POLICY: "role",
    types.USER_POLICY: "user",
    types.GROUP_POLICY: "group",
    types.MANAGED_POLICY: "",
}
"""Types whose `policy` says what somebody may do, and the property that names who."""

ATTACHMENTS: Mapping[str, tuple[str, ...]] = {
    types.ROLE_POLICY_ATTACHMENT: ("role",),
    types.USER_POLICY_ATTACHMENT: ("user",),
    types.GROUP_POLICY_ATTACHMENT: ("group",),
    types.POLICY_ATTACHMENT: ("roles", "users", "groups"),
}
"""Types that attach the managed policy `policyArn`, and the properties that name to whom."""


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """A policy that says who may reach a resource of the type `owner`.

    `named_by` is the property that names that resource, empty where the resource has the policy itself.
    """

    owner: str
    named_by: str = ""
    document: str = "policy"


RESOURCE_POLICIES: Mapping[str, ResourcePolicy] = {
    types.BUCKET: ResourcePolicy(types.BUCKET),
    types.BUCKET_POLICY: ResourcePolicy(types.BUCKET, "bucket"),
    types.EMAIL_IDENTITY_POLICY: ResourcePolicy(types.EMAIL_IDENTITY, "emailIdentity"),
    types.EVENT_BUS_POLICY: ResourcePolicy(types.EVENT_BUS, "eventBusName"),
    types.FUNCTION_POLICY: ResourcePolicy(types.FUNCTION, "resourceArn"),
    types.KEY: ResourcePolicy(types.KEY),
    types.KEY_POLICY: ResourcePolicy(types.KEY, "keyId"),
    types.LOG_POLICY: ResourcePolicy(types.LOG_GROUP, "resourceArn", "policyDocument"),
    types.PHONE_NUMBER_POLICY: ResourcePolicy(types.PHONE_NUMBER, "resourceArn"),
    types.QUEUE: ResourcePolicy(types.QUEUE),
    types.QUEUE_POLICY: ResourcePolicy(types.QUEUE, "queueUrl"),
    types.SECRET: ResourcePolicy(types.SECRET),
    types.SECRET_POLICY: ResourcePolicy(types.SECRET, "secretArn"),
    types.TABLE_POLICY: ResourcePolicy(types.TABLE, "resourceArn"),
    types.TOPIC: ResourcePolicy(types.TOPIC),
    types.TOPIC_POLICY: ResourcePolicy(types.TOPIC, "arn"),
}

_READ = frozenset(
    {*IDENTITY_POLICIES, *ATTACHMENTS, *RESOURCE_POLICIES}
    | {types.ROLE, types.PERMISSION, types.KEY_GRANT, types.FUNCTION_URL}
)
"""Types all of whose rights `preview.grants` and the rules read."""

WHOLE_TYPE = "its type"

BEARERS = (
    "*:*Policy", "*:*Policies*", "*:*PolicyAttachment*", "*:*PolicyAssociation", "*:*PolicyAssignment",
    "*:*PermissionsPolicy", "*:*Permission", "*:*Permissions", "*:*PermissionSet*", "*:*Grant", "*:*Grants*",
    "*:BucketAcl*", "*:*AccessEntry", "aws:s3*:*AccessPoint*", "*:*RoleAttachment", "*:*RoleAssociation",
    "*:*Membership", "*:Role", "*:FunctionUrl", "*:*ResourceShare*", "*:*DataShareAuthorization",
    "aws:cloudformation/*", "aws-native:cloudformation:*",
)  # fmt: skip
"""Patterns of types that can give rights, or make what does."""

_PROPERTIES = ("accessPolicies", "accessPolicy", "assumeRolePolicy", "inlinePolicies", "policyDocument", "policy",
               "resourcePolicy")  # fmt: skip
"""Properties in which a type that is not among the bearers by its name can have a policy."""

NO_BEARERS = (
    "*:*LifecyclePolicy", "*:*ScalingPolicy", "aws:appautoscaling/policy:Policy", "aws:autoscaling/policy:Policy",
    "aws:cloudfront/*", "aws:cloudwatch/logDataProtectionPolicy:*", "aws:cloudwatch/logIndexPolicy:*",
    "aws:iam/accountPasswordPolicy:*", "aws:sns/dataProtectionPolicy:*", "aws:sqs/redriveAllowPolicy:*",
    "aws:sqs/redrivePolicy:*",
)  # fmt: skip
"""Patterns of types that are called like bearers and let nobody in."""


def identity_documents(item: Registration) -> Iterator[object]:
    """The documents in `item` that say what somebody may do."""
    if item.type in IDENTITY_POLICIES:
        yield item.inputs.get("policy")
    elif item.type == types.ROLE:
        yield from _inline(item)


def unread(item: Registration) -> str | None:
    """What of the rights that a resource gives cannot be read, as a property or `WHOLE_TYPE`; None where all can.

    What is unknown until a deployment is not asked.
    """
    if item.type not in _READ:
        suspects = [name for name in _PROPERTIES if item.inputs.get(name)]
        if _is_any(item.type, NO_BEARERS):
            return None
        return WHOLE_TYPE if suspects or _is_any(item.type, BEARERS) else None
    if item.type == types.BUCKET and (given := _access_list(item)):
        return given
    documents = {"policy": item.inputs.get("policy")} if item.type in IDENTITY_POLICIES else {}
    if item.type in RESOURCE_POLICIES:
        name = RESOURCE_POLICIES[item.type].document
        documents[name] = item.inputs.get(name)
    if item.type == types.ROLE:
        documents = {"assumeRolePolicy": item.inputs.get("assumeRolePolicy")}
        documents |= {f"inlinePolicies[{place}]": document for place, document in enumerate(_inline(item))}
    return next((name for name, document in documents.items() if document and not _readable(document)), None)


def _inline(role: Registration) -> Iterator[object]:
    given = role.inputs.get("inlinePolicies")
    if isinstance(given, list):
        yield from (each.get("policy") if isinstance(each, Mapping) else each for each in given)
    elif given:
        yield given


def _access_list(bucket: Registration) -> str | None:
    """The property with which a bucket's access list lets in others than its owner, whom the provider fills in."""
    acl, grants = bucket.inputs.get("acl"), bucket.inputs.get("grants")
    if acl and not isinstance(acl, Unknown) and acl != "private":
        return "acl"
    listed = grants if isinstance(grants, list) else []
    owner = [each for each in listed if isinstance(each, Mapping) and each.get("permissions") == ["FULL_CONTROL"]]
    return "grants" if len(listed) > 1 or len(owner) != len(listed) else None


def _readable(document: object) -> bool:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return False
    return isinstance(document, (Mapping, Unknown))


def _is_any(type_: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(type_, pattern) for pattern in patterns)
