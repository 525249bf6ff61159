"""Which changes of tracking rows ask for a look at the chain that the row belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core.attribute_values import from_item
from lambdas.core.chain_terms import chain_of, is_leg
from lambdas.core.chains import asks_for_look
from lambdas.core.lifecycle import Status


def chains_to_look_at(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ids of the chains of a batch of stream records that may go on or have just been delivered twice, each once.

    Whoever makes a row fail (a receipt, a refusal, an opt-out) need not know of chains.
    """
    found = (_chain(record) for record in records)
    return list(dict.fromkeys(chain_id for chain_id in found if chain_id is not None))


def _chain(record: Mapping[str, Any]) -> str | None:
    after, before = record.get("NewImage"), record.get("OldImage")
    if not after or not ("chain" in after or is_leg(after["message_id"]["S"])):
        return None
    row = TrackedMessage.from_item(from_item(after))
    was = Status(before["status"]["S"]) if before else None
    has_other_legs = bool(row.decisions) or is_leg(row.message_id)
    asks = asks_for_look(was, row.state.status, has_other_legs=has_other_legs)
    return chain_of(row.message_id) if asks else None
