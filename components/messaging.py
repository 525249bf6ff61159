"""The messaging stack: its tables, its channels, receipts by two paths and their processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components import email_channel, whatsapp_channel
from components.bucket import Bucket
from components.channels import SendingChannel
from components.consumers import Batching, consume_queue
from components.content_bucket import content_bucket
from components.email_channel import EmailChannel
from components.event_rule import RuleToQueue
from components.function import Function, FunctionArgs
from components.iam import principal_trust, role_policy
from components.platform import Platform
from components.queue import Queue, QueueArgs, Sender
from components.receipt_rules import receipt_rules
from components.sms_channel import SmsChannel
from components.table import Index, Table, TableArgs
from components.topic import Publisher, Topic
from components.whatsapp_channel import WhatsAppChannel
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.outputs import MessagingOutputs
from lambdas.delivery_processor.settings import DeliveryProcessorSettings

PROCESSOR_TIMEOUT_SECONDS = 60
SMS_TOPIC = "sms-receipts"


class Messaging(pulumi.ComponentResource):
    """Everything that one message needs, whoever sends it.

    Receipts of all channels reach one queue by two paths: the services' events on the account's default bus (fast, best
    effort) and the channels' topics (durable, they carry our message id). Consumers are idempotent.
    """

    rate_limits: Table
    campaigns: Table
    delivery_tracking: Table
    content: Bucket
    channels: Mapping[Channel, SendingChannel]
    receipts: Queue
    application_role: aws.iam.Role
    outputs: MessagingOutputs

    def __init__(self, name: str, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:messaging:Messaging", name, {}, opts)
        self._platform = platform
        self._child = pulumi.ResourceOptions(parent=self)
        self._build_tables()
        self.content = content_bucket(platform, self._before_in_campaigns())
        self.receipts = self._build_receipts()
        topic = self._build_sms_topic()
        sms = SmsChannel("sms", platform, receipts=topic, opts=self._child)
        whatsapp, email = self._build_optional_channels()
        found = [sms.sending, *(each.sending for each in (whatsapp, email) if each)]
        self.channels = {each.channel: each for each in found}
        processor = self._build_processor()
        self.application_role = self._build_application_role()
        texts: dict[str, Any] = {
            "rate_limits_table": self.rate_limits.name,
            "delivery_tracking_table": self.delivery_tracking.name,
            "messaging_role_arn": self.application_role.arn,
            "receipts_queue_url": self.receipts.url,
            "receipts_dead_letter_queue_url": self.receipts.dead_letters.url,
            "receipts_topic_arn": topic.arn,
            "delivery_processor_function": processor.name,
            "sms_configuration_set": sms.sending.configuration_set,
            "sms_origination_identity": sms.sending.identity,
            "sms_parts_per_second": str(sms.sending.parts_per_second),
        }
        settings = platform.site.settings
        if whatsapp is not None and settings.whatsapp is not None:
            texts |= {
                "whatsapp_phone_number_id": settings.whatsapp.phone_number_id,
                "whatsapp_business_account_id": settings.whatsapp.business_account_id,
                "whatsapp_receipts_topic_arn": whatsapp.topic.arn,
                "whatsapp_messages_per_second": str(settings.whatsapp.messages_per_second),
            }
        if email is not None and settings.email is not None:
            texts |= {
                "email_sender": settings.email.sender,
                "email_configuration_set": email.configuration_set,
                "email_receipts_topic_arn": email.topic.arn,
                "email_messages_per_second": str(settings.email.messages_per_second),
            }
        self.outputs = MessagingOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())

    def _build_optional_channels(self) -> tuple[WhatsAppChannel | None, EmailChannel | None]:
        settings = self._platform.site.settings
        whatsapp = email = None
        if settings.whatsapp is not None:
            whatsapp = WhatsAppChannel(
                "whatsapp", self._platform, settings.whatsapp, receipts=self.receipts, opts=self._child
            )
        if settings.email is not None:
            email = EmailChannel("email", self._platform, settings.email, receipts=self.receipts, opts=self._child)
        return whatsapp, email

    def _build_tables(self) -> None:
        self.rate_limits = Table(
            "rate-limits",
            TableArgs(thing="rate-limits", keys={"limiter_key": "S"}, hash_key="limiter_key"),
            self._platform,
            opts=self._child,
        )
        self.campaigns = Table(
            "campaigns",
            TableArgs(
                thing="campaigns",
                keys={"pk": "S", "sk": "S", "listing": "S", "created_at": "N"},
                hash_key="pk",
                range_key="sk",
                indexes=[Index(name=keys.CREATED_INDEX, hash_key="listing", range_key="created_at")],
            ),
            self._platform,
            opts=self._before_in_campaigns(),
        )
        self.delivery_tracking = Table(
            "delivery-tracking",
            TableArgs(
                thing="delivery-tracking",
                keys={"message_id": "S", "customer_id": "S", "timestamp": "N", "provider_id": "S", "open": "S"},
                hash_key="message_id",
                indexes=[
                    Index(name=keys.CUSTOMER_INDEX, hash_key="customer_id", range_key="timestamp"),
                    Index(name=keys.PROVIDER_INDEX, hash_key="provider_id"),
                    Index(name=keys.OPEN_INDEX, hash_key="open", range_key="timestamp"),
                ],
                stream=True,
            ),
            self._platform,
            opts=self._child,
        )

    def _before_in_campaigns(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(parent=_campaigns_urn())])

    def _build_receipts(self) -> Queue:
        site = self._platform.site
        rules = receipt_rules(site)
        receipts = Queue(
            "receipts",
            QueueArgs(
                thing="receipts",
                consumer_timeout_seconds=PROCESSOR_TIMEOUT_SECONDS,
                max_receives=5,
                max_age_seconds=900,
                senders=[
                    *(rule.sender(f"Rule{index}", site) for index, rule in enumerate(rules)),
                    *(
                        Sender(
                            sid=f"Topic{index}",
                            service="sns.amazonaws.com",
                            source_arn=site.arn("sns", site.physical(topic)),
                        )
                        for index, topic in enumerate(self._topics())
                    ),
                ],
            ),
            self._platform,
            opts=self._child,
        )
        for rule in rules:
            bus = self._in_house_bus() if rule.bus else None
            RuleToQueue(rule.thing, rule, self._platform, receipts, bus=bus, opts=self._child)
        return receipts

    def _topics(self) -> list[str]:
        """Things of the topics that feed the receipts queue: its policy names them before they exist."""
        settings = self._platform.site.settings
        optional = {whatsapp_channel.TOPIC: settings.whatsapp, email_channel.TOPIC: settings.email}
        return [SMS_TOPIC, *(topic for topic, configured in optional.items() if configured is not None)]

    def _build_sms_topic(self) -> Topic:
        site = self._platform.site
        topic = Topic(
            SMS_TOPIC,
            SMS_TOPIC,
            site,
            self._platform.key_arn,
            publishers=[
                Publisher(
                    sid="SmsReceipts",
                    service="sms-voice.amazonaws.com",
                    source_arn=site.arn("sms-voice", f"configuration-set/{site.physical('sms')}"),
                )
            ],
            opts=self._child,
        )
        topic.watch(self._platform)
        topic.feed(f"{SMS_TOPIC}-to-queue", self.receipts, parent=self)
        return topic

    def _in_house_bus(self) -> aws.cloudwatch.EventBus:
        return aws.cloudwatch.EventBus(
            "in-house-bus",
            name=self._platform.site.physical("messaging"),
            tags=self._platform.site.tags,
            opts=self._child,
        )

    def _build_processor(self) -> Function:
        tracking = self.delivery_tracking
        processor = Function(
            "delivery-processor",
            FunctionArgs(
                settings=DeliveryProcessorSettings,
                description="Folds delivery receipts into tracking rows",
                memory_mb=256,
                timeout_seconds=PROCESSOR_TIMEOUT_SECONDS,
                environment={
                    "campaigns_table": self.campaigns.name,
                    "delivery_tracking_table": tracking.name,
                    "receipts_queue_url": self.receipts.url,
                },
                statements=[
                    self.campaigns.grant("RememberSuppressions", "GetItem", "UpdateItem"),
                    tracking.grant("TrackDelivery", "BatchGetItem", "GetItem", "UpdateItem"),
                    tracking.grant_index("FindByProviderId", keys.PROVIDER_INDEX),
                    self.receipts.consume("ConsumeReceipts"),
                    self.receipts.send("PostponeReceipts"),
                ],
            ),
            self._platform,
            opts=self._child,
        )
        consume_queue(
            "receipts-mapping",
            parent=self,
            platform=self._platform,
            function=processor,
            queue=self.receipts,
            batching=Batching(size=100, window_seconds=1),
            concurrency=self._platform.site.settings.receipts_concurrency,
        )
        return processor

    def _build_application_role(self) -> aws.iam.Role:
        """A customer's own application assumes it: it may follow messages and call the API, never send by itself."""
        site = self._platform.site
        role = aws.iam.Role(
            "application-role",
            name=site.physical("application"),
            description="For applications: follow messages and call the campaign API",
            assume_role_policy=principal_trust(site.settings.application_principals or [site.account_id]),
            tags=site.tags,
            opts=self._child,
        )
        aws.iam.RolePolicy(
            "application-tracking",
            role=role.name,
            policy=role_policy(
                [
                    self.delivery_tracking.grant("ReadTracking", "BatchGetItem", "GetItem", "Query"),
                    self.delivery_tracking.grant_index("QueryTracking", keys.CUSTOMER_INDEX, keys.PROVIDER_INDEX),
                ],
                self._platform.key_arn,
            ),
            opts=self._child,
        )
        return role


def _campaigns_urn() -> str:
    """The component that the campaigns table and the content bucket belonged to before: stacks of then keep both, and
    what is in them."""
    return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::cpaas:campaigns:Campaigns::campaigns"
