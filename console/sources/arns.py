"""Names of AWS's resources taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.telemetry import Resource
from console.text import safe_line

NAME_CELLS = 300
KINDS: Mapping[str, str] = {"s3": "bucket", "sns": "topic", "sqs": "queue"}
"""What the resources of services are whose ARNs name no kind (Service authorization reference, "Resource types")."""


def resource_of(arn: str, tags: Iterable[Mapping[str, str]]) -> Resource:
    """A resource as the tagging service lists it; raises `ValueError` for what is no ARN.

    An ARN is `arn:partition:service:region:account:resource`, the last part a name, or a kind and a name (IAM user
    guide, "Amazon Resource Names").
    """
    _, _, service, _, _, rest = arn.split(":", 5)
    rest = rest.lstrip("/")
    kind, name = KINDS.get(service, ""), rest
    if not kind:
        place = min((at for at in (rest.find("/"), rest.find(":")) if at >= 0), default=-1)
        kind, name = (rest[:place], rest[place + 1 :]) if place >= 0 else ("", rest)
    return Resource(
        arn=safe_line(arn, 1_600),
        service=safe_line(service, 40),
        kind=safe_line(kind, 60),
        name=safe_line(name, NAME_CELLS),
        tags={safe_line(tag["Key"], 128): safe_line(tag["Value"], 256) for tag in tags},
    )
