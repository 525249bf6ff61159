"""The whole store of sessions: both of their tables."""

from __future__ import annotations

from lambdas.adapters.aws import client
from lambdas.adapters.dynamo import Table
from lambdas.adapters.session_connections import ConnectionRows
from lambdas.adapters.sessions import Sessions


class SessionTables(Sessions, ConnectionRows):
    """Implements `lambdas.core.session_ports.SessionStore`."""

    def __init__(self, sessions: Table, connections: Table, once: Table | None = None) -> None:
        """`once` is the sessions table through a client that never repeats a call."""
        Sessions.__init__(self, sessions, once)
        ConnectionRows.__init__(self, connections)


def session_tables(sessions_table: str, connections_table: str) -> SessionTables:
    """The store over tables by name, with this function's client."""
    dynamo, once = client("dynamodb"), client("dynamodb", attempts=1)
    return SessionTables(Table(dynamo, sessions_table), Table(dynamo, connections_table), Table(once, sessions_table))
