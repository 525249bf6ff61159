"""Environment of the session heartbeat function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHeartbeatSettings(FunctionEnvironment):
    """What answering heartbeats and what no other route takes needs.

    `refresh_minutes` and `warning_minutes` are the ages of a connection from which its notices are due.
    """

    FUNCTION: ClassVar[str] = "session_heartbeat"

    sessions_table: str
    connections_table: str
    heartbeats_per_minute: int
    refresh_minutes: int
    warning_minutes: int
