"""Names and tags of one stack, and the facts about where it runs that every building block needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.environments import EnvironmentPolicy
from components.settings import StackSettings

MAX_NAME = 64
"""The tightest limit among what is named here: functions and roles (Lambda and IAM quotas)."""


def partition_of(region: str) -> str:
    """The ARN partition of a region (AWS General Reference, Amazon Resource Names)."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One stack: its names, tags and settings, and the account and region it lives in."""

    project: str
    stack: str
    version: str
    settings: StackSettings
    account_id: str

    @property
    def policy(self) -> EnvironmentPolicy:
        """What the environment decides."""
        return self.settings.policy

    @property
    def region(self) -> str:
        """AWS region of everything in the stack."""
        return self.settings.region

    def physical(self, thing: str) -> str:
        """`{project}-{thing}-{stack}`; raises `ValueError` when AWS would refuse it as too long."""
        name = f"{self.project}-{thing}-{self.stack}"
        if len(name) > MAX_NAME:
            raise ValueError(f"{name} has {len(name)} characters, AWS allows {MAX_NAME}: choose a shorter stack name")
        return name

    @property
    def alarm_prefix(self) -> str:
        """Start of every alarm's name: `DescribeAlarms` selects by prefix, so the stack comes before the subject."""
        return f"{self.project}-{self.stack}-"

    def log_group(self, thing: str) -> str:
        """A log group of ours: late log lines re-create `/aws/lambda/...` after a destroy, and the next `up` fails."""
        return f"/{self.project}/{self.stack}/{thing}"

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region that the program does not hold an output of."""
        return f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account_id}:{resource}"

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags of every resource; passed explicitly because provider default tags are invisible to tests."""
        return {
            "Project": self.project,
            "Stack": self.stack,
            "Environment": self.settings.environment.value,
            "Owner": self.settings.tags.owner,
            "CostCenter": self.settings.tags.cost_center,
        }

    def named(self, thing: str) -> dict[str, str]:
        """The stack's tags with a `Name`, for what is auto-named."""
        return {**self.tags, "Name": self.physical(thing)}
