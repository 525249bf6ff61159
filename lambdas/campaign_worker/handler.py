"""Sends one channel of a campaign for one work token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaign_lane import CampaignLane
from lambdas.adapters.clock import AnchoredClock, now_ms
from lambdas.adapters.dynamo import Table
from lambdas.adapters.limiter import Limiter
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_outs import OptOuts
from lambdas.adapters.part_files import PartReader
from lambdas.adapters.providers import make_provider
from lambdas.adapters.queues import Queue, batch_failures
from lambdas.adapters.tracking import TrackingTable
from lambdas.adapters.watches import Watches
from lambdas.campaign_worker.settings import CampaignWorkerSettings
from lambdas.core import keys
from lambdas.core.attempts import Attempts, Lead
from lambdas.core.channels import Channel
from lambdas.core.error_watch import ErrorWatches
from lambdas.core.metrics import CAMPAIGNS_AUTO_PAUSED, Datum
from lambdas.core.pacing import MICROSECOND
from lambdas.core.run_report import RunEnd
from lambdas.core.send_metrics import send_metrics
from lambdas.core.sending import CampaignSender, SenderPorts
from lambdas.core.work import HOLD_SECONDS, RUN_SECONDS, WorkToken

SETTINGS = CampaignWorkerSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
_DYNAMO = client("dynamodb", connections=SETTINGS.threads + 4)
CHANNEL = Channel(SETTINGS.channel)
_MONEY = Table(client("dynamodb", attempts=1), SETTINGS.campaigns_table)
CAMPAIGNS = CampaignLane(Table(_DYNAMO, SETTINGS.campaigns_table), CHANNEL, claims=_MONEY)
DAY = CampaignDay(_MONEY, cap_usd=SETTINGS.daily_cap_usd, now_ms=now_ms)
OPT_OUTS = OptOuts(Table(_DYNAMO, SETTINGS.campaigns_table), CHANNEL)
TRACKING = TrackingTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table), retention_days=SETTINGS.retention_days)
RATE_LIMITS = Table(_DYNAMO, SETTINGS.rate_limits_table)
AUDIENCE = PartReader(client("s3"), SETTINGS.content_bucket)
_SQS = client("sqs")
WORK = Queue(_SQS, SETTINGS.work_queue_url)
WATCHES = Watches(Queue(_SQS, SETTINGS.fallback_queue_url))
PROVIDER = make_provider(
    CHANNEL,
    stack=SETTINGS.stack,
    identity=SETTINGS.origination_identity,
    configuration_set=SETTINGS.configuration_set,
    connections=SETTINGS.threads,
)
LEAD = Lead()
ERRORS = ErrorWatches()
LIMITER_KEY = keys.limiter(CHANNEL, SETTINGS.region, SETTINGS.origination_identity)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Work for each token of the batch; a failed run leaves its token in the queue."""
    failed = []
    for record in event["Records"]:
        try:
            _work(record, owner=f"{context.aws_request_id}:{record['messageId']}")
        except Exception as error:
            LOG.line("ERROR", "run failed", error=f"{type(error).__name__}: {error}", body=record["body"])
            failed.append(record["messageId"])
    return batch_failures(failed)


def _work(record: Mapping[str, Any], owner: str) -> None:
    token = WorkToken.from_json(record["body"])
    received = int(record["attributes"].get("ApproximateReceiveCount", "1"))
    handle = record["receiptHandle"]
    WORK.hold(handle, HOLD_SECONDS)
    clock = AnchoredClock()
    limiter = Limiter(
        RATE_LIMITS,
        LIMITER_KEY,
        parts_per_second=min(SETTINGS.parts_per_second, SETTINGS.requests_per_second),
        clock=clock,
    )
    sender = CampaignSender(
        token.campaign_id,
        owner,
        SenderPorts(CAMPAIGNS, AUDIENCE, limiter, OPT_OUTS, clock, DAY, WATCHES),
        Attempts(TRACKING, PROVIDER, OPT_OUTS, clock, owner=owner, lead=LEAD, errors=ERRORS.of(token.campaign_id)),
        threads=SETTINGS.threads,
        keep_token=lambda: WORK.hold(handle, HOLD_SECONDS),
    )
    report = sender.run(clock.now_us() + RUN_SECONDS * MICROSECOND, recover=token.recover or received > 1)
    data = send_metrics(
        CHANNEL,
        sent=report.sent,
        failed=report.refused,
        throttled=report.throttled,
        spent_usd=report.spent_usd,
    )
    if report.paused is not None:
        LOG.line(
            "ERROR",
            "campaign paused",
            campaign_id=token.campaign_id,
            reason=report.paused.value,
            code=report.pause_code,
        )
        data.append(Datum(CAMPAIGNS_AUTO_PAUSED, 1))
    LOG.metrics(data)
    LOG.line(
        "INFO",
        "run ended",
        campaign_id=token.campaign_id,
        end=report.end.value,
        sent=report.sent,
        refused=report.refused,
        in_doubt=report.in_doubt,
        suppressed=report.suppressed,
        throttled=report.throttled,
        slots_given_up=report.given_up_slots,
        intents_not_withdrawn=report.not_withdrawn,
        slowest_wait_s=round(report.slowest_wait_s, 3),
    )
    if report.end is RunEnd.TIME_UP:
        WORK.send_all([WorkToken(token.campaign_id, recover=report.chunks_left > 0).to_json()])
