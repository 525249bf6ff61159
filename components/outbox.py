"""The outbox: a queue of single messages and the function that sends them in the channels' priority lane."""

from __future__ import annotations

from typing import Any

import pulumi

from components import limits
from components.channels import routes_text
from components.consumers import Batching, consume_queue
from components.function import Function, FunctionArgs
from components.messaging import Messaging
from components.platform import Platform
from components.queue import Queue, QueueArgs
from lambdas.core.channels import Channel
from lambdas.core.outputs import OutboxOutputs
from lambdas.core.ports import SENDER_SECONDS
from lambdas.message_sender.settings import MessageSenderSettings

MAX_RECEIVES = 10
"""A message that fails comes back after seconds, so five tries would be over within two minutes of a table's trouble:
ten take six (`retry_delay_s`)."""


class Outbox(pulumi.ComponentResource):
    """Takes messages from `POST /api/messages` and from in-house producers (`lambdas/core/message_order.py`)."""

    queue: Queue
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
        settings = platform.site.settings
        channels = messaging.channels
        email = channels.get(Channel.EMAIL)
        sender = Function(
            "message-sender",
            FunctionArgs(
                settings=MessageSenderSettings,
                description="Sends single messages in the channels' priority lane",
                memory_mb=512,
                timeout_seconds=SENDER_SECONDS,
                environment={
                    "region": settings.region,
                    "campaigns_table": messaging.campaigns.name,
                    "delivery_tracking_table": messaging.delivery_tracking.name,
                    "rate_limits_table": messaging.rate_limits.name,
                    "outbox_queue_url": self.queue.url,
                    "channels": routes_text({channel: each.route("") for channel, each in channels.items()}),
                    "prices": settings.prices.text(),
                    "sms_configuration_set": channels[Channel.SMS].configuration_set,
                    "email_configuration_set": email.configuration_set if email else "",
                    "daily_cap_usd": settings.messages_daily_cap_usd,
                    "retention_days": settings.policy.data_retention_days,
                    "allowed_countries": settings.sms.countries_text,
                    "pumping_guard": settings.sms.pumping_guard.limits.to_text(),
                },
                statements=[
                    messaging.campaigns.grant("ReadOptOutsAndSpend", "BatchGetItem", "UpdateItem"),
                    messaging.delivery_tracking.grant("TrackSends", "DeleteItem", "GetItem", "PutItem", "UpdateItem"),
                    messaging.rate_limits.grant("LeaseRate", "GetItem", "UpdateItem"),
                    self.queue.consume("ConsumeOrders", hold=True),
                    self.queue.send("PostponeOrders"),
                    *(each.send for each in channels.values()),
                ],
            ),
            platform,
            opts=child,
        )
        consume_queue(
            "outbox-mapping",
            parent=self,
            platform=platform,
            function=sender,
            queue=self.queue,
            batching=Batching(size=10),
            concurrency=settings.worker_concurrency,
        )
        texts: dict[str, Any] = {
            "outbox_queue_url": self.queue.url,
            "outbox_dead_letter_queue_url": self.queue.dead_letters.url,
            "message_sender_function": sender.name,
        }
        self.outputs = OutboxOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())
