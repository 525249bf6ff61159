"""Rules for where calls and events come in: APIs and event rules."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.policies.rule import Fault, Rule, lacks
from localcloud.view import View, inside


def _access_logs(view: View) -> Iterator[Fault]:
    for stage in view.of(types.API_STAGE):
        if lacks(inside(stage.inputs, "accessLogSettings", "destinationArn")):
            yield Fault(stage.urn, "keeps no account of who called; set access_log_settings")


def _throttling(view: View) -> Iterator[Fault]:
    for stage in view.of(types.API_STAGE):
        settings = stage.inputs.get("defaultRouteSettings")
        if lacks(inside(settings, "throttlingRateLimit")) or lacks(inside(settings, "throttlingBurstLimit")):
            yield Fault(stage.urn, "accepts any number of calls; set the rate and burst of default_route_settings")


def _authorizers(view: View) -> Iterator[Fault]:
    """A WebSocket API authorises on `$connect` only (API Gateway developer guide)."""
    for route in view.of(types.API_ROUTE):
        api = view.pointed(route, "apiId", types.API)
        websocket = api is not None and api.inputs.get("protocolType") == "WEBSOCKET"
        if websocket and route.inputs.get("routeKey") != "$connect":
            continue
        if route.inputs.get("authorizationType", "NONE") == "NONE":
            yield Fault(route.urn, "can be called by anybody; set authorization_type")


def _targets_have_dead_letters(view: View) -> Iterator[Fault]:
    for target in view.of(types.EVENT_TARGET):
        if lacks(inside(target.inputs, "deadLetterConfig", "arn")):
            yield Fault(target.urn, "drops events after 24 hours of failures; set dead_letter_config")


RULES = (
    Rule("api-access-log", "An API logs its calls.", _access_logs, cdk_nag="AwsSolutions-APIG1"),
    Rule("api-throttled", "An API is throttled.", _throttling),
    Rule("api-authorizer", "An API knows its callers.", _authorizers, cdk_nag="AwsSolutions-APIG4"),
    Rule("target-dead-letters", "A rule's target has a dead-letter queue.", _targets_have_dead_letters),
)
