"""Least privilege, proved both ways: what roles asked for was granted to them, and what is granted was asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.outputs import StackOutputs
from localcloud import launch
from localcloud.program import record
from tests.cloud.campaign_client import StackClient
from tests.cloud.exercises import EXERCISES
from tests.cloud.stage import Stage, receipt
from tests.support.iam_policies import Grant, grants_of, uncovered, unused

pytestmark = pytest.mark.timeout(400)  # the first test waits for all exercises

_BY_THE_MAPPING = "the event source mapping reads with the function's role, and nobody asks IAM for the embedded one"
_BY_KMS = "a service decrypts on the function's behalf; the embedded cloud encrypts nothing"
_BY_LAMBDA = "Lambda writes a function's log with its role, the embedded one without asking IAM"
PLATFORM_ACTIONS = {
    "dynamodb:DescribeStream": _BY_THE_MAPPING,
    "dynamodb:GetRecords": _BY_THE_MAPPING,
    "dynamodb:GetShardIterator": _BY_THE_MAPPING,
    "dynamodb:ListStreams": _BY_THE_MAPPING,
    "kms:Decrypt": _BY_KMS,
    "kms:GenerateDataKey": _BY_KMS,
    "logs:CreateLogStream": _BY_LAMBDA,
    "logs:PutLogEvents": _BY_LAMBDA,
    "sqs:DeleteMessage": _BY_THE_MAPPING,
    "sqs:GetQueueAttributes": _BY_THE_MAPPING,
    "sqs:ReceiveMessage": _BY_THE_MAPPING,
}
"""Actions that only a service makes in a role's name. X-Ray's are granted where an environment traces, not here."""

PLATFORM_STATEMENTS = {"ReportFailures": "the mapping reports a batch it gave up on, with the function's role"}
"""The same for statements whose action functions also use elsewhere."""

SEND_ACTIONS: Mapping[Channel, str] = {
    Channel.SMS: "sms-voice:SendTextMessage",
    Channel.WHATSAPP: "social-messaging:SendWhatsAppMessage",
    Channel.EMAIL: "ses:SendEmail",
}


@dataclass(frozen=True)
class Evidence:
    """What is granted to the stack's roles, and what they asked while everything was done once."""

    grants: list[Grant]
    decisions: list[launch.Decision]
    code: Mapping[str, str]
    """The handler that each function's role runs: variants of one function share it."""

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        """Role, action and resource of every call."""
        return [(each.principal, each.action, each.resource) for each in self.decisions]

    def used_by_a_twin(self, grant: Grant) -> bool:
        """Whether another variant of the grant's function needed the very same: one code, so one need.

        What sets variants apart, a channel's own right to send and the rights on its own queue, is on another resource
        for each of them: nobody can stand in.
        """
        twins = {role for role, handler in self.code.items() if handler == self.code.get(grant.role)}
        needed = set(self.grants) - set(unused(self.grants, self.calls))
        return any(replace(grant, role=role) in needed for role in twins)


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[launch.LocalCloud]:
    """A stack that no other test works on: roles are changed and a stream is poisoned here."""
    with launch.start(launch.LaunchOptions()) as running:
        yield running


@pytest.fixture(scope="module")
def stage(own_cloud: launch.LocalCloud, wait_until: Callable[..., Any]) -> Stage:
    outputs = StackOutputs.from_mapping(own_cloud.outputs())
    return Stage(own_cloud, StackClient(outputs, own_cloud.endpoint_url), wait_until)


@pytest.fixture(scope="module")
def evidence(stage: Stage) -> Evidence:
    stage.cloud.control.forget_decisions()
    for exercise in EXERCISES:
        exercise(stage)
    return Evidence(granted(stage.cloud), stage.cloud.control.decisions(), code(stage.cloud))


def granted(cloud: launch.LocalCloud) -> list[Grant]:
    """Every grant of every role, as IAM holds it."""
    iam = cloud.client("iam")
    found: list[Grant] = []
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)
            found.extend(grants_of(role["RoleName"], policy["PolicyDocument"]))
    return found


def code(cloud: launch.LocalCloud) -> dict[str, str]:
    """The handler of each function by its role."""
    functions = cloud.client("lambda").get_paginator("list_functions").paginate()
    return {each["Role"].rpartition("/")[2]: each["Handler"] for page in functions for each in page["Functions"]}


def test_nothing_was_denied(evidence: Evidence) -> None:
    assert evidence.decisions
    assert [decision for decision in evidence.decisions if not decision.allowed] == []


def test_every_call_was_within_its_roles_grants(evidence: Evidence) -> None:
    assert uncovered(evidence.grants, evidence.calls) == []


def test_every_grant_was_used(evidence: Evidence) -> None:
    never = [
        f"{grant.role} ({grant.sid}): {grant.action} on {grant.resource}"
        for grant in unused(evidence.grants, evidence.calls)
        if grant.action not in PLATFORM_ACTIONS
        and grant.sid not in PLATFORM_STATEMENTS
        and not evidence.used_by_a_twin(grant)
    ]
    assert not never, "\n".join(["remove these from their components, or exercise what needs them:", *never])


def test_only_what_variants_share_may_be_used_by_one_of_them(evidence: Evidence) -> None:
    """Each variant sends and holds its tokens itself."""
    workers = [role for role, handler in evidence.code.items() if "campaign_worker" in handler]
    assert len(workers) == len(Channel)
    alone = {
        (grant.role, grant.action)
        for grant in evidence.grants
        if grant.role in workers and sum(replace(grant, role=role) in evidence.grants for role in workers) == 1
    }
    for role in workers:
        own = {action for owner, action in alone if owner == role}
        assert own >= {"sqs:ChangeMessageVisibility", "sqs:SendMessage"}
        assert own & set(SEND_ACTIONS.values())
        assert not [action for action in own if action.startswith(("dynamodb:", "s3:"))]


def test_the_exceptions_are_no_wider_than_they_say(evidence: Evidence) -> None:
    asked = {action for _, action, _ in evidence.calls}
    assert asked & PLATFORM_ACTIONS.keys() == set(), "a function asks for it: it is no grant of the platform"
    assert PLATFORM_ACTIONS.keys() <= {grant.action for grant in evidence.grants}
    assert PLATFORM_STATEMENTS.keys() <= {grant.sid for grant in evidence.grants}


def test_the_roles_of_this_proof_are_those_of_the_program(evidence: Evidence) -> None:
    """Roles are auto-named and ARNs differ, so what is compared is who may do what how often."""
    graph = record("local")
    program = [
        (grant.sid, grant.action)
        for policy in graph.of_type("aws:iam/rolePolicy:RolePolicy")
        for grant in grants_of(policy.inputs["role"], policy.inputs["policy"])
    ]
    assert sorted(program) == sorted((grant.sid, grant.action) for grant in evidence.grants)


def _ask_for_a_plan(stage: Stage) -> None:
    users = [{"customer_id": "1", "selected_channel": "sms", "phone": "+12065550001"}]
    body = {"eligible_users": users, "throughput_tps": 1, "body": "refused"}
    assert stage.stack.call("POST", "/api/send-campaign", body)[0] == 500


def _plan(stage: Stage) -> None:
    stage.started(1, 1)


def _report_a_receipt(stage: Stage) -> None:
    campaign_id = stage.started(1, 1)
    stage.wait_until(lambda: stage.stack.rows(campaign_id, 1), timeout=30, what="the message is on record")
    stage.put_receipts(receipt(keys.message(campaign_id, 0), "DELIVERED", time.time_ns() // 1_000_000))


def _send(stage: Stage, channel: Channel) -> None:
    campaign_id = stage.started(1, 1, channels=(channel,))
    stage.until_status(campaign_id, "paused")
    shown = stage.stack.show(campaign_id)
    assert (shown["pause_reason"], shown["pause_code"]) == ("provider_stop", "AccessDeniedException")


def _order(stage: Stage) -> None:
    stage.ordered(Channel.EMAIL)


@pytest.mark.parametrize(
    ("thing", "action", "provoke", "log"),
    [
        ("campaign-api", "sqs:SendMessage", _ask_for_a_plan, "AccessDenied"),
        ("campaign-planner", "s3:GetObject", _plan, "AccessDenied"),
        ("delivery-processor", "dynamodb:UpdateItem", _report_a_receipt, "AccessDeniedException"),
        *(
            (f"campaign-worker-{channel}", action, partial(_send, channel=channel), '"code":"AccessDeniedException"')
            for channel, action in SEND_ACTIONS.items()
        ),
        ("message-sender", SEND_ACTIONS[Channel.EMAIL], _order, "the provider refuses everything"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_role_without_one_action_fails_exactly_there(
    stage: Stage, thing: str, action: str, provoke: Callable[[Stage], None], log: str
) -> None:
    function = f"ai-cpaas-demo-{thing}-local"
    since_ms = time.time_ns() // 1_000_000
    stage.cloud.control.forget_decisions()
    with stripped(stage.cloud, function, action):
        provoke(stage)
        stage.wait_until(lambda: _logged(stage.cloud, thing, log, since_ms), timeout=30, what=f"{thing} logs {log}")
        denied = {each for each in stage.cloud.control.decisions() if not each.allowed}
    assert {(each.session, each.action) for each in denied} == {(function, action)}


@contextmanager
def stripped(cloud: launch.LocalCloud, function: str, action: str) -> Iterator[None]:
    """The function's role without `action`, and with it again afterwards."""
    iam = cloud.client("iam")
    role = cloud.client("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    statements = [
        {**statement, "Action": left}
        for statement in whole["Statement"]
        if (left := [each for each in statement["Action"] if each != action])
    ]
    assert statements != whole["Statement"]
    less = json.dumps({**whole, "Statement": statements})
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=less)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))


def _logged(cloud: launch.LocalCloud, thing: str, text: str, since_ms: int) -> bool:
    pages = cloud.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/ai-cpaas-demo/local/{thing}", startTime=since_ms)
    return any(text in event["message"] for page in found for event in page["events"])
