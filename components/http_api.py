"""An HTTP API in front of one function: every route signed with IAM, throttled and logged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.function import Function
from components.measures import Measure
from components.platform import Platform

INTEGRATION_TIMEOUT_MS = 29_000
"""The longest an HTTP API waits is 30 s (API Gateway quotas)."""

SERVER_ERRORS_ALLOWED = 5
"""Answers with 5xx in five minutes before the alarm rises."""

SLOW_MS = 5_000
"""95th percentile of the answers' latency that may stand for a quarter of an hour before the alarm rises."""

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "route": "$context.routeKey",
    "status": "$context.status",
    "caller": "$context.identity.userArn",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "error": "$context.error.message",
    "integration_error": "$context.integrationErrorMessage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiArgs:
    """`routes` as method and path; `rate` requests per second with bursts of `burst`; `origins` may call by CORS."""

    thing: str
    routes: Sequence[str]
    rate: float
    burst: int
    origins: Sequence[str] = ()


class HttpApi(pulumi.ComponentResource):
    """The API, its `$default` stage and the function's permission; `url` has no slash at the end."""

    api: aws.apigatewayv2.Api
    thing: str
    url: pulumi.Output[str]
    execution_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: HttpApiArgs,
        platform: Platform,
        function: Function,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:http_api:HttpApi", name, {}, opts)
        self.thing = args.thing
        site = platform.site
        child = pulumi.ResourceOptions(parent=self)
        self.api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=site.physical(args.thing),
            protocol_type="HTTP",
            cors_configuration=_cors(args.origins),
            tags=site.tags,
            opts=child,
        )
        self.execution_arn = self.api.execution_arn
        integration = aws.apigatewayv2.Integration(
            f"{name}-integration",
            api_id=self.api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.arn,
            payload_format_version="2.0",
            timeout_milliseconds=INTEGRATION_TIMEOUT_MS,
            opts=child,
        )
        routes = [self._route(name, route, integration) for route in args.routes]
        permission = aws.lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self.execution_arn, "/*/*"),
            opts=child,
        )
        access_log = aws.cloudwatch.LogGroup(
            f"{name}-access-log",
            name=site.log_group(f"{args.thing}-access"),
            retention_in_days=site.policy.log_retention_days,
            kms_key_id=platform.key_arn,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        stage = aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=self.api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings=aws.apigatewayv2.StageAccessLogSettingsArgs(
                destination_arn=access_log.arn, format=json.dumps(_ACCESS_LOG)
            ),
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.rate, throttling_burst_limit=args.burst
            ),
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, *routes]),
        )
        self.url = stage.invoke_url.apply(lambda url: url.rstrip("/"))
        alarms.alarm(
            f"{name}-errors",
            parent=self,
            platform=platform,
            family=alarm_families.API_ERRORS,
            watched=self.measure("5xx", "Sum"),
            limit=alarms.Limit(value=SERVER_ERRORS_ALLOWED),
        )
        alarms.alarm(
            f"{name}-latency",
            parent=self,
            platform=platform,
            family=alarm_families.API_LATENCY,
            watched=self.measure("Latency", "p95"),
            limit=alarms.Limit(value=SLOW_MS, points=3),
        )
        platform.inventory.apis.append(self)
        self.register_outputs({"url": self.url})

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric of this API (API Gateway developer guide, "Monitor CloudWatch metrics for HTTP APIs")."""
        dimensions = {"ApiId": self.api.id}
        return Measure(
            namespace="AWS/ApiGateway", name=metric, dimensions=dimensions, statistic=statistic, period=period
        )

    def _route(self, name: str, route: str, integration: aws.apigatewayv2.Integration) -> aws.apigatewayv2.Route:
        method, _, path = route.partition(" ")
        words = path.replace("{", "").replace("}", "").strip("/").replace("/", "-")
        return aws.apigatewayv2.Route(
            f"{name}-{method.lower()}-{words}",
            api_id=self.api.id,
            route_key=route,
            authorization_type="AWS_IAM",
            target=pulumi.Output.concat("integrations/", integration.id),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _cors(origins: Sequence[str]) -> aws.apigatewayv2.ApiCorsConfigurationArgs | None:
    if not origins:
        return None
    return aws.apigatewayv2.ApiCorsConfigurationArgs(
        allow_origins=list(origins),
        allow_methods=["GET", "PATCH", "POST"],
        allow_headers=["authorization", "content-type", "idempotency-key", "x-amz-date", "x-amz-security-token"],
        max_age=3600,
    )
