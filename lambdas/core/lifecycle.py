"""The life of one message as a lattice: events only move a row up, in any order, any number of times.

`fold` is commutative, associative and idempotent over events, so receipts may come twice, late, out of order or
by two paths (data-model.md, "Tables").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """Status of one provider call; `sent` means accepted by the provider."""

    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


RANK: Mapping[Status, int] = {status: rank for rank, status in enumerate(Status)}
"""Height in the lattice: a later DELIVERED overrules a FAILED, never the other way round."""

FINAL = frozenset({Status.FAILED, Status.DELIVERED, Status.READ})
ARRIVED = frozenset({Status.DELIVERED, Status.READ})
ACCEPTED = frozenset({Status.SENT, Status.DELIVERED, Status.READ})
"""Statuses that only a message can reach which the provider has accepted."""
NO_FINAL_RECEIPT = "no_final_receipt"
"""Flag of a message that was given up because no final receipt had come within 72 hours."""


class StatusEvent(NamedTuple):
    """One thing learnt about a message: `at_ms` is the provider's own time, `price_usd` the total charged so far.

    `provider_id` is what the send call returned and nothing else: an id of another kind (WhatsApp's `wamid`, an id of
    a notification) could win over it in the row, and the provider's index would lead nowhere.
    """

    status: Status
    at_ms: int
    code: str | None = None
    price_usd: Decimal | None = None
    provider_id: str | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MessageState:
    """The part of a tracking row that events may change; `history` holds the earliest time of each status reached."""

    status: Status
    history: Mapping[Status, int] = field(default_factory=dict)
    code: str | None = None
    cost_usd: Decimal | None = None
    provider_id: str | None = None
    flags: frozenset[str] = frozenset()

    @property
    def is_final(self) -> bool:
        """No event but a late arrival can change the status."""
        return self.status in FINAL

    @property
    def is_accepted(self) -> bool:
        """The provider has taken the message: its id is known, or something that follows acceptance."""
        return self.provider_id is not None or not ACCEPTED.isdisjoint(self.history)

    @property
    def may_cost(self) -> bool:
        """The message was accepted, or may have been: it is in doubt, or was so until it was given up."""
        return self.is_accepted or self.status is Status.IN_DOUBT or NO_FINAL_RECEIPT in self.flags


def fold(state: MessageState, events: Iterable[StatusEvent]) -> MessageState:
    """The state after `events`: equal to `state` when they say nothing new."""
    for event in events:
        state = _apply(state, event)
    return state


def _apply(state: MessageState, event: StatusEvent) -> MessageState:
    known = state.history.get(event.status)
    history = state.history
    if known is None or event.at_ms < known:
        history = {**history, event.status: event.at_ms}
    return MessageState(
        status=event.status if RANK[event.status] > RANK[state.status] else state.status,
        history=history,
        code=_failure_code(state, event),
        cost_usd=_highest(state.cost_usd, event.price_usd),
        provider_id=_least(state.provider_id, event.provider_id),
        flags=state.flags | event.flags if event.flags else state.flags,
    )


def _failure_code(state: MessageState, event: StatusEvent) -> str | None:
    """The code of the earliest failure, ties by name, so that the order of arrival does not matter."""
    if event.status is not Status.FAILED:
        return state.code
    known = state.history.get(Status.FAILED)
    if known is None or event.at_ms < known:
        return event.code
    return state.code if event.at_ms > known else _least(state.code, event.code)


def _least(known: str | None, new: str | None) -> str | None:
    if known is None or new is None:
        return known if new is None else new
    return min(known, new)


def _highest(known: Decimal | None, new: Decimal | None) -> Decimal | None:
    if known is None or new is None:
        return known if new is None else new
    return max(known, new)


@dataclass(frozen=True, slots=True)
class Counts:
    """What one row, or a sum of rows, contributes to the counters of its campaign; differences may be negative.

    `refused` rows are the failed ones that the provider never accepted, so `sent - delivered - failed + refused` are
    accepted and not final yet. `unwanted` and `passed_on` of the failed have an excuse (`excuses.py`).
    """

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    in_doubt: int = 0
    delivery_ms_sum: int = 0
    cost_usd: Decimal = Decimal(0)
    refused: int = 0
    unwanted: int = 0
    passed_on: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.sent + other.sent,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.in_doubt + other.in_doubt,
            self.delivery_ms_sum + other.delivery_ms_sum,
            self.cost_usd + other.cost_usd,
            self.refused + other.refused,
            self.unwanted + other.unwanted,
            self.passed_on + other.passed_on,
        )

    def __neg__(self) -> Counts:
        return Counts(
            -self.sent,
            -self.delivered,
            -self.failed,
            -self.in_doubt,
            -self.delivery_ms_sum,
            -self.cost_usd,
            -self.refused,
            -self.unwanted,
            -self.passed_on,
        )

    def __bool__(self) -> bool:
        return self != Counts()


def contribution(state: MessageState, *, called_ms: int, estimate_usd: Decimal) -> Counts:
    """What a row adds to its campaign's counters, but for an excuse: accepted messages, and those that were given up
    without anybody knowing, cost the charged price, else the estimate."""
    accepted = state.is_accepted
    costs = accepted or NO_FINAL_RECEIPT in state.flags
    arrived = state.status in ARRIVED
    latency = max(0, state.history[Status.DELIVERED] - called_ms) if Status.DELIVERED in state.history else 0
    return Counts(
        sent=int(accepted),
        delivered=int(arrived),
        failed=int(state.status is Status.FAILED),
        in_doubt=int(state.status is Status.IN_DOUBT),
        delivery_ms_sum=latency,
        cost_usd=(state.cost_usd if state.cost_usd is not None else estimate_usd) if costs else Decimal(0),
        refused=int(state.status is Status.FAILED and not accepted),
    )
