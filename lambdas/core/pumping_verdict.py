"""Whether a single SMS may be sent, by everything that the pumping guard watches of its number."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from lambdas.core.pumping_guard import GuardLimits, Kind, Watched

NOWHERE = "ZZ"
"""Stands for the country of a number that has none (ISO 3166 leaves it to users)."""


class Verdict(NamedTuple):
    """Whether a watch lets a number through, and whether it has newly joined others there."""

    allowed: bool
    joins_others: bool


class Watches(Protocol):
    """The watches as they are kept; each answer is that of now."""

    def is_blocked(self, what: Watched) -> bool:
        """Whether messages that count for it are held back."""

    def judge(self, what: Watched, number: str, most: int) -> Verdict:
        """Take in a number, of which there may be `most` in a window."""

    def admit(self, what: Watched, message_id: str) -> bool:
        """Take in a message to a number that is watched by itself; False if it has no room."""


def is_allowed(
    watches: Watches, message_id: str, number: str, country: str, *, usual: bool, limits: GuardLimits
) -> bool:
    """Take in a message to an E.164 number of a country that is `usual` or not; whether it may be sent."""
    if usual:
        allowed = _usual_allows(watches, number, country or NOWHERE, limits)
    else:
        allowed = watches.judge(Watched(Kind.COUNTRY, country or NOWHERE), number, limits.numbers).allowed
    return allowed and watches.admit(Watched.of(Kind.NUMBER, number), message_id)


def _usual_allows(watches: Watches, number: str, country: str, limits: GuardLimits) -> bool:
    wide, crowd = Watched.of(Kind.WIDE, number), Watched(Kind.CROWD, country)
    if watches.is_blocked(wide):
        return False
    most = 1 if watches.is_blocked(crowd) else limits.numbers
    own = watches.judge(Watched.of(Kind.RANGE, number), number, most)
    if not own.allowed or not own.joins_others:
        return own.allowed
    return all(watches.judge(each, number, each.most(limits)).allowed for each in (wide, crowd))
