"""A row of the delivery-tracking table, as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lambdas.core.chain_terms import ChainTerms, Decision
from lambdas.core.lifecycle import MessageState, Status


@dataclass(frozen=True, slots=True)
class TrackedMessage:
    """A tracking row: `state` is what events may change, the rest is written once, but for the `decisions` about later
    legs in the row of a chain's root. `chain` is given there, `rest` in each row after which something may follow: what
    the chain may come to from that row on.
    """

    message_id: str
    campaign_id: str
    customer_id: str
    channel: str
    created_ms: int
    estimate_usd: Decimal
    reserved_usd: Decimal
    version: int
    state: MessageState
    destination: str = ""
    country: str = ""
    parts: int = 1
    chain: ChainTerms | None = None
    decisions: tuple[Decision, ...] = field(default=())
    rest: ChainTerms | None = None

    @property
    def cost_usd(self) -> Decimal:
        """What a receipt has told that it cost, else the estimate."""
        return self.estimate_usd if self.state.cost_usd is None else self.state.cost_usd

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> TrackedMessage:
        """Read a row."""
        chain = ChainTerms.from_item(item["chain"]) if "chain" in item else None
        return cls(
            message_id=item["message_id"],
            campaign_id=item.get("campaign_id", ""),
            customer_id=item["customer_id"],
            channel=item["channel"],
            created_ms=int(item["timestamp"]),
            estimate_usd=Decimal(item.get("cost_estimate", 0)),
            reserved_usd=Decimal(item.get("reserved", item.get("cost_estimate", 0))),
            version=int(item["version"]),
            state=MessageState(
                status=Status(item["status"]),
                history={Status(name): int(at) for name, at in item["history"].items()},
                code=item.get("error_code"),
                cost_usd=Decimal(item["cost"]) if "cost" in item else None,
                provider_id=item.get("provider_id"),
                flags=frozenset(item.get("flags", ())),
            ),
            destination=item.get("destination", ""),
            country=item.get("country", ""),
            parts=int(item.get("parts", 1)),
            chain=chain,
            decisions=tuple(Decision.from_item(each) for each in item.get("legs", ())),
            rest=ChainTerms.from_item(item["rest"]) if "rest" in item else chain,
        )
