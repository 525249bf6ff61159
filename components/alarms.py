"""One way to an alarm: a family fixes its urgency, missing-data policy and runbook, measures and a limit the rest.

AWS bills a metric alarm at $0.10 a month for each metric it reads and a composite one at $0.50 (CloudWatch pricing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.alarm_families import Family, Level
from components.inventory import KnownAlarm
from components.measures import Measure
from components.platform import Platform
from lambdas.core.alarm_text import AlarmText, Severity, format_description

MAX_METRICS = 10
"""Metrics that one alarm may add up (CloudWatch API reference, PutMetricAlarm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """When the alarm rises: `points` periods in a row above (or below) `value`, times the level's factor."""

    value: float
    points: int = 1
    below: bool = False


def alarm(
    name: str,
    *,
    parent: pulumi.Resource,
    platform: Platform,
    family: Family,
    subject: str = "",
    watched: Measure | Sequence[Measure],
    limit: Limit,
) -> None:
    """An alarm per level of the family, named `{project}-{stack}-{family}[-{subject}]`, further ones `...-critical`.

    Several measures are added up; what has no data counts as 0. An alarm notifies where the environment wants its
    severity, by itself or, in a joint family, by the stack's composite alarm.
    """
    for index, level in enumerate(family.levels):
        suffix = f"-{level.severity}" if index else ""
        alarm_name = _name(platform, family, subject) + suffix
        topics = [] if _joint(family, level) else _topics(platform, level.severity)
        resource = aws.cloudwatch.MetricAlarm(
            name + suffix,
            name=alarm_name,
            alarm_description=_description(family, level, subject),
            **_watching(watched),
            comparison_operator="LessThanThreshold" if limit.below else "GreaterThanThreshold",
            threshold=limit.value * level.factor,
            evaluation_periods=limit.points,
            datapoints_to_alarm=limit.points,
            treat_missing_data=family.missing,
            alarm_actions=topics,
            ok_actions=topics,
            tags={**platform.site.tags, "Severity": level.severity.value},
            opts=pulumi.ResourceOptions(parent=parent),
        )
        platform.inventory.alarms.append(
            KnownAlarm(
                name=alarm_name,
                severity=level.severity,
                joint=_joint(family, level),
                resource=resource,
                arn=resource.arn,
            )
        )


def composite(name: str, *, parent: pulumi.Resource, platform: Platform, family: Family) -> None:
    """The alarm that rises while any joint alarm made so far is up, and notifies once for all of them."""
    children = [child for child in platform.inventory.alarms if child.joint]
    (level,) = family.levels
    topics = _topics(platform, level.severity)
    alarm_name = _name(platform, family, "")
    resource = aws.cloudwatch.CompositeAlarm(
        name,
        alarm_name=alarm_name,
        alarm_description=_description(family, level, ""),
        alarm_rule=" OR ".join(f'ALARM("{child.name}")' for child in children),
        alarm_actions=topics,
        ok_actions=topics,
        tags={**platform.site.tags, "Severity": level.severity.value},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[child.resource for child in children]),
    )
    platform.inventory.alarms.append(
        KnownAlarm(name=alarm_name, severity=level.severity, joint=False, resource=resource, arn=resource.arn)
    )


def _joint(family: Family, level: Level) -> bool:
    return family.joint and level.severity is Severity.CRITICAL


def _topics(platform: Platform, severity: Severity) -> list[pulumi.Output[str]]:
    return [platform.alarm_topics[severity]] if severity in platform.site.policy.notify else []


def _name(platform: Platform, family: Family, subject: str) -> str:
    return platform.site.alarm_prefix + "-".join(filter(None, (family.name, subject)))


def _description(family: Family, level: Level, subject: str) -> str:
    meaning = f"{family.meaning}{f' ({subject})' if subject else ''}."
    return format_description(AlarmText(meaning, level.severity, family.runbook))


def _watching(watched: Measure | Sequence[Measure]) -> dict[str, Any]:
    """The arguments that say what an alarm reads: one metric as itself, several as the sum of a math expression."""
    if not isinstance(watched, Measure) and len(watched) == 1:
        (watched,) = watched
    if isinstance(watched, Measure):
        percentile = watched.statistic.startswith("p")
        return {
            "namespace": watched.namespace,
            "metric_name": watched.name,
            "dimensions": dict(watched.dimensions),
            "extended_statistic" if percentile else "statistic": watched.statistic,
            "period": watched.period,
        }
    if not 1 <= len(watched) <= MAX_METRICS:
        raise ValueError(f"an alarm adds up 1 to {MAX_METRICS} metrics, not {len(watched)}")
    total = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="total", expression="SUM(FILL(METRICS(), 0))", label="total", return_data=True
    )
    parts = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=f"m{index}",
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=part.namespace,
                metric_name=part.name,
                dimensions=dict(part.dimensions),
                stat=part.statistic,
                period=part.period,
            ),
            return_data=False,
        )
        for index, part in enumerate(watched)
    ]
    return {"metric_queries": [total, *parts]}
