"""Folds delivery receipts of all channels into tracking rows: any order, any number of times, by either path.

A receipt after which a destination must not be written to again (bounce, complaint, opt-out, invalid number) is also
recorded for that destination on its channel, before the row: whoever dies in between records it again. An inbound STOP
or START is heard on the same paths (`hearing.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_out_register import ChannelRegisters
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.queues import PostponedMessage, Queue, batch_failures, first_seen_ms, fits_again
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import Folded, TrackingTable
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import PauseReason
from lambdas.core.channels import Channel
from lambdas.core.folding import ReceiptGroup, group_by_message, metrics_of_change, new_suppressions
from lambdas.core.inbound import InboundMessage, inbound_messages
from lambdas.core.metrics import CAMPAIGNS_AUTO_PAUSED, FOREIGN_RECEIPTS, OTHER_NOTIFICATIONS, PARKED_EVENTS, Datum
from lambdas.core.receipt_parsing import parse_receipts
from lambdas.core.receipts import Receipt, UnknownEvent
from lambdas.delivery_processor.hearing import heed
from lambdas.delivery_processor.settings import DeliveryProcessorSettings

SETTINGS = DeliveryProcessorSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
DYNAMODB = client("dynamodb")
TRACKING = TrackingTable(Table(DYNAMODB, SETTINGS.delivery_tracking_table))
OPT_OUTS = ChannelOptOuts(Table(DYNAMODB, SETTINGS.campaigns_table))
REGISTERS = ChannelRegisters(Table(DYNAMODB, SETTINGS.campaigns_table))
CAMPAIGNS = CampaignTable(Table(DYNAMODB, SETTINGS.campaigns_table))
RECEIPTS = Queue(client("sqs"), SETTINGS.receipts_queue_url)

MATCH_SECONDS = 300
"""A receipt can beat our own write and the index behind it; one without a match after this is somebody else's."""
FIRST_RETRY_S = 5
LAST_RETRY_S = 120


class Unmatched(Exception):
    """A receipt whose message is not known (yet)."""


class Foreign(Exception):
    """A receipt that names another stack: in a shared account everybody's receipts reach everybody."""


@dataclass(slots=True)
class Batch:
    """What became of a batch: receipts with our message id, queue messages that failed or come again, observations."""

    matched: list[tuple[str, str, Receipt]] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    data: list[Datum] = field(default_factory=list)
    foreign: int = 0


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Process a batch; what is unknown is left to the dead-letter queue, what has no match yet comes again."""
    records = {record["messageId"]: record for record in event["Records"]}
    batch = Batch()
    for queue_id, record in records.items():
        _sort(batch, queue_id, record)
    _fold(batch)
    # With the attribute of what comes again these are too large for the queue: they stay in it, and fail alone.
    batch.failed.update(queue_id for queue_id in batch.again if not fits_again(records[queue_id]["body"]))
    batch.foreign += _send_again([records[queue_id] for queue_id in sorted(batch.again - batch.failed)])
    if batch.foreign:
        batch.data.append(Datum(FOREIGN_RECEIPTS, batch.foreign))
    LOG.metrics(batch.data)
    return batch_failures(sorted(batch.failed))


def _sort(batch: Batch, queue_id: str, record: Mapping[str, Any]) -> None:
    """Read one queue message and find out whose its receipts are."""
    try:
        receipts = parse_receipts(record["body"])
        inbound = inbound_messages(record["body"])
    except UnknownEvent as error:
        LOG.line("WARNING", "event parked", reason=str(error), queue_message=queue_id)
        if record["attributes"].get("ApproximateReceiveCount", "1") == "1":
            batch.data.append(Datum(PARKED_EVENTS, 1))
        batch.failed.add(queue_id)
        return
    heeded = _hear(batch, queue_id, record, inbound)
    if not receipts and not heeded:
        batch.data.append(Datum(OTHER_NOTIFICATIONS, 1))
    for receipt in receipts:
        try:
            batch.matched.append((queue_id, _message_id(receipt), receipt))
        except Foreign:
            batch.foreign += 1
        except Unmatched:
            batch.again.add(queue_id)


def _hear(batch: Batch, queue_id: str, record: Mapping[str, Any], inbound: Iterable[InboundMessage]) -> int:
    """Do what inbound messages ask for; how many did."""
    heeded = 0
    for message in inbound:
        try:
            word = heed(REGISTERS, message, received_ms=first_seen_ms(record))
        except Exception as error:
            LOG.line("ERROR", "STOP or START not recorded", error=f"{type(error).__name__}: {error}")
            batch.failed.add(queue_id)
            continue
        if word is not None:
            LOG.line("INFO", "word heard", word=word.value, channel=message.channel.value)
            heeded += 1
    return heeded


def _message_id(receipt: Receipt) -> str:
    """Our id of a receipt's message: named in it, else by the provider's id; raises `Unmatched` or `Foreign`."""
    if receipt.stack is not None and receipt.stack != SETTINGS.stack:
        raise Foreign
    if receipt.message_id is not None:
        return receipt.message_id
    found = TRACKING.message_ids_by_provider_id(receipt.provider_id)
    if not found:
        raise Unmatched
    return found[0]


def _fold(batch: Batch) -> None:
    """Fold what matched, one write at most for each row; a row that cannot be written fails its own messages alone."""
    rows = {row["message_id"]: row for row in TRACKING.rows({message_id for _, message_id, _ in batch.matched})}
    for message_id, group in group_by_message(batch.matched).items():
        if message_id not in rows:
            batch.again.update(group.queue_ids)
            continue
        try:
            folded = _record(batch, rows[message_id], group)
        except Exception as error:
            LOG.line("ERROR", "receipt not recorded", error=f"{type(error).__name__}: {error}", message_id=message_id)
            batch.failed.update(group.queue_ids)
            continue
        if folded is None:
            batch.again.update(group.queue_ids)
        else:
            batch.data.extend(_metrics(folded))


def _record(batch: Batch, row: Item, group: ReceiptGroup) -> Folded | None:
    """What follows from the receipts comes before the row, so that whoever dies in between does it again."""
    message = TrackedMessage.from_item(row)
    if group.stops and not message.state.is_final and _pause(message.campaign_id):
        batch.data.append(Datum(CAMPAIGNS_AUTO_PAUSED, 1))
    opt_outs = OPT_OUTS[Channel(message.channel)]
    for destination, suppression in new_suppressions(message.state, group):
        opt_outs.remember(destination, suppression.value)
    return TRACKING.fold_read(row, group.events)


def _pause(campaign_id: str) -> bool:
    """Pause a campaign whose every other message would fail like this one; whoever corrects the cause resumes it."""
    if not campaign_id or not CAMPAIGNS.pause(campaign_id, PauseReason.PROVIDER_STOP):
        return False
    LOG.line("ERROR", "campaign paused", campaign_id=campaign_id, reason=PauseReason.PROVIDER_STOP.value)
    return True


def _send_again(records: Iterable[Mapping[str, Any]]) -> int:
    """Keep unmatched receipts in the queue for five minutes, at doubling intervals; returns how many are foreign."""
    young, old = [], 0
    for record in records:
        seen_ms = first_seen_ms(record)
        age_s = time.time() - seen_ms / 1_000
        if age_s > MATCH_SECONDS:
            old += 1
        else:
            delay_s = int(min(LAST_RETRY_S, max(FIRST_RETRY_S, age_s)))
            young.append(PostponedMessage(record["body"], seen_ms, delay_s))
    RECEIPTS.send_again(young)
    return old


def _metrics(folded: Folded) -> list[Datum]:
    before = folded.before
    return metrics_of_change(before.state, folded.after, channel=before.channel, called_ms=before.created_ms)
