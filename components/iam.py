"""IAM statements as data: actions enumerated, a `*` resource only with its reason beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

DECRYPT = "kms:Decrypt"
GENERATE_DATA_KEY = "kms:GenerateDataKey"
READ = frozenset({DECRYPT})
WRITE = frozenset({DECRYPT, GENERATE_DATA_KEY})
"""What a principal needs on the key of an encrypted queue, topic or bucket to put something there: SQS and SNS check
both (SQS developer guide, "Key management"), S3 decrypts the parts of an upload."""

VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One Allow statement of a role.

    `key_actions` are the KMS actions its resources imply because they are encrypted; whoever assembles the role adds
    them on the key. `reason` says why a resource is `*` and is required exactly there.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    key_actions: frozenset[str] = frozenset()
    reason: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]+", self.sid):
            raise ValueError(f"statement id {self.sid!r} may hold only letters and digits")
        if wild := [action for action in self.actions if "*" in action]:
            raise ValueError(f"{self.sid}: enumerate actions instead of {', '.join(wild)}")
        if not self.actions or not self.resources:
            raise ValueError(f"{self.sid}: a statement needs actions and resources")
        if ("*" in [item for item in self.resources if isinstance(item, str)]) != bool(self.reason):
            raise ValueError(f"{self.sid}: a `*` resource carries its reason, and only that does")

    def rendered(self) -> dict[str, Any]:
        """The statement as IAM's JSON."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": list(self.resources),
            **({"Condition": dict(self.conditions)} if self.conditions else {}),
        }


def role_policy(statements: Iterable[Statement], key_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The document of a role's inline policy, the key's statement added where a resource is encrypted."""
    given = list(statements)
    key_actions = frozenset[str]().union(*(statement.key_actions for statement in given))
    if key_actions:
        given.append(Statement(sid="UseStackKey", actions=sorted(key_actions), resources=[key_arn]))
    repeated = {statement.sid for statement in given if [item.sid for item in given].count(statement.sid) > 1}
    if repeated:
        raise ValueError(f"statement ids repeat within one policy: {', '.join(sorted(repeated))}")
    return document(statement.rendered() for statement in given)


def document(statements: Iterable[Mapping[str, Any]]) -> pulumi.Output[str]:
    """A policy document; statements may hold outputs."""
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": [dict(item) for item in statements]})


def service_trust(service: str) -> str:
    """Trust policy of a role that one AWS service assumes."""
    return _trust({"Service": service})


def principal_trust(principals: Sequence[pulumi.Input[str]]) -> pulumi.Output[str]:
    """Trust policy of a role that the given accounts, roles or users assume."""
    return document([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": list(principals)}}])


def _trust(principal: Mapping[str, str]) -> str:
    return json.dumps(
        {
            "Version": VERSION,
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": dict(principal)}],
        }
    )


def tls_only(resource: pulumi.Input[str] | Sequence[pulumi.Input[str]], actions: str) -> dict[str, Any]:
    """Deny of every request that does not come over TLS, for a resource policy."""
    return {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def service_allow(
    *,
    sid: str,
    service: str,
    action: str,
    resource: pulumi.Input[str],
    source_arn: pulumi.Input[str],
    source_account: pulumi.Input[str] | None = None,
) -> dict[str, Any]:
    """Allow one AWS service to act on a resource on behalf of one source, against confused deputies."""
    condition: dict[str, Any] = {"ArnLike": {"aws:SourceArn": source_arn}}
    if source_account is not None:
        condition["StringEquals"] = {"aws:SourceAccount": source_account}
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
