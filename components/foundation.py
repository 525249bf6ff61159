"""What a stack has once: its key, its functions' layer and the topics that alarms go to."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.key import StackKey
from components.layer import SharedLayer
from components.naming import Site
from components.platform import Platform
from components.topic import Publisher, Topic
from components.waiver import Waiver
from lambdas.core.alarm_text import Severity


class Foundation(pulumi.ComponentResource):
    """Creates the platform that every other component stands on."""

    platform: Platform

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:foundation:Foundation", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = StackKey("stack-key", site, opts=child)
        layers = (SharedLayer("dependencies", site, opts=child).arn,) if site.policy.shared_layer else ()
        topics = {severity: self._alarm_topic(site, key, severity) for severity in Severity}
        self.platform = Platform(
            site=site,
            key_arn=key.arn,
            layer_arns=layers,
            alarm_topics={severity: topic.arn for severity, topic in topics.items()},
        )
        for topic in topics.values():
            topic.watch(self.platform)
        self.register_outputs({"key_arn": key.arn})

    def _alarm_topic(self, site: Site, key: StackKey, severity: Severity) -> Topic:
        topic = Topic(
            f"{severity}-alarms",
            f"{severity}-alarms",
            site,
            key.arn,
            publishers=[
                Publisher(
                    sid="Alarms",
                    service="cloudwatch.amazonaws.com",
                    source_arn=site.arn("cloudwatch", f"alarm:{site.alarm_prefix}*"),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        if site.settings.alarm_email is not None:
            aws.sns.TopicSubscription(
                f"{severity}-alarms-email",
                topic=topic.arn,
                protocol="email",
                # A person's address: kept out of the state's clear text and of every diff.
                endpoint=pulumi.Output.secret(site.settings.alarm_email),
                opts=pulumi.ResourceOptions(parent=self),
            )
        if site.settings.alarm_webhook is not None and severity is Severity.CRITICAL:
            webhook = aws.sns.TopicSubscription(
                f"{severity}-alarms-webhook",
                topic=topic.arn,
                protocol="https",
                # Whoever knows the address can page: kept out of the state's clear text and of every diff.
                endpoint=pulumi.Output.secret(site.settings.alarm_webhook.get_secret_value()),
                # Wait for the confirmation: an endpoint that never confirms would never be told of an alarm.
                endpoint_auto_confirms=True,
                opts=pulumi.ResourceOptions(parent=self),
            )
            Waiver(
                webhook,
                "subscription-dead-letters",
                reason="a page in a queue wakes nobody; the topic's own alarm tells that one could not be delivered",
            )
        return topic
