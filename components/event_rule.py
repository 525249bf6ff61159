"""A rule that puts matching events, or a tick of the clock, into a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.measures import Measure
from components.naming import Site
from components.platform import Platform
from components.queue import Queue, Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleArgs:
    """Exactly one of `pattern` and `schedule`; `bus` is the name of a custom bus; `input_path` picks what is sent."""

    thing: str
    description: str
    pattern: Mapping[str, Any] | None = None
    schedule: str | None = None
    bus: str | None = None
    input_path: str | None = None

    def __post_init__(self) -> None:
        if (self.pattern is None) == (self.schedule is None):
            raise ValueError(f"rule {self.thing}: give a pattern or a schedule")

    def arn(self, site: Site) -> str:
        """The rule's ARN, known from its name: the queue's policy names the rule before the rule names the queue."""
        name = site.physical(self.thing)
        return site.arn("events", f"rule/{self.bus}/{name}" if self.bus else f"rule/{name}")

    def sender(self, sid: str, site: Site) -> Sender:
        """What lets this rule into a queue."""
        return Sender(sid=sid, service="events.amazonaws.com", source_arn=self.arn(site))


class RuleToQueue(pulumi.ComponentResource):
    """The rule, its target and its alarm; what the queue refuses goes to its dead-letter queue."""

    rule: aws.cloudwatch.EventRule
    thing: str

    def __init__(
        self,
        name: str,
        args: RuleArgs,
        platform: Platform,
        queue: Queue,
        *,
        bus: aws.cloudwatch.EventBus | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:event_rule:RuleToQueue", name, {}, opts)
        self.thing = args.thing
        self.rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=platform.site.physical(args.thing),
            description=args.description,
            event_bus_name=bus.name if bus else None,
            event_pattern=None if args.pattern is None else json.dumps(args.pattern, sort_keys=True),
            schedule_expression=args.schedule,
            tags=platform.site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=self.rule.name,
            event_bus_name=bus.name if bus else None,
            target_id="queue",
            arn=queue.arn,
            input_path=args.input_path,
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.dead_letters.arn),
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_event_age_in_seconds=3600, maximum_retry_attempts=185
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=queue.ready),
        )
        # Metrics of the default bus have the rule alone as dimension (EventBridge user guide, "Monitoring").
        self._dimensions = {"RuleName": self.rule.name, **({"EventBusName": bus.name} if bus else {})}
        alarms.alarm(
            f"{name}-failures",
            parent=self,
            platform=platform,
            family=alarm_families.RULE_FAILURES,
            subject=args.thing,
            watched=self.measure("FailedInvocations", "Sum"),
            limit=alarms.Limit(value=0),
        )
        platform.inventory.rules.append(self)
        self.register_outputs({"rule": self.rule.name})

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric that EventBridge publishes for this rule (user guide, "Monitoring Amazon EventBridge")."""
        return Measure(
            namespace="AWS/Events", name=metric, dimensions=self._dimensions, statistic=statistic, period=period
        )
