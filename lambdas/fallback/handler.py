"""Looks at chains that were named to it, and starts what follows: a retry, or the message on its next channel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.chains import ChainTable
from lambdas.adapters.clock import now_ms
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue, batch_failures
from lambdas.adapters.tracking import TrackingTable
from lambdas.core.metrics import DOUBLE_DELIVERIES, FALLBACK_LEGS, PARKED_EVENTS, Datum
from lambdas.core.watch import UnreadableWatch, Watch
from lambdas.fallback.settings import FallbackSettings
from lambdas.fallback.steps import Looked, Steps

SETTINGS = FallbackSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
_DYNAMO, _SQS = client("dynamodb"), client("sqs")
_TRACKING, _CAMPAIGNS = Table(_DYNAMO, SETTINGS.delivery_tracking_table), Table(_DYNAMO, SETTINGS.campaigns_table)
FALLBACK = Queue(_SQS, SETTINGS.fallback_queue_url)
STEPS = Steps(
    ChainTable(_TRACKING, _CAMPAIGNS),
    TrackingTable(_TRACKING),
    CampaignTable(_CAMPAIGNS),
    Queue(_SQS, SETTINGS.outbox_queue_url),
    Queue(_SQS, SETTINGS.legs_queue_url),
    FALLBACK,
    LOG,
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Take each watch of the batch; one that is not due yet is put back, one that fails stays in the queue."""
    failed: list[str] = []
    looked, data = Looked(), list[Datum]()
    for record in event["Records"]:
        try:
            _take(Watch.from_json(record["body"]), looked)
        except UnreadableWatch as error:
            LOG.line("WARNING", "watch parked", reason=str(error), queue_message=record["messageId"])
            if record["attributes"].get("ApproximateReceiveCount", "1") == "1":
                data.append(Datum(PARKED_EVENTS, 1))
            failed.append(record["messageId"])
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            LOG.line("ERROR", "chains not looked at", error=reason, queue_message=record["messageId"])
            failed.append(record["messageId"])
    LOG.metrics([*data, Datum(FALLBACK_LEGS, looked.legs), Datum(DOUBLE_DELIVERIES, looked.doubles)])
    return batch_failures(failed)


def _take(watch: Watch, looked: Looked) -> None:
    at_ms = now_ms()
    if watch.due_ms > at_ms:
        FALLBACK.send_later(watch.to_json(), watch.delay_s(at_ms))
    else:
        STEPS.take(watch, at_ms, looked)
