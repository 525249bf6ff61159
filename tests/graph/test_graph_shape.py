"""The graph as a whole: the same in every mode, well formed, tagged, nothing by accident."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from components.environments import ENVIRONMENTS, Environment
from localcloud.graph import RecordedGraph, Secret
from localcloud.program import record
from localcloud.resource_types import WAIVER

STACK_TYPE = "pulumi:pulumi:Stack"
UNTAGGABLE = {
    "aws:apigatewayv2/authorizer:Authorizer",
    "aws:apigatewayv2/integration:Integration",
    "aws:apigatewayv2/route:Route",
    "aws:apigatewayv2/routeResponse:RouteResponse",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:kms/alias:Alias",
    "aws:lambda/layerVersion:LayerVersion",
    "aws:lambda/permission:Permission",
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination",
    "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword",
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
}
STATEFUL = ("Table", "Bucket", "Key", "UserPool")
BILLED_WITHOUT_USE = {
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber",
    "aws:pinpoint/smsvoicev2Pool:Smsvoicev2Pool",
    "aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList",
    "aws:sesv2/emailIdentity:EmailIdentity",
    "aws:apigateway/account:Account",
    "aws:guardduty/detector:Detector",
    "aws:cloudtrail/trail:Trail",
    "aws:sns/smsPreferences:SmsPreferences",
    "aws:wafv2/webAcl:WebAcl",
}
"""Costs money each month or belongs to the whole account: only on request."""


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_a_preview_shows_exactly_what_up_registers(evaluate: Any, stack: str) -> None:
    assert _shape(evaluate(stack, preview=True)) == _shape(evaluate(stack))


def test_a_preview_of_everything_on_shows_it_all(evaluate: Any) -> None:
    assert _shape(evaluate("dev", preview=True, largest=True)) == _shape(evaluate("dev", largest=True))


def test_two_evaluations_are_equal(evaluate: Any, layer: Path) -> None:
    again = record("dev", config={"layer_path": str(layer)})
    assert again == evaluate("dev")


def test_every_resource_belongs_to_a_component(graph: Any) -> None:
    orphans = [item.urn for item in graph.resources() if graph.by_urn(item.parent).custom]
    assert orphans == []
    at_the_top = [item.type for item in graph.resources() if graph.by_urn(item.parent).type == STACK_TYPE]
    assert at_the_top == []


def test_every_component_says_what_it_made(graph: Any) -> None:
    components = [
        item
        for item in graph.recorded.registrations
        if item.type.startswith("cpaas:") and item.type != WAIVER  # which says something about its parent
    ]
    childless = [item.urn for item in components if not graph.recorded.children_of(item.urn)]
    assert components
    assert childless == []


def test_tags(graph: Any) -> None:
    untagged = [
        item.urn
        for item in graph.resources()
        if item.type not in UNTAGGABLE
        and not {"Project", "Stack", "Environment", "Owner", "CostCenter"} <= item.inputs.get("tags", {}).keys()
    ]
    assert untagged == []


def test_physical_names_carry_project_and_stack(graph: Any) -> None:
    stack = graph.recorded.stack_outputs["Stack"]
    strangers = [
        item.inputs["name"]
        for item in graph.resources()
        if "name" in item.inputs
        and item.type not in {"aws:iam/rolePolicy:RolePolicy", "aws:apigatewayv2/stage:Stage"}
        and not ("ai-cpaas-demo" in item.inputs["name"] and stack in item.inputs["name"])
    ]
    assert strangers == []


def test_one_account_can_hold_two_stacks(evaluate: Any) -> None:
    def names(stack: str) -> set[tuple[str, str]]:
        items = evaluate(stack).registrations
        return {
            (item.type, item.inputs["name"])
            for item in items
            if item.custom and "name" in item.inputs and not item.type.endswith(":Stage")
        }

    assert not names("dev") & names("staging")


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "local"])
def test_what_holds_data_is_protected_where_the_table_says_so(evaluate: Any, stack: str) -> None:
    policy = ENVIRONMENTS[Environment(stack)]
    held = [item for item in evaluate(stack).registrations if item.custom and item.type.split(":")[-1] in STATEFUL]
    assert len(held) == 9
    assert {item.protect for item in held} == {policy.protect}
    tables = [item.inputs for item in held if item.type.endswith(":Table")]
    assert {item["deletionProtectionEnabled"] for item in tables} == {policy.deletion_protection}
    assert {item["pointInTimeRecovery"]["enabled"] for item in tables} == {policy.point_in_time_recovery}
    pools = [item.inputs["deletionProtection"] for item in held if item.type.endswith(":UserPool")]
    assert pools == ["ACTIVE" if policy.deletion_protection else "INACTIVE"]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_nothing_is_billed_or_account_wide_by_default(evaluate: Any, stack: str) -> None:
    assert not BILLED_WITHOUT_USE & set(evaluate(stack).types())


def test_only_local_does_without_the_layer(evaluate: Any) -> None:
    for stack in ("local", "dev"):
        recorded: RecordedGraph = evaluate(stack)
        layers = {len(item.inputs.get("layers", [])) for item in recorded.of_type("aws:lambda/function:Function")}
        assert layers == ({0} if stack == "local" else {1})


def test_a_missing_layer_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="run `make build` first") as caught:
        record("dev", config={"layer_path": str(tmp_path / "nothing")})
    assert "\n" not in str(caught.value)


def test_bad_configuration_stops_before_any_resource() -> None:
    with pytest.raises(Exception, match=r"ai-cpaas-demo:colour is unknown.*") as caught:
        record("dev", config={"colour": "red", "worker_concurrency": "0"})
    assert "worker_concurrency" in str(caught.value)


def test_an_address_never_leaves_its_wrapping(evaluate: Any) -> None:
    recorded: RecordedGraph = evaluate("dev", largest=True)
    assert "oncall@example.com" not in repr(recorded)
    emails = [item for item in recorded.registrations if item.inputs.get("protocol") == "email"]
    assert [item.inputs["endpoint"] for item in emails] == [Secret("oncall@example.com")] * 2


def _shape(recorded: RecordedGraph) -> list[dict[str, Any]]:
    hidden = ("inputs", "outputs", "id")
    return [
        {field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.name not in hidden}
        for item in recorded.registrations
    ]
