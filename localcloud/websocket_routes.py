"""WebSocket APIs as ministack holds them: stages, routes, authorizers, and the functions behind them.

Functions run as every other invocation does. Each needs a permission for `apigateway.amazonaws.com` with the API's
ARN as source, as on AWS (API Gateway developer guide, "Set up WebSocket API integrations").
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import apigateway, apigateway_v1, lambda_svc

from localcloud.service_metrics import Publish, count_integration
from localcloud.websocket_events import CONNECT, DEFAULT, Socket, authorizer_event

_log = logging.getLogger(__name__)

LONGEST_INTEGRATION_MS = 29_000
LARGEST_AUTHORIZER_RESULT = 8 * 1024
"""API Gateway developer guide, "Quotas for configuring and running a WebSocket in API Gateway": integration timeout,
and bytes of what an authorizer returns."""
_STATUS = re.compile("[2-5][0-9][0-9]")
_PRINCIPAL = "apigateway.amazonaws.com"
_DENIED = "User is not authorized to access this resource"
_REASONS = {
    "Deny": " with an explicit deny in an identity-based policy",
    "NoMatch": " because no identity-based policy allows the execute-api:Invoke action",
}


@dataclass(frozen=True, slots=True)
class SocketApi:
    """A stage of a WebSocket API, and whose it is."""

    api_id: str
    stage: str
    account_id: str
    region: str

    @property
    def expression(self) -> str:
        """By what messages find their route."""
        api = apigateway._apis.get_scoped(self.account_id, self.region, self.api_id, {})
        return str(api.get("routeSelectionExpression") or "$request.body.action")

    def route(self, key: str) -> dict[str, Any] | None:
        """The route of this key, for a message's key else `$default`."""
        routes = {route["routeKey"]: route for route in self._all(apigateway._routes).values()}
        found: dict[str, Any] | None = routes.get(key)
        return found if found is not None or key.startswith("$") else routes.get(DEFAULT)

    def answers(self, route: Mapping[str, Any]) -> bool:
        """Whether what the route's integration returns goes back to the client (API Gateway developer guide, "Set up
        route responses for WebSocket APIs"): there is a `$default` route response, and the route selects it."""
        responses = self._all(apigateway._route_responses).get(route["routeId"], {}).values()
        selects = route.get("routeResponseSelectionExpression") == DEFAULT
        return selects and any(response["routeResponseKey"] == DEFAULT for response in responses)

    def integration(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """The route's integration; empty without one."""
        id_ = str(route.get("target", "")).rpartition("/")[2]
        found: dict[str, Any] = self._all(apigateway._integrations).get(id_, {})
        return found

    def authorizer(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """The route's authorizer; empty without one."""
        found: dict[str, Any] = self._all(apigateway._authorizers).get(route.get("authorizerId", ""), {})
        return found

    def variables(self) -> dict[str, str]:
        """The stage's variables."""
        stage: dict[str, Any] = self._all(apigateway._stages).get(self.stage) or {}
        return dict(stage.get("stageVariables") or {})

    def arn(self, resource: str) -> str:
        """The ARN by which functions' permissions and policies name a part of the API."""
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{self.api_id}/{resource}"

    def _all(self, registry: Any) -> dict[str, Any]:
        found: dict[str, Any] = registry.get_scoped(self.account_id, self.region, self.api_id, {})
        return found


def addressed(host: str, path: str) -> tuple[str, str, str] | None:
    """API id, stage and rest of an execute-api address, in path or host form; None for any other address."""
    found: tuple[str, str, str] | None = app._parse_execute_api_url(host, path)
    return found


def find(api_id: str, stage: str) -> SocketApi | None:
    """A deployed stage of a WebSocket API, in whatever account and region it is."""
    owner = apigateway._api_owner(api_id)
    if owner is None or owner[0] != "WEBSOCKET":
        return None
    api = SocketApi(api_id, stage, owner[1], owner[2])
    return api if stage in apigateway._stages.get_scoped(api.account_id, api.region, api_id, {}) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an integration returned."""

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class IntegrationFailed(Exception):
    """An integration gave no answer; `status` is what a handshake gets, the message is API Gateway's.

    500: it may not be invoked. 502: it raised, or returned no `statusCode`. 504: it took too long.
    """

    def __init__(self, status: int, message: str = "Internal server error") -> None:
        super().__init__(message)
        self.status = status


class Refused(Exception):
    """A handshake that is not let in, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Integrations:
    """Calls the functions of routes and authorizers in threads: at most `width` for each function, so that a slow one
    does not take the threads of the others."""

    def __init__(self, executor: Executor, width: int, publish: Publish) -> None:
        self._executor = executor
        self._publish = publish
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(width))

    async def call(self, api: SocketApi, route: Mapping[str, Any], event: dict[str, Any]) -> Answer:
        """What the route's integration answers to `event`; raises `IntegrationFailed`."""
        integration = api.integration(route)
        if integration.get("integrationType") == "MOCK":
            return Answer(200)
        began = time.monotonic()
        answer: Answer | None = None
        try:
            answer = await self._proxy(api, route, integration, event)
        finally:
            latency_ms = 1_000 * (time.monotonic() - began)
            status = None if answer is None else answer.status
            count_integration(self._publish, api.api_id, api.stage, status=status, latency_ms=latency_ms)
        return answer

    async def authorize(self, api: SocketApi, route: Mapping[str, Any], socket: Socket) -> dict[str, str]:
        """The context of a REQUEST authorizer that lets the client in; raises `Refused`.

        API Gateway developer guide, "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers": without
        an identity source of the authorizer's the answer is 401 and the function is not asked.
        """
        authorizer = api.authorizer(route)
        headers = {name: values[-1] for name, values in socket.upgrade.headers.items()}
        present, _ = apigateway._request_authorizer_identity_sources(
            authorizer.get("identitySource"), headers, socket.upgrade.query, api.variables()
        )
        if not present:
            raise Refused(401, "Unauthorized")
        arn = api.arn(f"{api.stage}/{CONNECT}")
        source = api.arn(f"authorizers/{authorizer.get('authorizerId', '')}")
        event = authorizer_event(socket, arn, api.variables())
        try:
            said = await self._invoke(api, str(authorizer.get("authorizerUri", "")), source, event)
        except IntegrationFailed as error:
            raise Refused(500, str(error)) from error
        return _let_in(said, arn)

    async def _proxy(
        self, api: SocketApi, route: Mapping[str, Any], integration: Mapping[str, Any], event: dict[str, Any]
    ) -> Answer:
        if integration.get("integrationType") != "AWS_PROXY":
            _log.warning("route %s of %s: only AWS_PROXY and MOCK integrations are served", route["routeKey"], api)
            raise IntegrationFailed(500)
        source = api.arn(f"{api.stage}/{route['routeKey']}")
        seconds = min(int(integration.get("timeoutInMillis") or LONGEST_INTEGRATION_MS), LONGEST_INTEGRATION_MS) / 1_000
        try:
            async with asyncio.timeout(seconds):
                said = await self._invoke(api, str(integration["integrationUri"]), source, event)
        except TimeoutError as error:
            raise IntegrationFailed(504, "Endpoint request timed out") from error
        return _answer(said)

    async def _invoke(self, api: SocketApi, uri: str, source_arn: str, event: dict[str, Any]) -> Any:
        ref = apigateway._extract_lambda_ref_from_integration_uri(uri)
        function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
            ref, account_id=api.account_id, region=api.region
        )
        if function is None or not _may_invoke(api, function, config["FunctionArn"], source_arn):
            _log.warning("%s: there is no function %s that %s may invoke", source_arn, ref, _PRINCIPAL)
            raise IntegrationFailed(500)
        record = lambda_svc._execution_record_for_config(function, config)
        run: Callable[..., Any] = lambda_svc._execute_function_with_config_scope
        async with self._turns[config["FunctionArn"]]:
            done = await asyncio.get_running_loop().run_in_executor(self._executor, run, record, event)
        if done.get("error") or done.get("throttle"):
            raise IntegrationFailed(502)
        return done.get("body")


def _may_invoke(api: SocketApi, function: Mapping[str, Any], function_arn: str, source_arn: str) -> bool:
    """Whether the function's policy lets API Gateway invoke it for this source."""
    with request_scope(api.account_id, api.region):
        context = iam_evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="lambda:InvokeFunction",
            resource_arn=function_arn,
            region=api.region,
            service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": api.account_id},
        )
        verdict = iam_evaluator.evaluate_resource_policy(function.get("policy"), context, service=_PRINCIPAL)
    return bool(verdict.decision == "Allow")


def _let_in(said: Any, arn: str) -> dict[str, str]:
    """The context in an authorizer's answer, values as text; raises `Refused`."""
    policy = said.get("policyDocument") if isinstance(said, dict) else None
    given = (said.get("context") or {}) if isinstance(said, dict) else None
    too_large = len(json.dumps(said).encode()) > LARGEST_AUTHORIZER_RESULT
    if too_large or not isinstance(policy, dict) or not isinstance(given, dict):
        raise Refused(500, "Internal server error")
    decision = apigateway._evaluate_authorizer_policy(policy, arn)
    if decision != "Allow":
        raise Refused(403, _DENIED + _REASONS[decision])
    context: dict[str, str] = apigateway_v1._stringify_context(given)
    if said.get("principalId") is not None:
        context["principalId"] = str(said["principalId"])
    return context


def _answer(said: Any) -> Answer:
    """A proxy integration's answer; raises `IntegrationFailed` for one without a status or with a body of no text."""
    status = str(said.get("statusCode")) if isinstance(said, dict) else ""
    body = said.get("body") if isinstance(said, dict) else None
    if not _STATUS.fullmatch(status) or not isinstance(body, str | None):
        raise IntegrationFailed(502)
    return Answer(int(status), body, dict(said.get("headers") or {}))
