"""What a message's chain may come to, what was decided about it, and the names of its legs.

Apart from what decides (`lambdas/core/chains.py`), because every row carries these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

MAX_RETRIES = 2
LONGEST_ID = 62
"""Characters of the id of a message that may have legs: two are for the leg's number."""

_LEG = re.compile(r"(?P<root>[A-Za-z0-9_-]+)_(?P<number>[1-9])")


def leg_id(chain_id: str, number: int) -> str:
    """Message id of a leg of a chain, of the root for number 0."""
    return f"{chain_id}_{number}" if number else chain_id


def chain_of(message_id: str) -> str:
    """The chain that a message belongs to: the id without the number of a leg."""
    found = _LEG.fullmatch(message_id)
    return found["root"] if found else message_id


def is_leg(message_id: str) -> bool:
    """Whether an id has the shape of a leg's, which no message may be ordered under."""
    return _LEG.fullmatch(message_id) is not None


class ChainTerms(NamedTuple):
    """What a message's chain may come to: its `channels` in order, how often a channel is tried again after a failure
    that asks for it, after how many seconds without a delivery the next channel is taken (None: on failure alone), and
    for how many seconds from the first call the chain may go on.
    """

    channels: tuple[str, ...]
    fallback_after_s: int | None = None
    retries: int = 0
    valid_s: int | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether anything can ever follow the first call."""
        return len(self.channels) > 1 or self.retries > 0

    def to_item(self) -> dict[str, Any]:
        """As a map of a tracking row."""
        return {
            "channels": list(self.channels),
            "fallback_after": self.fallback_after_s,
            "retries": self.retries,
            "valid": self.valid_s,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ChainTerms:
        """The inverse of `to_item`."""
        after, valid = item.get("fallback_after"), item.get("valid")
        return cls(
            tuple(item["channels"]),
            None if after is None else int(after),
            int(item.get("retries", 0)),
            None if valid is None else int(valid),
        )


class Cause(StrEnum):
    """Why a leg was started: the one before was tried again, had failed for good, or had not arrived in time."""

    RETRY = "retry"
    FAILED = "failed"
    DEADLINE = "deadline"


class Decision(NamedTuple):
    """A leg that was decided: on `channels[choice]`, at `at_ms`, not to be sent before `not_before_ms` (epoch).

    `code` is the failure of the leg before it, None at a deadline.
    """

    choice: int
    cause: Cause
    at_ms: int
    not_before_ms: int
    code: str | None = None

    def to_item(self) -> dict[str, Any]:
        """As a map of the root's tracking row."""
        return {
            "choice": self.choice,
            "cause": self.cause.value,
            "at": self.at_ms,
            "not_before": self.not_before_ms,
            "code": self.code,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Decision:
        """The inverse of `to_item`."""
        return cls(
            int(item["choice"]), Cause(item["cause"]), int(item["at"]), int(item["not_before"]), item.get("code")
        )
