"""Orders of single messages: what was asked for under which id, so that one id is one message."""

from __future__ import annotations

from typing import NamedTuple

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.attribute_values import Item

ORDER = "ORDER"
KEEP_SECONDS = 4 * 86_400
"""As long as the outbox keeps a message."""


class KnownOrder(NamedTuple):
    """An order accepted before."""

    body_hash: str
    ordered_at_ms: int


class Orders:
    """ORDER items of the campaigns table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def remember(self, message_id: str, body_hash: str, now_ms: int) -> KnownOrder | None:
        """Note an order; the one that has the id already, if any."""
        item = {
            **_key(message_id),
            "body_hash": body_hash,
            "ordered_at": now_ms,
            "ttl": now_ms // 1_000 + KEEP_SECONDS,
        }
        try:
            self._table.put_new(item, "pk")
        except ConditionFailed as failed:
            return _known(failed.item) if failed.item else self.find(message_id)
        return None

    def find(self, message_id: str) -> KnownOrder | None:
        """The order of an id."""
        item = self._table.get(_key(message_id))
        return _known(item) if item else None


def _key(message_id: str) -> dict[str, str]:
    return {"pk": keys.order(message_id), "sk": ORDER}


def _known(item: Item) -> KnownOrder:
    return KnownOrder(str(item["body_hash"]), int(item["ordered_at"]))
