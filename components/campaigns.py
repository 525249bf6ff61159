"""Campaigns: the API, the planner, a sending worker for each channel, the counters and the sweeper."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.channels import SendingChannel, routes_text
from components.consumers import SMALLEST_CONCURRENCY, Batching, consume_queue, consume_stream, stream_rights
from components.content_bucket import AUDIENCES, CHECKPOINTS, PARTS, REPORTS, REQUESTS
from components.event_rule import RuleArgs, RuleToQueue
from components.function import Function, FunctionArgs
from components.http_api import HttpApi, HttpApiArgs
from components.iam import Statement, role_policy
from components.messaging import Messaging
from components.outbox import Outbox
from components.platform import Platform
from components.queue import DeadLetterQueue, Queue, QueueArgs
from components.send_window_settings import window_text
from lambdas.campaign_api.settings import CampaignApiSettings
from lambdas.campaign_counters.settings import CampaignCountersSettings
from lambdas.campaign_planner.settings import CampaignPlannerSettings
from lambdas.campaign_worker.settings import CampaignWorkerSettings
from lambdas.core import keys
from lambdas.core.outputs import CampaignOutputs
from lambdas.core.work import THREADS
from lambdas.sweeper.settings import SweeperSettings

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

PLANNER_TIMEOUT_SECONDS = 120
"""Planning 5,000 inline recipients takes seconds, a million uploaded ones some minutes, in invocations that hand over
to each other: six times the time-out is how long a dead planner's campaign waits."""
PLANNER_MEMORY_MB = 1_769
"""A whole vCPU (Lambda developer guide, "Configure Lambda function memory"): planning is work for one, and takes less
than a fifth of the memory at a million rows."""

WORKER_TIMEOUT_SECONDS = 60
SWEEPER_TIMEOUT_SECONDS = 60


class Campaigns(pulumi.ComponentResource):
    """From `POST /api/send-campaign` to the last accepted message."""

    outputs: CampaignOutputs

    def __init__(
        self,
        name: str,
        platform: Platform,
        messaging: Messaging,
        outbox: Outbox,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:campaigns:Campaigns", name, {}, opts)
        self._platform = platform
        self._messaging = messaging
        self._outbox = outbox
        self._child = pulumi.ResourceOptions(parent=self)
        self._table = messaging.campaigns
        self._content = messaging.content
        self._build_queues()
        self._routes = routes_text(
            {channel: each.route(self._work[channel].url) for channel, each in messaging.channels.items()}
        )
        email = platform.site.settings.email
        self._account_limits = {
            "email_daily_quota": email.daily_quota if email else 0,
            "sms_monthly_spend_usd": platform.site.settings.sms.monthly_spend_usd,
            "campaigns_daily_cap_usd": platform.site.settings.campaigns_daily_cap_usd,
        }
        whatsapp = platform.site.settings.whatsapp
        self._template_account = {"whatsapp_business_account_id": whatsapp.business_account_id if whatsapp else ""}
        planner = self._build_planner()
        workers = {channel: self._build_worker(each) for channel, each in messaging.channels.items()}
        counters = self._build_counters()
        sweeper = self._build_sweeper()
        api_function = self._build_api_function()
        api = self._build_api(api_function)
        texts: dict[str, Any] = {
            "api_url": api.url,
            "campaigns_table": self._table.name,
            "content_bucket": self._content.name,
            "plan_queue_url": self._plan.url,
            "plan_dead_letter_queue_url": self._plan.dead_letters.url,
            "sweep_queue_url": self._sweep.url,
            "sweep_dead_letter_queue_url": self._sweep.dead_letters.url,
            "campaign_counters_dead_letter_queue_url": self._counter_failures.url,
            "campaign_api_function": api_function.name,
            "campaign_planner_function": planner.name,
            "campaign_counters_function": counters.name,
            "sweeper_function": sweeper.name,
        }
        for channel, worker in workers.items():
            texts |= {
                f"{channel}_work_queue_url": self._work[channel].url,
                f"{channel}_work_dead_letter_queue_url": self._work[channel].dead_letters.url,
                f"{channel}_worker_function": worker.name,
            }
        self.outputs = CampaignOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())

    def _build_queues(self) -> None:
        self._plan = Queue(
            "plan",
            QueueArgs(
                thing="plan",
                consumer_timeout_seconds=PLANNER_TIMEOUT_SECONDS,
                max_receives=3,
                max_age_seconds=PLANNER_TIMEOUT_SECONDS * 2,
            ),
            self._platform,
            opts=self._child,
        )
        # A token is returned unfinished whenever a worker dies; only one that kills many workers is poison.
        self._work = {
            channel: Queue(
                f"{channel}-work",
                QueueArgs(
                    thing=f"{channel}-work",
                    consumer_timeout_seconds=WORKER_TIMEOUT_SECONDS,
                    max_receives=10,
                    max_age_seconds=600,
                ),
                self._platform,
                opts=self._child,
            )
            for channel in self._messaging.channels
        }
        self._tick = RuleArgs(thing="sweep", description="Starts the sweep, each minute", schedule="rate(1 minute)")
        # An hour of ticks is all that is worth keeping: each sweep does the work of all that were missed.
        self._sweep = Queue(
            "sweep",
            QueueArgs(
                thing="sweep",
                consumer_timeout_seconds=SWEEPER_TIMEOUT_SECONDS,
                max_receives=2,
                max_age_seconds=300,
                retention_seconds=3600,
                senders=[self._tick.sender("Tick", self._platform.site)],
            ),
            self._platform,
            opts=self._child,
        )
        RuleToQueue("sweep-tick", self._tick, self._platform, self._sweep, opts=self._child)

    def _build_planner(self) -> Function:
        settings = self._platform.site.settings
        planner = self._function(
            "campaign-planner",
            FunctionArgs(
                settings=CampaignPlannerSettings,
                description="Validates and prices an audience and puts work tokens on the channel's queue",
                memory_mb=PLANNER_MEMORY_MB,
                timeout_seconds=PLANNER_TIMEOUT_SECONDS,
                environment={
                    "campaigns_table": self._table.name,
                    "content_bucket": self._content.name,
                    "channels": self._routes,
                    "prices": settings.prices.text(),
                    "plan_queue_url": self._plan.url,
                    **self._account_limits,
                    **self._template_account,
                    "allowed_countries": settings.sms.countries_text,
                    "guard_audiences": settings.sms.pumping_guard.enabled and settings.sms.pumping_guard.campaigns,
                },
                statements=[
                    self._table.grant("PlanCampaign", "BatchGetItem", "GetItem", "UpdateItem"),
                    self._content.read("ReadRequests", REQUESTS),
                    self._content.read("ReadAudiences", AUDIENCES),
                    self._content.read("ReadCheckpoints", CHECKPOINTS),
                    self._content.write("WritePlans", PARTS, CHECKPOINTS, REPORTS),
                    self._plan.send("GoOnPlanning"),
                    *self._send_to_workers("QueueTokens"),
                    *self._read_templates(),
                    self._plan.consume("ConsumePlans"),
                ],
            ),
        )
        self._consume("plan-mapping", planner, self._plan, SMALLEST_CONCURRENCY)
        return planner

    def _read_templates(self) -> list[Statement]:
        return [each.templates for each in self._messaging.channels.values() if each.templates is not None]

    def _send_to_workers(self, sid: str) -> list[Statement]:
        return [queue.send(f"{sid}{channel.metric}") for channel, queue in self._work.items()]

    def _build_worker(self, channel: SendingChannel) -> Function:
        settings = self._platform.site.settings
        messaging = self._messaging
        work = self._work[channel.channel]
        worker = self._function(
            f"{channel.channel}-worker",
            FunctionArgs(
                settings=CampaignWorkerSettings,
                variant=channel.channel,
                description=f"Claims chunks, leases the identity's time and sends by {channel.channel}",
                memory_mb=1024,
                timeout_seconds=WORKER_TIMEOUT_SECONDS,
                environment={
                    "region": settings.region,
                    "channel": channel.channel.value,
                    "campaigns_table": self._table.name,
                    "delivery_tracking_table": messaging.delivery_tracking.name,
                    "rate_limits_table": messaging.rate_limits.name,
                    "content_bucket": self._content.name,
                    "work_queue_url": work.url,
                    "fallback_queue_url": self._outbox.fallback.queue.url,
                    "configuration_set": channel.configuration_set,
                    "origination_identity": channel.identity,
                    "parts_per_second": channel.parts_per_second,
                    "requests_per_second": channel.requests_per_second,
                    "daily_cap_usd": settings.campaigns_daily_cap_usd,
                    "retention_days": settings.policy.data_retention_days,
                    "threads": THREADS,
                },
                statements=[
                    self._table.grant("RunCampaign", "BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"),
                    messaging.delivery_tracking.grant("TrackSends", "DeleteItem", "GetItem", "PutItem", "UpdateItem"),
                    messaging.rate_limits.grant("LeaseRate", "GetItem", "UpdateItem"),
                    self._content.read("ReadParts", PARTS),
                    work.consume("ConsumeTokens", hold=True),
                    work.send("ReturnTokens"),
                    self._outbox.fallback.queue.send("WatchDeadlines"),
                    channel.send,
                ],
            ),
        )
        self._consume(f"{channel.channel}-work-mapping", worker, work, settings.worker_concurrency)
        return worker

    def _build_counters(self) -> Function:
        tracking = self._messaging.delivery_tracking
        self._counter_failures = failures = DeadLetterQueue(
            "campaign-counters-failures", "campaign-counters-dlq", self._platform, opts=self._child
        )
        counters = self._function(
            "campaign-counters",
            FunctionArgs(
                settings=CampaignCountersSettings,
                description="Sums changes of tracking rows into campaign counters, and names the chains that go on",
                memory_mb=256,
                timeout_seconds=60,
                environment={
                    "campaigns_table": self._table.name,
                    "fallback_queue_url": self._outbox.fallback.queue.url,
                },
                statements=[
                    # TransactWriteItems is authorised as the writes inside it.
                    self._table.grant("Count", "PutItem", "UpdateItem"),
                    stream_rights(tracking),
                    self._outbox.fallback.queue.send("NameChains"),
                    failures.send("ReportFailures"),
                ],
            ),
        )
        consume_stream(
            "campaign-counters-mapping",
            parent=self,
            platform=self._platform,
            function=counters,
            table=tracking,
            batching=Batching(size=500, window_seconds=1),
            retries=5,
            failures=failures,
            whole_batches="the function counts a batch in one transaction under one marker: all of its records or none",
        )
        return counters

    def _build_sweeper(self) -> Function:
        settings = self._platform.site.settings
        messaging = self._messaging
        sweeper = self._function(
            "sweeper",
            FunctionArgs(
                settings=SweeperSettings,
                description="Gauges, abandoned chunks, overdue receipts and settlement, each minute",
                memory_mb=256,
                timeout_seconds=SWEEPER_TIMEOUT_SECONDS,
                environment={
                    "region": settings.region,
                    "campaigns_table": self._table.name,
                    "delivery_tracking_table": messaging.delivery_tracking.name,
                    "rate_limits_table": messaging.rate_limits.name,
                    "plan_queue_url": self._plan.url,
                    "fallback_queue_url": self._outbox.fallback.queue.url,
                    "daily_cap_usd": settings.campaigns_daily_cap_usd,
                    "channels": self._routes,
                },
                statements=[
                    self._table.grant("SweepCampaigns", "BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"),
                    self._table.grant_index("ListCampaigns", keys.CREATED_INDEX),
                    messaging.delivery_tracking.grant("SweepTracking", "BatchGetItem", "GetItem", "UpdateItem"),
                    messaging.delivery_tracking.grant_index("ListOpen", keys.OPEN_INDEX),
                    messaging.rate_limits.grant("ReadRate", "GetItem"),
                    self._plan.send("RequeuePlans"),
                    self._outbox.fallback.queue.send("NameUnattendedChains"),
                    *self._send_to_workers("RequeueTokens"),
                    self._sweep.consume("ConsumeTicks"),
                ],
            ),
        )
        self._consume("sweep-mapping", sweeper, self._sweep, SMALLEST_CONCURRENCY)
        return sweeper

    def _build_api_function(self) -> Function:
        site = self._platform.site
        settings = site.settings
        return self._function(
            "campaign-api",
            FunctionArgs(
                settings=CampaignApiSettings,
                description="Accepts, lists, shows and changes campaigns, accepts and shows messages",
                memory_mb=512,
                timeout_seconds=API_TIMEOUT_SECONDS,
                environment={
                    "version": site.version,
                    "region": settings.region,
                    "campaigns_table": self._table.name,
                    "content_bucket": self._content.name,
                    "plan_queue_url": self._plan.url,
                    "outbox_queue_url": self._outbox.queue.url,
                    "delivery_tracking_table": self._messaging.delivery_tracking.name,
                    "rate_limits_table": self._messaging.rate_limits.name,
                    "channels": self._routes,
                    "prices": settings.prices.text(),
                    "campaign_spend_cap_usd": settings.campaign_spend_cap_usd,
                    "campaign_pause_error_rate": settings.campaign_pause_error_rate,
                    "retention_days": settings.policy.data_retention_days,
                    **self._account_limits,
                    **self._template_account,
                    "allowed_countries": settings.sms.countries_text,
                    "promotional_window": window_text(settings.promotional_window),
                },
                statements=[
                    self._table.grant(
                        "ManageCampaigns", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"
                    ),
                    self._table.grant_index("ListCampaigns", keys.CREATED_INDEX),
                    self._content.write("WriteRequests", REQUESTS, AUDIENCES),
                    self._content.list("FindAudiences", AUDIENCES),
                    self._content.read("LinkReports", REPORTS),
                    self._plan.send("QueuePlans"),
                    self._outbox.queue.send("QueueMessages"),
                    self._messaging.delivery_tracking.grant("ShowMessages", "BatchGetItem"),
                    self._messaging.delivery_tracking.grant_index("FindByCustomer", keys.CUSTOMER_INDEX),
                    self._messaging.rate_limits.grant("LiftBlocks", "GetItem", "UpdateItem"),
                    self._messaging.delivery_tracking.grant_index("ListOpen", keys.OPEN_INDEX),
                    *self._read_templates(),
                ],
            ),
        )

    def _build_api(self, function: Function) -> HttpApi:
        api = HttpApi(
            "campaign-api",
            HttpApiArgs(
                thing="campaign-api",
                routes=ROUTES,
                rate=50,
                burst=100,
                origins=self._platform.site.settings.allowed_origins,
            ),
            self._platform,
            function,
            opts=self._child,
        )
        aws.iam.RolePolicy(
            "application-api",
            role=self._messaging.application_role.name,
            policy=role_policy(
                [
                    Statement(
                        sid="CallApi",
                        actions=["execute-api:Invoke"],
                        resources=[pulumi.Output.concat(api.execution_arn, "/*/*/api/*")],
                    )
                ],
                self._platform.key_arn,
            ),
            opts=self._child,
        )
        return api

    def _function(self, name: str, args: FunctionArgs) -> Function:
        return Function(name, args, self._platform, opts=self._child)

    def _consume(self, name: str, function: Function, queue: Queue, concurrency: int) -> None:
        consume_queue(
            name,
            parent=self,
            platform=self._platform,
            function=function,
            queue=queue,
            batching=Batching(size=1),
            concurrency=concurrency,
        )
