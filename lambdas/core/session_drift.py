"""A number of listeners that is too high: how much of it is proven to be nobody's, while people come and go.

A place is taken before its row is written and given back after its row is deleted. So at any look the number is above
the rows by the places of those who are just coming or going, and by those whose function died half-way. The former
settle: a while later their rows are there, or their places were given back, which withdraws what the look had noted.
What is then still unaccounted for is nobody's, whoever else has come or gone in between.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Self

from lambdas.core.session import Connection, Session, Suspicion

SETTLED_MS = 90_000
"""Half as much again as the longest time-out of a function, and the index's lag: who was coming or going is through."""

SKEW_MS = 5_000
"""How far the clocks of API Gateway and of functions may be apart."""


class Blur(NamedTuple):
    """Which looks may have found places that are now given back unaccounted for; times in epoch milliseconds.

    Those since `left_ms`, when the function that gives them back began, and those from `since_ms` to `until_ms`, when
    their rows were not in the index for certain.
    """

    left_ms: int = 0
    since_ms: int = 0
    until_ms: int = 0

    @classmethod
    def of(cls, removed: Collection[Connection], now_ms: int) -> Self:
        """Of rows that a function deletes which began at `now_ms`; a moved connection's place is older than its row."""
        return cls(
            left_ms=now_ms - SKEW_MS,
            since_ms=min(0 if row.replaces else row.opened_ms - SKEW_MS for row in removed),
            until_ms=max(row.opened_ms + SETTLED_MS for row in removed),
        )

    def hides(self, at_ms: int) -> bool:
        """Whether a look at this time is one of them."""
        return at_ms >= self.left_ms or self.since_ms <= at_ms <= self.until_ms


EVERY_LOOK = Blur()


def suspicion(session: Session, rows: Collection[Connection], now_ms: int) -> Suspicion | None:
    """What a look at a session and its listeners' rows notes; None if the number is not above them.

    Rows that are not `counted` count here: their move is on its way.
    """
    if session.listeners <= len(rows):
        return None
    settled = sum(row.opened_ms < now_ms - SETTLED_MS for row in rows)
    return Suspicion(listeners=len(rows), unaccounted=session.listeners - settled, at_ms=now_ms)


def is_ripe(noted: Suspicion, now_ms: int) -> bool:
    """Whether all who were coming or going at that look are through."""
    return now_ms - noted.at_ms > SETTLED_MS


def surplus(noted: Suspicion, rows: Collection[Connection]) -> int:
    """The places that are proven to be nobody's, by the listeners' rows once the suspicion is ripe."""
    return max(0, noted.unaccounted - sum(_may_have_been_unaccounted(row, noted.at_ms) for row in rows))


def _may_have_been_unaccounted(row: Connection, at_ms: int) -> bool:
    young = row.opened_ms >= at_ms - SETTLED_MS
    return young and (row.opened_ms <= at_ms + SKEW_MS or row.replaces is not None)
