"""The `@connections` API, by which functions reach clients: PostToConnection, GetConnection and DeleteConnection.

Answered before anything else looks at the request, for a broadcast is one request per listener.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from localcloud.websocket_connection import Close
from localcloud.websocket_frames import LARGEST_MESSAGE
from localcloud.websocket_gateway import WebSocketGateway
from localcloud.wire import Response, Service, ServiceError

ACTION = "execute-api:ManageConnections"
_ADDRESS = re.compile(r"/_aws/execute-api/([^/]+)/([^/]+)/@connections/([^/]+)")
_OPERATIONS = {"POST": "PostToConnection", "GET": "GetConnection", "DELETE": "DeleteConnection"}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request is about."""

    api_id: str
    stage: str
    connection_id: str


def target(path: str) -> Target | None:
    """The connection that a decoded path names; None for any other path."""
    found = _ADDRESS.fullmatch(path)
    return Target(*found.groups()) if found else None


class ConnectionsApi:
    """Answers for all WebSocket APIs of one account and region."""

    def __init__(self, gateway: WebSocketGateway, *, account_id: str, region: str) -> None:
        self._gateway = gateway
        self._arn = f"arn:aws:execute-api:{region}:{account_id}:"
        self._service = Service("apigatewaymanagementapi")

    def respond(self, method: str, about: Target, body: bytes, authorize: Callable[[str, str], None]) -> Response:
        """Answer one request; `authorize` asks IAM about action and ARN and raises `ServiceError`.

        The ARN is `<api>/<stage>/<method>/@connections/<id>` (API Gateway developer guide, "Control access to
        WebSocket APIs with IAM authorization").
        """
        operation = _OPERATIONS.get(method, "")
        resource = f"{self._arn}{about.api_id}/{about.stage}/{method}/@connections/{about.connection_id}"
        try:
            authorize(ACTION, resource)
            if not operation:
                raise ServiceError("ForbiddenException", f"@connections knows no {method}")
            answer = self._answer(operation, about, body)
            response = self._service.encode(operation, answer)
            return response if answer else replace(response, body=b"")
        except ServiceError as error:
            return self._service.encode_error(error, operation)

    def _answer(self, operation: str, about: Target, body: bytes) -> Mapping[str, object]:
        if operation == "PostToConnection" and len(body) > LARGEST_MESSAGE:
            raise ServiceError("PayloadTooLargeException", f"the data is longer than {LARGEST_MESSAGE} bytes")
        connection = self._gateway.connection(about.api_id, about.stage, about.connection_id)
        if connection is None:
            raise ServiceError("GoneException", "there is no such connection, or it is not open")
        if operation == "DeleteConnection":
            connection.close(Close(1000, "Connection Closed Normally"))
            return {}
        if operation == "GetConnection":
            identity = connection.socket.upgrade.identity()
            return {
                "ConnectedAt": _time(connection.socket.connected_at / 1000),
                "Identity": {"SourceIp": identity["sourceIp"], "UserAgent": identity.get("userAgent", "")},
                "LastActiveAt": _time(connection.last_active_at),
            }
        if not self._gateway.push(connection, body.decode(errors="replace")):
            raise ServiceError("LimitExceededException", "the client does not read what it was sent before")
        return {}


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
