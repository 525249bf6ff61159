"""Turns an accepted campaign into part files of planned rows, and puts the workers' tokens on the channel's queue."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.content import Content
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.part_files import PartWriter
from lambdas.adapters.queues import Queue, batch_failures
from lambdas.campaign_planner.settings import CampaignPlannerSettings
from lambdas.core.attribute_values import Item
from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, StopReason
from lambdas.core.campaign_request import RequestError, parse_campaign_request
from lambdas.core.channels import Channel, routes_from_text
from lambdas.core.lanes import lane_attributes, lanes_of
from lambdas.core.plan import LaneRow, batches, new_planning, require_room
from lambdas.core.plan_row import RowRules
from lambdas.core.prices import PriceList
from lambdas.core.work import WorkToken, campaign_rate, token_count

SETTINGS = CampaignPlannerSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
_TABLE = Table(client("dynamodb"), SETTINGS.campaigns_table)
CAMPAIGNS = CampaignTable(_TABLE)
OPT_OUTS = ChannelOptOuts(_TABLE)
_S3 = client("s3")
CONTENT = Content(_S3, SETTINGS.content_bucket)
ROUTES = routes_from_text(SETTINGS.channels)
PRICES = PriceList.from_text(SETTINGS.prices)
WORK = {channel: Queue(client("sqs"), route.work_queue_url) for channel, route in ROUTES.items()}


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Plan each campaign of the batch; one that fails stays in the queue."""
    failed = []
    for record in event["Records"]:
        try:
            _plan(json.loads(record["body"]))
        except Exception as error:
            LOG.line("ERROR", "plan failed", error=f"{type(error).__name__}: {error}", body=record["body"])
            failed.append(record["messageId"])
    return batch_failures(failed)


def _plan(message: Mapping[str, Any]) -> None:
    """Plan a campaign without a plan, then put tokens for it if it runs: a full set, or what a higher rate adds."""
    campaign_id = str(message["campaign_id"])
    meta = CAMPAIGNS.meta(campaign_id)
    if meta is None:
        raise LookupError(f"there is no campaign {campaign_id}")
    if "plan" not in meta and CampaignStatus(meta["status"]) in OPEN_STATUSES:
        meta = _write_plan(campaign_id, meta)
    status = CampaignStatus(meta["status"])
    if status is not CampaignStatus.RUNNING:
        LOG.line("INFO", "not running", campaign_id=campaign_id, status=status.value)
        return
    tokens = _tokens(meta, float(message.get("tps_before", 0)))
    for channel, number in tokens.items():
        WORK[channel].send_all([WorkToken(campaign_id, recover=True).to_json()] * number)
    LOG.line("INFO", "planned", campaign_id=campaign_id, rows=int(meta["rows"]), tokens=tokens)


def _tokens(meta: Item, tps_before: float) -> dict[Channel, int]:
    """Work tokens by channel: a full set, or those that a rate of `tps_before` did not need."""
    tokens = {}
    for lane in lanes_of(meta):
        channel = Channel(lane.channel)
        most = campaign_rate(ROUTES[channel].rate)
        there = token_count(min(tps_before, most)) if tps_before else 0
        tokens[channel] = token_count(min(float(meta["tps"]), most)) - there
    return tokens


def _write_plan(campaign_id: str, meta: Item) -> Item:
    """Write the part files under a name of their own, then make them the campaign's in one conditional write.

    Whoever loses that write has left files that nobody reads; the bucket's life cycle removes them.
    """
    try:
        request = parse_campaign_request(CONTENT.get_request(meta["request_key"]))
        require_room(request.recipients)
    except RequestError as error:
        CAMPAIGNS.stop(campaign_id, StopReason.PLAN_FAILED)
        raise RuntimeError(f"the stored request of {campaign_id} cannot be planned: {error}") from error
    name = f"{campaign_id}/{secrets.token_hex(4)}"
    parts = PartWriter(_S3, SETTINGS.content_bucket, name)
    planning = new_planning(RowRules(ROUTES, request.options.max_price_usd, PRICES), OPT_OUTS.opted_out, campaign_id)
    for batch in batches(request.recipients):
        for outcome in planning.plan(batch):
            if isinstance(outcome, LaneRow):
                parts.add(outcome.lane, outcome.row)
    plan = planning.totals
    parts.finish(plan.lanes)
    while "plan" not in meta and (status := CampaignStatus(meta["status"])) in OPEN_STATUSES:
        after = CampaignStatus.RUNNING if status is CampaignStatus.CREATED else status
        changes: dict[str, Any] = {
            "status": after.value if plan.rows else CampaignStatus.COMPLETED.value,
            "plan": name,
            "rows": plan.rows,
            "excluded": plan.excluded,
            "excluded_by_reason": dict(plan.excluded_by_reason),
            "customers": len(plan.customers),
            "estimate": plan.cost_usd,
            **lane_attributes(plan.lanes),
        }
        try:
            return CAMPAIGNS.change(campaign_id, changes, status=status, version=int(meta["version"]))
        except ConditionFailed as failed:
            if failed.item is None:
                raise LookupError(f"campaign {campaign_id} is gone") from failed
            meta = failed.item
    return meta
