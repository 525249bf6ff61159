"""One message of a campaign, planned: rendered, counted and priced, on its way through a part file to the sender.

Apart from `plan`, because everything that handles a row needs this and only planning needs phonenumbers (13 ms of a
cold start).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

PART_FILE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One message to send: rendered, counted and priced. `row` is its 0-based place among the planned rows."""

    row: int
    customer_id: str
    channel: str
    destination: str
    country: str
    body: str
    parts: int
    price_usd: Decimal

    def to_json(self) -> dict[str, Any]:
        """One line of a part file."""
        return {
            "row": self.row,
            "customer_id": self.customer_id,
            "channel": self.channel,
            "destination": self.destination,
            "country": self.country,
            "body": self.body,
            "parts": self.parts,
            "price_usd": str(self.price_usd),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> PlannedRow:
        """The inverse of `to_json`."""
        return cls(**{**line, "price_usd": Decimal(line["price_usd"])})


def part_key(plan: str, row: int) -> str:
    """Key of the part file of a plan that holds planned row `row`."""
    return f"parts/{plan}/{row // PART_FILE_ROWS:05d}.jsonl"
