"""Environment of the session broadcaster function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBroadcasterSettings(FunctionEnvironment):
    """What what a session's members send: broadcasts, replays, its end needs.

    `management_url` is the stage's address for @connections.
    """

    FUNCTION: ClassVar[str] = "session_broadcaster"

    sessions_table: str
    connections_table: str
    management_url: str
