"""Sessions over AWS: the roster and its sessions by key, one session's connections by index, metrics of the hour."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from console.domain import ConsoleError, ProblemKind
from console.sessions.state import (
    SessionDetail,
    SessionGauges,
    SessionHour,
    SessionList,
    SessionTerms,
    require_sessions,
)
from console.sources.clients import Clients
from console.sources.metric_queries import Query, Values, read
from console.sources.session_metrics import GAUGES, HOURLY, gauges_of, hour_before, hour_of
from console.sources.session_shapes import connections_of, session_of, terms_of
from console.sources.shapes import understood
from console.sources.tables import Tables
from console.text import safe_line
from lambdas.core.keys import LISTENERS_INDEX, SESSION_ROSTER
from lambdas.core.outputs import StackOutputs

MOST_LISTENERS = 2_000
"""Keys of one session that are counted: as many listeners as a session may have."""
MOST_ROWS = 500
"""Rows whose age is looked at: five batches."""
TERMS_SECONDS = 300.0
"""Settings change with a deployment."""


class AwsSessions:
    """Reads the sessions of one stack by its outputs. `now` is the epoch second, injected for tests."""

    def __init__(self, outputs: StackOutputs, clients: Clients, now: Callable[[], float] = time.time) -> None:
        self._outputs = outputs
        self._clients = clients
        self._tables = Tables(clients)
        self._now = now
        self._terms: tuple[float, SessionTerms] | None = None

    def roster(self) -> SessionList:
        """Sessions that are active or closing: one read for the roster, one for a hundred sessions."""
        table = require_sessions(self._outputs).sessions_table
        found = self._tables.batch_get(table, "sessionId", [SESSION_ROSTER])
        ids = sorted({str(each) for item in found for name in ("sessions", "closing") for each in item.get(name, ())})
        items = self._tables.batch_get(table, "sessionId", ids)
        sessions = tuple(understood("a session", session_of, item) for item in items)
        return SessionList(sessions, self._read_terms(), len(ids) - len(sessions))

    def session(self, session_id: str) -> SessionDetail:
        """One session, its listeners by language, and its connections' ages; raises of the kind NOT_FOUND."""
        outputs = require_sessions(self._outputs)
        items = self._tables.batch_get(outputs.sessions_table, "sessionId", [session_id])
        if not items:
            raise not_there(session_id)
        session, terms = understood("a session", session_of, items[0]), self._read_terms()
        keys, last = self._tables.page(
            outputs.connections_table,
            "#session = :session",
            {"#session": "sessionId"},
            {":session": {"S": session_id}},
            index=LISTENERS_INDEX,
            limit=MOST_LISTENERS,
            start=None,
        )
        wanted = [*(str(each["connectionId"]) for each in keys[:MOST_ROWS]), str(items[0]["speakerConnection"])]
        rows = self._tables.batch_get(outputs.connections_table, "connectionId", list(dict.fromkeys(wanted)))
        return SessionDetail(
            session=session,
            terms=terms,
            by_language=dict(Counter(safe_line(each["targetLanguage"], 16) for each in keys)),
            complete=last is None,
            connections=understood("connections", lambda raw: connections_of(raw, terms, self._now()), rows),
        )

    def gauges(self) -> SessionGauges:
        """Three metrics."""
        now = self._now()
        return gauges_of(self._last_hour(GAUGES, now), now)

    def hour(self) -> SessionHour:
        """A metric for each latency, code and operation."""
        return hour_of(self._last_hour(HOURLY, self._now()))

    def _last_hour(self, queries: Iterable[Query], now: float) -> dict[str, Values]:
        require_sessions(self._outputs)
        return read(self._clients, queries, self._outputs.identity.stack, hour_before(now), now)

    def _read_terms(self) -> SessionTerms:
        now, outputs = self._now(), self._outputs.sessions
        if self._terms is None or now - self._terms[0] >= TERMS_SECONDS:
            names = (outputs.session_connection_function, outputs.session_heartbeat_function)
            answers = [self._clients.client("lambda").get_function_configuration(FunctionName=name) for name in names]
            self._terms = now, terms_of(*answers)
        return self._terms[1]


def not_there(session_id: str) -> ConsoleError:
    """What to say of a session that no table knows."""
    return ConsoleError(
        ProblemKind.NOT_FOUND,
        f"there is no session {safe_line(session_id, 64)}",
        "it never was, or ended more than an hour ago; `:sessions` shows those that are there",
    )
