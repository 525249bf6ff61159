"""What a function's answer says of the batch it was invoked with: which of its records are done.

Behaviour: Lambda developer guide, "Implementing partial batch responses".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def failed_messages(mapping: Mapping[str, Any], result: Mapping[str, Any], batch: set[str]) -> set[str]:
    """The ids of a queue's batch that come back: those reported, or all of them if the report is none."""
    if result.get("error"):
        return batch
    failures = _reported_failures(mapping, result)
    if failures is None or not set(failures) <= batch:
        return batch
    return set(failures)


def processed(mapping: Mapping[str, Any], result: Mapping[str, Any], batch: Sequence[Mapping[str, Any]]) -> int:
    """How many leading records of a stream batch are done."""
    if result.get("error"):
        return 0
    failures = _reported_failures(mapping, result)
    if failures == []:
        return len(batch)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    if failures is None or not set(failures) <= set(numbers):
        return 0
    return min(numbers.index(failure) for failure in failures)


def _reported_failures(mapping: Mapping[str, Any], result: Mapping[str, Any]) -> list[Any] | None:
    """Identifiers in a batch response; None when the answer is not one, which AWS takes as a failed batch."""
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or ()):
        return []
    body = result.get("body")
    if body is None or body == {}:
        return []
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    if failures is None and isinstance(body, dict) and "batchItemFailures" in body:
        return []
    if not isinstance(failures, list) or not all(isinstance(failure, dict) for failure in failures):
        return None
    return [failure.get("itemIdentifier") for failure in failures]
