"""Environment of the session connection function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConnectionSettings(FunctionEnvironment):
    """What opening, joining and taking over sessions needs.

    The limits hold for the stack (`max_active_sessions`), a session (`max_listeners`), a speaker (`sessions_per_hour`)
    and a source address (`joins_per_minute`, `attempts_per_minute`).
    """

    FUNCTION: ClassVar[str] = "session_connection"

    sessions_table: str
    connections_table: str
    session_rate_limits_table: str
    max_active_sessions: int
    max_listeners: int
    sessions_per_hour: int
    joins_per_minute: int
    attempts_per_minute: int
    session_max_hours: int
