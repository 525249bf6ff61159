"""Failed chains that nobody was told of: the sweeper finds them in the rows, round after round, and names no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from lambdas.adapters.chains import ChainTable
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.chain_plan import chained
from lambdas.core.chain_terms import Cause, Decision
from lambdas.core.chains import UNATTENDED_MS
from lambdas.core.lanes import Lane, lane_attributes
from lambdas.core.lifecycle import Status, StatusEvent
from lambdas.core.send_options import SendOptions
from lambdas.sweeper.unattended import READ_AT_ONCE, ROUND_MS, UnattendedChains
from localcloud.launch import LocalCloud
from tests.support.bare_tables import BareTables, dynamo, make_tables
from tests.support.campaigns import planned_row

NOW_MS = 1_800_000_000_000
MADE_MS = NOW_MS - ROUND_MS
DECIDED = Decision(1, Cause.FAILED, MADE_MS, MADE_MS, "SPAM")


@dataclass(frozen=True)
class Site:
    """Tables without a stream, and the queue on which chains are named."""

    tables: BareTables
    sqs: Any
    queue_url: str

    @property
    def tracking(self) -> TrackingTable:
        return TrackingTable(self.tables.tracking, retention_days=3_650)

    def put(self, message_id: str, *events: StatusEvent, may_go_on: bool = True, decisions: int = 0) -> None:
        """A row of half an hour ago on the first of three channels, what became of it, and what was decided since."""
        rows = [planned_row(0, channel=channel) for channel in ("whatsapp", "sms", "email")]
        row = chained(rows if may_go_on else rows[:1], SendOptions())
        self.tracking.intend("", row, message_id, "test", MADE_MS, 0)
        self.tracking.fold(message_id, events)
        if decisions:
            made = [DECIDED.to_item()] * decisions
            self.tables.tracking.update({"message_id": message_id}, "SET #legs = :legs", {"legs": made})

    def look(self, summary: CampaignSummary, now_ms: int = NOW_MS, reads: int = 10_000) -> int:
        """One sweep that has time for so many reads."""
        left = iter(range(reads))
        unattended = UnattendedChains(
            self.tables.campaigns,
            ChainTable(self.tables.tracking, self.tables.campaigns),
            Queue(self.sqs, self.queue_url),
            now_ms=now_ms,
            time_left=lambda: next(left, None) is not None,
        )
        return unattended.look_at(summary, None)

    def named(self) -> list[str]:
        """The chains that were named since the last time."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found += json.loads(message["Body"])["chain_ids"]
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found)


@pytest.fixture(scope="module")
def site(cloud: LocalCloud) -> Site:
    sqs = cloud.client("sqs")
    return Site(make_tables(dynamo(cloud), "unattended"), sqs, sqs.create_queue(QueueName="unattended")["QueueUrl"])


def campaign(campaign_id: str, rows: int, **meta: Any) -> CampaignSummary:
    """A campaign of which all rows were handed over, and counted as far as `counts` says."""
    counts = {"sk": keys.count("whatsapp"), **meta.pop("counts", {})}
    item = {
        "pk": keys.campaign(campaign_id), "status": "completed", "version": 1, "created_at": MADE_MS, "tps": 1,
        "rows": rows, "claimed_rows": rows, "done_rows": rows,
        **lane_attributes((Lane("whatsapp", 0, rows, Decimal("0.01")),)), "next_whatsapp": rows, **meta,
    }  # fmt: skip
    return CampaignSummary.from_items(item, [counts])


@contextmanager
def requests_of(client: Any) -> Iterator[list[str]]:
    """The names of the calls that a client makes meanwhile."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    client.meta.events.register("before-call.dynamodb", note)
    yield made
    client.meta.events.unregister("before-call.dynamodb", note)


def failed(ago_ms: int = 2 * UNATTENDED_MS) -> StatusEvent:
    return StatusEvent(Status.FAILED, NOW_MS - ago_ms, code="131026")


def test_what_failed_without_a_decision_is_named_and_nothing_else(site: Site, unique: str) -> None:
    ids = [keys.message(unique, row) for row in range(8)]
    site.put(ids[0], failed())
    site.put(ids[1], failed(), StatusEvent(Status.DELIVERED, NOW_MS))
    site.put(ids[2], failed(UNATTENDED_MS - 1))
    site.put(ids[3], failed(), decisions=1)  # its leg is on its way
    site.put(ids[4], failed(), decisions=1)
    site.put(f"{ids[4]}_1", failed(), may_go_on=False)  # another channel is left
    site.put(ids[5], failed(), may_go_on=False)
    site.put(ids[6], StatusEvent(Status.SENT, MADE_MS))
    assert site.look(campaign(unique, 8)) == 2
    assert site.named() == [ids[0], ids[4]]


def test_the_rows_are_read_in_rounds_of_six_hours_over_as_many_sweeps_as_it_takes(site: Site, unique: str) -> None:
    rows = 2 * READ_AT_ONCE + 1
    last = keys.message(unique, rows - 1)
    site.put(last, failed())
    summary = campaign(unique, rows)
    assert site.look(summary, NOW_MS - 1) == 0, "nothing of it is so old"
    assert [site.look(summary, reads=1) for _ in range(3)] == [0, 0, 1]
    assert site.named() == [last]
    assert site.look(summary) == 0
    assert site.look(summary, NOW_MS + ROUND_MS - 1) == 0
    assert site.look(summary, NOW_MS + ROUND_MS) == 1
    assert site.named() == [last]


@pytest.mark.parametrize(
    "meta",
    [{"status": "paused"}, {"status": "cancelled"}, {"counts": {"failed": 1}}, {"chained": False}],
    ids=["paused", "cancelled", "counted", "without chains"],
)
def test_campaigns_that_send_no_legs_or_miss_no_receipts_are_left_alone_without_a_read(
    site: Site, unique: str, meta: dict[str, Any]
) -> None:
    site.put(keys.message(unique, 0), failed())
    with requests_of(site.tables.tracking.client) as made:
        assert site.look(campaign(unique, 1, **meta)) == 0
    assert made == []
    assert site.named() == []
    with requests_of(site.tables.tracking.client) as made:
        assert site.look(campaign(unique, 1, chained=True)) == 1
    assert "BatchGetItem" in made
    assert site.named() == [keys.message(unique, 0)]
