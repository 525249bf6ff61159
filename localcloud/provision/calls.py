"""Data sources of the AWS provider that the program may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.graph import ProgramError


def _caller_identity(args: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{account_id}:root"
    return {"id": account_id, "accountId": account_id, "arn": arn, "userId": account_id}


def _region(args: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    region = args.get("region") or args.get("name") or region
    return {
        "id": region,
        "region": region,
        "name": region,
        "description": "",
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(args: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


CALLS: dict[str, Callable[[Mapping[str, Any], str, str], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}


def answer(token: str, args: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    """The result of the data source `token`; raises `ProgramError` for one that is not served."""
    if token not in CALLS:
        raise ProgramError("no answer is written for it; add it to CALLS in localcloud/provision/calls.py")
    return CALLS[token](args, account_id, region)
