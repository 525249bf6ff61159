"""What the functions of sessions write down: one line per event, and what went wrong as metrics by code."""

from __future__ import annotations

from typing import Any

from lambdas.adapters.logs import Log
from lambdas.core.metrics import CONNECTION_ERRORS, RATE_LIMIT_EXCEEDED, Datum
from lambdas.core.session import hashed
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_events import SocketEvent


class Journal:
    """Writes about one event; a connection's id is hashed, for who has it could post to the connection."""

    def __init__(self, log: Log, event: SocketEvent) -> None:
        self._log = log
        self._connection = hashed(event.connection_id)
        log.begin(correlation_id=event.correlation_id, operation=event.route)

    def line(self, level: str, event: str, **fields: Any) -> None:
        """One line with what identifies the event."""
        self._log.line(level, event, connection=self._connection, **fields)

    def refused(self, refusal: Refusal) -> None:
        """Something was not done."""
        self.line("ERROR" if refusal.code is SessionError.UNAVAILABLE else "INFO", "refused", code=refusal.code.value)
        data = [Datum(CONNECTION_ERRORS, 1, refusal.code.value)]
        if refusal.code is SessionError.RATE_LIMITED:
            data.append(Datum(RATE_LIMIT_EXCEEDED, 1, refusal.operation))
        self._log.metrics(data)

    def unavailable(self, error: Exception) -> Refusal:
        """A store or service failed; what the caller is told says nothing of it."""
        self.line("ERROR", "failed", error=type(error).__name__, detail=str(error))
        return Refusal(SessionError.UNAVAILABLE, "the service is not available; try again in a moment")
