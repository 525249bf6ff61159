"""The rows of WebSocket connections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.session import Connection, Role


class ConnectionRows:
    """The part of `lambdas.core.session_ports.SessionStore` that is about connections."""

    def __init__(self, table: Table) -> None:
        self._connections = table

    def put_connection(self, connection: Connection) -> None:
        """Write a new connection's row."""
        self._connections.put(_to_attributes(connection))

    def connection(self, connection_id: str) -> Connection | None:
        """One row, as it is now."""
        item = self._connections.get({"connectionId": connection_id})
        return _from_attributes(item) if item else None

    def connections(self, connection_ids: Collection[str]) -> list[Connection]:
        """Those that exist of many."""
        wanted = [{"connectionId": each} for each in dict.fromkeys(connection_ids)]
        return [_from_attributes(item) for item in self._connections.batch_get(wanted, consistent=True)]

    def remove_connection(self, connection_id: str) -> Connection | None:
        """Delete a row and return it."""
        return self._removed(self._connections.take({"connectionId": connection_id}))

    def remove_gone(self, connection_id: str, opened_before_ms: int) -> Connection | None:
        """Delete a row unless its connection was opened later, and return it."""
        return self._removed_before("#openedAt <= :before", connection_id, opened_before_ms)

    def remove_lost(self, connection_id: str, seen_before_ms: int) -> Connection | None:
        """Delete a row unless it was seen later, and return it."""
        return self._removed_before("#lastSeenAt <= :before", connection_id, seen_before_ms)

    def mark_counted(self, connection_id: str) -> bool:
        """The session's number has this connection in; False if the row is gone."""
        return self._marked(connection_id, "SET #counted = :value", True)

    def mark_seen(self, connection_id: str, now_ms: int) -> None:
        """A heartbeat came; nothing happens to a row that is gone."""
        self._marked(connection_id, "SET #lastSeenAt = :value", now_ms)

    def listener_ids(self, session_id: str, language: str | None = None) -> list[str]:
        """The session's listeners by the index, which may lag behind by a moment."""
        condition, values = "#sessionId = :session", {"session": session_id}
        if language is not None:
            condition, values = f"{condition} AND #targetLanguage = :language", {**values, "language": language}
        return [item["connectionId"] for item in self._connections.query(condition, values, index=keys.LISTENERS_INDEX)]

    def _removed_before(self, condition: str, connection_id: str, before_ms: int) -> Connection | None:
        key = {"connectionId": connection_id}
        return self._removed(self._connections.take(key, condition=condition, values={"before": before_ms}))

    @staticmethod
    def _removed(item: Mapping[str, Any] | None) -> Connection | None:
        return _from_attributes(item) if item else None

    def _marked(self, connection_id: str, update: str, value: bool | int) -> bool:
        key = {"connectionId": connection_id}
        try:
            # An update of a row that is gone would make a new one of its key alone.
            self._connections.update(key, update, {"value": value}, condition="attribute_exists(#connectionId)")
        except ConditionFailed:
            return False
        return True


def _to_attributes(connection: Connection) -> dict[str, Any]:
    return {
        "connectionId": connection.id,
        "sessionId": connection.session_id,
        "role": connection.role.value,
        "targetLanguage": connection.language,
        "speaker": connection.speaker,
        "openedAt": connection.opened_ms,
        "lastSeenAt": connection.last_seen_ms,
        "counted": connection.counted,
        "replaces": connection.replaces,
        "ttl": connection.forgotten_s,
    }


def _from_attributes(item: Mapping[str, Any]) -> Connection:
    return Connection(
        id=item["connectionId"],
        session_id=item["sessionId"],
        role=Role(item["role"]),
        language=item.get("targetLanguage"),
        speaker=item.get("speaker"),
        opened_ms=item["openedAt"],
        last_seen_ms=item["lastSeenAt"],
        counted=item["counted"],
        replaces=item.get("replaces"),
    )
