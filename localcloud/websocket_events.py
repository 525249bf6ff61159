"""What API Gateway tells functions about a WebSocket, and which route a message takes. Pure.

Shapes: Lambda developer guide, "Using AWS Lambda with API Gateway", and API Gateway developer guide, "WebSocket API
mapping template reference". Times in events are wall time.
"""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

CONNECT, DEFAULT, DISCONNECT = "$connect", "$default", "$disconnect"
_BODY = "request.body."


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A client's request for a WebSocket. `headers` and `query` keep every value, header names in lower case."""

    headers: Mapping[str, list[str]]
    query: Mapping[str, list[str]]
    source_ip: str

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Upgrade:
        """The request in an ASGI scope."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        client = scope.get("client") or ("127.0.0.1", 0)
        return cls(headers, query, str(client[0]))

    def identity(self) -> dict[str, str]:
        """`requestContext.identity`, with the user agent if there is one."""
        agent = self.headers.get("user-agent")
        return {"sourceIp": self.source_ip} | ({"userAgent": agent[-1]} if agent else {})

    def fields(self) -> dict[str, Any]:
        """The headers and the query string as an event carries them: the last value, and all of them."""
        fields: dict[str, Any] = {
            "headers": {name: values[-1] for name, values in self.headers.items()},
            "multiValueHeaders": {name: list(values) for name, values in self.headers.items()},
        }
        if self.query:
            fields["queryStringParameters"] = {name: values[-1] for name, values in self.query.items()}
            fields["multiValueQueryStringParameters"] = {name: list(values) for name, values in self.query.items()}
        return fields


@dataclass(frozen=True, slots=True)
class Socket:
    """Who is connected to what: all that stays the same while a connection lives. `connected_at` is epoch ms."""

    connection_id: str
    api_id: str
    stage: str
    upgrade: Upgrade
    connected_at: int

    @classmethod
    def new(cls, api_id: str, stage: str, upgrade: Upgrade) -> Socket:
        """A connection with an id as AWS's look: base64, with a `=` that URLs have to escape."""
        id_ = base64.urlsafe_b64encode(os.urandom(11)).decode()
        return cls(id_, api_id, stage, upgrade, _now_ms())

    def context(self, route_key: str, event_type: str, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
        """`requestContext` of one event."""
        now = _now_ms()
        context = {
            "routeKey": route_key,
            "eventType": event_type,
            "extendedRequestId": _short_id(),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now / 1000)),
            "messageDirection": "IN",
            "stage": self.stage,
            "connectedAt": self.connected_at,
            "requestTimeEpoch": now,
            "identity": self.upgrade.identity(),
            "requestId": _short_id(),
            "domainName": f"{self.api_id}.execute-api.localhost",
            "connectionId": self.connection_id,
            "apiId": self.api_id,
        }
        return context if authorizer is None else context | {"authorizer": dict(authorizer)}


def connect_event(socket: Socket, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event of `$connect`."""
    context = socket.context(CONNECT, "CONNECT", authorizer)
    return socket.upgrade.fields() | {"requestContext": context, "isBase64Encoded": False}


def authorizer_event(socket: Socket, method_arn: str, stage_variables: Mapping[str, str]) -> dict[str, Any]:
    """What a REQUEST authorizer is asked with (API Gateway developer guide, "Control access to WebSocket APIs with
    AWS Lambda REQUEST authorizers")."""
    event = {"type": "REQUEST", "methodArn": method_arn, "stageVariables": dict(stage_variables)}
    return event | socket.upgrade.fields() | {"requestContext": socket.context(CONNECT, "CONNECT", None)}


def message_event(socket: Socket, route_key: str, text: str, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event of a message for the route `route_key`."""
    context = socket.context(route_key, "MESSAGE", authorizer) | {"messageId": _short_id()}
    return {"requestContext": context, "body": text, "isBase64Encoded": False}


def disconnect_event(socket: Socket, code: int, reason: str, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event of `$disconnect`: who closed says so by `code` and `reason`."""
    context = socket.context(DISCONNECT, "DISCONNECT", authorizer)
    context |= {"disconnectStatusCode": code, "disconnectReason": reason}
    fields = {name: value for name, value in socket.upgrade.fields().items() if "eaders" in name}
    return fields | {"requestContext": context, "isBase64Encoded": False}


def selected(expression: str, text: str) -> str:
    """The route key that `expression` (`$request.body.action`) finds in a message, `$default` when it finds none.

    The three predefined keys cannot be asked for by name (API Gateway developer guide, "Route selection expressions").
    """
    path = expression.removeprefix("$").strip("{}")
    try:
        found: Any = json.loads(text)
    except ValueError:
        return DEFAULT
    if not path.startswith(_BODY):
        return DEFAULT
    for name in path.removeprefix(_BODY).split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return DEFAULT
    key = str(found)
    return DEFAULT if key.startswith("$") else key


def failure(message: str, context: Mapping[str, Any]) -> str:
    """What API Gateway itself tells a client, with the ids by which its owner finds the request."""
    return json.dumps({"message": message, "connectionId": context["connectionId"], "requestId": context["requestId"]})


def _now_ms() -> int:
    return int(time.time() * 1000)


def _short_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes[:11]).decode()
