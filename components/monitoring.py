"""Alarms on what the product promises, the composite alarm and the dashboards; made after everything they watch.

Alarms on single resources stand beside the resources. What is watched costs, for a stack with SMS alone, about $8 a
month in alarms ($0.10 for each metric they read, $0.50 for the composite one) and $6 in dashboards, before AWS's free
tier of ten alarms and three dashboards of an account (CloudWatch pricing).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms, limits, resources_dashboard, widgets
from components.alarm_families import Family
from components.alarms import Limit
from components.business_dashboard import Business
from components.measures import Measure
from components.platform import Platform
from components.session_settings import SessionSettings
from lambdas.core import metrics
from lambdas.core.alarm_text import Severity
from lambdas.core.outputs import MonitoringOutputs

_TEN_MINUTES = 600


class Monitoring(pulumi.ComponentResource):
    """The business alarms of the configured channels, and where all alarms of the stack are found."""

    outputs: MonitoringOutputs

    def __init__(
        self,
        name: str,
        platform: Platform,
        *,
        channels: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:monitoring:Monitoring", name, {}, opts)
        self._platform = platform
        site = platform.site
        sessions = site.settings.sessions
        promises = [*_promises(site.stack, channels), *(_session_promises(site.stack, sessions) if sessions else ())]
        for family, subject, watched, limit in promises:
            alarms.alarm(
                "-".join(filter(None, (family.name, subject))),
                parent=self,
                platform=platform,
                family=family,
                subject=subject,
                watched=watched,
                limit=limit,
            )
        alarms.composite("stack-down", parent=self, platform=platform, family=alarm_families.STACK_DOWN)
        business = Business(site.stack, channels, platform.inventory, sessions).sections()
        texts: dict[str, Any] = {
            "warning_topic_arn": platform.alarm_topics[Severity.WARNING],
            "critical_topic_arn": platform.alarm_topics[Severity.CRITICAL],
            "alarm_name_prefix": site.alarm_prefix,
            "business_dashboard": self._dashboard("business", business),
            "resources_dashboard": self._dashboard("resources", resources_dashboard.sections(platform.inventory)),
        }
        self.outputs = MonitoringOutputs(**texts)
        self.register_outputs(self.outputs.to_mapping())

    def _dashboard(self, thing: str, sections: Sequence[widgets.Section]) -> pulumi.Output[str]:
        dashboard = aws.cloudwatch.Dashboard(
            f"{thing}-dashboard",
            dashboard_name=self._platform.site.physical(thing),
            dashboard_body=widgets.body(sections, self._platform.site.region),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return dashboard.dashboard_name


Promise = tuple[Family, str, Measure, Limit]
"""Family, subject, what is watched and when it rises."""


def _promises(stack: str, channels: Sequence[str]) -> Iterator[Promise]:
    """Of messages; throttling and capacity per channel."""
    every = {metrics.STACK: stack}
    for channel in channels:
        one = {**every, metrics.CHANNEL: channel.upper()}
        yield (
            alarm_families.THROTTLED[channel],
            "",
            Measure.of(metrics.THROTTLED_MESSAGES, one, "Sum"),
            Limit(value=limits.THROTTLED_MESSAGES),
        )
        yield (
            alarm_families.AVAILABLE_CAPACITY,
            channel,
            Measure.of(metrics.AVAILABLE_CAPACITY, one, "Average"),
            Limit(value=limits.AVAILABLE_CAPACITY_PERCENT, points=3, below=True),
        )
    yield (
        alarm_families.FAILED_DELIVERIES,
        "",
        Measure.of(metrics.FAILED_DELIVERIES, every, "Sum", _TEN_MINUTES),
        Limit(value=limits.FAILED_DELIVERIES),
    )
    yield alarm_families.PARKED_EVENTS, "", Measure.of(metrics.PARKED_EVENTS, every, "Sum"), Limit(value=0)
    yield alarm_families.PUMPING_GUARD, "", Measure.of(metrics.PUMPING_BLOCKED, every, "Sum"), Limit(value=0)
    yield (
        alarm_families.OVERDUE_RECEIPTS,
        "",
        Measure.of(metrics.OVERDUE_RECEIPTS, every, "Maximum"),
        Limit(value=limits.OVERDUE_RECEIPTS, points=3),
    )
    yield (
        alarm_families.CAMPAIGNS_AUTO_PAUSED,
        "",
        Measure.of(metrics.CAMPAIGNS_AUTO_PAUSED, every, "Sum"),
        Limit(value=0),
    )
    yield (
        alarm_families.IN_DOUBT,
        "",
        Measure.of(metrics.IN_DOUBT, every, "Maximum"),
        Limit(value=limits.IN_DOUBT, points=3),
    )
    yield (
        alarm_families.OUTBOX_AGE,
        "",
        Measure.of(metrics.OUTBOX_AGE, every, "Maximum"),
        Limit(value=limits.OUTBOX_AGE_SECONDS),
    )
    # Each sweep that ends publishes this gauge, so how often it was seen says whether sweeps end.
    yield (
        alarm_families.SWEEPER_HEARTBEAT,
        "",
        Measure.of(metrics.OVERDUE_RECEIPTS, every, "SampleCount", limits.HEARTBEAT_SECONDS),
        Limit(value=1, below=True),
    )


def _session_promises(stack: str, sessions: SessionSettings) -> Iterator[Promise]:
    every = {metrics.STACK: stack}
    yield (
        alarm_families.SESSION_CREATION,
        "",
        Measure.of(metrics.SESSION_CREATION_LATENCY, every, "p95"),
        Limit(value=limits.SESSION_CREATION_MS, points=2),
    )
    yield (
        alarm_families.CONNECTION_ERRORS,
        "",
        Measure.of(metrics.CONNECTION_ERRORS, every, "Sum"),
        Limit(value=limits.CONNECTION_ERRORS),
    )
    yield (
        alarm_families.ACTIVE_SESSIONS,
        "",
        Measure.of(metrics.ACTIVE_SESSIONS, every, "Maximum"),
        Limit(value=limits.ACTIVE_SESSIONS_SHARE * sessions.max_active_sessions),
    )
    # As with the sweep of campaigns: how often the gauge was seen says whether sweeps end.
    yield (
        alarm_families.SESSION_HEARTBEAT,
        "",
        Measure.of(metrics.ACTIVE_SESSIONS, every, "SampleCount", limits.HEARTBEAT_SECONDS),
        Limit(value=1, below=True),
    )
