"""Takes closed connections out of their sessions; API Gateway does not always say that one has closed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.logs import Log
from lambdas.adapters.session_journal import Journal
from lambdas.adapters.session_tables import session_tables
from lambdas.core.session_entry import disconnect
from lambdas.core.session_events import SocketEvent
from lambdas.session_disconnect.settings import SessionDisconnectSettings

SETTINGS = SessionDisconnectSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
STORE = session_tables(SETTINGS.sessions_table, SETTINGS.connections_table)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer `$disconnect`; what fails here is found by the reconciler."""
    socket = SocketEvent.of(event)
    removed = disconnect(STORE, socket.connection_id, int(time.time() * 1000))
    role = removed.role.value if removed else "gone before"
    Journal(LOG, socket).line("INFO", "left", role=role)
    return {"statusCode": 200}
