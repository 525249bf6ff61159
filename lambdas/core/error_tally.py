"""How many of a campaign's messages failed since it was last looked at, by its counters: receipts' failures too, which
no worker sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.core.campaign import CampaignSummary
from lambdas.core.error_watch import LEAST


@dataclass(frozen=True, slots=True)
class ErrorTally:
    """Messages whose call has an answer, those that are final or in doubt, and those of them that are not delivered.

    One that goes on after a failure, or that nobody wanted sent any more, is none of them: its next leg is.
    """

    answered: int = 0
    final: int = 0
    errors: int = 0

    @classmethod
    def of(cls, summary: CampaignSummary) -> ErrorTally:
        """A campaign's counters as they are now."""
        errors = summary.failures + summary.total("in_doubt")
        answered = summary.total("sent") + summary.total("refused") + summary.total("in_doubt")
        return cls(answered - summary.excused, summary.total("delivered") + errors, errors)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ErrorTally:
        """The inverse of `to_item`; all zero where nothing is noted."""
        return cls(*(int(item.get(name, 0)) for name in cls.__slots__))

    def to_item(self) -> dict[str, int]:
        """As META notes it."""
        return {"answered": self.answered, "final": self.final, "errors": self.errors}

    def since(self, before: ErrorTally) -> ErrorTally:
        """What has come to it."""
        return ErrorTally(self.answered - before.answered, self.final - before.final, self.errors - before.errors)

    @property
    def says_something(self) -> bool:
        """Whether there are enough messages for a share to mean something."""
        return max(self.answered, self.final) >= LEAST

    def exceeds(self, rate: float) -> bool:
        """Whether more than this share failed; receipts may come long after their messages, so both are counted by."""
        return self.says_something and self.errors > rate * max(self.answered, self.final)
