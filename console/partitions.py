"""AWS's partitions, by the regions in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """The second part of ARNs, the host of the console in a browser, and the domain of endpoints ("AWS service
    endpoints", AWS reference)."""

    name: str
    console: str
    domain: str = "amazonaws.com"


COMMERCIAL = Partition("aws", "console.aws.amazon.com")
OTHERS: Mapping[str, Partition] = {
    "cn-": Partition("aws-cn", "console.amazonaws.cn", "amazonaws.com.cn"),
    "us-gov-": Partition("aws-us-gov", "console.amazonaws-us-gov.com"),
}
"""By the beginning of the region's name."""


def partition_of(region: str) -> Partition:
    """The partition of a region."""
    return next((each for prefix, each in OTHERS.items() if region.startswith(prefix)), COMMERCIAL)


def arn(service: str, region: str, account_id: str, resource: str) -> str:
    """An ARN (IAM user guide, "Amazon Resource Names")."""
    return f"arn:{partition_of(region).name}:{service}:{region}:{account_id}:{resource}"
