"""One way to an alarm: a family fixes its severity, missing-data policy and runbook, a metric and a limit the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.platform import Platform
from lambdas.core import metrics
from lambdas.core.alarm_text import AlarmText, Severity, format_description

MissingData = Literal["notBreaching", "breaching", "missing", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of alarm; `docs/runbooks/<name>.md` says what to do about it."""

    name: str
    severity: Severity
    missing: MissingData
    meaning: str

    @property
    def runbook(self) -> str:
        """Path of the runbook in the repository."""
        return f"docs/runbooks/{self.name}.md"


SMS_THROTTLED = Family(
    name="sms-throttled",
    severity=Severity.WARNING,
    missing="notBreaching",
    meaning="The provider refuses SMS because they come too fast",
)
FAILED_DELIVERIES = Family(
    name="failed-deliveries",
    severity=Severity.CRITICAL,
    missing="notBreaching",
    meaning="Messages are refused by the provider or fail to be delivered",
)
AVAILABLE_CAPACITY = Family(
    name="available-capacity",
    severity=Severity.WARNING,
    missing="missing",
    meaning="Sending waits for the origination identity: its rate is booked out",
)
DEAD_LETTERS = Family(
    name="dead-letter-queue",
    severity=Severity.CRITICAL,
    missing="notBreaching",
    meaning="Messages could not be processed and lie in a dead-letter queue",
)
FUNCTION_ERRORS = Family(
    name="function-errors",
    severity=Severity.CRITICAL,
    missing="notBreaching",
    meaning="A function fails",
)
STREAM_LAG = Family(
    name="stream-lag",
    severity=Severity.WARNING,
    missing="notBreaching",
    meaning="Campaign counters lag behind the delivery-tracking table",
)
QUEUE_AGE = Family(
    name="queue-age",
    severity=Severity.WARNING,
    missing="notBreaching",
    meaning="Messages wait too long in a queue: its consumer is slow or stands still",
)
TABLE_THROTTLED = Family(
    name="table-throttled",
    severity=Severity.WARNING,
    missing="notBreaching",
    meaning="DynamoDB refuses requests to a table because they come too fast",
)
API_ERRORS = Family(
    name="api-errors",
    severity=Severity.CRITICAL,
    missing="notBreaching",
    meaning="The campaign API answers with server errors",
)
RULE_FAILURES = Family(
    name="rule-failures",
    severity=Severity.WARNING,
    missing="notBreaching",
    meaning="EventBridge cannot deliver events to a queue",
)

FAMILIES: tuple[Family, ...] = (
    SMS_THROTTLED,
    FAILED_DELIVERIES,
    AVAILABLE_CAPACITY,
    DEAD_LETTERS,
    FUNCTION_ERRORS,
    STREAM_LAG,
    QUEUE_AGE,
    TABLE_THROTTLED,
    API_ERRORS,
    RULE_FAILURES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A metric of AWS or of ours under one exact dimension set, reduced to a number per period of `period` seconds."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: Literal["Sum", "Average", "Maximum", "Minimum"]
    period: int

    @classmethod
    def of(
        cls,
        metric: metrics.Metric,
        dimensions: Mapping[str, str],
        *,
        statistic: Literal["Sum", "Average", "Maximum", "Minimum"],
        period: int,
    ) -> Watched:
        """A metric of the catalogue; raises `ValueError` for a dimension set under which nobody publishes it."""
        if not any(set(names) == set(dimensions) for names in metric.dimension_sets):
            raise ValueError(f"{metric.name} is published under {metric.dimension_sets}, not {tuple(dimensions)}")
        return cls(
            namespace=metrics.NAMESPACE, name=metric.name, dimensions=dimensions, statistic=statistic, period=period
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """When the alarm rises: `points` periods in a row above (or below) `value`."""

    value: float
    points: int = 1
    below: bool = False


def alarm(
    name: str,
    *,
    parent: pulumi.Resource,
    platform: Platform,
    family: Family,
    subject: str,
    watched: Watched,
    limit: Limit,
) -> aws.cloudwatch.MetricAlarm:
    """An alarm named `{project}-{stack}-{family}[-{subject}]`; it notifies where the environment wants its severity."""
    site = platform.site
    topics = [platform.alarm_topics[family.severity]] if family.severity in site.policy.notify else []
    return aws.cloudwatch.MetricAlarm(
        name,
        name=site.alarm_prefix + "-".join(filter(None, (family.name, subject))),
        alarm_description=format_description(
            AlarmText(f"{family.meaning}{f' ({subject})' if subject else ''}.", family.severity, family.runbook)
        ),
        namespace=watched.namespace,
        metric_name=watched.name,
        dimensions=dict(watched.dimensions),
        statistic=watched.statistic,
        period=watched.period,
        comparison_operator="LessThanThreshold" if limit.below else "GreaterThanThreshold",
        threshold=limit.value,
        evaluation_periods=limit.points,
        datapoints_to_alarm=limit.points,
        treat_missing_data=family.missing,
        alarm_actions=topics,
        ok_actions=topics,
        tags={**site.tags, "Severity": family.severity.value},
        opts=pulumi.ResourceOptions(parent=parent),
    )
