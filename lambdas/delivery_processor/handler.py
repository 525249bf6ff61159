"""Folds delivery receipts into tracking rows: any order, any number of times, by either path."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import PostponedMessage, Queue, batch_failures
from lambdas.adapters.tracking import Folded, TrackingTable
from lambdas.core.folding import group_by_message, metrics_of_change
from lambdas.core.metrics import FOREIGN_RECEIPTS, PARKED_EVENTS, Datum
from lambdas.core.receipts import Receipt, UnknownEvent, parse_receipt
from lambdas.delivery_processor.settings import DeliveryProcessorSettings

SETTINGS = DeliveryProcessorSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
TRACKING = TrackingTable(Table(client("dynamodb"), SETTINGS.delivery_tracking_table))
RECEIPTS = Queue(client("sqs"), SETTINGS.receipts_queue_url)

MATCH_SECONDS = 300
"""A receipt can beat our own write and the index behind it; one without a match after this is somebody else's."""
FIRST_RETRY_S = 5
LAST_RETRY_S = 120


class Unmatched(Exception):
    """A receipt whose message is not known (yet)."""


class Foreign(Exception):
    """A receipt that names another stack: in a shared account everybody's receipts reach everybody."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch; what is unknown is left to the dead-letter queue, what has no match yet comes again."""
    records = {record["messageId"]: record for record in event["Records"]}
    matched, again, failed, data, foreign = [], [], [], [], 0
    for queue_id, record in records.items():
        try:
            receipt = parse_receipt(record["body"])
            matched.append((queue_id, _message_id(receipt), receipt))
        except UnknownEvent as error:
            LOG.line("WARNING", "event parked", reason=str(error), queue_message=queue_id)
            if record["attributes"].get("ApproximateReceiveCount", "1") == "1":
                data.append(Datum(PARKED_EVENTS, 1))
            failed.append(queue_id)
        except Foreign:
            foreign += 1
        except Unmatched:
            again.append(queue_id)
    rows = {row["message_id"]: row for row in TRACKING.rows({message_id for _, message_id, _ in matched})}
    for message_id, group in group_by_message(matched).items():
        try:
            folded = TRACKING.fold_read(rows[message_id], group.events) if message_id in rows else None
        except Exception as error:
            LOG.line("ERROR", "receipt not recorded", error=f"{type(error).__name__}: {error}", message_id=message_id)
            failed.extend(group.queue_ids)
            continue
        if folded is None:
            again.extend(group.queue_ids)
        else:
            data.extend(_metrics(folded))
    foreign += _send_again([records[queue_id] for queue_id in again])
    data.extend([Datum(FOREIGN_RECEIPTS, foreign)] if foreign else [])
    LOG.metrics(data)
    return batch_failures(failed)


def _message_id(receipt: Receipt) -> str:
    """Our id of a receipt's message: from its context, else by the provider's id; raises `Unmatched` or `Foreign`."""
    if receipt.stack is not None and receipt.stack != SETTINGS.stack:
        raise Foreign
    if receipt.message_id is not None:
        return receipt.message_id
    found = TRACKING.message_ids_by_provider_id(receipt.provider_id)
    if not found:
        raise Unmatched
    return found[0]


def _send_again(records: list[Mapping[str, Any]]) -> int:
    """Keep unmatched receipts in the queue for five minutes, at doubling intervals; returns how many are foreign."""
    young, old = [], 0
    for record in records:
        first_seen_ms = _first_seen_ms(record)
        age_s = time.time() - first_seen_ms / 1_000
        if age_s > MATCH_SECONDS:
            old += 1
        else:
            delay_s = int(min(LAST_RETRY_S, max(FIRST_RETRY_S, age_s)))
            young.append(PostponedMessage(record["body"], int(first_seen_ms), delay_s))
    RECEIPTS.send_again(young)
    return old


def _first_seen_ms(record: Mapping[str, Any]) -> float:
    attribute = record.get("messageAttributes", {}).get("first_seen_ms")
    return float(attribute["stringValue"] if attribute else record["attributes"]["SentTimestamp"])


def _metrics(folded: Folded) -> list[Datum]:
    before = folded.before
    return metrics_of_change(before.state, folded.after, channel=before.channel, called_ms=before.created_ms)
