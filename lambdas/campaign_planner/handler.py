"""Turns an accepted campaign into part files of planned rows, and puts the workers' tokens on the channel's queue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lambdas.adapters.audiences import Audiences
from lambdas.adapters.aws import client
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.clock import now_ms
from lambdas.adapters.content import Content
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_outs import SideBySideOptOuts
from lambdas.adapters.plans import PlanTable
from lambdas.adapters.queues import Queue, batch_failures
from lambdas.adapters.templates import Templates
from lambdas.campaign_planner.planner import MadePlan, PlanJob, Planner
from lambdas.campaign_planner.settings import CampaignPlannerSettings
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.audience_lines import AudienceError
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, PauseReason, StopReason
from lambdas.core.campaign_request import CampaignRequest, RequestError, parse_campaign_request
from lambdas.core.channels import Channel, routes_from_text
from lambdas.core.deferral import SOON_US, next_opening_us
from lambdas.core.lanes import booked, by_channel, lane_attributes, lanes_of
from lambdas.core.metrics import CAMPAIGNS_AUTO_PAUSED, Datum
from lambdas.core.plan import require_room
from lambdas.core.preflight import Terms, daily_quotas
from lambdas.core.prices import PriceList
from lambdas.core.pumping_audience import MAX_SHOWN, SuspiciousRange
from lambdas.core.send_window import SendWindow
from lambdas.core.work import WorkToken, full_set

SETTINGS = CampaignPlannerSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
_TABLE = Table(client("dynamodb"), SETTINGS.campaigns_table)
CAMPAIGNS = CampaignTable(_TABLE)
PLANS = PlanTable(_TABLE)
_S3 = client("s3")
CONTENT = Content(_S3, SETTINGS.content_bucket)
ROUTES = routes_from_text(SETTINGS.channels)
PRICES = PriceList.from_text(SETTINGS.prices)
_SQS = client("sqs")
WORK = {channel: Queue(_SQS, route.work_queue_url) for channel, route in ROUTES.items()}
PLANS_QUEUE = Queue(_SQS, SETTINGS.plan_queue_url)
PLANNER = Planner(
    PLANS,
    Audiences(_TABLE, _S3, SETTINGS.content_bucket),
    _S3,
    SETTINGS.content_bucket,
    ROUTES,
    PRICES,
    SideBySideOptOuts(_TABLE).opted_out,
    now_ms,
    Templates.of_account(client, SETTINGS.whatsapp_business_account_id).read,
    allowed_countries=SETTINGS.allowed_countries,
)
HAND_OVER_MS = 45_000
"""What is left of an invocation when it hands over: a batch, a checkpoint of some 40 MB and the report's part take
seconds."""

Make = Callable[[PlanJob], MadePlan | None]


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Plan each campaign and each dry run of the batch; one that fails stays in the queue."""
    failed = []
    for record in event["Records"]:
        try:
            _plan(json.loads(record["body"]), context)
        except Exception as error:
            LOG.line("ERROR", "plan failed", error=f"{type(error).__name__}: {error}", body=record["body"])
            failed.append(record["messageId"])
    return batch_failures(failed)


def _plan(message: Mapping[str, Any], context: Any) -> None:
    """Plan a campaign without a plan, start it if that is asked for and due, then put tokens for it if it runs: a full
    set, what a higher rate adds, or after a start those of channels that have begun nothing."""
    make = partial(_make, message=message, context=context)
    if "plan_id" in message:
        _dry_run(str(message["plan_id"]), make)
        return
    campaign_id = str(message["campaign_id"])
    meta = CAMPAIGNS.meta(campaign_id)
    if meta is None:
        raise LookupError(f"there is no campaign {campaign_id}")
    if "plan" not in meta and CampaignStatus(meta["status"]) in OPEN_STATUSES:
        meta = _write_plan(campaign_id, meta, make)
    elif message.get("start"):
        meta = _start(campaign_id, meta)
    status = CampaignStatus(meta["status"])
    if status is not CampaignStatus.RUNNING:
        LOG.line("INFO", "not running", campaign_id=campaign_id, status=status.value)
        return
    tokens = _tokens(meta, float(message.get("tps_before", 0)), unbegun=bool(message.get("start")))
    for channel, number in tokens.items():
        WORK[channel].send_all([WorkToken(campaign_id, recover=True).to_json()] * number)
    LOG.line("INFO", "planned", campaign_id=campaign_id, rows=int(meta["rows"]), tokens=tokens)


def _start(campaign_id: str, meta: Item) -> Item:
    """scheduled -> running once its time has come, whatever else about it is changed meanwhile."""
    while meta["status"] == CampaignStatus.SCHEDULED.value and int(meta["start_at"]) <= now_ms():
        changes = {"status": CampaignStatus.RUNNING.value, "resumed_at": now_ms()}
        try:
            return CAMPAIGNS.change(campaign_id, changes, status=CampaignStatus.SCHEDULED, version=int(meta["version"]))
        except ConditionFailed as failed:
            if failed.item is None:
                raise LookupError(f"campaign {campaign_id} is gone") from failed
            meta = failed.item
    return meta


def _tokens(meta: Item, tps_before: float, *, unbegun: bool) -> dict[Channel, int]:
    """Work tokens by channel: a full set, or those that a rate of `tps_before` did not need; with `unbegun` only for
    channels that have booked no time yet. Where every window is closed the sweeper puts them when one opens."""
    tokens = {}
    window = SendWindow.from_json(meta["window"]) if meta.get("window") else None
    now_us = now_ms() * 1_000
    for name, lanes in by_channel(lanes_of(meta)).items():
        opens_us = next_opening_us(lanes, window, now_us)
        if (unbegun and booked(name) in meta) or opens_us is None or opens_us > now_us + SOON_US:
            continue
        channel = Channel(name)
        rate = ROUTES[channel].rate
        there = full_set(tps_before, rate) if tps_before else 0
        tokens[channel] = full_set(float(meta["tps"]), rate) - there
    return tokens


def _make(job: PlanJob, *, message: Mapping[str, Any], context: Any) -> MadePlan | None:
    """Plan what the rest of this invocation allows; None if it is not through, or if another one is at it."""
    left_ms = context.get_remaining_time_in_millis()
    made = PLANNER.plan(
        job,
        owner=context.aws_request_id,
        stop_ms=now_ms() + left_ms - HAND_OVER_MS,
        ended_ms=now_ms() + left_ms,
        go_on=lambda: PLANS_QUEUE.send(message),
    )
    if made is None:
        LOG.line("INFO", "planning goes on elsewhere", plan=job.name)
    return made


def _dry_run(plan_id: str, make: Make) -> None:
    """Plan without keeping rows; whoever asked reads the PLAN item."""
    item = PLANS.item(keys.plan(plan_id))
    if item is None:
        raise LookupError(f"there is no plan {plan_id}")
    if "summary" in item or "problem" in item:
        return
    request = parse_campaign_request(CONTENT.get_request(item["request_key"]))
    made_ms = int(item["created_at"])
    job = PlanJob(keys.plan(plan_id), plan_id, request, _terms(request, item), False, int(item["ttl"]), made_ms)
    try:
        make(job)
    except AudienceError as error:
        PLANS.fail(job.partition, str(error), now_ms())
        LOG.line("INFO", "audience cannot be planned", plan_id=plan_id, problem=str(error))


def _terms(request: CampaignRequest, item: Mapping[str, Any]) -> Terms:
    """What a plan is measured against; `item` is a campaign's META or a dry run's PLAN."""
    return Terms(
        request.throughput_tps,
        float(item["cap"]),
        max(now_ms(), request.options.start_ms or 0) / 1_000,
        daily_quotas=daily_quotas(email=SETTINGS.email_daily_quota),
        sms_monthly_usd=SETTINGS.sms_monthly_spend_usd or None,
        daily_cap_usd=SETTINGS.campaigns_daily_cap_usd or None,
        window=request.options.window,
    )


def _write_plan(campaign_id: str, meta: Item, make: Make) -> Item:
    """Write the part files under a name of their own, then make them the campaign's in one conditional write.

    Whoever loses that write has left files that nobody reads; the bucket's life cycle removes them.
    """
    partition = keys.campaign(campaign_id)
    try:
        request = parse_campaign_request(CONTENT.get_request(meta["request_key"]))
        require_room(request.recipients)
        terms, made_ms = _terms(request, meta), int(meta["created_at"])
        made = make(PlanJob(partition, campaign_id, request, terms, True, int(meta["ttl"]), made_ms))
    except RequestError as error:
        CAMPAIGNS.stop(campaign_id, StopReason.PLAN_FAILED)
        raise RuntimeError(f"the stored request of {campaign_id} cannot be planned: {error}") from error
    except AudienceError as error:
        PLANS.fail(partition, str(error), now_ms())
        CAMPAIGNS.stop(campaign_id, StopReason.PLAN_FAILED)
        LOG.line("WARNING", "audience cannot be planned", campaign_id=campaign_id, problem=str(error))
        return {**meta, "status": CampaignStatus.STOPPED.value}
    if made is None:
        return meta
    plan = made.totals
    suspicious = plan.ranges.suspicious()[:MAX_SHOWN] if SETTINGS.guard_audiences else ()
    while "plan" not in meta and (status := CampaignStatus(meta["status"])) in OPEN_STATUSES:
        after = status
        if status is CampaignStatus.CREATED:
            ahead = int(meta.get("start_at", 0)) > now_ms()
            after = CampaignStatus.SCHEDULED if ahead else CampaignStatus.RUNNING
        if suspicious:
            after = CampaignStatus.PAUSED
        changes: dict[str, Any] = {
            "status": after.value if plan.rows else CampaignStatus.COMPLETED.value,
            "plan": made.name,
            "rows": plan.rows,
            "excluded": plan.excluded,
            "excluded_by_reason": dict(plan.excluded_by_reason),
            "customers": len(plan.customers),
            "estimate": plan.cost_usd,
            "chained": plan.chained,
            **lane_attributes(plan.lanes),
            **_held_back(suspicious),
        }
        try:
            meta = CAMPAIGNS.change(campaign_id, changes, status=status, version=int(meta["version"]))
            if suspicious:
                LOG.line("ERROR", "campaign paused", campaign_id=campaign_id, reason=PauseReason.PUMPING.value)
                LOG.metrics([Datum(CAMPAIGNS_AUTO_PAUSED, 1)])
            return meta
        except ConditionFailed as failed:
            if failed.item is None:
                raise LookupError(f"campaign {campaign_id} is gone") from failed
            meta = failed.item
    return meta


def _held_back(suspicious: Sequence[SuspiciousRange]) -> dict[str, Any]:
    """Why a campaign waits for a person before anything is sent."""
    if not suspicious:
        return {}
    ranges = [each.to_json() for each in suspicious]
    return {"pause_reason": PauseReason.PUMPING.value, "suspicious_ranges": ranges}
