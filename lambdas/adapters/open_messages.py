"""The ledger in the delivery-tracking table: rows with the attribute `open` are in `open-index`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.lifecycle import FINAL
from lambdas.core.overdue import OpenMessage

_OPEN = " AND ".join(f"#status <> :{status.value}" for status in sorted(FINAL))


class OpenMessages:
    """Enters messages into the ledger and reads it; whoever makes a row final takes it out (`TrackingTable`)."""

    def __init__(self, tracking: Table) -> None:
        self._table = tracking

    def ages(self, message_ids: Iterable[str]) -> dict[str, tuple[str, int, bool]]:
        """Channel, time of the intent (epoch ms) and whether it is open, of the rows that exist; read as they were a
        second ago or so."""
        wanted = ({"message_id": message_id} for message_id in message_ids)
        found = self._table.batch_get(wanted, attributes=("message_id", "channel", "timestamp", "status", "open"))
        return {
            item["message_id"]: (item["channel"], int(item["timestamp"]), item["status"] not in FINAL) for item in found
        }

    def enter(self, message_id: str, channel: str) -> bool:
        """Enter a message that is still open; False if it has become final meanwhile."""
        values = {"channel": channel, **{status.value: status.value for status in FINAL}}
        try:
            self._table.update({"message_id": message_id}, "SET #open = :channel", values, condition=_OPEN)
        except ConditionFailed:
            return False
        return True

    def older_than(self, channel: str, before_ms: int, limit: int) -> list[OpenMessage]:
        """The oldest open messages of a channel whose intent is from before `before_ms`."""
        return self.between(channel, 0, before_ms, limit)

    def between(self, channel: str, from_ms: int, before_ms: int, limit: int) -> list[OpenMessage]:
        """Up to `limit` open messages of a channel from that time, the oldest first."""
        found = self._table.query(
            "#open = :channel AND #timestamp BETWEEN :from AND :last",
            {"channel": channel, "from": from_ms, "last": before_ms - 1},
            index=keys.OPEN_INDEX,
            limit=limit,
        )
        return [OpenMessage(item["message_id"], int(item["timestamp"])) for item in found]

    def count(self, channels: Sequence[str], before_ms: int, most: int) -> int:
        """How many open messages there are from before that time; of each channel `most` are counted at most."""
        return sum(len(self.older_than(channel, before_ms, most)) for channel in channels)
