"""Policy rules on the real graph: nothing breaks one, and breaking one is seen, alone, where it was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from components.environments import ENVIRONMENTS, Environment
from localcloud import resource_types as types
from localcloud.graph import UNKNOWN, RecordedGraph, Secret
from localcloud.policies import RULES, Severity, examine
from localcloud.policies.shape import UNTAGGABLE
from localcloud.rights import ATTACHMENTS, RESOURCE_POLICIES
from tests.support.graph_changes import GONE, Break, changed, made, pick, pick_near, plus


def test_nothing_in_the_program_breaks_a_rule(graph: Any) -> None:
    found = examine(graph.recorded)
    assert found.findings == ()
    assert found.waived
    assert all(len(waiver.reason) > 30 for waiver in found.waived)


def test_every_rule_says_what_it_asks() -> None:
    assert len(RULES) >= 35
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.sentence.endswith(".")
        assert name == name.lower()


def without_deny(document: str) -> str:
    """A resource policy that no longer denies anything."""
    policy = json.loads(document)
    policy["Statement"] = [item for item in policy["Statement"] if item["Effect"] == "Allow"]
    return json.dumps(policy)


def granting(**statement: Any) -> Callable[[str], str]:
    """A policy with one statement more."""

    def add(document: str) -> str:
        policy = json.loads(document)
        policy["Statement"].append({"Sid": "More", "Effect": "Allow", **statement})
        return json.dumps(policy)

    return add


def document(**statement: Any) -> str:
    """A policy of one statement."""
    return json.dumps({"Statement": [{"Sid": "Only", "Effect": "Allow", **statement}]})


def inline(**statement: Any) -> dict[str, Any]:
    """The inputs of a role with a policy of its own."""
    return {"inlinePolicies": [{"name": "more", "policy": document(**statement)}]}


BREAKS = [
    Break("queue-encrypted", types.QUEUE, {"kmsMasterKeyId": GONE}),
    Break("queue-dead-letters", types.QUEUE, {"redrivePolicy": GONE}, picks="receipts-queue"),
    Break("queue-tls", types.QUEUE_POLICY, {"policy": without_deny}, picks="plan-policy", at="plan-queue"),
    Break("queue-visibility", types.QUEUE, {"visibilityTimeoutSeconds": 30}, picks="plan-queue"),
    Break("topic-encrypted", types.TOPIC, {"kmsMasterKeyId": GONE}),
    Break("topic-tls", types.TOPIC_POLICY, {"policy": without_deny}, picks="critical-alarms", at="critical-alarms"),
    Break("subscription-dead-letters", types.TOPIC_SUBSCRIPTION, {"redrivePolicy": GONE}, picks="to-queue"),
    Break("table-recovery", types.TABLE, {"pointInTimeRecovery": {"enabled": False}}),
    Break("table-key", types.TABLE, {"serverSideEncryption": {"enabled": True}}),
    Break("table-deletion-protection", types.TABLE, {"deletionProtectionEnabled": False}),
    Break("table-expiry", types.TABLE, {"ttl": GONE}),
    Break("stateful-protected", types.TABLE, {}, protect=False),
    Break("stateful-protected", types.BUCKET, {}, protect=False),
    Break("stateful-protected", types.USER_POOL, {}, protect=False),
    Break("user-pool-deletion-protection", types.USER_POOL, {"deletionProtection": "INACTIVE"}),
    Break("user-pool-closed", types.USER_POOL, {"adminCreateUserConfig": GONE}),
    Break("key-rotation", types.KEY, {"enableKeyRotation": False}),
    Break("log-retention", types.LOG_GROUP, {"retentionInDays": 0}),
    Break("log-key", types.LOG_GROUP, {"kmsKeyId": GONE}),
    Break("bucket-private", types.BUCKET_PRIVACY, {"blockPublicPolicy": False}, at="-bucket"),
    Break("bucket-encrypted", types.BUCKET_ENCRYPTION, {"rules": GONE}, at="-bucket"),
    Break("bucket-tls", types.BUCKET_POLICY, {"policy": without_deny}, at="-bucket"),
    Break("function-tracing", types.FUNCTION, {"tracingConfig": {"mode": "PassThrough"}}),
    Break("function-timeout", types.FUNCTION, {"timeout": GONE}),
    Break("function-runtime", types.FUNCTION, {"runtime": "python3.11"}),
    Break("function-arm64", types.FUNCTION, {"architectures": GONE}),
    Break("function-log-group", types.FUNCTION, {"loggingConfig": GONE}),
    Break("permission-source", types.PERMISSION, {"sourceArn": "arn:aws:s3:::some-bucket"}),
    Break("mapping-partial-failures", types.EVENT_SOURCE_MAPPING, {"functionResponseTypes": GONE}, picks="plan-"),
    Break("mapping-concurrency", types.EVENT_SOURCE_MAPPING, {"scalingConfig": GONE}, picks="plan-"),
    Break("role-managed-policy", types.ROLE, {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
    Break("action-star", types.ROLE_POLICY, {"policy": granting(Action="sqs:*", Resource="arn:aws:sqs:x:1:y")}),
    Break("action-star", types.ROLE_POLICY, {"policy": granting(NotAction="iam:*", Resource="arn:aws:sqs:x:1:y")}),
    Break("action-star", types.ROLE, inline(Action="sqs:*", Resource="arn:aws:sqs:x:1:y")),
    Break("resource-star", types.ROLE, inline(Action="sqs:SendMessage", Resource="*")),
    Break("resource-star", types.ROLE_POLICY, {"policy": granting(Action=["sqs:SendMessage"], Resource="*")}),
    Break("resource-star", types.ROLE_POLICY, {"policy": granting(Action="sqs:SendMessage", NotResource="arn:x")}),
    Break(
        "policy-source",
        types.QUEUE_POLICY,
        {"policy": granting(Principal={"Service": "events.amazonaws.com"}, Action="sqs:SendMessage", Resource="*")},
    ),
    Break("policy-open", types.TOPIC_POLICY, {"policy": granting(Principal="*", Action="sns:Publish", Resource="*")}),
    Break("policy-open", types.KEY, {"policy": granting(Principal={"AWS": "*"}, Action="kms:Decrypt", Resource="*")}),
    Break("policy-open", types.QUEUE, {"policy": document(Principal="*", Action="sqs:SendMessage", Resource="*")}),
    Break("rights-understood", types.ROLE_POLICY, {"policy": Secret("{}")}),
    Break("rights-understood", types.ROLE, {"inlinePolicies": [{"name": "more", "policy": "{"}]}),
    Break("rights-understood", types.BUCKET, {"acl": "public-read"}),
    Break("rights-understood", types.PARAMETER, {"resourcePolicy": "{}"}),
    Break("api-access-log", types.API_STAGE, {"accessLogSettings": GONE}, picks="campaign-api"),
    Break("api-authorizer", types.API_ROUTE, {"authorizationType": "NONE"}, picks="campaign-api"),
    Break("api-authorizer", types.API_ROUTE, {"authorizationType": "NONE"}, picks="sessions-connect"),
    Break("target-dead-letters", types.EVENT_TARGET, {"deadLetterConfig": GONE}),
    Break("component-parent", types.PARAMETER, {"__parent__": True}),
    Break("tags", types.PARAMETER, {"tags": {"Project": "x"}}),
    Break("alarm", types.ALARM, {"dimensions": GONE}, picks="sweep-tick-failures", at="sweep-tick-rule"),
    Break("alarm", types.ALARM, {"dimensions": GONE}, picks="plan-dead-letters", at="plan-dead-letters-queue"),
]


@pytest.mark.parametrize("item", BREAKS, ids=str)
def test_breaking_a_rule_is_seen_alone(item: Break, prod: Any) -> None:
    before = pick(prod.recorded, item.type, item.picks)
    after = changed(prod.recorded, before, item)
    findings = examine(after).findings
    assert {finding.rule for finding in findings} == {item.rule}
    urn = pick_near(prod.recorded, before, item.at).urn if item.at else before.urn
    assert {finding.urn for finding in findings} == {urn}
    assert all("; " in finding.message or finding.rule == "tags" for finding in findings)


def test_every_rule_is_broken_here_once() -> None:
    elsewhere = {"api-throttled", "function-concurrency", "function-failures", "secret-rotation", "waiver-used"}
    assert {item.rule for item in BREAKS} | elsewhere == set(RULES)


def test_two_faults_that_come_together(prod: Any) -> None:
    """A stage without throttling lets the function behind it grow as well."""
    stage = pick(prod.recorded, types.API_STAGE)
    broken = changed(prod.recorded, stage, Break("", types.API_STAGE, {"defaultRouteSettings": GONE}))
    assert {finding.rule for finding in examine(broken).findings} == {"api-throttled", "function-concurrency"}


def test_a_function_that_only_events_invoke_needs_a_destination(prod: Any) -> None:
    mapping = pick(prod.recorded, types.EVENT_SOURCE_MAPPING, "plan-mapping")
    without = RecordedGraph(tuple(item for item in prod.recorded.registrations if item is not mapping), {})
    findings = examine(without).findings
    assert [(finding.rule, finding.urn.rpartition("::")[2]) for finding in findings] == [
        ("function-failures", "campaign-planner-function")
    ]


def test_a_secret_rotates(prod: Any) -> None:
    owner = next(item for item in prod.recorded.registrations if item.type == "cpaas:campaigns:Campaigns")
    tags = pick(prod.recorded, types.PARAMETER).inputs["tags"]
    secret = made(types.SECRET, "secret", owner.urn, {"tags": tags}, protect=True)
    rotation = made(types.SECRET_ROTATION, "rotation", owner.urn, {}, links={"secretId": (secret.urn,)})
    assert examine(plus(prod.recorded, secret, rotation)).findings == ()
    assert [finding.rule for finding in examine(plus(prod.recorded, secret)).findings] == ["secret-rotation"]


def test_a_managed_policy_attached_is_seen(prod: Any) -> None:
    for type_ in ATTACHMENTS:
        assert rules_of(prod.recorded, type_, {}) == ["role-managed-policy"]


def rules_of(graph: RecordedGraph, type_: str, inputs: Mapping[str, Any]) -> list[str]:
    """The rules that a resource breaks once it is added to the campaigns' component."""
    owner = next(item for item in graph.registrations if item.type == "cpaas:campaigns:Campaigns")
    tags = {"tags": pick(graph, types.PARAMETER).inputs["tags"]}
    added = made(type_, "added", owner.urn, {**inputs, **tags}, protect=True)
    return [item.rule for item in examine(plus(graph, added)).findings if item.urn == added.urn]


@pytest.mark.parametrize("type_", [types.USER_POLICY, types.GROUP_POLICY])
def test_policies_of_users_and_groups_are_those_of_roles(prod: Any, type_: str) -> None:
    wild = document(Action="sqs:*", Resource="*")
    assert rules_of(prod.recorded, type_, {"policy": wild}) == ["action-star", "resource-star"]
    assert rules_of(prod.recorded, type_, {"policy": document(Action="sqs:SendMessage", Resource="arn:x")}) == []


@pytest.mark.parametrize("type_", sorted({*RESOURCE_POLICIES} - {types.BUCKET, types.QUEUE, types.SECRET, types.TOPIC}))
def test_no_resource_policy_is_open_to_everybody(prod: Any, type_: str) -> None:
    name = RESOURCE_POLICIES[type_].document
    for principal, expected in (("*", ["policy-open"]), ({"AWS": "arn:aws:iam::1:root"}, [])):
        inputs = {name: document(Principal=principal, Action="x:Y", Resource="arn:x"), "enableKeyRotation": True}
        assert rules_of(prod.recorded, type_, inputs) == expected


def test_a_function_s_address_knows_its_callers(prod: Any) -> None:
    assert rules_of(prod.recorded, types.FUNCTION_URL, {"authorizationType": "NONE"}) == ["policy-open"]
    assert rules_of(prod.recorded, types.FUNCTION_URL, {"authorizationType": "AWS_IAM"}) == []


@pytest.mark.parametrize(
    ("type_", "understood"),
    [
        ("aws:kms/grant:Grant", True),
        ("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", True),
        ("aws:appautoscaling/policy:Policy", True),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", True),
        ("aws:ec2/networkAcl:NetworkAcl", True),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", False),
        ("aws:efs/fileSystemPolicy:FileSystemPolicy", False),
        ("aws:backup/vaultPolicy:VaultPolicy", False),
        ("aws:kinesis/resourcePolicy:ResourcePolicy", False),
        ("aws:cloudwatch/eventPermission:EventPermission", False),
        ("aws:lambda/layerVersionPermission:LayerVersionPermission", False),
        ("aws:lakeformation/permissions:Permissions", False),
        ("aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", False),
        ("aws:iam/userGroupMembership:UserGroupMembership", False),
        ("aws:s3/bucketAclV2:BucketAclV2", False),
        ("aws:s3control/accessPointPolicy:AccessPointPolicy", False),
        ("aws:s3control/accessGrant:AccessGrant", False),
        ("aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy", False),
        ("aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment", False),
        ("aws:ram/resourceShare:ResourceShare", False),
        ("aws:eks/accessEntry:AccessEntry", False),
        ("aws:cloudformation/stack:Stack", False),
        ("aws-native:iam:Role", False),
    ],
)
def test_what_can_give_rights_is_understood_or_found(prod: Any, type_: str, understood: bool) -> None:
    found = rules_of(prod.recorded, type_, {})
    assert ("rights-understood" not in found) is understood
    assert RULES["rights-understood"].severity is Severity.MANDATORY


def test_a_policy_that_the_provider_repeats_among_the_inline_ones_is_one_policy(prod: Any) -> None:
    policy = pick(prod.recorded, types.ROLE_POLICY, "campaign-api-policy")
    role = pick_near(prod.recorded, policy, "role")
    repeated = {"inlinePolicies": [{"name": "x", "policy": policy.inputs["policy"]}]}
    assert "*" in policy.inputs["policy"]
    assert examine(changed(prod.recorded, role, Break("", types.ROLE, repeated))).findings == ()


def test_a_websocket_api_is_authorised_once(prod: Any) -> None:
    api = pick(prod.recorded, types.API, "sessions")
    links = {"apiId": (api.urn,)}

    def findings(key: str) -> list[str]:
        added = made(types.API_ROUTE, "route", api.parent, {"routeKey": key}, links=links)
        return [finding.rule for finding in examine(plus(prod.recorded, added)).findings]

    assert findings("heartbeat") == []
    assert findings("$connect") == ["api-authorizer"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rule": "queue-tls", "reason": "no need"}, "does not break it"),
        ({"rule": "no-such-rule", "reason": "no need"}, "no such rule"),
        ({"rule": "queue-tls", "reason": "  "}, "without a reason"),
    ],
)
def test_a_waiver_that_excuses_nothing_is_a_finding(prod: Any, said: dict[str, str], words: str) -> None:
    queue = pick(prod.recorded, types.QUEUE)
    waiver = made(types.WAIVER, "waiver", queue.urn, said, custom=False)
    (finding,) = examine(plus(prod.recorded, waiver)).findings
    assert (finding.rule, finding.urn) == ("waiver-used", queue.urn)
    assert words in finding.message


def test_a_waiver_excuses_its_part_and_no_other(prod: Any) -> None:
    trace = granting(Action="xray:GetTraceSummaries", Resource="*")
    policy = pick(prod.recorded, types.ROLE_POLICY, "sweeper-policy")
    (finding,) = examine(changed(prod.recorded, policy, Break("", types.ROLE_POLICY, {"policy": trace}))).findings
    assert (finding.rule, finding.part) == ("resource-star", "More")


@pytest.mark.parametrize("environment", [Environment.DEV, Environment.LOCAL])
def test_the_environment_decides_how_strict(prod: Any, environment: Environment) -> None:
    table = pick(prod.recorded, types.TABLE)
    relaxed = {
        "tags": {**table.inputs["tags"], "Environment": environment.value},
        "pointInTimeRecovery": {"enabled": False},
        "deletionProtectionEnabled": False,
    }
    after = changed(prod.recorded, table, Break("", types.TABLE, relaxed, protect=False))
    expected = ["table-recovery"] if ENVIRONMENTS[environment].point_in_time_recovery else []
    assert [finding.rule for finding in examine(after).findings] == expected


def test_what_is_unknown_breaks_no_rule(evaluate: Any) -> None:
    graph: RecordedGraph = evaluate("prod", preview=True)
    documents = [item.inputs["policy"] for item in graph.of_type(types.QUEUE_POLICY)]
    assert UNKNOWN in documents
    assert examine(graph).findings == ()


def test_what_cannot_be_tagged_is_what_the_provider_says() -> None:
    import importlib
    import inspect

    for token in UNTAGGABLE:
        package, module, name = token.split(":")
        folder = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
        resource = getattr(importlib.import_module(f"pulumi_{package}.{folder}"), name)
        assert "tags" not in inspect.signature(resource._internal_init).parameters, token
