"""Sends what speakers say to their listeners, sends it again to who missed it, and ends sessions."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.connections_api import ConnectionsApi
from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import Answer, answered
from lambdas.adapters.session_tables import session_tables
from lambdas.core.metrics import BROADCAST_LATENCY, Datum
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_speaking import Speaking
from lambdas.session_broadcaster.settings import SessionBroadcasterSettings

SETTINGS = SessionBroadcasterSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
POSTING = ConnectionsApi(SETTINGS.management_url, LOG)
SPEAKING = Speaking(session_tables(SETTINGS.sessions_table, SETTINGS.connections_table), POSTING, time.sleep)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one message before the function's time is over: who was not posted to counts as failed, a replay tells how
    far it came, and the end of a session goes on with the next look at all sessions."""
    POSTING.begin(context.get_remaining_time_in_millis() / 1000)
    return answered(event, LOG, _answer)


def _answer(socket: SocketEvent, request: Mapping[str, Any]) -> Answer:
    answer = SPEAKING.answer(socket.connection_id, socket.route, request, int(time.time() * 1000))
    if isinstance(answer, dict) and answer["type"] == "broadcastAck":
        LOG.metrics([Datum(BROADCAST_LATENCY, max(0, int(time.time() * 1000) - socket.at_ms))])
    return answer
