"""Environment of the session refresh function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRefreshSettings(FunctionEnvironment):
    """What issuing the token of a next connection needs."""

    FUNCTION: ClassVar[str] = "session_refresh"

    connections_table: str
