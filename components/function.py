"""A function with its own role, log group, environment contract and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.archives import function_archive
from components.iam import Statement, role_policy, service_trust
from components.measures import Measure
from components.platform import Platform
from components.waiver import Waiver
from lambdas.core.environment import FunctionEnvironment, render

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
ERRORS_ALLOWED = 10
"""Failed invocations in five minutes before the alarm rises."""

THROTTLES_ALLOWED = 10
"""Refused invocations in five minutes before the alarm rises; the services that invoke ours try again by themselves."""

TIMEOUT_SHARE = 0.8
"""Share of the time-out that an invocation may take, ten minutes in a row, before the alarm rises."""


class EnvironmentContractError(ValueError):
    """What a component gives a function differs from what its settings class asks for; the message names each field."""


def environment_variables(
    settings: type[FunctionEnvironment], **inputs: pulumi.Input[object]
) -> dict[str, pulumi.Input[str]]:
    """Variables for a function built from its settings class; raises `EnvironmentContractError` on missing or extra."""
    names = settings.variable_names()
    missing = sorted(settings.required_fields() - inputs.keys())
    extra = sorted(inputs.keys() - names.keys())
    if missing or extra:
        problems = [*(f"{field} is missing" for field in missing), *(f"{field} is not a setting" for field in extra)]
        raise EnvironmentContractError(f"environment of {settings.FUNCTION}: {', '.join(problems)}")
    return {names[field]: _text(value) for field, value in inputs.items()}


def _text(value: Any) -> pulumi.Input[str]:
    return value.apply(render) if isinstance(value, pulumi.Output) else render(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionArgs:
    """A function of `lambdas/`, told by its settings class.

    `environment` gives the fields that are its own; project, stack, environment and log level are added here.
    `variant` tells apart several functions of one code. `log_retention_days` is one of CloudWatch's allowed values, the
    environment's where it is not given. `reserved_concurrency` is taken out of the account's for this function, and the
    most that run of it; AWS refuses what would leave less than a hundred to all others (Lambda developer guide,
    "Configuring reserved concurrency for a function").
    """

    settings: type[FunctionEnvironment]
    description: str
    memory_mb: int
    timeout_seconds: int
    environment: Mapping[str, pulumi.Input[object]]
    statements: Sequence[Statement]
    variant: str = ""
    log_retention_days: int | None = None
    reserved_concurrency: int | None = None

    @property
    def thing(self) -> str:
        """The function's own part of its name."""
        return "-".join(filter(None, (self.settings.FUNCTION.replace("_", "-"), self.variant)))


class Function(pulumi.ComponentResource):
    """The function; mappings depend on `ready`, so that nothing invokes it before its rights are attached."""

    function: aws.lambda_.Function
    thing: str
    timeout_seconds: int
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: FunctionArgs, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:function:Function", name, {}, opts)
        site, policy = platform.site, platform.site.policy
        self.thing = thing = args.thing
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=service_trust("lambda.amazonaws.com"),
            description=f"Execution role of {site.physical(thing)}",
            tags=site.named(thing),
            opts=child,
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=site.log_group(thing),
            retention_in_days=args.log_retention_days or policy.log_retention_days,
            kms_key_id=platform.key_arn,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        statements = [*args.statements, *_platform_rights(log_group, policy.tracing)]
        rights = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.name,
            policy=role_policy(statements, platform.key_arn),
            opts=child,
        )
        for statement in statements:
            if statement.reason:
                Waiver(rights, "resource-star", reason=statement.reason, part=statement.sid)
        self.ready = [rights]
        self.timeout_seconds = args.timeout_seconds
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=site.physical(thing),
            description=args.description,
            role=role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=f"lambdas.{args.settings.FUNCTION}.handler.handler",
            code=function_archive(args.settings.FUNCTION),
            layers=list(platform.layer_arns),
            memory_size=args.memory_mb,
            timeout=args.timeout_seconds,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables=environment_variables(
                    args.settings,
                    environment=site.settings.environment.value,
                    stack=site.stack,
                    project=site.project,
                    log_level=policy.log_level,
                    **args.environment,
                )
            ),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=log_group.name),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active" if policy.tracing else "PassThrough"),
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, depends_on=[rights]),
        )
        self.name, self.arn = self.function.name, self.function.arn
        self._watch(name, platform)
        platform.inventory.functions.append(self)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric that Lambda publishes for this function (Lambda developer guide, "Types of metrics")."""
        dimensions = {"FunctionName": self.name}
        return Measure(namespace="AWS/Lambda", name=metric, dimensions=dimensions, statistic=statistic, period=period)

    def _watch(self, name: str, platform: Platform) -> None:
        longest_ms = 1_000 * TIMEOUT_SHARE * self.timeout_seconds
        for suffix, family, watched, limit in (
            (
                "errors",
                alarm_families.FUNCTION_ERRORS,
                self.measure("Errors", "Sum"),
                alarms.Limit(value=ERRORS_ALLOWED),
            ),
            (
                "throttles",
                alarm_families.FUNCTION_THROTTLED,
                self.measure("Throttles", "Sum"),
                alarms.Limit(value=THROTTLES_ALLOWED),
            ),
            (
                "duration",
                alarm_families.FUNCTION_DURATION,
                self.measure("Duration", "Maximum"),
                alarms.Limit(value=longest_ms, points=2),
            ),
        ):
            alarms.alarm(
                f"{name}-{suffix}",
                parent=self,
                platform=platform,
                family=family,
                subject=self.thing,
                watched=watched,
                limit=limit,
            )


def _platform_rights(log_group: aws.cloudwatch.LogGroup, tracing: bool) -> list[Statement]:
    rights = [
        Statement(
            sid="WriteOwnLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[pulumi.Output.concat(log_group.arn, ":*")],
        )
    ]
    if tracing:
        rights.append(
            Statement(
                sid="Trace",
                actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                resources=["*"],
                reason="X-Ray has no resource for these actions (Service Authorization Reference, AWS X-Ray)",
            )
        )
    return rights
