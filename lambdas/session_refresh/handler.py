"""Issues the ticket by which a member's next connection takes over from this one."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import Answer, answered
from lambdas.adapters.session_tables import session_tables
from lambdas.core.session import Ticket, hashed
from lambdas.core.session_envelopes import ticket_issued
from lambdas.core.session_errors import NOT_CONNECTED
from lambdas.core.session_events import SocketEvent
from lambdas.session_refresh.settings import SessionRefreshSettings

TICKET_BYTES = 32

SETTINGS = SessionRefreshSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
STORE = session_tables(SETTINGS.sessions_table, SETTINGS.connections_table)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request for a ticket."""
    return answered(event, LOG, _answer)


def _answer(socket: SocketEvent, _request: Mapping[str, Any]) -> Answer:
    connection = STORE.connection(socket.connection_id)
    if connection is None:
        return NOT_CONNECTED
    secret = secrets.token_urlsafe(TICKET_BYTES)
    STORE.put_ticket(hashed(secret), Ticket.of(connection, int(time.time() * 1000)))
    return ticket_issued(secret)
