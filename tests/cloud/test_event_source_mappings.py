"""Queues and streams invoke functions as Lambda's event source mappings do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.launch import LocalCloud

MakeQueue = Callable[..., tuple[str, str]]

CONSUME = {"Effect": "Allow", "Action": ["sqs:*", "dynamodb:*"], "Resource": "*"}
REPORTING = """
import boto3, json, os, time
sqs = boto3.client("sqs")
def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["REPORT"], MessageBody=json.dumps({"bodies": bodies, "pid": os.getpid()}))
    time.sleep(float(os.environ.get("SLEEP", "0")))
    if "boom" in bodies:
        raise RuntimeError("boom")
    failures = [r["messageId"] for r in event["Records"] if r["body"].startswith("bad")]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failures]} if failures else None
"""


@pytest.fixture
def map_queue(
    bare_cloud: LocalCloud, deploy_function: Any, make_queue: MakeQueue
) -> Callable[..., tuple[str, str, str]]:
    """A queue with a function that reports each batch to a second queue: URLs of both, and the function's name."""

    def build(
        *, queue: dict[str, str] | None = None, variables: dict[str, str] | None = None, **mapping: Any
    ) -> tuple[str, str, str]:
        source, source_arn = make_queue(**{"VisibilityTimeout": "30", **(queue or {})})
        report, _ = make_queue()
        name = deploy_function(REPORTING, statements=[CONSUME], variables={"REPORT": report, **(variables or {})})
        bare_cloud.client("lambda").create_event_source_mapping(EventSourceArn=source_arn, FunctionName=name, **mapping)
        return source, report, name

    return build


@pytest.fixture
def send(bare_cloud: LocalCloud) -> Callable[[str, list[str]], None]:
    sqs = bare_cloud.client("sqs")

    def send_all(url: str, bodies: list[str]) -> None:
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies[start : start + 10])]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)

    return send_all


@pytest.fixture
def batches(drain: Callable[[str], list[dict[str, Any]]], wait_until: Any) -> Callable[..., list[dict[str, Any]]]:
    """Waits until the reported batches hold `count` bodies, and returns the batches."""

    def collect(report: str, count: int) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []

        def enough() -> bool:
            seen.extend(drain(report))
            return sum(len(batch["bodies"]) for batch in seen) >= count

        wait_until(enough, what=f"{count} messages processed")
        return seen

    return collect


@pytest.fixture
def depth(bare_cloud: LocalCloud) -> Callable[[str], int]:
    """Messages in a queue, visible or not."""
    sqs = bare_cloud.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def count(url: str) -> int:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())

    return count


def test_every_message_is_processed_once_and_deleted(
    map_queue: Any, send: Any, batches: Any, depth: Any, wait_until: Any
) -> None:
    source, report, _ = map_queue(BatchSize=10)
    send(source, [f"m{n}" for n in range(200)])
    done = batches(report, 200)
    assert Counter(body for batch in done for body in batch["bodies"]) == {f"m{n}": 1 for n in range(200)}
    assert max(len(batch["bodies"]) for batch in done) <= 10
    wait_until(lambda: depth(source) == 0)


def test_a_window_gathers_batches_above_ten(map_queue: Any, send: Any, batches: Any) -> None:
    source, report, _ = map_queue(BatchSize=50, MaximumBatchingWindowInSeconds=2)
    send(source, [f"m{n}" for n in range(120)])
    sizes = [len(batch["bodies"]) for batch in batches(report, 120)]
    assert sum(sizes) == 120
    assert sizes.count(50) == 2


def test_maximum_concurrency_bounds_the_processes(map_queue: Any, send: Any, batches: Any) -> None:
    source, report, _ = map_queue(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}, variables={"SLEEP": "0.1"})
    send(source, [f"m{n}" for n in range(12)])
    assert len({batch["pid"] for batch in batches(report, 12)}) == 2


def test_only_reported_failures_come_back(map_queue: Any, send: Any, batches: Any, depth: Any, wait_until: Any) -> None:
    source, report, _ = map_queue(
        queue={"VisibilityTimeout": "1"},
        BatchSize=10,
        MaximumBatchingWindowInSeconds=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    send(source, ["good1", "bad1", "good2"])
    first, *again = batches(report, 5)
    assert sorted(first["bodies"]) == ["bad1", "good1", "good2"]
    assert {body for batch in again for body in batch["bodies"]} == {"bad1"}
    assert depth(source) == 1


def test_an_error_brings_the_whole_batch_to_the_dead_letter_queue(
    map_queue: Any, make_queue: MakeQueue, send: Any, batches: Any, depth: Any, wait_until: Any
) -> None:
    dead, dead_arn = make_queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    source, report, _ = map_queue(
        queue={"VisibilityTimeout": "1", "RedrivePolicy": redrive}, BatchSize=10, MaximumBatchingWindowInSeconds=1
    )
    send(source, ["boom", "beside"])
    wait_until(lambda: depth(dead) == 2)
    assert Counter(body for batch in batches(report, 4) for body in batch["bodies"]) == {"boom": 2, "beside": 2}
    assert depth(source) == 0


def test_a_killed_function_leaves_its_message_invisible_until_the_time_out(
    bare_cloud: LocalCloud, map_queue: Any, send: Any, batches: Any, depth: Any, wait_until: Any
) -> None:
    source, report, name = map_queue(queue={"VisibilityTimeout": "600"}, variables={"SLEEP": "30"}, BatchSize=1)
    send(source, ["once"])
    (first,) = batches(report, 1)
    assert bare_cloud.control.kill_function(name) == [first["pid"]]
    sqs = bare_cloud.client("sqs")
    wait_until(lambda: first["pid"] not in bare_cloud.control.kill_function(name))
    visible = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert (visible["ApproximateNumberOfMessages"], depth(source)) == ("0", 1)


def test_a_shortened_visibility_brings_a_killed_functions_message_back(
    bare_cloud: LocalCloud, make_queue: MakeQueue, deploy_function: Any, batches: Any
) -> None:
    source, source_arn = make_queue(VisibilityTimeout="600")
    report, _ = make_queue()
    code = """
import boto3, json, os, signal
sqs = boto3.client("sqs")
def handler(event, context):
    (record,) = event["Records"]
    sqs.send_message(QueueUrl=os.environ["REPORT"], MessageBody=json.dumps({"bodies": [record["body"]]}))
    if record["attributes"]["ApproximateReceiveCount"] == "1":
        handle = record["receiptHandle"]
        sqs.change_message_visibility(QueueUrl=os.environ["SOURCE"], ReceiptHandle=handle, VisibilityTimeout=1)
        os.kill(os.getpid(), signal.SIGKILL)
"""
    name = deploy_function(code, statements=[CONSUME], variables={"REPORT": report, "SOURCE": source})
    bare_cloud.client("lambda").create_event_source_mapping(EventSourceArn=source_arn, FunctionName=name, BatchSize=1)
    bare_cloud.client("sqs").send_message(QueueUrl=source, MessageBody="twice")
    assert [batch["bodies"] for batch in batches(report, 2)] == [["twice"], ["twice"]]


STREAMED = """
import boto3, json, os, time
sqs = boto3.client("sqs")
def handler(event, context):
    keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["REPORT"], MessageBody=json.dumps({"bodies": keys}))
    time.sleep(float(os.environ.get("SLEEP", "0")))
    if os.environ.get("PARTIAL") and "poison" in keys:
        number = event["Records"][keys.index("poison")]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": number}]}
    if "poison" in keys:
        raise RuntimeError("poison")
"""


@pytest.fixture
def table(bare_cloud: LocalCloud, unique: str) -> Iterator[str]:
    dynamodb = bare_cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    yield unique
    dynamodb.delete_table(TableName=unique)


@pytest.fixture
def map_stream(
    bare_cloud: LocalCloud, table: str, deploy_function: Any, make_queue: MakeQueue
) -> Callable[..., tuple[str, Callable[[list[str]], None]]]:
    """Maps the table's stream to a reporting function: the report queue's URL, and what writes rows."""

    def build(variables: dict[str, str] | None = None, **mapping: Any) -> tuple[str, Callable[[list[str]], None]]:
        report, _ = make_queue()
        name = deploy_function(STREAMED, statements=[CONSUME], variables={"REPORT": report, **(variables or {})})
        dynamodb = bare_cloud.client("dynamodb")
        bare_cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"],
            FunctionName=name,
            StartingPosition="LATEST",
            **mapping,
        )

        def write(keys: list[str]) -> None:
            requests = [{"PutRequest": {"Item": {"pk": {"S": key}}}} for key in keys]
            dynamodb.batch_write_item(RequestItems={table: requests})

        return report, write

    return build


def test_a_stream_arrives_in_order(map_stream: Any, batches: Any) -> None:
    report, write = map_stream(BatchSize=3)
    keys = [f"k{n}" for n in range(20)]
    write(keys)
    done = batches(report, 20)
    assert [key for batch in done for key in batch["bodies"]] == keys
    assert max(len(batch["bodies"]) for batch in done) <= 3


def test_bisecting_isolates_the_poison_and_reports_it(
    map_stream: Any, make_queue: MakeQueue, batches: Any, drain: Any, wait_until: Any
) -> None:
    parked, parked_arn = make_queue()
    report, write = map_stream(
        BatchSize=8,
        MaximumBatchingWindowInSeconds=1,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": parked_arn}},
    )
    write(["a", "b", "c", "poison", "d", "e", "f", "g"])
    found: list[dict[str, Any]] = []

    def reported() -> bool:
        found.extend(drain(parked))
        return bool(found)

    wait_until(reported)
    assert found[0]["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert found[0]["DDBStreamBatchInfo"]["batchSize"] == 1
    write(["after"])
    good: set[str] = set()

    def all_good() -> bool:
        good.update(*(batch["bodies"] for batch in drain(report) if "poison" not in batch["bodies"]))
        return good >= {"a", "b", "c", "d", "e", "f", "g", "after"}

    wait_until(all_good)
    assert drain(parked) == []


def test_a_partial_answer_moves_on_to_the_failed_record(map_stream: Any, batches: Any) -> None:
    report, write = map_stream(
        {"PARTIAL": "1"},
        BatchSize=4,
        MaximumBatchingWindowInSeconds=1,
        MaximumRetryAttempts=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    write(["a", "b", "poison", "c"])
    done = [batch["bodies"] for batch in batches(report, 4 + 2 + 2)]
    assert done[0] == ["a", "b", "poison", "c"]
    assert done[1:3] == [["poison", "c"], ["poison", "c"]]


def test_a_slow_stream_does_not_hold_up_queues(map_stream: Any, map_queue: Any, send: Any, batches: Any) -> None:
    report, write = map_stream({"SLEEP": "15"}, BatchSize=1)
    write(["slow"])
    batches(report, 1)
    source, queue_report, _ = map_queue(BatchSize=1)
    send(source, ["quick"])
    assert [batch["bodies"] for batch in batches(queue_report, 1)] == [["quick"]]
