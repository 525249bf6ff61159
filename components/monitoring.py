"""Alarms on what the product promises; those on single resources stand beside the resources."""

from __future__ import annotations

from typing import Any

import pulumi

from components import alarms
from components.platform import Platform
from lambdas.core import metrics
from lambdas.core.alarm_text import Severity
from lambdas.core.outputs import MonitoringOutputs


class Monitoring(pulumi.ComponentResource):
    """The business alarms, and where all alarms of the stack are found."""

    outputs: MonitoringOutputs

    def __init__(self, name: str, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:monitoring:Monitoring", name, {}, opts)
        stack = {metrics.STACK: platform.site.stack}
        product = {
            alarms.SMS_THROTTLED: (
                alarms.Watched.of(
                    metrics.THROTTLED_MESSAGES, {**stack, metrics.CHANNEL: "SMS"}, statistic="Sum", period=300
                ),
                alarms.Limit(value=10),
            ),
            alarms.FAILED_DELIVERIES: (
                alarms.Watched.of(metrics.FAILED_DELIVERIES, stack, statistic="Sum", period=600),
                alarms.Limit(value=50),
            ),
            alarms.AVAILABLE_CAPACITY: (
                alarms.Watched.of(metrics.AVAILABLE_CAPACITY, stack, statistic="Average", period=300),
                alarms.Limit(value=10, points=3, below=True),
            ),
        }
        for family, (watched, limit) in product.items():
            alarms.alarm(
                family.name,
                parent=self,
                platform=platform,
                family=family,
                subject="",
                watched=watched,
                limit=limit,
            )
        texts: dict[str, Any] = {
            "warning_topic_arn": platform.alarm_topics[Severity.WARNING],
            "critical_topic_arn": platform.alarm_topics[Severity.CRITICAL],
            "alarm_name_prefix": platform.site.alarm_prefix,
        }
        self.outputs = MonitoringOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())
