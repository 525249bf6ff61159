"""The HTTP API of campaigns and messages (payload format 2.0); API Gateway has checked the caller's signature."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from lambdas.adapters.audiences import Audiences
from lambdas.adapters.aws import client
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.chains import ChainTable
from lambdas.adapters.clock import now_ms
from lambdas.adapters.content import Content
from lambdas.adapters.customer_rows import CustomerRows
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.open_messages import OpenMessages
from lambdas.adapters.opt_out_register import ChannelRegisters
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.orders import Orders
from lambdas.adapters.plans import PlanTable
from lambdas.adapters.pumping import Blocks
from lambdas.adapters.queues import Queue
from lambdas.adapters.templates import KeptTemplates, Templates
from lambdas.adapters.tracking import TrackingTable
from lambdas.campaign_api.answers import Answer, ApiError, Caller, caller_identity
from lambdas.campaign_api.audiences import AudienceService
from lambdas.campaign_api.blocks import BlockService
from lambdas.campaign_api.costs import CostService
from lambdas.campaign_api.messages import MessageService
from lambdas.campaign_api.opt_outs import OptOutService
from lambdas.campaign_api.plans import PlanService
from lambdas.campaign_api.receipts import ReceiptService
from lambdas.campaign_api.service import CampaignService
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.campaign_api.templates import TemplateService
from lambdas.campaign_api.timelines import TimelineService
from lambdas.core.campaign_request import MAX_BODY_BYTES
from lambdas.core.channels import routes_from_text
from lambdas.core.prices import PriceList
from lambdas.core.work import campaign_rates

SETTINGS = CampaignApiSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ROUTES = routes_from_text(SETTINGS.channels)
_DYNAMO, _SQS = client("dynamodb"), client("sqs")
_TABLE = Table(_DYNAMO, SETTINGS.campaigns_table)
_S3 = client("s3", signature="s3v4")
_CONTENT = Content(_S3, SETTINGS.content_bucket)
_PLAN_QUEUE = Queue(_SQS, SETTINGS.plan_queue_url)
TEMPLATES = TemplateService(
    KeptTemplates(Templates.of_account(client, SETTINGS.whatsapp_business_account_id).read, now_ms), ROUTES
)
AUDIENCES = AudienceService(Audiences(_TABLE, _S3, SETTINGS.content_bucket), SETTINGS.retention_days, now_ms)
PLANS = PlanService(PlanTable(_TABLE), _CONTENT, _PLAN_QUEUE, SETTINGS.retention_days, now_ms)
SERVICE = CampaignService(
    SETTINGS,
    CampaignTable(_TABLE, campaign_rates({channel: route.rate for channel, route in ROUTES.items()})),
    _CONTENT,
    ChannelOptOuts(_TABLE),
    _PLAN_QUEUE,
    ROUTES,
    now_ms,
    AUDIENCES,
    PLANS,
    TEMPLATES,
)
MESSAGES = MessageService(
    Orders(_TABLE),
    TrackingTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table)),
    Queue(_SQS, SETTINGS.outbox_queue_url),
    ROUTES,
    now_ms,
    TEMPLATES,
    PriceList.from_text(SETTINGS.prices),
    allowed_countries=SETTINGS.allowed_countries,
)
TIMELINES = TimelineService(
    ChainTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table), _TABLE), CampaignTable(_TABLE), Orders(_TABLE), now_ms
)
SHOWN: Mapping[str, Callable[[str], Answer]] = {
    "GET /api/campaigns/{id}/report": SERVICE.report,
    "GET /api/audiences/{id}": AUDIENCES.show,
    "GET /api/plans/{id}": PLANS.show,
    "GET /api/messages/{id}/timeline": TIMELINES.show,
}
"""What is read by its id."""
VERBS = {
    **OptOutService(ChannelRegisters(_TABLE), now_ms).verbs(),
    **CostService(CustomerRows(Table(_DYNAMO, SETTINGS.delivery_tracking_table))).verbs(),
    **BlockService(Blocks(Table(_DYNAMO, SETTINGS.rate_limits_table), now_ms)).verbs(),
}
RECEIPTS = ReceiptService(OpenMessages(Table(_DYNAMO, SETTINGS.delivery_tracking_table)), ROUTES, now_ms)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; an unexpected failure is logged in full and answered with its request id only."""
    route = event["routeKey"]
    try:
        answer = _route(route, event)
    except ApiError as error:
        answer = Answer(error.status, error.body, error.headers)
    except Exception as error:
        LOG.line("ERROR", "request failed", route=route, error=f"{type(error).__name__}: {error}")
        message = f"the request failed on our side; name request {context.aws_request_id} when you report it"
        answer = Answer(500, {"error": {"code": "internal", "message": message}})
    LOG.line("INFO", "answered", route=route, status=answer.status)
    return {
        "statusCode": answer.status,
        "headers": {"content-type": "application/json", **answer.headers},
        "body": json.dumps(answer.body, default=float),
    }


def _route(route: str, event: Mapping[str, Any]) -> Answer:
    named: Mapping[str, str] = event.get("pathParameters") or {}
    if (verb := VERBS.get(route)) is not None:
        return verb(named, event.get("queryStringParameters") or {})
    known_id = named.get("id", "")
    if (shown := SHOWN.get(route)) is not None:
        return shown(known_id)
    match route:
        case "POST /api/send-campaign":
            return SERVICE.send(_body(event), _caller(event))
        case "GET /api/campaigns":
            return SERVICE.newest((event.get("queryStringParameters") or {}).get("limit"))
        case "GET /api/campaigns/{id}":
            return SERVICE.show(known_id)
        case "PATCH /api/campaigns/{id}":
            return SERVICE.change(known_id, _body(event))
        case "POST /api/audiences":
            return AUDIENCES.create(_body(event), _caller(event))
        case "POST /api/messages":
            return MESSAGES.send(_body(event), _caller(event))
        case "GET /api/messages/{id}":
            return MESSAGES.show(known_id)
        case "GET /api/receipts/overdue":
            return RECEIPTS.overdue()
        case "GET /api/environment":
            return SERVICE.environment()
    raise ApiError(404, "unknown_route", f"there is no {route}")


def _body(event: Mapping[str, Any]) -> object:
    raw = event.get("body") or ""
    try:
        data = base64.b64decode(raw, validate=True) if event.get("isBase64Encoded") else raw.encode()
    except binascii.Error as error:
        raise ApiError(400, "invalid_json", "the body is not valid base64") from error
    if len(data) > MAX_BODY_BYTES:
        raise ApiError(
            413, "too_large", f"the body has {len(data)} bytes, more than {MAX_BODY_BYTES}: split the audience"
        )
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_json", "the body is not valid JSON") from error
    return document


def _caller(event: Mapping[str, Any]) -> Caller:
    iam = event.get("requestContext", {}).get("authorizer", {}).get("iam", {})
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    key = headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= 256:
        raise ApiError(400, "invalid_request", "Idempotency-Key must have 1-256 characters")
    return Caller(caller_identity(iam.get("userArn") or iam.get("accountId") or "unknown"), key)
