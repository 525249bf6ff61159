"""Chains in the delivery-tracking table: their rows read together, and the decision about the next leg written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lambdas.adapters.campaigns import meta_key
from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core.chain_terms import ChainTerms, leg_id
from lambdas.core.chains import Chain, Leg, StartLeg
from lambdas.core.lifecycle import ARRIVED


class StoredChain(NamedTuple):
    """A chain and its rows; `rows` has the root's and one place for each decision, None before its row."""

    chain: Chain
    rows: tuple[TrackedMessage | None, ...]

    @property
    def root(self) -> TrackedMessage:
        """The first message's row."""
        root = self.rows[0]
        assert root is not None
        return root

    @property
    def campaign_id(self) -> str:
        """Whose message it is; empty for a single message."""
        return self.root.campaign_id


class ChainTable:
    """Reads chains by the ids of their first messages."""

    def __init__(self, tracking: Table, campaigns: Table) -> None:
        self._tracking = tracking
        self._campaigns = campaigns

    def load(self, chain_ids: Iterable[str]) -> list[StoredChain]:
        """The chains that may go on, read consistently; others, and messages without a row, are left out."""
        roots = [root for root in self._rows(chain_ids).values() if root.chain is not None]
        legs = self._rows(
            leg_id(root.message_id, number) for root in roots for number in range(1, len(root.decisions) + 1)
        )
        return [_stored(root, legs) for root in roots]

    def find(self, message_id: str) -> StoredChain | None:
        """The chain of a first message, or that message alone where nothing may follow it; None without a row."""
        root = self._rows([message_id]).get(message_id)
        if root is None:
            return None
        legs = self._rows(leg_id(message_id, number) for number in range(1, len(root.decisions) + 1))
        return _stored(root, legs)

    def _rows(self, message_ids: Iterable[str]) -> dict[str, TrackedMessage]:
        keys = [{"message_id": message_id} for message_id in message_ids]
        found = self._tracking.batch_get(keys, consistent=True)
        return {item["message_id"]: TrackedMessage.from_item(item) for item in found}

    def record(self, stored: StoredChain, step: StartLeg) -> bool:
        """Write a decision into the root's row, once, and count it with its campaign; False if the chain has moved on
        since it was read."""
        arrived = {f"arrived_{status.value}": status.value for status in ARRIVED}
        names = " AND ".join(f"#status <> :{name}" for name in arrived)
        key, append = {"message_id": stored.chain.id}, "SET #legs = list_append(#legs, :decision)"
        values = {"decision": [step.decision.to_item()], "known": step.number - 1, **arrived}
        condition = f"size(#legs) = :known AND {names}"
        try:
            if not stored.campaign_id:
                self._tracking.update(key, append, values, condition=condition)
                return True
            decide = self._tracking.update_arguments(key, append, values, condition=condition)
            count = self._campaigns.update_arguments(
                meta_key(stored.campaign_id), "ADD #legs :one", {"one": 1}, condition="attribute_exists(#pk)"
            )
            self._tracking.transact([{"Update": decide}, {"Update": count}])
        except ConditionFailed:
            return False
        return True


def _stored(root: TrackedMessage, legs: Mapping[str, TrackedMessage]) -> StoredChain:
    terms = root.chain or ChainTerms((root.channel,))
    numbers = range(1, len(root.decisions) + 1)
    rows = (root, *(legs.get(leg_id(root.message_id, number)) for number in numbers))
    chain = Chain(root.message_id, terms, root.decisions, tuple(_leg(row) for row in rows))
    return StoredChain(chain, rows)


def _leg(row: TrackedMessage | None) -> Leg | None:
    return None if row is None else Leg(row.state, row.created_ms)
