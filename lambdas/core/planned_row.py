"""One message of a campaign, planned: rendered, counted and priced, on its way through a part file to the sender.

Apart from `plan`, because everything that handles a row needs this and only planning needs phonenumbers (13 ms of a
cold start).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lambdas.core.chain_terms import ChainTerms
from lambdas.core.content import Content, Template


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One message to send: rendered, counted and priced. `row` is its 0-based place among the campaign's rows, while
    it is being planned among those of its lane.

    `destination` is an E.164 number or an email address, `country` that of the number, empty for email. `price_usd` is
    the estimate; `max_price_usd` the most the provider may charge, None where it takes no such bound. `chain` says what
    may follow if the message does not arrive, None if nothing may; `fallback` is the message on the chain's other
    channels. Of a later leg, `after_leg` is what its chain may still come to, from that leg on.
    """

    row: int
    customer_id: str
    channel: str
    destination: str
    country: str
    content: Content
    parts: int
    price_usd: Decimal
    max_price_usd: Decimal | None = None
    chain: ChainTerms | None = None
    fallback: tuple[PlannedRow, ...] = ()
    after_leg: ChainTerms | None = None

    @property
    def reserved_usd(self) -> Decimal:
        """What the caps reserve for it: nothing dearer is sent."""
        return self.price_usd if self.max_price_usd is None else self.max_price_usd

    @property
    def deadline_s(self) -> int | None:
        """After how many seconds without a delivery the next channel takes the message; None if none does."""
        return self.chain.fallback_after_s if self.chain is not None and self.fallback else None

    def on(self, choice: int) -> PlannedRow:
        """The message on the chain's channel of that place, as a row without anything after it."""
        return replace(self, chain=None, fallback=()) if choice == 0 else self.fallback[choice - 1]

    def to_json(self) -> dict[str, Any]:
        """One line of a part file, which tells the row by its place; texts that are empty are left out."""
        content = self.content
        texts = {"body": content.body, "subject": content.subject, "html": content.html}
        return {
            "customer_id": self.customer_id,
            "channel": self.channel,
            "destination": self.destination,
            "country": self.country,
            "parts": self.parts,
            "price_usd": str(self.price_usd),
            **({"max_price_usd": str(self.max_price_usd)} if self.max_price_usd is not None else {}),
            **{name: text for name, text in texts.items() if text},
            **({"template": content.template.to_json()} if content.template else {}),
            **({"chain": self.chain.to_item()} if self.chain else {}),
            **({"fallback": [row.to_json() for row in self.fallback]} if self.fallback else {}),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any], row: int) -> PlannedRow:
        """The inverse of `to_json`."""
        template = Template.from_json(line["template"]) if "template" in line else None
        return cls(
            row=row,
            customer_id=line["customer_id"],
            channel=line["channel"],
            destination=line["destination"],
            country=line["country"],
            content=Content(line.get("body", ""), line.get("subject", ""), line.get("html", ""), template),
            parts=line["parts"],
            price_usd=Decimal(line["price_usd"]),
            max_price_usd=Decimal(line["max_price_usd"]) if "max_price_usd" in line else None,
            chain=ChainTerms.from_item(line["chain"]) if "chain" in line else None,
            fallback=tuple(cls.from_json(each, row) for each in line.get("fallback", ())),
        )
