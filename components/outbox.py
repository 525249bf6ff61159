"""The outbox: a queue of single messages, one of campaigns' legs, and the function that sends what is in them.

Single messages never wait behind a campaign, whose legs may be hundreds of thousands: so those have a queue and a
mapping of their own, and their time comes from the campaigns' share of the identity.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components import limits
from components.channels import routes_text
from components.consumers import Batching, consume_queue
from components.content_bucket import ORDERS, PARTS
from components.fallback import Fallback
from components.function import Function, FunctionArgs
from components.messaging import Messaging
from components.platform import Platform
from components.queue import Queue, QueueArgs
from lambdas.core.channels import Channel
from lambdas.core.intents import SENDER_SECONDS
from lambdas.core.outputs import OutboxOutputs
from lambdas.message_sender.settings import MessageSenderSettings

MAX_RECEIVES = 10
"""A message that fails comes back after seconds, so five tries would be over within two minutes of a table's trouble:
ten take six (`retry_delay_s`)."""
LEGS_AGE_SECONDS = 3_600
"""Legs follow at their campaign's own pace, so many of them take their time; behind by an hour is worth knowing."""


class Outbox(pulumi.ComponentResource):
    """Takes messages from `POST /api/messages` and from in-house producers (`lambdas/core/message_order.py`), and the
    legs that follow messages which did not arrive; `legs` is the queue of those that campaigns own.
    """

    queue: Queue
    legs: Queue
    fallback: Fallback
    outputs: OutboxOutputs

    def __init__(
        self, name: str, platform: Platform, messaging: Messaging, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:outbox:Outbox", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue = Queue(
            name,
            QueueArgs(
                thing="outbox",
                consumer_timeout_seconds=SENDER_SECONDS,
                max_receives=MAX_RECEIVES,
                max_age_seconds=limits.OUTBOX_AGE_SECONDS,
            ),
            platform,
            opts=child,
        )
        self.legs = Queue(
            "legs",
            QueueArgs(
                thing="legs",
                consumer_timeout_seconds=SENDER_SECONDS,
                max_receives=MAX_RECEIVES,
                max_age_seconds=LEGS_AGE_SECONDS,
            ),
            platform,
            opts=child,
        )
        self.fallback = Fallback("fallback", platform, messaging, self.queue, self.legs, opts=child)
        settings = platform.site.settings
        channels = messaging.channels
        email = channels.get(Channel.EMAIL)
        sender = Function(
            "message-sender",
            FunctionArgs(
                settings=MessageSenderSettings,
                description="Sends single messages in the channels' priority lane, and campaigns' legs in their share",
                memory_mb=512,
                timeout_seconds=SENDER_SECONDS,
                environment={
                    "region": settings.region,
                    "campaigns_table": messaging.campaigns.name,
                    "delivery_tracking_table": messaging.delivery_tracking.name,
                    "rate_limits_table": messaging.rate_limits.name,
                    "outbox_queue_url": self.queue.url,
                    "legs_queue_url": self.legs.url,
                    "fallback_queue_url": self.fallback.queue.url,
                    "content_bucket": messaging.content.name,
                    "channels": routes_text({channel: each.route("") for channel, each in channels.items()}),
                    "prices": settings.prices.text(),
                    "sms_configuration_set": channels[Channel.SMS].configuration_set,
                    "email_configuration_set": email.configuration_set if email else "",
                    "daily_cap_usd": settings.messages_daily_cap_usd,
                    "campaigns_daily_cap_usd": settings.campaigns_daily_cap_usd,
                    "retention_days": settings.policy.data_retention_days,
                    "allowed_countries": settings.sms.countries_text,
                    "pumping_guard": settings.sms.pumping_guard.limits.to_text(),
                },
                statements=[
                    messaging.campaigns.grant("ReadOptOutsAndSpend", "BatchGetItem", "GetItem", "UpdateItem"),
                    messaging.delivery_tracking.grant(
                        "TrackSends", "BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"
                    ),
                    messaging.content.read("ReadOrders", ORDERS),
                    messaging.content.read("ReadParts", PARTS),
                    messaging.content.write("KeepOrders", ORDERS),
                    messaging.rate_limits.grant("LeaseRate", "GetItem", "UpdateItem"),
                    self.queue.consume("ConsumeOrders", hold=True),
                    self.queue.send("PostponeOrders"),
                    self.legs.consume("ConsumeLegs", hold=True),
                    self.legs.send("PostponeLegs"),
                    self.fallback.queue.send("WatchDeadlines"),
                    *(each.send for each in channels.values()),
                ],
            ),
            platform,
            opts=child,
        )
        for mapping, queue in (("outbox-mapping", self.queue), ("legs-mapping", self.legs)):
            consume_queue(
                mapping,
                parent=self,
                platform=platform,
                function=sender,
                queue=queue,
                batching=Batching(size=10),
                concurrency=settings.worker_concurrency,
            )
        texts: dict[str, Any] = {
            "outbox_queue_url": self.queue.url,
            "outbox_dead_letter_queue_url": self.queue.dead_letters.url,
            "legs_queue_url": self.legs.url,
            "legs_dead_letter_queue_url": self.legs.dead_letters.url,
            "message_sender_function": sender.name,
            "fallback_queue_url": self.fallback.queue.url,
            "fallback_dead_letter_queue_url": self.fallback.queue.dead_letters.url,
            "fallback_function": self.fallback.function.name,
        }
        self.outputs = OutboxOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())
