"""Sums the tracking table's stream into the counters of campaigns and days, and names the chains that go on."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.counters import Counters
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.campaign_counters.looks import chains_to_look_at
from lambdas.campaign_counters.settings import CampaignCountersSettings
from lambdas.core.attribute_values import from_item
from lambdas.core.counting import RowChange, RowImage, batch_marker, deltas
from lambdas.core.watch import watches

SETTINGS = CampaignCountersSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
COUNTERS = Counters(Table(client("dynamodb"), SETTINGS.campaigns_table))
FALLBACK = Queue(client("sqs"), SETTINGS.fallback_queue_url)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Have the chains of one batch looked at and count it; a failure makes the stream deliver the same batch again.

    What is counted has been named before, so counters that lag behind tell of chains that were not.
    """
    records = [record["dynamodb"] for record in event["Records"]]
    changes = [_change(record) for record in records]
    FALLBACK.send_all([watch.to_json() for watch in watches(chains_to_look_at(records))])
    if sums := deltas(changes):
        fresh = COUNTERS.add(sums, batch_marker(changes), int(time.time()))
        LOG.line("DEBUG" if fresh else "INFO", "counted" if fresh else "counted before", records=len(changes))


def _change(record: Mapping[str, Any]) -> RowChange:
    return RowChange(record["SequenceNumber"], _image(record.get("OldImage")), _image(record.get("NewImage")))


def _image(attributes: Mapping[str, Any] | None) -> RowImage | None:
    if not attributes:
        return None
    item = from_item(attributes)
    row = TrackedMessage.from_item(item)
    estimate_usd, country = Decimal(row.estimate_usd), str(item.get("country", ""))
    return RowImage(
        row.campaign_id, row.channel, row.created_ms, estimate_usd, row.state, item.get("ttl"), country, row.rest
    )
