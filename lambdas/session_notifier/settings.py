"""Environment of the session notifier function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNotifierSettings(FunctionEnvironment):
    """What greeting new connections and finding lost ones needs.

    `management_url` is the stage's address for @connections; connections that open late come again through the queue of
    sweeps.
    """

    FUNCTION: ClassVar[str] = "session_notifier"

    sessions_table: str
    connections_table: str
    management_url: str
    session_sweep_queue_url: str
    max_listeners: int
    refresh_minutes: int
    warning_minutes: int
