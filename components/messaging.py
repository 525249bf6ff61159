"""The messaging stack: pacing and tracking tables, the SMS channel, receipts by two paths and their processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from components.consumers import Batching, consume_queue
from components.event_rule import RuleArgs, RuleToQueue
from components.function import Function, FunctionArgs
from components.iam import principal_trust, role_policy
from components.platform import Platform
from components.queue import Queue, QueueArgs, Sender
from components.sms_channel import SmsChannel
from components.table import Index, Table, TableArgs
from components.topic import Publisher, Topic
from lambdas.core import keys
from lambdas.core.outputs import MessagingOutputs
from lambdas.delivery_processor.settings import DeliveryProcessorSettings

PROCESSOR_TIMEOUT_SECONDS = 60
SMS_SOURCE = "aws.sms-voice"
SMS_DETAIL_TYPE = "Text Message Delivery Status Updated"
"""What End User Messaging SMS puts on the account's default bus (EventBridge reference, events of sms-voice)."""


class Messaging(pulumi.ComponentResource):
    """Everything that one message needs, whoever sends it.

    Receipts reach one queue by two paths: the service's events on the account's default bus (fast, best effort) and
    the configuration set's topic (durable, carries our context). Consumers are idempotent.
    """

    rate_limits: Table
    delivery_tracking: Table
    sms: SmsChannel
    receipts: Queue
    application_role: aws.iam.Role
    outputs: MessagingOutputs

    def __init__(self, name: str, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:messaging:Messaging", name, {}, opts)
        self._platform = platform
        self._child = pulumi.ResourceOptions(parent=self)
        self._build_tables()
        topic = self._build_receipts()
        self.sms = SmsChannel("sms", platform, receipts=topic, opts=self._child)
        processor = self._build_processor()
        self.application_role = self._build_application_role()
        self.outputs = MessagingOutputs(
            **_texts(
                rate_limits_table=self.rate_limits.name,
                delivery_tracking_table=self.delivery_tracking.name,
                messaging_role_arn=self.application_role.arn,
                receipts_queue_url=self.receipts.url,
                receipts_dead_letter_queue_url=self.receipts.dead_letters.url,
                receipts_topic_arn=topic.arn,
                delivery_processor_function=processor.name,
                sms_configuration_set=self.sms.configuration_set,
                sms_origination_identity=self.sms.identity,
                sms_parts_per_second=str(platform.site.settings.sms.parts_per_second),
            )
        )
        self.register_outputs(self.outputs.to_mapping())

    def _build_tables(self) -> None:
        self.rate_limits = Table(
            "rate-limits",
            TableArgs(thing="rate-limits", keys={"limiter_key": "S"}, hash_key="limiter_key"),
            self._platform,
            opts=self._child,
        )
        self.delivery_tracking = Table(
            "delivery-tracking",
            TableArgs(
                thing="delivery-tracking",
                keys={"message_id": "S", "customer_id": "S", "timestamp": "N", "provider_id": "S"},
                hash_key="message_id",
                indexes=[
                    Index(name=keys.CUSTOMER_INDEX, hash_key="customer_id", range_key="timestamp"),
                    Index(name=keys.PROVIDER_INDEX, hash_key="provider_id"),
                ],
                stream=True,
            ),
            self._platform,
            opts=self._child,
        )

    def _build_receipts(self) -> Topic:
        site = self._platform.site
        rules = {"sms-receipts": _sms_rule(site.settings.sms.origination_identity)}
        if site.settings.in_house_event_source:
            rules["in-house-receipts"] = _in_house_rule(site.settings.in_house_event_source, site.physical("messaging"))
        topic_thing = "sms-receipts"
        self.receipts = Queue(
            "receipts",
            QueueArgs(
                thing="receipts",
                consumer_timeout_seconds=PROCESSOR_TIMEOUT_SECONDS,
                max_receives=5,
                max_age_seconds=900,
                senders=[
                    *(rule.sender(f"Rule{index}", site) for index, rule in enumerate(rules.values())),
                    Sender(
                        sid="Topic", service="sns.amazonaws.com", source_arn=site.arn("sns", site.physical(topic_thing))
                    ),
                ],
            ),
            self._platform,
            opts=self._child,
        )
        for rule_name, rule in rules.items():
            bus = self._in_house_bus() if rule.bus else None
            RuleToQueue(rule_name, rule, self._platform, self.receipts, bus=bus, opts=self._child)
        topic = Topic(
            "sms-receipts",
            topic_thing,
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
        topic.feed("sms-receipts-to-queue", self.receipts, parent=self)
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
                environment={"delivery_tracking_table": tracking.name, "receipts_queue_url": self.receipts.url},
                statements=[
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


def _sms_rule(identity: str | None) -> RuleArgs:
    """Receipts on the default bus; where the origination number is known, those of other stacks stay out."""
    pattern: dict[str, Any] = {"source": [SMS_SOURCE], "detail-type": [SMS_DETAIL_TYPE]}
    if identity is not None and identity.startswith("+"):
        pattern["detail"] = {"originationPhoneNumber": [identity]}
    return RuleArgs(thing="sms-receipts", description="Delivery receipts of SMS", pattern=pattern)


def _in_house_rule(source: str, bus: str) -> RuleArgs:
    """Receipts of in-house producers; the detail alone has the form of a configuration set's event."""
    return RuleArgs(
        thing="in-house-receipts",
        description="Delivery receipts of in-house producers",
        pattern={"source": [source], "detail-type": [SMS_DETAIL_TYPE]},
        bus=bus,
        input_path="$.detail",
    )


def _texts(**values: pulumi.Input[str]) -> Mapping[str, Any]:
    """Outputs where the contract says text: they resolve before anybody reads them."""
    return values
