"""The provider of all provisioners: regions, inputs that nothing reads, what is refused, and types that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from localcloud.graph import ProgramError
from localcloud.monitor import Demand
from localcloud.provision import PROVISIONERS, RECORDED, AwsProvider
from localcloud.provision.plausible import SKETCHES
from tests.cloud.provisioning import ACCOUNT, REGION, Cloud


def test_an_explicit_provider_moves_its_resources_to_its_region(aws: Cloud) -> None:
    provider = Demand("urn:p", "pulumi:providers:aws", "west", {"region": "eu-west-1"})
    aws.provider.create(provider)
    made = aws.provider.create(Demand("urn:q", "aws:sqs/queue:Queue", "q", {}, provider="urn:p"))
    assert made.outputs["arn"].startswith("arn:aws:sqs:eu-west-1:")
    made = aws.provider.create(Demand("urn:r", "aws:sqs/queue:Queue", "r", {"region": "eu-north-1"}, provider="urn:p"))
    assert made.outputs["arn"].startswith("arn:aws:sqs:eu-north-1:")


def test_an_input_that_nothing_reads_is_reported(bare_cloud: Any) -> None:
    with AwsProvider(endpoint_url=bare_cloud.endpoint_url, region=REGION, account_id=ACCOUNT) as provider:
        provider.create(Demand("urn:a", "aws:sqs/queue:Queue", "unread", {"nonsense": 1, "timeouts": {"create": "1m"}}))
        assert provider.unread() == ["aws:sqs/queue:Queue.nonsense"]


REFUSED: list[tuple[Callable[[Cloud], object], str]] = [
    (lambda aws: aws.create("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"), "no provisioner is written"),
    (lambda aws: aws.create("aws:sqs/queue:Queue", delaySeconds=99_999), "CreateQueue was refused with .*; correct"),
    (lambda aws: aws.create("aws:iam/role:Role"), "the input 'assumeRolePolicy' is needed|Missing required parameter"),
    (lambda aws: aws.create("aws:lambda/function:Function", role="r"), "the input 'code' is needed to create it"),
    (lambda aws: aws.function(code=pulumi.AssetArchive({})), "the archive is empty"),
]


@pytest.mark.parametrize(("attempt", "words"), REFUSED)
def test_what_cannot_be_created_is_refused(aws: Cloud, attempt: Callable[[Cloud], object], words: str) -> None:
    with pytest.raises(ProgramError, match=words):
        attempt(aws)


def test_recording_knows_every_provisioned_type() -> None:
    assert SKETCHES.keys() == PROVISIONERS.keys() | RECORDED.keys()
