"""Campaigns: the planner, a sending worker for each channel, the counters, the sweeper, and the API in front."""

from __future__ import annotations

from typing import Any

import pulumi

from components.campaign_api import campaign_api
from components.channels import SendingChannel, routes_text, template_rights
from components.consumers import SMALLEST_CONCURRENCY, Batching, consume_queue, consume_stream, stream_rights
from components.content_bucket import AUDIENCES, CHECKPOINTS, PARTS, REPORTS, REQUESTS
from components.event_rule import RuleArgs, RuleToQueue
from components.function import Function, FunctionArgs
from components.iam import Statement
from components.messaging import Messaging
from components.outbox import Outbox
from components.platform import Platform
from components.queue import DeadLetterQueue, Queue, QueueArgs
from lambdas.campaign_counters.settings import CampaignCountersSettings
from lambdas.campaign_planner.settings import CampaignPlannerSettings
from lambdas.campaign_worker.settings import CampaignWorkerSettings
from lambdas.core import keys
from lambdas.core.outputs import CampaignOutputs
from lambdas.core.work import THREADS
from lambdas.sweeper.settings import SweeperSettings

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
        self._preflight = self._preflight_environment()
        planner = self._build_planner()
        workers = {channel: self._build_worker(each) for channel, each in messaging.channels.items()}
        counters = self._build_counters()
        sweeper = self._build_sweeper()
        api = campaign_api(
            parent=self,
            platform=platform,
            messaging=messaging,
            outbox=outbox,
            plan=self._plan,
            preflight=self._preflight,
        )
        texts: dict[str, Any] = {
            "api_url": api.url,
            "campaigns_table": self._table.name,
            "content_bucket": self._content.name,
            "plan_queue_url": self._plan.url,
            "plan_dead_letter_queue_url": self._plan.dead_letters.url,
            "sweep_queue_url": self._sweep.url,
            "sweep_dead_letter_queue_url": self._sweep.dead_letters.url,
            "campaign_counters_dead_letter_queue_url": self._counter_failures.url,
            "campaign_api_function": api.function.name,
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

    def _preflight_environment(self) -> dict[str, pulumi.Input[object]]:
        """What a campaign is judged by before it is sent, in the API as in the planner."""
        settings = self._platform.site.settings
        email, whatsapp = settings.email, settings.whatsapp
        return {
            "channels": self._routes,
            "prices": settings.prices.text(),
            "email_daily_quota": email.daily_quota if email else 0,
            "sms_monthly_spend_usd": settings.sms.monthly_spend_usd,
            "campaigns_daily_cap_usd": settings.campaigns_daily_cap_usd,
            "whatsapp_business_account_id": whatsapp.business_account_id if whatsapp else "",
            "allowed_countries": settings.sms.countries_text,
        }

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
                    "plan_queue_url": self._plan.url,
                    **self._preflight,
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
                    *template_rights(self._messaging.channels.values()),
                    self._plan.consume("ConsumePlans"),
                ],
            ),
        )
        self._consume("plan-mapping", planner, self._plan, SMALLEST_CONCURRENCY)
        return planner

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
