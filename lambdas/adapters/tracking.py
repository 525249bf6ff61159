"""The delivery-tracking table: one row per provider call, without the message's text."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.chain_terms import chain_of, is_leg
from lambdas.core.days import SECONDS_PER_DAY
from lambdas.core.intents import INTENT_LIFE_MS, IntentOutcome
from lambdas.core.lifecycle import FINAL, MessageState, Status, StatusEvent, fold
from lambdas.core.redaction import mask_destination

if TYPE_CHECKING:
    from lambdas.core.planned_row import PlannedRow

MAX_FOLD_TRIES = 8


class Folded(NamedTuple):
    """A row before and after events; `changed` says whether a write was needed."""

    before: TrackedMessage
    after: MessageState

    @property
    def changed(self) -> bool:
        """The events said something new."""
        return self.before.state != self.after


class TrackingTable:
    """Implements `lambdas.core.ports.TrackingPort`, and folding receipts into rows."""

    def __init__(self, table: Table, *, retention_days: int = 0) -> None:
        self._table = table
        self._retention_days = retention_days

    def intend(
        self, campaign_id: str, row: PlannedRow, message_id: str, owner: str, now_ms: int, slot_us: int
    ) -> IntentOutcome:
        """Put the row `sending` unless the message has one; `slot_us` is when its call is due.

        A row of the same owner is our own put, repeated by the client after its answer was lost.
        """
        item = {
            "message_id": message_id,
            "chain_id": chain_of(message_id),
            "customer_id": row.customer_id,
            "campaign_id": campaign_id,
            "channel": row.channel,
            "destination": mask_destination(row.destination),
            "country": row.country,
            "parts": row.parts,
            "cost_estimate": row.price_usd,
            "reserved": row.reserved_usd,
            "status": Status.SENDING.value,
            "history": {Status.SENDING.value: now_ms},
            "timestamp": now_ms,
            "owner": owner,
            "slot_us": slot_us,
            "version": 1,
            "ttl": now_ms // 1_000 + self._retention_days * SECONDS_PER_DAY,
            **({"chain": row.chain.to_item(), "legs": []} if row.chain else {}),
            **({"rest": row.after_leg.to_item()} if row.after_leg else {}),
            **({"open": row.channel} if not campaign_id or is_leg(message_id) else {}),
        }
        try:
            self._table.put_new(item, "message_id")
        except ConditionFailed as failed:
            found = failed.item or self._table.get({"message_id": message_id}) or {}
            if found.get("owner") == owner and found.get("version") == 1:
                return IntentOutcome.CREATED
            if found.get("status") != Status.SENDING.value:
                return IntentOutcome.ANSWERED
            held = (not campaign_id or is_leg(message_id)) and now_ms - int(found["timestamp"]) < INTENT_LIFE_MS
            return IntentOutcome.HELD if held else IntentOutcome.UNANSWERED
        return IntentOutcome.CREATED

    def has_row(self, message_id: str) -> bool:
        """Whether the message has a row, read now."""
        return self._table.get({"message_id": message_id}) is not None

    def accepted(self, message_id: str, provider_id: str, at_ms: int) -> None:
        """The provider took the message; a receipt may have been faster."""
        self._learn(message_id, StatusEvent(Status.SENT, at_ms, provider_id=provider_id))

    def refused(self, message_id: str, code: str, at_ms: int) -> None:
        """The provider refused the message for good."""
        self._learn(message_id, StatusEvent(Status.FAILED, at_ms, code=code))

    def in_doubt(self, message_id: str, at_ms: int) -> None:
        """Nobody knows whether the provider took the message; a receipt will tell."""
        self._learn(message_id, StatusEvent(Status.IN_DOUBT, at_ms))

    def _learn(self, message_id: str, event: StatusEvent) -> None:
        """Write an event onto a fresh intent without reading it; read and fold if something came before."""
        code = ", #error_code = :code" if event.code else ""
        final = " REMOVE #open" if event.status in FINAL else ""
        provider = ", #provider_id = :provider" if event.provider_id else ""
        try:
            self._table.update(
                {"message_id": message_id},
                f"SET #status = :status, #history.#{event.status.value} = :at, #version = :next{code}{provider}{final}",
                {
                    "status": event.status.value,
                    "at": event.at_ms,
                    "first": 1,
                    "next": 2,
                    **({"code": event.code} if event.code else {}),
                    **({"provider": event.provider_id} if event.provider_id else {}),
                },
                condition="#version = :first",
            )
        except ConditionFailed:
            if self.fold(message_id, [event]) is None:
                raise LookupError(f"{message_id} has no row any more: its intent was withdrawn meanwhile") from None

    def withdraw(self, message_id: str, owner: str) -> bool:
        """Take back an intent whose provider call was never made; False if another writer has changed the row.

        A row that is gone is our own withdrawal, repeated by the client after its answer was lost.
        """
        key = {"message_id": message_id}
        untouched = "#owner = :owner AND #version = :first"
        withdrawn = self._table.delete(key, condition=untouched, values={"owner": owner, "first": 1})
        return withdrawn or self._table.get(key) is None

    def fold(self, message_id: str, events: Iterable[StatusEvent]) -> Folded | None:
        """Apply events to a row with one conditional write if they change it; None if the row does not exist.

        Another writer in between makes us read and fold again.
        """
        events = list(events)
        for attempt in range(MAX_FOLD_TRIES):
            item = self._table.get({"message_id": message_id})
            if item is None:
                return None
            row = TrackedMessage.from_item(item)
            folded = Folded(row, fold(row.state, events))
            if not folded.changed or self._write(folded):
                return folded
            time.sleep(0.005 * attempt)
        raise RuntimeError(f"{message_id} was changed by others {MAX_FOLD_TRIES} times in a row")

    def fold_read(self, item: Item, events: Iterable[StatusEvent]) -> Folded | None:
        """As `fold`, starting from a row already read."""
        events = list(events)
        row = TrackedMessage.from_item(item)
        folded = Folded(row, fold(row.state, events))
        if not folded.changed or self._write(folded):
            return folded
        return self.fold(row.message_id, events)

    def _write(self, folded: Folded) -> bool:
        state = folded.after
        changes: dict[str, Any] = {
            "status": state.status.value,
            "history": {status.value: at for status, at in state.history.items()},
            "error_code": state.code,
            "cost": state.cost_usd,
            "provider_id": state.provider_id,
            "flags": state.flags or None,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        try:
            self._table.update(
                {"message_id": folded.before.message_id},
                f"SET {sets}, #version = :next" + (" REMOVE #open" if state.is_final else ""),
                {**changes, "was": folded.before.version, "next": folded.before.version + 1},
                condition="#version = :was",
            )
        except ConditionFailed:
            return False
        return True

    def rows(self, message_ids: Iterable[str]) -> list[Item]:
        """The rows that exist, read consistently."""
        return self._table.batch_get(({"message_id": message_id} for message_id in message_ids), consistent=True)

    def message_ids_by_provider_id(self, provider_id: str) -> list[str]:
        """Our ids for a provider's id; the index is eventually consistent, so empty may mean not yet."""
        found = self._table.query("#provider_id = :id", {"id": provider_id}, index=keys.PROVIDER_INDEX)
        return [item["message_id"] for item in found]
