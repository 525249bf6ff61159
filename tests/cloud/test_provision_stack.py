"""The real program, provisioned completely: every resource, every input, every output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambdas.core.outputs import StackOutputs
from localcloud.program import SAMPLE_ACCOUNT, Provisioned, provision_stack, record

REGION = "us-east-1"
DRAWN_AT_RANDOM = {
    "aws:kms/key:Key",
    "aws:apigatewayv2/api:Api",
    "aws:apigatewayv2/stage:Stage",
    "aws:cognito/userPool:UserPool",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber",
    "aws:sns/topicSubscription:TopicSubscription",
}
"""Types whose ARN, or an ARN they pass on, holds an id that AWS draws."""

Report = tuple[int, int | None, str]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer directory with something in it."""
    path = tmp_path_factory.mktemp("layer")
    (path / "python").mkdir()
    (path / "python" / "library.py").write_text("x = 1\n")
    return path


@dataclass(frozen=True, slots=True)
class Run:
    """One stack provisioned into an account of its own."""

    stack: str
    account_id: str
    provisioned: Provisioned
    reports: list[Report]


@pytest.fixture(
    scope="module", params=[("local", SAMPLE_ACCOUNT), ("prod", "333333333332")], ids=lambda param: param[0]
)
def run(request: pytest.FixtureRequest, bare_cloud: Any, layer: Path) -> Run:
    stack, account_id = request.param
    reports: list[Report] = []
    provisioned = provision_stack(
        stack=stack,
        endpoint_url=bare_cloud.endpoint_url,
        region=REGION,
        account_id=account_id,
        on_progress=lambda *report: reports.append(report),
        config={"layer_path": str(layer)},
    )
    return Run(stack, account_id, provisioned, reports)


def test_every_resource_is_provisioned_and_every_input_passed_on(run: Run) -> None:
    total = sum(item.custom for item in run.provisioned.graph.registrations)
    assert [done for done, _, _ in run.reports] == list(range(total + 1))
    assert {report[1] for report in run.reports} == {total}
    assert run.provisioned.unread == []
    assert run.provisioned.recorded == []


def test_outputs_are_complete_and_lead_to_real_resources(run: Run, bare_cloud: Any) -> None:
    outputs = StackOutputs.from_mapping(run.provisioned.outputs)
    assert (outputs.identity.stack, outputs.identity.account_id) == (run.stack, run.account_id)
    client = boto3.client(
        "sqs",
        endpoint_url=bare_cloud.endpoint_url,
        region_name=REGION,
        aws_access_key_id=run.account_id,
        aws_secret_access_key="embedded",
        config=Config(proxies={}),
    )
    work = outputs.campaigns.sms_work_queue_url
    read = client.get_queue_attributes(QueueUrl=work, AttributeNames=["RedrivePolicy"])["Attributes"]
    dead = client.get_queue_attributes(
        QueueUrl=outputs.campaigns.sms_work_dead_letter_queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]
    assert json.loads(read["RedrivePolicy"])["deadLetterTargetArn"] == dead["QueueArn"]


def test_recording_imagines_what_provisioning_finds(run: Run, layer: Path) -> None:
    imagined = record(run.stack, config={"layer_path": str(layer), "aws:region": REGION})
    real = run.provisioned.graph
    assert [item.urn for item in real.registrations] == [item.urn for item in imagined.registrations]
    assert run.provisioned.outputs.keys() == imagined.stack_outputs.keys()
    pairs = [
        (there.outputs["arn"].replace(run.account_id, SAMPLE_ACCOUNT), here.outputs["arn"])
        for there, here in zip(real.registrations, imagined.registrations, strict=True)
        if here.custom and here.type not in DRAWN_AT_RANDOM and "arn" in here.outputs
    ]
    assert len(pairs) > 50
    assert [there for there, _ in pairs] == [here for _, here in pairs]
