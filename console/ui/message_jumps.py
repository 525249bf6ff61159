"""Where a message leads, on every screen that shows one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.places import Place
from console.searches import search_text
from console.ui.choices import Choice
from console.ui.desk import Desk
from lambdas.core import keys
from lambdas.core.chain_terms import chain_of

AROUND_SECONDS = 60.0
"""Log lines of this long before a message's first event and after its last belong to what happened."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the ways from a message need; `began` and `ended` are epoch seconds, None where they are not known."""

    message_id: str
    customer_id: str
    began: float | None
    ended: float | None


def message_jumps(desk: Desk, message: Whereabouts) -> Iterator[Choice]:
    """Its campaign, its customer's messages, the log around it."""
    row = keys.campaign_row(chain_of(message.message_id))
    if row is not None:
        yield _way(desk, "c", "campaign", row[0], Place("campaigns", row[0]))
    if message.customer_id:
        place = Place("messages", search_text("customer", message.customer_id))
        yield _way(desk, "u", "customer's messages", message.customer_id, place)
    if message.began is not None:
        ended = message.began if message.ended is None else message.ended
        span = {"from": str(int(message.began - AROUND_SECONDS)), "to": str(int(ended + AROUND_SECONDS))}
        yield _way(desk, "l", "logs", "a minute before it to a minute after it", Place("logs").having(**span))


def _way(desk: Desk, key: str, title: str, detail: str, place: Place) -> Choice:
    return Choice(key, title, detail, lambda: desk.go(place))
