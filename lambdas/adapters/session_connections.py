"""The rows of WebSocket connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.adapters.dynamo import ConditionFailed, Table, names_of, values_of
from lambdas.core import keys
from lambdas.core.attribute_values import to_item
from lambdas.core.session import Connection, Role

WIDTH = 16
"""Rows that are deleted at a time, where a network takes hundreds of listeners with it."""

_COUNTING = ("SET #counted = :yes", {"yes": True, "no": False}, "#counted = :no")
"""Update, values and condition: a row that is gone has no `counted` and stays away."""


class ConnectionRows:
    """The part of `lambdas.core.session_ports.SessionStore` that is about connections."""

    def __init__(self, table: Table) -> None:
        self._connections = table
        self._workers = ThreadPoolExecutor(WIDTH, "rows")

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

    def remove_all(self, connection_ids: Collection[str]) -> list[Connection]:
        """Delete rows, many at a time, and return those that were there."""
        return self._removed_all(self.remove_connection, connection_ids)

    def remove_gone(self, connection_ids: Collection[str], opened_before_ms: int) -> list[Connection]:
        """The same, unless a connection was opened later."""
        return self._removed_all(
            lambda each: self._removed_before("#openedAt <= :before", each, opened_before_ms), connection_ids
        )

    def remove_lost(self, connection_ids: Collection[str], seen_before_ms: int) -> list[Connection]:
        """The same, unless a connection was seen later."""
        return self._removed_all(
            lambda each: self._removed_before("#lastSeenAt <= :before", each, seen_before_ms), connection_ids
        )

    def put_refresh_token(self, connection_id: str, digest: str, expires_s: int) -> bool:
        """Keep a connection's token over an older one; False unless it is a speaker's or counted."""
        return self._marked(
            connection_id,
            "SET #refreshToken = :digest, #refreshUntil = :until",
            {"digest": digest, "until": expires_s, "speaker": Role.SPEAKER.value, "yes": True},
            "#role = :speaker OR #counted = :yes",
        )

    def take_refresh_token(self, connection_id: str, digest: str, successor: str, now_ms: int) -> Connection | None:
        """Use a token up and note who is to succeed its connection; the row as it was, None if the token is invalid."""
        try:
            before = self._connections.update(
                {"connectionId": connection_id},
                "SET #successor = :successor REMOVE #refreshToken, #refreshUntil",
                {"successor": successor, "digest": digest, "now": now_ms // 1000},
                condition="#refreshToken = :digest AND #refreshUntil > :now",
                before=True,
            )
        except ConditionFailed:
            return None
        return _from_attributes(before)

    def hand_on(self, connection_id: str, successor: str) -> bool:
        """A counted connection's place is its successor's now, both or neither; False if it is not to have it."""
        given = self._connections.update_arguments(
            {"connectionId": connection_id},
            "SET #counted = :no REMOVE #refreshToken, #refreshUntil",
            {"no": False, "yes": True, "successor": successor},
            condition="#counted = :yes AND #successor = :successor",
        )
        return self._transacted({"Update": given}, {"Update": self._counting(successor)})

    def hand_back(self, connection_id: str, before: str) -> bool:
        """Delete a counted connection's row and give its place to the one before; False if that one is gone."""
        condition, values = "#counted = :yes", {"yes": True}
        deleted = {
            "TableName": self._connections.name,
            "Key": to_item({"connectionId": connection_id}),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names_of(condition),
            "ExpressionAttributeValues": values_of(values),
        }
        return self._transacted({"Delete": deleted}, {"Update": self._counting(before)})

    def mark_counted(self, connection_id: str) -> bool:
        """The session's number has this connection in; False if the row is gone or was counted."""
        return self._marked(connection_id, *_COUNTING)

    def mark_all_counted(self, connection_ids: Collection[str]) -> list[str]:
        """The same for many at a time; those of which it is true."""
        marked = self._workers.map(self.mark_counted, connection_ids)
        return [each for each, done in zip(connection_ids, marked, strict=True) if done]

    def mark_seen(self, connection_id: str, now_ms: int) -> None:
        """A heartbeat came; nothing happens to a row that is gone."""
        # An update of a row that is gone would make a new one of its key alone.
        self._marked(connection_id, "SET #lastSeenAt = :now", {"now": now_ms}, "attribute_exists(#connectionId)")

    def listener_ids(self, session_id: str, language: str | None = None) -> list[str]:
        """The session's listeners by the index, which may lag behind by a moment."""
        condition, values = "#sessionId = :session", {"session": session_id}
        if language is not None:
            condition, values = f"{condition} AND #targetLanguage = :language", {**values, "language": language}
        return [item["connectionId"] for item in self._connections.query(condition, values, index=keys.LISTENERS_INDEX)]

    def _removed_all(
        self, remove: Callable[[str], Connection | None], connection_ids: Collection[str]
    ) -> list[Connection]:
        return [row for row in self._workers.map(remove, connection_ids) if row is not None]

    def _removed_before(self, condition: str, connection_id: str, before_ms: int) -> Connection | None:
        key = {"connectionId": connection_id}
        return self._removed(self._connections.take(key, condition=condition, values={"before": before_ms}))

    @staticmethod
    def _removed(item: Mapping[str, Any] | None) -> Connection | None:
        return _from_attributes(item) if item else None

    def _counting(self, connection_id: str) -> dict[str, Any]:
        update, values, condition = _COUNTING
        return self._connections.update_arguments({"connectionId": connection_id}, update, values, condition=condition)

    def _marked(self, connection_id: str, update: str, values: Mapping[str, Any], condition: str) -> bool:
        try:
            self._connections.update({"connectionId": connection_id}, update, values, condition=condition)
        except ConditionFailed:
            return False
        return True

    def _transacted(self, *writes: Mapping[str, Any]) -> bool:
        try:
            self._connections.transact(writes)
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
        "successor": connection.successor,
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
        successor=item.get("successor"),
    )
