"""The document: findings old and new, rights of resources that come and go, cost lines from both sides."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localcloud import resource_types as types
from localcloud.costs import Usage
from localcloud.graph import UNKNOWN, Packed, RecordedGraph, Registration, Secret
from localcloud.preview.document import document
from localcloud.preview.recorder import registration
from localcloud.preview.recording import decoded

TAGS = {"Project": "shop", "Stack": "dev", "Environment": "dev", "Owner": "o", "CostCenter": "c"}
STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
OWNER = "urn:pulumi:dev::shop::cpaas:shop:Shop::shop"


def made(
    type_: str, name: str, inputs: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any
) -> Registration:
    return Registration(
        urn=f"urn:pulumi:dev::shop::{type_}::{name}",
        type=type_,
        name=name,
        custom=True,
        parent=OWNER,
        property_dependencies=more.pop("links", {}),
        inputs=inputs,
        outputs={**inputs, **(outputs or {})},
        **more,
    )


def component(urn: str, type_: str) -> Registration:
    return Registration(urn=urn, type=type_, name="shop", custom=False, property_dependencies={}, inputs={}, outputs={})


def world(*more: Registration) -> RecordedGraph:
    return RecordedGraph((component(STACK, types.STACK), component(OWNER, "cpaas:shop:Shop"), *more), {})


def queue_with_policy(name: str = "work") -> tuple[Registration, Registration]:
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    queue = made(types.QUEUE, name, {"name": name, "kmsMasterKeyId": "key", "tags": TAGS}, {"arn": arn})
    policy = made(
        types.QUEUE_POLICY,
        f"{name}-policy",
        {"policy": json.dumps({"Statement": [deny]})},
        links={"queueUrl": (queue.urn,)},
    )
    return queue, policy


def test_nothing_is_nothing() -> None:
    told = document(world(), world(), Usage())
    assert told["resources"] == []
    assert told["permissions"] == {"gained": [], "lost": []}
    assert told["cost"]["infrastructure"] == {"before": 0.0, "after": 0.0}


def test_a_denial_that_comes_with_its_queue_is_no_news_and_one_that_goes_alone_is() -> None:
    queue, policy = queue_with_policy()
    assert document(world(), world(queue, policy), Usage())["permissions"] == {"gained": [], "lost": []}
    assert document(world(queue, policy), world(), Usage())["permissions"] == {"gained": [], "lost": []}
    opened = document(world(queue, policy), world(queue), Usage())
    assert [each["sentence"] for each in opened["permissions"]["gained"]] == [
        "no longer refused to everybody: do anything (sqs:*) with queue work, over plain HTTP"
    ]


def test_findings_new_standing_and_gone() -> None:
    queue, policy = queue_with_policy()
    closed, opened = world(queue, policy), world(queue)
    standing = {"queue-dead-letters", "alarm"}
    worse = document(closed, opened, Usage())["policy"]
    assert [each["rule"] for each in worse["new"]] == ["queue-tls"]
    assert worse["new"][0]["title"] == "queue work"
    assert {each["rule"] for each in worse["standing"]} == standing
    better = document(opened, closed, Usage())["policy"]
    assert [each["rule"] for each in better["gone"]] == ["queue-tls"]
    assert better["new"] == []


def test_a_finding_that_is_waived_is_told_as_a_waiver() -> None:
    queue, _ = queue_with_policy()
    waiver = replace(
        component("urn:waiver", types.WAIVER), parent=queue.urn, inputs={"rule": "queue-tls", "reason": "in a test"}
    )
    policy = document(world(queue), world(queue, waiver), Usage())["policy"]
    assert [each["reason"] for each in policy["waivers_new"]] == ["in a test"]
    assert policy["gone"] == []
    assert document(world(queue, waiver), world(queue), Usage())["policy"]["new"][0]["rule"] == "queue-tls"


def test_cost_lines_from_both_sides() -> None:
    old = made(types.DASHBOARD, "old", {"dashboardName": "old"})
    new = made(types.ALARM, "new", {"name": "new", "period": 60, "tags": TAGS})
    cost = document(world(old), world(new), Usage())["cost"]
    lines = {(line["subject"], line["item"]): (line["before"], line["after"]) for line in cost["lines"]}
    assert lines == {("dashboard old", "dashboard"): (3.0, 0.0), ("alarm new", "alarm"): (0.0, 0.1)}
    assert cost["lines"][0]["subject"] == "dashboard old"  # the largest difference first
    assert cost["free_tier"] is False


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        1.5,
        None,
        [1, ["a"]],
        {"a": {"b": UNKNOWN}},
        UNKNOWN,
        Packed((("a.py", "1"), ("b.py", "2"))),
    ],
)
def test_what_the_recorder_writes_is_read_back(value: Any) -> None:
    item = made(
        "aws:new/thing:Thing", "x", {"value": value}, protect=True, aliases=("urn:old",), dependencies=("urn:a",)
    )
    written = json.loads(json.dumps(registration(item, "salt")))
    (back,) = decoded({"registrations": [written], "stack_outputs": {}}).registrations
    assert back == item


def test_secrets_travel_as_digests_that_only_one_preview_can_compare() -> None:
    def sent(secret: str, salt: str) -> Any:
        item = made("aws:new/thing:Thing", "x", {"value": Secret({"inside": secret})})
        written = json.dumps(registration(item, salt))
        assert secret not in written
        (back,) = decoded({"registrations": [json.loads(written)], "stack_outputs": {}}).registrations
        return back.inputs["value"]

    assert sent("hunter2", "a") == sent("hunter2", "a") != sent("hunter3", "a")
    assert sent("hunter2", "a") != sent("hunter2", "b")


def test_fields_of_a_later_revision_are_left_out() -> None:
    written = json.loads(json.dumps(registration(made("aws:new/thing:Thing", "x", {}), "salt")))
    (back,) = decoded({"registrations": [{**written, "colour": "red"}], "stack_outputs": {}}).registrations
    assert back.name == "x"
