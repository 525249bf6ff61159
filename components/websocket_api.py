"""A WebSocket API: an authorizer before `$connect`, a function behind every route, metrics and an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import alarm_families, alarms
from components.function import Function
from components.iam import Statement
from components.measures import Measure
from components.platform import Platform
from components.waiver import Waiver

SELECTION = "$request.body.action"
"""The route is the member `action` of a message."""

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
ONE_WAY = frozenset({CONNECT, DISCONNECT})
"""Routes whose answer is no message to the client (API Gateway developer guide, "Set up route responses")."""

INTEGRATION_TIMEOUT_MS = 29_000
"""The longest a WebSocket API waits for a function (API Gateway quotas, WebSocket APIs)."""

EXECUTION_ERRORS_ALLOWED = 5
"""Functions that could not be called in five minutes before the alarm rises. `IntegrationError` raises none: a refused
connection, which is somebody's mistake or a full session, counts there too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketApiArgs:
    """`rate` messages and connections per second with bursts of `burst`; `stage` is the last part of the address."""

    thing: str
    stage: str
    rate: float
    burst: int


class WebSocketApi(pulumi.ComponentResource):
    """The API; `serve` puts functions behind it, which may know `management_url` and hold `manage` before that."""

    api: aws.apigatewayv2.Api
    thing: str
    management_url: pulumi.Output[str]

    def __init__(
        self, name: str, args: WebSocketApiArgs, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:websocket_api:WebSocketApi", name, {}, opts)
        self.thing = args.thing
        self._name, self._args, self._platform = name, args, platform
        self._child = pulumi.ResourceOptions(parent=self)
        self.api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=platform.site.physical(args.thing),
            protocol_type="WEBSOCKET",
            route_selection_expression=SELECTION,
            tags=platform.site.tags,
            opts=self._child,
        )
        # wss:// is for clients; functions post to the same place by https://.
        self.management_url = self.api.api_endpoint.apply(lambda url: f"http{url.removeprefix('ws')}/{args.stage}")
        alarms.alarm(
            f"{name}-errors",
            parent=self,
            platform=platform,
            family=alarm_families.WEBSOCKET_ERRORS,
            watched=self.measure("ExecutionError", "Sum"),
            limit=alarms.Limit(value=EXECUTION_ERRORS_ALLOWED),
        )
        platform.inventory.websocket_apis.append(self)
        self.register_outputs({"management_url": self.management_url})

    def measure(self, metric: str, statistic: str, period: int = 300) -> Measure:
        """A metric of this API (API Gateway developer guide, "Monitor WebSocket API execution with CloudWatch")."""
        dimensions = {"ApiId": self.api.id}
        return Measure(
            namespace="AWS/ApiGateway", name=metric, dimensions=dimensions, statistic=statistic, period=period
        )

    def manage(self, sid: str) -> Statement:
        """The right to post to the stage's connections and to close them."""
        base = pulumi.Output.concat(self.api.execution_arn, f"/{self._args.stage}/")
        return Statement(
            sid=sid,
            actions=["execute-api:ManageConnections"],
            resources=[pulumi.Output.concat(base, f"{method}/@connections/*") for method in ("POST", "DELETE")],
        )

    def serve(self, authorizer: Function, routes: Mapping[str, Function]) -> pulumi.Output[str]:
        """Put `authorizer` before `$connect` and a function behind each route; answers the address for clients."""
        gate = self._authorizer(authorizer)
        behind = {function.thing: function for function in routes.values()}
        integrations = {thing: self._integration(function) for thing, function in behind.items()}
        parts: list[pulumi.Resource] = [
            part
            for key, function in routes.items()
            for part in self._route(key, function, integrations[function.thing], gate)
        ]
        permission = self._permission(
            authorizer.thing, authorizer, pulumi.Output.concat(self.api.execution_arn, "/authorizers/", gate.id)
        )
        stage = aws.apigatewayv2.Stage(
            f"{self._name}-stage",
            api_id=self.api.id,
            name=self._args.stage,
            auto_deploy=True,
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=self._args.rate, throttling_burst_limit=self._args.burst
            ),
            tags=self._platform.site.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, *parts]),
        )
        Waiver(
            stage,
            "api-access-log",
            reason="logs of WebSocket APIs need a role that exists once in an account and that no stack may own; the "
            "functions log every connection, and the query string would put tokens into an access log",
        )
        return stage.invoke_url

    def _authorizer(self, function: Function) -> aws.apigatewayv2.Authorizer:
        """Without identity sources: who lacks one is answered 401 before the function runs, and listeners have none."""
        return aws.apigatewayv2.Authorizer(
            f"{self._name}-authorizer",
            api_id=self.api.id,
            name=self._platform.site.physical(function.thing),
            authorizer_type="REQUEST",
            authorizer_uri=function.function.invoke_arn,
            opts=self._child,
        )

    def _integration(self, function: Function) -> aws.apigatewayv2.Integration:
        return aws.apigatewayv2.Integration(
            f"{self._name}-{function.thing}-integration",
            api_id=self.api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=function.function.invoke_arn,
            timeout_milliseconds=INTEGRATION_TIMEOUT_MS,
            opts=self._child,
        )

    def _route(
        self,
        key: str,
        function: Function,
        integration: aws.apigatewayv2.Integration,
        authorizer: aws.apigatewayv2.Authorizer,
    ) -> list[pulumi.Resource]:
        """The route, its permission and, where the function's answer goes to the client, its response."""
        word = key.removeprefix("$").lower()
        route = aws.apigatewayv2.Route(
            f"{self._name}-{word}",
            api_id=self.api.id,
            route_key=key,
            authorization_type="CUSTOM" if key == CONNECT else "NONE",
            authorizer_id=authorizer.id if key == CONNECT else None,
            route_response_selection_expression=None if key in ONE_WAY else DEFAULT,
            target=pulumi.Output.concat("integrations/", integration.id),
            opts=self._child,
        )
        source = pulumi.Output.concat(self.api.execution_arn, f"/{self._args.stage}/{key}")
        parts: list[pulumi.Resource] = [route, self._permission(word, function, source)]
        if key not in ONE_WAY:
            parts.append(
                aws.apigatewayv2.RouteResponse(
                    f"{self._name}-{word}-response",
                    api_id=self.api.id,
                    route_id=route.id,
                    route_response_key=DEFAULT,
                    opts=self._child,
                )
            )
        return parts

    def _permission(self, word: str, function: Function, source: pulumi.Output[str]) -> aws.lambda_.Permission:
        return aws.lambda_.Permission(
            f"{self._name}-{word}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=source,
            opts=self._child,
        )
