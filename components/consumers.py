"""Event-source mappings: how functions get their queue's or stream's records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.function import Function
from components.iam import READ, Statement
from components.platform import Platform
from components.queue import VISIBILITY_FACTOR, DeadLetterQueue, Queue
from components.table import Table
from components.waiver import Waiver

SMALLEST_CONCURRENCY = 2
"""The smallest MaximumConcurrency of a mapping (Lambda API reference, ScalingConfig)."""

_PARTIAL_FAILURES = ["ReportBatchItemFailures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """How many records one invocation gets, and how many seconds a batch may take to fill."""

    size: int
    window_seconds: int = 0


def consume_queue(
    name: str,
    *,
    parent: pulumi.Resource,
    platform: Platform,
    function: Function,
    queue: Queue,
    batching: Batching,
    concurrency: int,
) -> aws.lambda_.EventSourceMapping:
    """Let `function` work through `queue`; the mapping, not the function, bounds how many run at the same time.

    Raises `ValueError` if the queue would show a message again while the function may still be at it.
    """
    needed = VISIBILITY_FACTOR * function.timeout_seconds
    if queue.visibility_seconds < needed:
        raise ValueError(f"{name}: the queue hides messages for {queue.visibility_seconds} s, {needed} s are needed")
    return aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=queue.arn,
        function_name=function.name,
        batch_size=batching.size,
        maximum_batching_window_in_seconds=batching.window_seconds,
        function_response_types=_PARTIAL_FAILURES,
        scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=concurrency),
        tags=platform.site.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[*function.ready, *queue.ready]),
    )


def stream_rights(table: Table) -> Statement:
    """The right to read the table's stream."""
    return Statement(
        sid="ReadStream",
        actions=[
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        ],
        resources=[table.stream_arn],
        key_actions=READ,
    )


def consume_stream(
    name: str,
    *,
    parent: pulumi.Resource,
    platform: Platform,
    function: Function,
    table: Table,
    batching: Batching,
    retries: int,
    failures: DeadLetterQueue,
    events: Sequence[str] = (),
    whole_batches: str = "",
    parallel: int = 1,
) -> aws.lambda_.EventSourceMapping:
    """Let `function` read the table's stream; what fails `retries` times more is reported to `failures`.

    `events` are the changes it gets (INSERT, MODIFY, REMOVE), all without them. The function names the record that
    failed, and it and what follows come again, and a batch that fails altogether is halved; where it takes batches
    only as a whole, `whole_batches` says why. Of a shard, `parallel` batches (1 to 10) are worked on at a time, which
    keeps the order of each item's changes alone (Lambda developer guide, "Parallelization factor").
    """
    subject = name.removesuffix("-mapping")
    alarms.alarm(
        f"{subject}-lag",
        parent=parent,
        platform=platform,
        family=alarm_families.STREAM_LAG,
        subject=function.thing,
        watched=function.measure("IteratorAge", "Maximum", 60),
        limit=alarms.Limit(value=60_000, points=5),
    )
    platform.inventory.stream_readers.append(function)
    mapping = aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=table.stream_arn,
        function_name=function.name,
        starting_position="TRIM_HORIZON",
        batch_size=batching.size,
        maximum_batching_window_in_seconds=batching.window_seconds,
        maximum_retry_attempts=retries,
        parallelization_factor=parallel,
        function_response_types=None if whole_batches else _PARTIAL_FAILURES,
        filter_criteria=_only(events),
        bisect_batch_on_function_error=not whole_batches,
        destination_config=aws.lambda_.EventSourceMappingDestinationConfigArgs(
            on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(destination_arn=failures.arn)
        ),
        tags=platform.site.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[*function.ready, *failures.ready]),
    )
    if whole_batches:
        Waiver(mapping, "mapping-partial-failures", reason=whole_batches)
    return mapping


def _only(events: Sequence[str]) -> aws.lambda_.EventSourceMappingFilterCriteriaArgs | None:
    """Records that are filtered out invoke nothing (Lambda developer guide, "Control which events Lambda sends")."""
    if not events:
        return None
    pattern = json.dumps({"eventName": list(events)})
    return aws.lambda_.EventSourceMappingFilterCriteriaArgs(
        filters=[aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=pattern)]
    )
