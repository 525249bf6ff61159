"""What API Gateway tells a function about a WebSocket connection and a message on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SPEAKER = "speaker"
"""What the authorizer's context calls the subject of a verified token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketEvent:
    """One event of a WebSocket API (API Gateway developer guide, "Set up a Lambda proxy integration for WebSocket").

    `at_ms` is when API Gateway received it; `correlation_id` is the request's own id. `query` is of the handshake only,
    `body` of messages only.
    """

    route: str
    connection_id: str
    correlation_id: str
    at_ms: int
    source: str = ""
    speaker: str | None = None
    body: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> SocketEvent:
        """Read an event."""
        context = event["requestContext"]
        return cls(
            route=context["routeKey"],
            connection_id=context["connectionId"],
            correlation_id=context["requestId"],
            at_ms=int(context["requestTimeEpoch"]),
            source=str(context.get("identity", {}).get("sourceIp", "")),
            speaker=(context.get("authorizer") or {}).get(SPEAKER) or None,
            body=event.get("body"),
            query=event.get("queryStringParameters") or {},
        )
