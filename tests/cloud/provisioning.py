"""One resource at a time, created by its provisioner and compared with what recording would have imagined."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import boto3
import pulumi
from botocore.config import Config

from localcloud.monitor import Created, Demand
from localcloud.provision import AwsProvider
from localcloud.provision.plausible import plausible

ACCOUNT = "222222222222"
"""An account of its own, so that nothing here meets what other tests create."""
REGION = "us-east-1"

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}

_numbers = itertools.count()


class Cloud:
    """Creates single resources and reads them back."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.provider = AwsProvider(endpoint_url=endpoint_url, region=REGION, account_id=ACCOUNT)
        self.demands: dict[str, Demand] = {}

    def create(self, type_: str, **inputs: Any) -> Created:
        """Create one resource and compare it with what recording would have said."""
        number = next(_numbers)
        demand = Demand(f"urn:pulumi:test::cloud::{type_}::thing-{number}", type_, f"thing-{number}", inputs)
        created = self.provider.create(demand)
        imagined = plausible(demand, ACCOUNT, REGION)
        assert imagined.outputs.keys() == created.outputs.keys()
        if "name" in created.outputs:
            assert imagined.outputs["name"] == created.outputs["name"]
        return created

    def client(self, service: str) -> Any:
        """A plain boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="embedded",
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )

    def role(self) -> str:
        """ARN of a role that Lambda may assume."""
        return str(self.create("aws:iam/role:Role", assumeRolePolicy=json.dumps(TRUST)).outputs["arn"])

    def function(self, **inputs: Any) -> Created:
        """A function that answers 200."""
        source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'fine'}\n"
        settings = {
            "role": self.role(),
            "runtime": "python3.13",
            "handler": "index.handler",
            "code": pulumi.AssetArchive({"index.py": pulumi.StringAsset(source)}),
        }
        return self.create("aws:lambda/function:Function", **{**settings, **inputs})


def tags(listed: list[Mapping[str, str]]) -> dict[str, str]:
    """Tags by name of an answer that lists them."""
    return {entry["Key"]: entry["Value"] for entry in listed}
