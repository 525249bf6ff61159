"""The receipts' own code on the embedded tables, eight at a time, while one call in twenty is throttled or times out
after it took effect: the counters say what the pure core says.

The delivery processor and the counters run in this process, in the environment of the deployed functions, on tables of
their own that have the deployed ones' keys, indexes and stream.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from lambdas.adapters.dynamo import Table
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.content import Content
from lambdas.core.intents import IntentOutcome
from lambdas.core.planned_row import PlannedRow
from localcloud.launch import LocalCloud
from tests.cloud.campaign_client import StackClient
from tests.support.faults import Faults, short_pauses
from tests.support.own_function import environment_of, imported
from tests.support.queue_records import record
from tests.support.receipt_pipeline import cost, counted, play
from tests.support.receipt_storm import ESTIMATE_USD, STACK, Arrival, Own, Story, arrivals, body_of, expected, stories

EVENTS = 20_000
COPIES = 0.25
THREADS = 8
FAULT_RATE = 0.05
BATCH = 100
STREAM_BATCH = 500
TRIES = 50
T = TypeVar("T")


def until_done(call: Callable[[], T]) -> T:
    """What a queue, a stream or a sender does with a failure: the same again."""
    for _ in range(TRIES):
        try:
            return call()
        except Exception as error:
            last = error
    raise AssertionError(f"failed {TRIES} times in a row") from last


def cloned(dynamo: Any, name: str, new: str) -> str:
    """An empty table with the keys, indexes and stream of another one."""
    found = dynamo.describe_table(TableName=name)["Table"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in found.get("GlobalSecondaryIndexes", ())
    ]
    settings: dict[str, Any] = {"GlobalSecondaryIndexes": indexes} if indexes else {}
    if found.get("StreamSpecification"):
        settings["StreamSpecification"] = found["StreamSpecification"]
    dynamo.create_table(
        TableName=new,
        AttributeDefinitions=found["AttributeDefinitions"],
        KeySchema=found["KeySchema"],
        BillingMode="PAY_PER_REQUEST",
        **settings,
    )
    return new


def records_of_stream(streams: Any, arn: str) -> Iterator[dict[str, Any]]:
    """Everything that a table's stream holds, in each shard's order."""
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator, Limit=1_000)
            if not answer["Records"]:
                break
            yield from answer["Records"]
            iterator = answer.get("NextShardIterator")


class Site:
    """Tables, queue and environment of one run."""

    def __init__(self, cloud: LocalCloud, stack: StackClient, unique: str) -> None:
        self.stack = stack
        dynamo = stack.client("dynamodb")
        self.campaigns = Table(dynamo, cloned(dynamo, stack.campaigns.name, f"{unique}-campaigns"))
        tracking = cloned(dynamo, stack.tracking.name, f"{unique}-tracking")
        self.stream_arn = dynamo.describe_table(TableName=tracking)["Table"]["LatestStreamArn"]
        self.tracking_name = tracking
        self.sqs = stack.client("sqs")
        self.queue_url = self.sqs.create_queue(QueueName=f"{unique}-receipts")["QueueUrl"]
        self._own = {
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "AWS_DEFAULT_REGION": stack.outputs.identity.region,
            "AWS_ACCESS_KEY_ID": stack.outputs.identity.account_id,
            "AWS_SECRET_ACCESS_KEY": "local",
            "CAMPAIGNS_TABLE": self.campaigns.name,
            "DELIVERY_TRACKING_TABLE": tracking,
            "RECEIPTS_QUEUE_URL": self.queue_url,
            "STACK": STACK,
        }

    def environment(self, function: str) -> dict[str, str]:
        """A deployed function's, with these tables and this queue in it."""
        return environment_of(self.stack.client("lambda"), function) | self._own

    def waiting(self) -> list[dict[str, Any]]:
        """Records of what the processor has put back and is due now."""
        records: list[dict[str, Any]] = []
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not messages:
                return records
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
                records.append(record(message["MessageId"], message["Body"], message.get("MessageAttributes")))


class Sender:
    """Puts intents and answers on record, as a worker's threads do."""

    def __init__(self, tracking: TrackingTable) -> None:
        self._tracking = tracking

    def intend(self, story: Story) -> None:
        """The intent; a put repeated by the same owner is its own."""
        row = PlannedRow(
            story.row, f"customer-{story.row}", story.channel.value, f"+1425555{story.row:04d}", "US",
            Content("text"), 1, ESTIMATE_USD,
        )  # fmt: skip
        put = lambda: self._tracking.intend(  # noqa: E731
            story.campaign_id, row, story.message_id, "sender", story.called_ms, 0
        )
        assert until_done(put) is IntentOutcome.CREATED

    def answer(self, story: Story) -> None:
        """What the call was answered."""
        tracking, message_id, at_ms = self._tracking, story.message_id, story.called_ms
        until_done(
            {
                Own.ACCEPTED: lambda: tracking.accepted(message_id, story.provider_id, at_ms),
                Own.REFUSED: lambda: tracking.refused(message_id, "ValidationException", at_ms),
                Own.IN_DOUBT: lambda: tracking.in_doubt(message_id, at_ms),
            }[story.own]
        )


def processed(handler: Callable[..., Any], records: Sequence[dict[str, Any]]) -> int:
    """Let the processor have a batch until nothing of it fails; how often it came again."""
    again = 0
    while records:
        answer = until_done(lambda: handler({"Records": records}, None))  # noqa: B023
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        records = [each for each in records if each["messageId"] in failed]
        again += bool(records)
        assert again < TRIES
    return again


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Runs of `size` items."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def answers_early(order: Sequence[Arrival], rnd: random.Random) -> list[Arrival]:
    """The same arrivals, most answers of calls before most receipts, as it is in life."""
    return sorted(order, key=lambda arrival: rnd.random() * (0.2 if arrival[1] < 0 else 1.0))


@pytest.mark.timeout(900)
def test_the_counters_say_what_the_pure_core_says(cloud: LocalCloud, stack: StackClient, unique: str) -> None:
    rnd = random.Random("faults")
    some = stories(rnd, unique, int(EVENTS / (1 + COPIES)))
    order = answers_early(arrivals(rnd, some, copies=COPIES), rnd)
    pure, nobody_s = play(some, order, random.Random(1))
    nobody = Counter(nobody_s)
    site = Site(cloud, stack, unique)
    faults = Faults(FAULT_RATE, "faults")
    lock, came_again = threading.Lock(), 0
    returned: Counter[str] = Counter()

    processor_environment = site.environment(stack.outputs.messaging.delivery_processor_function)
    with (
        short_pauses(),
        imported("delivery_processor", processor_environment, with_session=faults.install) as processor,
    ):
        sender = Sender(processor.TRACKING)

        def arrive(batch: list[Arrival]) -> None:
            nonlocal came_again
            for number, index in batch:
                if index < 0:
                    sender.answer(some[number])
            bodies = [body_of(some[number], some[number].told[index]) for number, index in batch if index >= 0]
            again = processed(processor.handler, [record(f"m{index}", body) for index, body in enumerate(bodies)])
            with lock:
                came_again += again

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(sender.intend, some))
            list(pool.map(arrive, list(in_batches(order, BATCH))))
            deadline = time.monotonic() + 300
            while returned != nobody:
                known = []
                for each in site.waiting():
                    is_nobody_s = returned[each["body"]] < nobody[each["body"]]
                    returned[each["body"]] += is_nobody_s
                    known += [] if is_nobody_s else [each]
                list(pool.map(lambda batch: processed(processor.handler, batch), in_batches(known, BATCH)))
                assert time.monotonic() < deadline, f"{(nobody - returned).total()} receipts have not come back"

    environment = site.environment(stack.outputs.campaigns.campaign_counters_function)
    with short_pauses(), imported("campaign_counters", environment, with_session=faults.install) as counters:
        for batch in in_batches(records_of_stream(stack.client("dynamodbstreams"), site.stream_arn), STREAM_BATCH):
            for _ in range(rnd.choice((1, 1, 1, 2))):
                until_done(lambda: counters.handler({"Records": batch}, None))  # noqa: B023

    assert min(faults.injected["throttle"], faults.injected["timeout"]) > EVENTS / 100
    assert came_again > 0, "some faults outlasted the client's own tries"
    for (campaign_id, channel), sums in expected(some).items():
        item = site.campaigns.get({"pk": keys.campaign(campaign_id), "sk": keys.count(channel)})
        assert item is not None
        found = {name: int(item[name]) for name in sums.counts if item[name]}
        assert found == {name: n for name, n in sums.counts.items() if n}
        assert Decimal(item["cost"]).normalize() == sums.cost_usd.normalize()
        (counts,) = [c for key, c in pure.counters.items() if (key.campaign_id, key.channel) == (campaign_id, channel)]
        assert (counted(counts), cost(counts)) == (found, Decimal(item["cost"]).normalize())
    rows = {
        row["message_id"]: row
        for row in TrackingTable(Table(stack.client("dynamodb"), site.tracking_name)).rows(pure.rows)
    }
    assert {message_id: row["status"] for message_id, row in rows.items()} == {
        message_id: image.state.status.value for message_id, image in pure.rows.items()
    }
