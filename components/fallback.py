"""Fallback: a queue of chains to look at, and the function that starts their next legs."""

from __future__ import annotations

import pulumi

from components.consumers import Batching, consume_queue
from components.function import Function, FunctionArgs
from components.messaging import Messaging
from components.platform import Platform
from components.queue import Queue, QueueArgs
from lambdas.core.watch import LONGEST_DELAY_S
from lambdas.fallback.settings import FallbackSettings

FALLBACK_TIMEOUT_SECONDS = 60
WATCHES = 10
"""Of one invocation: each names up to some dozens of chains, which take a write or two each."""


class Fallback(pulumi.ComponentResource):
    """Watches come from the counters (a message has failed) and from whoever sent a message with a deadline."""

    queue: Queue
    function: Function

    def __init__(
        self,
        name: str,
        platform: Platform,
        messaging: Messaging,
        outbox: Queue,
        legs: Queue,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:fallback:Fallback", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue = Queue(
            name,
            QueueArgs(
                thing="fallback",
                consumer_timeout_seconds=FALLBACK_TIMEOUT_SECONDS,
                max_receives=5,
                # A watch that waits for its deadline is no late one.
                max_age_seconds=2 * LONGEST_DELAY_S,
            ),
            platform,
            opts=child,
        )
        self.function = Function(
            "fallback",
            FunctionArgs(
                settings=FallbackSettings,
                description="Starts retries and the next channel of messages that failed or did not arrive in time",
                memory_mb=256,
                timeout_seconds=FALLBACK_TIMEOUT_SECONDS,
                environment={
                    "campaigns_table": messaging.campaigns.name,
                    "delivery_tracking_table": messaging.delivery_tracking.name,
                    "outbox_queue_url": outbox.url,
                    "legs_queue_url": legs.url,
                    "fallback_queue_url": self.queue.url,
                },
                statements=[
                    messaging.campaigns.grant("CountLegs", "GetItem", "UpdateItem"),
                    messaging.delivery_tracking.grant("DecideLegs", "BatchGetItem", "GetItem", "UpdateItem"),
                    outbox.send("OrderLegs"),
                    legs.send("OrderLegsOfCampaigns"),
                    self.queue.consume("ConsumeWatches"),
                    self.queue.send("PostponeWatches"),
                ],
            ),
            platform,
            opts=child,
        )
        consume_queue(
            "fallback-mapping",
            parent=self,
            platform=platform,
            function=self.function,
            queue=self.queue,
            batching=Batching(size=WATCHES),
            concurrency=platform.site.settings.receipts_concurrency,
        )
        self.register_outputs({"queue": self.queue.name})
