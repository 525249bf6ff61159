"""Rights: enumerated, scoped, encrypted things usable, and nobody able to do more than the flow needs."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import botocore.session
import pytest

from tests.support.service_authorization import RESOURCE_TYPES, fits

SERVICE_OF_PREFIX = {
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "kms": ("kms",),
    "logs": ("logs",),
    "s3": ("s3",),
    "ses": ("sesv2",),
    "sms-voice": ("pinpoint-sms-voice-v2",),
    "sns": ("sns",),
    "social-messaging": ("socialmessaging",),
    "sqs": ("sqs",),
    "xray": ("xray",),
}
NOT_OPERATIONS = {
    "dynamodb:ConditionCheckItem",
    "execute-api:Invoke",
    "execute-api:ManageConnections",
    "kms:*",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "s3:ListBucket",
}
"""Actions without an operation of the same name (Service Authorization Reference); `kms:*` is the account's own."""

INLINE_POLICY_LIMIT = 10_240
"""Characters of all inline policies of a role, white space aside (IAM quotas)."""

SENDING = {
    "sms-voice:SendTextMessage": "SendSms",
    "social-messaging:SendWhatsAppMessage": "SendWhatsApp",
    "ses:SendEmail": "SendEmail",
}
"""What reaches people, and the statement that grants it."""

TEMPLATES = {
    "ses:GetEmailTemplate": "ReadEmailTemplates",
    "social-messaging:GetWhatsAppMessageTemplate": "ReadWhatsAppTemplates",
    "social-messaging:ListWhatsAppMessageTemplates": "ReadWhatsAppTemplates",
}
"""What looks at templates, which providers keep for the whole account, and the statement that grants it."""


def test_no_action_is_a_pattern(graph: Any) -> None:
    wild = [(role, action) for role, item in graph.role_statements() for action in item["Action"] if "*" in action]
    assert wild == []


def test_every_resource_is_one_that_its_actions_know(graph: Any) -> None:
    """So a `*` stands only where an action has no resource type; the component has its reason beside it."""
    for role, item in graph.role_statements():
        pairs = [(action, resource) for action in item["Action"] for resource in item["Resource"]]
        fitting = [pair for pair in pairs if fits(*pair)]
        where = f"{role}, {item['Sid']}"
        assert {action for action, _ in fitting} == set(item["Action"]), where
        assert {resource for _, resource in fitting} == set(item["Resource"]), where


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sms-voice:SendTextMessage", "arn:aws:sms-voice:us-east-1:123456789012:configuration-set/sms"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/campaigns/index/created-index"),
        ("dynamodb:GetRecords", "arn:aws:dynamodb:us-east-1:123456789012:table/campaigns"),
        ("s3:GetObject", "arn:aws:s3:::content"),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/cpaas/dev/sweeper"),
        ("sqs:SendMessage", "arn:aws:sns:us-east-1:123456789012:topic"),
        ("sqs:SendMessage", "*"),
        ("xray:PutTraceSegments", "arn:aws:xray:us-east-1:123456789012:group/x"),
    ],
)
def test_a_resource_of_another_kind_is_noticed(action: str, resource: str) -> None:
    assert not fits(action, resource)


def test_every_action_exists(graph: Any) -> None:
    """An action nobody knows grants nothing and says nothing: compare with the services' own models."""
    session = botocore.session.get_session()
    let_in = [
        action
        for kind in ("Key", "QueuePolicy", "TopicPolicy")
        for policy in graph.all(kind)
        for item in graph.statements(policy.inputs["policy"])
        if item["Effect"] == "Allow"
        for action in item["Action"]
    ]
    granted = [action for _, item in graph.role_statements() for action in item["Action"]]
    used = {*let_in, *granted, *RESOURCE_TYPES} - NOT_OPERATIONS
    operations = {
        f"{prefix}:{operation}"
        for prefix, services in SERVICE_OF_PREFIX.items()
        for service in services
        for operation in session.get_service_model(service).operation_names
    }
    assert used - operations == set()


def test_policies_fit_into_their_roles(graph: Any) -> None:
    sizes: dict[str, int] = {}
    for policy in graph.all("RolePolicy"):
        compact = json.dumps(json.loads(policy.inputs["policy"]), separators=(",", ":"))
        sizes[policy.inputs["role"]] = sizes.get(policy.inputs["role"], 0) + len(compact)
    assert max(sizes.values()) < INLINE_POLICY_LIMIT * 0.75


def test_roles_have_no_managed_policies(graph: Any) -> None:
    assert not [role.urn for role in graph.all("Role") if role.inputs.get("managedPolicyArns")]
    assert not graph.all("RolePolicyAttachment")


def test_each_function_has_its_own_role_and_log_group(graph: Any) -> None:
    functions = graph.all("Function")
    assert len({item.inputs["role"] for item in functions}) == len(functions)
    groups = [item.inputs["loggingConfig"]["logGroup"] for item in functions]
    assert len(set(groups)) == len(functions)
    known = {item.inputs["name"] for item in graph.all("LogGroup")}
    assert set(groups) <= known
    for function, group in zip(functions, groups, strict=True):
        logs = [
            resource
            for role, item in graph.role_statements()
            if role == graph.role_of(function) and "logs:PutLogEvents" in item["Action"]
            for resource in item["Resource"]
        ]
        assert len(logs) == 1
        assert logs[0].endswith(f":log-group:{group}:*")


def test_rights_reach_only_into_this_stack(graph: Any) -> None:
    own = {str(item.outputs["arn"]) for item in graph.resources() if "arn" in item.outputs}
    streams = {str(item.outputs["streamArn"]) for item in graph.all("Table") if item.outputs.get("streamArn")}
    apis = {str(item.outputs["executionArn"]) for item in graph.all("Api")}
    known = own | streams | apis
    strangers = [
        (role, resource)
        for role, item in graph.role_statements()
        for resource in item["Resource"]
        if resource != "*"
        and item["Sid"] not in (*SENDING.values(), *TEMPLATES.values())
        and not any(resource == arn or resource.startswith((f"{arn}/", f"{arn}:")) for arn in known)
    ]
    assert strangers == []


def test_only_a_channels_worker_and_the_sender_of_single_messages_send(graph: Any) -> None:
    outputs = graph.recorded.stack_outputs
    functions = {str(item.outputs["name"]): graph.role_of(item) for item in graph.all("Function")}
    for action, sid in SENDING.items():
        senders = {role for role, item in graph.role_statements() if action in item["Action"]}
        worker = outputs[
            {"SendSms": "SmsWorkerFunction", "SendEmail": "EmailWorkerFunction"}.get(sid, "WhatsappWorkerFunction")
        ]
        expected = {functions[worker], functions[outputs["MessageSenderFunction"]]} if worker else set()
        assert senders == expected, action
        assert {item["Sid"] for _, item in graph.role_statements() if action in item["Action"]} <= {sid}


def test_only_who_accepts_and_plans_looks_at_templates_of_channels_that_are_there(graph: Any) -> None:
    outputs = graph.recorded.stack_outputs
    functions = {str(item.outputs["name"]): graph.role_of(item) for item in graph.all("Function")}
    readers = {functions[outputs[name]] for name in ("CampaignApiFunction", "CampaignPlannerFunction")}
    channels = {"ReadEmailTemplates": "EmailWorkerFunction", "ReadWhatsAppTemplates": "WhatsappWorkerFunction"}
    for action, sid in TEMPLATES.items():
        found = {(role, item["Sid"]) for role, item in graph.role_statements() if action in item["Action"]}
        assert found == ({(role, sid) for role in readers} if outputs[channels[sid]] else set()), action


def test_sending_and_templates_are_bound_to_account_and_region(graph: Any) -> None:
    outputs = graph.recorded.stack_outputs
    for _, item in graph.role_statements():
        for action in set(item["Action"]) & (SENDING | TEMPLATES).keys():
            prefix = f"arn:aws:{action.partition(':')[0]}:{outputs['Region']}:{outputs['AccountId']}:"
            assert item["Resource"]
            assert all(resource.startswith(prefix) for resource in item["Resource"]), item


def test_the_application_reads_and_calls_and_nothing_else(graph: Any) -> None:
    role = next(
        item for item in graph.all("Role") if item.inputs.get("name", "").startswith("ai-cpaas-demo-application")
    )
    actions = {
        action for name, item in graph.role_statements() if name == role.outputs["name"] for action in item["Action"]
    }
    assert actions == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "execute-api:Invoke",
        "kms:Decrypt",
    }


@pytest.mark.parametrize(
    ("largest", "principals"), [(False, ["123456789012"]), (True, ["arn:aws:iam::123456789012:role/app"])]
)
def test_who_may_be_the_application(evaluate: Any, largest: bool, principals: list[str]) -> None:
    roles = evaluate("dev", largest=largest).of_type("aws:iam/role:Role")
    role = next(item for item in roles if item.inputs.get("name", "").startswith("ai-cpaas-demo-application"))
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"AWS": principals}


def test_every_permission_names_its_source(graph: Any) -> None:
    permissions = graph.all("Permission")
    assert permissions
    for item in permissions:
        assert item.inputs["sourceArn"].startswith("arn:aws:execute-api:")


def test_services_are_let_in_for_one_source(graph: Any) -> None:
    """Resource policies of queues and topics: a service alone is no identity."""
    for policy in (*graph.all("QueuePolicy"), *graph.all("TopicPolicy")):
        for item in graph.statements(policy.inputs["policy"]):
            if item["Effect"] == "Allow":
                assert "aws:SourceArn" in json.dumps(item["Condition"]), policy.urn


def test_what_a_policy_lets_in_is_what_sends(graph: Any) -> None:
    """The rule's ARN in a queue's policy is written before the rule exists: compare it with the rule's own."""
    sources = {str(item.outputs["arn"]) for item in (*graph.all("EventRule"), *graph.all("Topic"))}
    for policy in graph.all("QueuePolicy"):
        for item in graph.statements(policy.inputs["policy"]):
            if item["Effect"] == "Allow":
                assert item["Condition"]["ArnLike"]["aws:SourceArn"] in sources, policy.urn
    account = f"{graph.recorded.stack_outputs['Region']}:{graph.recorded.stack_outputs['AccountId']}"
    publishers = [
        *(str(item.outputs["arn"]) for item in graph.all("MetricAlarm")),
        *(str(item.outputs["arn"]) for item in graph.all("Smsvoicev2ConfigurationSet")),
        *(str(item.outputs["arn"]) for item in graph.all("ConfigurationSet")),
        f"arn:aws:social-messaging:{account}:waba/0123456789abcdef",
    ]
    for policy in graph.all("TopicPolicy"):
        for item in graph.statements(policy.inputs["policy"]):
            if item["Effect"] == "Allow":
                pattern = item["Condition"]["ArnLike"]["aws:SourceArn"]
                matched = fnmatch.filter(publishers, pattern)
                assert matched, policy.urn
