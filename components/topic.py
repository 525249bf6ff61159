"""A topic: encrypted, TLS only, open to the publishers that are named, its failed deliveries alarmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.iam import document, service_allow, tls_only
from components.measures import Measure
from components.naming import Site
from components.platform import Platform
from components.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """An AWS service that may publish on behalf of sources that match `source_arn`."""

    sid: str
    service: str
    source_arn: pulumi.Input[str]


class Topic(pulumi.ComponentResource):
    """The topic and its policy; `ready` holds the policy that lets publishers in.

    `watch` adds the alarm: a platform has alarm topics, so they exist before it does.
    """

    topic: aws.sns.Topic
    thing: str
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        thing: str,
        site: Site,
        key_arn: pulumi.Input[str],
        *,
        publishers: Sequence[Publisher],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:topic:Topic", name, {}, opts)
        self.thing = thing
        self._resource_name = name
        self.topic = aws.sns.Topic(
            f"{name}-topic",
            name=site.physical(thing),
            kms_master_key_id=key_arn,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.name, self.arn = self.topic.name, self.topic.arn
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=self.arn,
            policy=document(
                [
                    tls_only(self.arn, "sns:Publish"),
                    *(
                        service_allow(
                            sid=publisher.sid,
                            service=publisher.service,
                            action="sns:Publish",
                            resource=self.arn,
                            source_arn=publisher.source_arn,
                            source_account=site.account_id,
                        )
                        for publisher in publishers
                    ),
                ]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [policy]
        self.register_outputs({"name": self.name, "arn": self.arn})

    def watch(self, platform: Platform) -> None:
        """Alarm on messages that a subscriber did not get."""
        alarms.alarm(
            f"{self._resource_name}-failures",
            parent=self,
            platform=platform,
            family=alarm_families.TOPIC_FAILURES,
            subject=self.thing,
            watched=self.measure("NumberOfNotificationsFailed", "Sum"),
            limit=alarms.Limit(value=0),
        )
        platform.inventory.topics.append(self)

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric that SNS publishes for this topic (SNS developer guide, "Monitoring topics using CloudWatch")."""
        dimensions = {"TopicName": self.name}
        return Measure(namespace="AWS/SNS", name=metric, dimensions=dimensions, statistic=statistic, period=period)

    def feed(self, name: str, queue: Queue, *, parent: pulumi.Resource) -> aws.sns.TopicSubscription:
        """Deliver messages to `queue` as they are; what cannot be delivered goes to its dead-letter queue."""
        return aws.sns.TopicSubscription(
            name,
            topic=self.arn,
            protocol="sqs",
            endpoint=queue.arn,
            raw_message_delivery=True,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": queue.dead_letters.arn}),
            opts=pulumi.ResourceOptions(parent=parent, depends_on=queue.ready),
        )
