"""Deployments and resources over canned answers of AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from console.domain import ConsoleError, ProblemKind
from console.sources.arns import resource_of
from console.sources.deployments import functions_of
from console.sources.fake_outputs import fake_outputs
from lambdas.core.outputs import COMPONENTS
from tests.support.canned_telemetry import telemetry


def test_deployments_are_told_by_code_and_by_outputs_newest_first() -> None:
    outputs = fake_outputs()
    count = len(functions_of(outputs))
    code = [
        {"LastModified": "2026-11-21T10:00:00.000+0000", "CodeSha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}
    ] * count

    def version(number: int, hour: int, **values: str) -> dict[str, Any]:
        at = datetime(2026, 11, 21, hour, tzinfo=UTC)
        return {"Parameters": [{"Version": number, "LastModifiedDate": at, "Value": json.dumps(values)}]}

    history = [version(1, 9, Version="1.1.0") | {"NextToken": "t"}, version(2, 11, Version="1.2.0")]
    console, clients = telemetry(
        get_function_configuration=code, get_parameter_history=[*history, *[{"Parameters": []}] * (len(COMPONENTS) - 1)]
    )
    found = console.deployments()
    assert len(found) == count + 2
    assert (found[0].what, found[0].detail) == ("outputs of stack", "version 2, release 1.2.0")
    assert found[1].detail == "code n4bQgYhM"
    assert found[-1].detail == "version 1, release 1.1.0"
    asked = [request["Name"] for name, request in clients.asked if name == "get_parameter_history"]
    assert asked[:2] == ["/ai-cpaas-demo/local/outputs/stack"] * 2
    assert asked[-1] == "/ai-cpaas-demo/local/outputs/monitoring"


def test_resources_are_asked_for_by_the_stacks_tags_page_by_page() -> None:
    tags = [{"Key": "Stack", "Value": "local"}]
    pages = [
        {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": tags}], "PaginationToken": token}
        for arn, token in (("arn:aws:sqs:us-east-1:0:b", "t"), ("arn:aws:lambda:us-east-1:0:function:a", ""))
    ]
    console, clients = telemetry(get_resources=pages)
    first, second = console.resources()
    assert (first.service, first.kind, first.name) == ("lambda", "function", "a")
    assert (second.service, second.kind, second.tags) == ("sqs", "queue", {"Stack": "local"})
    assert clients.asked[0][1]["TagFilters"] == [
        {"Key": "Project", "Values": ["ai-cpaas-demo"]},
        {"Key": "Stack", "Values": ["local"]},
    ]
    assert clients.asked[1][1]["PaginationToken"] == "t"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:s3:::bucket", ("s3", "bucket", "bucket")),
        ("arn:aws:dynamodb:r:1:table/t", ("dynamodb", "table", "t")),
        ("arn:aws:logs:r:1:log-group:/p/s/thing", ("logs", "log-group", "/p/s/thing")),
        ("arn:aws:apigateway:r::/apis/abc/stages/x", ("apigateway", "apis", "abc/stages/x")),
        ("arn:aws:iam::1:role/a/b", ("iam", "role", "a/b")),
        ("arn:aws:ssm:r:1:parameter/p/s/outputs/stack", ("ssm", "parameter", "p/s/outputs/stack")),
    ],
)
def test_an_arn_is_taken_apart(arn: str, expected: tuple[str, str, str]) -> None:
    found = resource_of(arn, [])
    assert (found.service, found.kind, found.name) == expected


def test_what_is_no_arn_is_a_bad_answer() -> None:
    console, _ = telemetry(get_resources=[{"ResourceTagMappingList": [{"ResourceARN": "nonsense"}]}])
    with pytest.raises(ConsoleError) as caught:
        console.resources()
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER
