"""Answers heartbeats, and messages that no other route takes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from lambdas.adapters.logs import Log
from lambdas.adapters.session_answers import Answer, answered
from lambdas.adapters.session_tables import session_tables
from lambdas.core.session_events import SocketEvent
from lambdas.core.session_heartbeat import Heartbeats
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_presence import NoticeTimes
from lambdas.session_heartbeat.settings import SessionHeartbeatSettings

SETTINGS = SessionHeartbeatSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
HEARTBEATS = Heartbeats(
    session_tables(SETTINGS.sessions_table, SETTINGS.connections_table),
    LocalWindow(),
    NoticeTimes.of_minutes(SETTINGS.refresh_minutes, SETTINGS.warning_minutes),
    SETTINGS.heartbeats_per_minute,
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one message."""
    return answered(event, LOG, _answer)


def _answer(socket: SocketEvent, _request: Mapping[str, Any]) -> Answer:
    return HEARTBEATS.answer(socket.connection_id, socket.route, int(time.time() * 1000))
