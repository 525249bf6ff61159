"""Lets connections into sessions, or refuses their handshake; nothing is posted from here."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import let_in
from lambdas.adapters.session_rates import RateLimitTable
from lambdas.adapters.session_tables import session_tables
from lambdas.core.session_entry import Caller, Entry, SessionLimits
from lambdas.core.session_errors import Refusal
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_requests import connect_request
from lambdas.session_connection.settings import SessionConnectionSettings

SESSION_ID_BYTES = 12
"""Of randomness: nobody finds a session by trying."""

SETTINGS = SessionConnectionSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ENTRY = Entry(
    session_tables(SETTINGS.sessions_table, SETTINGS.connections_table),
    RateLimitTable(Table(client("dynamodb"), SETTINGS.session_rate_limits_table)),
    SessionLimits(
        max_active_sessions=SETTINGS.max_active_sessions,
        max_listeners=SETTINGS.max_listeners,
        sessions_per_hour=SETTINGS.sessions_per_hour,
        joins_per_minute=SETTINGS.joins_per_minute,
        attempts_per_minute=SETTINGS.attempts_per_minute,
        session_max_hours=SETTINGS.session_max_hours,
    ),
    lambda: secrets.token_urlsafe(SESSION_ID_BYTES),
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one handshake."""
    return let_in(event, LOG, _connect)


def _connect(socket: SocketEvent) -> Refusal | None:
    caller = Caller(socket.connection_id, socket.source, socket.speaker)
    return ENTRY.connect(connect_request(socket.query), caller, socket.at_ms)
