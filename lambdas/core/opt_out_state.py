"""One destination's opt-out on one channel: who asked for it or reported it, what was lifted, in any order of arrival.

For each source the later of its two times decides, and of equal times the opt-out: the same statements give the same
state in any order and any number of copies, as receipts do. So a START that is heard twice, or late, lifts no STOP that
was said after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lambdas.core.attribute_values import Item


class OptOutSource(StrEnum):
    """Why a destination must not be written to: `source` of its RECIPIENT item."""

    STOP = "stop"
    """Its owner has sent us one of the words (`opt_out_words`)."""
    API = "api"
    PROVIDER = "provider"
    """The provider refused a message because of its own list."""
    OPT_OUT = "opt_out"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    INVALID = "invalid"
    """What receipts report (`receipts.Suppression`)."""


LIFTED_BY_START = frozenset({OptOutSource.STOP.value})
"""START takes back one's own STOP; what an operator, a bounce or a provider's list says stays."""

ON_PROVIDERS_LISTS = frozenset({"provider", "opt_out", "bounce", "complaint"})
"""Sources that stand on a list of the provider's too: AWS's opt-out lists (End User Messaging SMS user guide, "Opt-out
lists"), Meta's blocks of marketing messages, SES's account-level suppression list of bounces and complaints."""

REASON_PREFIX = "reason_"
LIFTED_PREFIX = "lifted_"


@dataclass(frozen=True, slots=True)
class OptOutState:
    """When each source last asked for the opt-out and when it was last lifted for that source (epoch ms).

    `version` is the item's, which every writer raises; 0 where there is no item.
    """

    asked: Mapping[str, int] = field(default_factory=dict)
    lifted: Mapping[str, int] = field(default_factory=dict)
    version: int = 0

    @property
    def standing(self) -> Mapping[str, int]:
        """The sources that hold now, with their times."""
        return {source: at for source, at in self.asked.items() if at >= self.lifted.get(source, 0)}

    @property
    def opted_out(self) -> bool:
        """Whether the destination must not be written to."""
        return bool(self.standing)

    @property
    def first(self) -> tuple[str, int] | None:
        """The earliest source that holds, with its time; None if there is none."""
        return min(self.standing.items(), key=lambda each: (each[1], each[0]), default=None)

    def ask(self, source: str, at_ms: int) -> OptOutState:
        """The same with an opt-out said at `at_ms`."""
        return replace(self, asked={**self.asked, source: max(at_ms, self.asked.get(source, 0))})

    def lift(self, sources: Iterable[str], at_ms: int) -> OptOutState:
        """The same with what `sources` asked for before `at_ms` taken back."""
        return replace(self, lifted={**self.lifted, **{each: max(at_ms, self.lifted.get(each, 0)) for each in sources}})

    @classmethod
    def from_item(cls, item: Item | None) -> OptOutState:
        """Read a RECIPIENT item."""
        if item is None:
            return cls()
        asked = _times(item, REASON_PREFIX)
        if not asked and "opted_out_at" in item:
            asked = {str(item["source"]): int(item["opted_out_at"])}
        return cls(asked, _times(item, LIFTED_PREFIX), int(item.get("version", 0)))

    def attributes(self) -> dict[str, int | str]:
        """What the item holds, but for its keys and version; `opted_out_at` and `source`, which senders look at, are
        there exactly while the opt-out holds."""
        found: dict[str, int | str] = {f"{REASON_PREFIX}{source}": at for source, at in self.asked.items()}
        found |= {f"{LIFTED_PREFIX}{source}": at for source, at in self.lifted.items()}
        if (first := self.first) is not None:
            found |= {"source": first[0], "opted_out_at": first[1]}
        return found


def _times(item: Item, prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(at) for name, at in item.items() if name.startswith(prefix)}
