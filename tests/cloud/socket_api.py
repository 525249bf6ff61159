"""WebSocket APIs in the bare cloud, put up route by route, and clients of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

from botocore.config import Config
from websockets.sync.client import ClientConnection, connect

from localcloud import launch

STAGE = "prod"


class SocketApi:
    """A WebSocket API with the stage `prod`."""

    def __init__(self, cloud: launch.LocalCloud, name: str, *, expression: str = "$request.body.action") -> None:
        self._cloud = cloud
        self._client = cloud.client("apigatewayv2")
        made = self._client.create_api(Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression=expression)
        self.api_id = str(made["ApiId"])
        self.url = f"{cloud.endpoint_url.replace('http', 'ws', 1)}/_aws/execute-api/{self.api_id}/{STAGE}"
        self.management_url = f"{cloud.endpoint_url}/_aws/execute-api/{self.api_id}/{STAGE}"
        self._client.create_stage(ApiId=self.api_id, StageName=STAGE, AutoDeploy=True)

    def route(
        self,
        key: str,
        function: str,
        *,
        answers: bool = False,
        permitted: bool = True,
        timeout_ms: int = 29_000,
        **more: Any,
    ) -> None:
        """Send a route's messages to a function; `answers` sends what it returns back to the client."""
        id_ = self._client.create_integration(
            ApiId=self.api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self._uri(function),
            TimeoutInMillis=timeout_ms,
        )["IntegrationId"]
        if answers:
            more["RouteResponseSelectionExpression"] = "$default"
        made = self._client.create_route(ApiId=self.api_id, RouteKey=key, Target=f"integrations/{id_}", **more)
        if answers:
            self._client.create_route_response(ApiId=self.api_id, RouteId=made["RouteId"], RouteResponseKey="$default")
        if permitted:
            self._permit(function, f"{STAGE}/{key}")

    def authorize(self, function: str, sources: Sequence[str] = (), *, permitted: bool = True) -> str:
        """Make a REQUEST authorizer of a function; its id."""
        made = self._client.create_authorizer(
            ApiId=self.api_id,
            Name=function,
            AuthorizerType="REQUEST",
            AuthorizerUri=self._uri(function),
            IdentitySource=list(sources),
        )
        id_ = str(made["AuthorizerId"])
        if permitted:
            self._permit(function, f"authorizers/{id_}")
        return id_

    def connect(self, query: str = "", **options: Any) -> AbstractContextManager[ClientConnection]:
        """A client that is let in."""
        client: AbstractContextManager[ClientConnection] = connect(
            self.url + query, proxy=None, open_timeout=30, **options
        )
        return client

    def management(self) -> Any:
        """The @connections client of the account's root; a refusal is not hidden by repeating the call."""
        once = Config(retries={"total_max_attempts": 1})
        return self._cloud.client("apigatewaymanagementapi", endpoint_url=self.management_url, config=once)

    def delete(self) -> None:
        """Take the API down."""
        self._client.delete_api(ApiId=self.api_id)

    def resource(self, method: str = "*") -> str:
        """The ARN by which policies name this API's connections."""
        region, account = self._cloud.region, self._cloud.access_key_id
        return f"arn:aws:execute-api:{region}:{account}:{self.api_id}/{STAGE}/{method}/@connections/*"

    def _uri(self, function: str) -> str:
        arn = f"arn:aws:lambda:{self._cloud.region}:{self._cloud.access_key_id}:function:{function}"
        return f"arn:aws:apigateway:{self._cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def _permit(self, function: str, source: str) -> None:
        region, account = self._cloud.region, self._cloud.access_key_id
        self._cloud.client("lambda").add_permission(
            FunctionName=function,
            StatementId=quote(f"{self.api_id}-{source}", safe="").replace("%", "-"),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{region}:{account}:{self.api_id}/{source}",
        )


def said(client: ClientConnection, timeout: float = 30.0) -> Any:
    """The next message, as JSON."""
    return json.loads(client.recv(timeout=timeout))


def ask(client: ClientConnection, message: Mapping[str, Any]) -> None:
    """Send a JSON message."""
    client.send(json.dumps(message))
