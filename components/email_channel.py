"""The email channel: configuration set, its events by both paths, and the identity where the stack makes it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.channel_settings import EmailSettings
from components.channels import SendingChannel
from components.iam import Statement
from components.platform import Platform
from components.queue import Queue
from components.topic import Publisher, Topic
from lambdas.core.channels import Channel

TOPIC = "email-receipts"
CONFIGURATION_SET = "email"
EVENT_TYPES = (
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
)
"""What becomes of a message (SES v2 API reference, EventDestination, MatchingEventTypes). OPEN and CLICK are not asked
for: with them SES puts a pixel into the mail and rewrites its links (SES developer guide, "Open and click metrics")."""


class EmailChannel(pulumi.ComponentResource):
    """How email leaves the account.

    Mail that bounced for good or was complained about suppresses its address in the account, too. Events flow only
    after a destination exists, is enabled, and the mail is sent with this set (SES developer guide, "Monitor email
    sending using event publishing").
    """

    topic: Topic
    configuration_set: pulumi.Output[str]
    sending: SendingChannel

    def __init__(
        self,
        name: str,
        platform: Platform,
        settings: EmailSettings,
        *,
        receipts: Queue,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:email_channel:EmailChannel", name, {}, opts)
        site = platform.site
        set_arn = site.arn("ses", f"configuration-set/{site.physical(CONFIGURATION_SET)}")
        self.topic = Topic(
            TOPIC,
            TOPIC,
            site,
            platform.key_arn,
            publishers=[Publisher(sid="EmailReceipts", service="ses.amazonaws.com", source_arn=set_arn)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.topic.watch(platform)
        self.topic.feed(f"{TOPIC}-to-queue", receipts, parent=self)
        configuration_set = aws.sesv2.ConfigurationSet(
            f"{name}-configuration-set",
            configuration_set_name=site.physical(CONFIGURATION_SET),
            delivery_options=aws.sesv2.ConfigurationSetDeliveryOptionsArgs(tls_policy="REQUIRE"),
            reputation_options=aws.sesv2.ConfigurationSetReputationOptionsArgs(reputation_metrics_enabled=True),
            suppression_options=aws.sesv2.ConfigurationSetSuppressionOptionsArgs(
                suppressed_reasons=["BOUNCE", "COMPLAINT"]
            ),
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.configuration_set = configuration_set.configuration_set_name
        self._build_event_destinations(name, site.arn("events", "event-bus/default"))
        if settings.create_identity:
            aws.sesv2.EmailIdentity(
                f"{name}-identity",
                email_identity=settings.identity,
                tags=site.tags,
                opts=pulumi.ResourceOptions(parent=self, protect=site.policy.protect),
            )
        self.sending = SendingChannel(
            channel=Channel.EMAIL,
            identity=settings.sender,
            configuration_set=self.configuration_set,
            parts_per_second=settings.messages_per_second,
            requests_per_second=settings.messages_per_second,
            send=Statement(
                sid="SendEmail",
                actions=["ses:SendEmail"],
                resources=[
                    site.arn("ses", f"identity/{settings.identity}"),
                    set_arn,
                    site.arn("ses", "template/*"),
                ],
            ),
            templates=Statement(
                sid="ReadEmailTemplates",
                actions=["ses:GetEmailTemplate"],
                resources=[site.arn("ses", "template/*")],
            ),
        )
        self.register_outputs({"topic": self.topic.arn, "configuration_set": self.configuration_set})

    def _build_event_destinations(self, name: str, default_bus_arn: str) -> None:
        """The topic is durable, the bus is fast; SES publishes to the default bus only."""
        destinations = {
            "topic": aws.sesv2.ConfigurationSetEventDestinationEventDestinationArgs(
                enabled=True,
                matching_event_types=list(EVENT_TYPES),
                sns_destination=aws.sesv2.ConfigurationSetEventDestinationEventDestinationSnsDestinationArgs(
                    topic_arn=self.topic.arn
                ),
            ),
            "bus": aws.sesv2.ConfigurationSetEventDestinationEventDestinationArgs(
                enabled=True,
                matching_event_types=list(EVENT_TYPES),
                event_bridge_destination=(
                    aws.sesv2.ConfigurationSetEventDestinationEventDestinationEventBridgeDestinationArgs(
                        event_bus_arn=default_bus_arn
                    )
                ),
            ),
        }
        for target, destination in destinations.items():
            aws.sesv2.ConfigurationSetEventDestination(
                f"{name}-receipts-{target}",
                configuration_set_name=self.configuration_set,
                event_destination_name=f"receipts-{target}",
                event_destination=destination,
                opts=pulumi.ResourceOptions(parent=self, depends_on=self.topic.ready, delete_before_replace=True),
            )
