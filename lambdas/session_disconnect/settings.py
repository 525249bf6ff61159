"""Environment of the session disconnect function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDisconnectSettings(FunctionEnvironment):
    """What taking a closed connection out of its session needs."""

    FUNCTION: ClassVar[str] = "session_disconnect"

    sessions_table: str
    connections_table: str
