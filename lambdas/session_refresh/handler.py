"""Issues the token by which a member's next connection takes over from this one."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import Answer, answered
from lambdas.adapters.session_connections import ConnectionRows
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_moving import issue
from lambdas.session_refresh.settings import SessionRefreshSettings

SECRET_BYTES = 32

SETTINGS = SessionRefreshSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ROWS = ConnectionRows(Table(client("dynamodb"), SETTINGS.connections_table))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request for a refresh token."""
    return answered(event, LOG, _answer)


def _answer(socket: SocketEvent, _request: Mapping[str, Any]) -> Answer:
    return issue(ROWS, socket.connection_id, secrets.token_urlsafe(SECRET_BYTES), int(time.time() * 1000))
