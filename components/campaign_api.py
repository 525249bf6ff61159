"""The campaigns' API: its routes, the function behind them, and the application's right to call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.channels import template_rights
from components.content_bucket import AUDIENCES, REPORTS, REQUESTS
from components.function import Function, FunctionArgs
from components.http_api import HttpApi, HttpApiArgs
from components.iam import Statement, role_policy
from components.messaging import Messaging
from components.outbox import Outbox
from components.platform import Platform
from components.queue import Queue
from components.send_window_settings import window_text
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.core import keys

ROUTES = (
    "POST /api/send-campaign",
    "GET /api/campaigns",
    "GET /api/campaigns/{id}",
    "PATCH /api/campaigns/{id}",
    "GET /api/campaigns/{id}/report",
    "POST /api/audiences",
    "GET /api/audiences/{id}",
    "GET /api/plans/{id}",
    "POST /api/messages",
    "GET /api/messages/{id}",
    "GET /api/opt-outs/{channel}/{address}",
    "PUT /api/opt-outs/{channel}/{address}",
    "DELETE /api/opt-outs/{channel}/{address}",
    "DELETE /api/recipients/{address}",
    "GET /api/customers/{id}/costs",
    "GET /api/pumping-guard",
    "DELETE /api/pumping-guard/{id}",
    "GET /api/messages/{id}/timeline",
    "GET /api/receipts/overdue",
    "GET /api/environment",
)
API_TIMEOUT_SECONDS = 28
"""Below the API's own 29 s, so that a slow call answers with our error and not with the gateway's."""


@dataclass(frozen=True, slots=True)
class CampaignApi:
    """The function that answers, and the address it is called at."""

    function: Function
    url: pulumi.Output[str]


def campaign_api(
    *,
    parent: pulumi.Resource,
    platform: Platform,
    messaging: Messaging,
    outbox: Outbox,
    plan: Queue,
    preflight: Mapping[str, pulumi.Input[object]],
) -> CampaignApi:
    """Serve the API: accepted campaigns go to `plan`, single messages to `outbox`.

    `preflight` are the variables that a plan is made of, the same as the planner's.
    """
    site = platform.site
    settings = site.settings
    child = pulumi.ResourceOptions(parent=parent)
    function = Function(
        "campaign-api",
        FunctionArgs(
            settings=CampaignApiSettings,
            description="Accepts, lists, shows and changes campaigns, accepts and shows messages",
            memory_mb=512,
            timeout_seconds=API_TIMEOUT_SECONDS,
            environment={
                "version": site.version,
                "region": settings.region,
                "campaigns_table": messaging.campaigns.name,
                "content_bucket": messaging.content.name,
                "plan_queue_url": plan.url,
                "outbox_queue_url": outbox.queue.url,
                "delivery_tracking_table": messaging.delivery_tracking.name,
                "rate_limits_table": messaging.rate_limits.name,
                "campaign_spend_cap_usd": settings.campaign_spend_cap_usd,
                "campaign_pause_error_rate": settings.campaign_pause_error_rate,
                "retention_days": settings.policy.data_retention_days,
                **preflight,
                "promotional_window": window_text(settings.promotional_window),
            },
            statements=_rights(messaging, outbox, plan),
        ),
        platform,
        opts=child,
    )
    api = HttpApi(
        "campaign-api",
        HttpApiArgs(thing="campaign-api", routes=ROUTES, rate=50, burst=100, origins=settings.allowed_origins),
        platform,
        function,
        opts=child,
    )
    aws.iam.RolePolicy(
        "application-api",
        role=messaging.application_role.name,
        policy=role_policy(
            [
                Statement(
                    sid="CallApi",
                    actions=["execute-api:Invoke"],
                    resources=[pulumi.Output.concat(api.execution_arn, "/*/*/api/*")],
                )
            ],
            platform.key_arn,
        ),
        opts=child,
    )
    return CampaignApi(function, api.url)


def _rights(messaging: Messaging, outbox: Outbox, plan: Queue) -> list[Statement]:
    tracking = messaging.delivery_tracking
    return [
        messaging.campaigns.grant(
            "ManageCampaigns", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"
        ),
        messaging.campaigns.grant_index("ListCampaigns", keys.CREATED_INDEX),
        messaging.content.write("WriteRequests", REQUESTS, AUDIENCES),
        messaging.content.list("FindAudiences", AUDIENCES),
        messaging.content.read("LinkReports", REPORTS),
        plan.send("QueuePlans"),
        outbox.queue.send("QueueMessages"),
        tracking.grant("ShowMessages", "BatchGetItem"),
        tracking.grant_index("FindByCustomer", keys.CUSTOMER_INDEX),
        messaging.rate_limits.grant("LiftBlocks", "GetItem", "UpdateItem"),
        tracking.grant_index("ListOpen", keys.OPEN_INDEX),
        *template_rights(messaging.channels.values()),
    ]
