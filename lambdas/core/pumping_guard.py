"""SMS pumping: messages ordered only because somebody is paid for receiving them, and how single messages tell.

Whoever pumps has numbers of one range, or a deal in a country where the product has nobody, and asks for as many codes
as the product sends. Two signs are looked for before each call, over a sliding window:

* *a range*: many different numbers that differ in their last three digits only. Ordinary recipients are strewn over a
  country's whole numbering plan, so that even two neighbours within ten minutes are rare;
* *a country* outside the stack's usual mix that takes messages to many different numbers.

Repeating a message to the same number is no sign. Either sign blocks its range or country for a while, longer each time
within a day. What a message needs is one item: a usual country's numbers are watched by range, an unusual one's all
together, whose limit is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from lambdas.core.attribute_values import Item

RANGE_DIGITS = 3
"""Digits at the end of a number in which those of a range differ: operators assign blocks of a thousand."""
DAY_S = 86_400
MIX_DAYS = 8
"""Days, today among them, whose messages make the usual mix."""
MIX_MESSAGES = 200
"""A mix of fewer messages tells nothing about what is usual."""
USUAL_SHARE = 0.05
USUAL_MESSAGES = 100
"""A country is usual with this share of the mix and this many messages."""

PUMPING_GUARD = "PUMPING_GUARD"
"""Error code of messages that the guard has refused."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """When the guard blocks: at the first number beyond `numbers` different ones within `window_s` seconds, for
    `block_s` seconds at first. `usual_countries` are usual whatever the mix says.

    15 numbers keep an attack below 20 messages where senders work side by side. A team of fifteen on neighbouring
    extensions may ask for its codes at once; of ordinary numbers, a country with 600,000 of them would have to take
    2,000 an hour before one of its ranges came near.
    """

    enabled: bool = True
    numbers: int = 15
    window_s: int = 600
    block_s: int = 3_600
    usual_countries: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The limits as the text of one environment variable."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> GuardLimits:
        """The inverse of `to_text`; raises ValueError for anything else."""
        try:
            found = json.loads(text)
            return cls(**{**found, "usual_countries": tuple(found["usual_countries"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"PUMPING_GUARD does not hold the guard's limits: {error}") from error


@dataclass(frozen=True, slots=True)
class UsualMix:
    """How many messages went to each country of late (`MIX_DAYS` days)."""

    messages: Mapping[str, int]

    def is_usual(self, country: str, limits: GuardLimits) -> bool:
        """Whether messages to a country are expected: it has its share of the mix, or about one a window anyway.

        Before there is a mix everything is usual, unless the stack names its usual countries.
        """
        if country in limits.usual_countries:
            return True
        total, number = sum(self.messages.values()), self.messages.get(country, 0)
        if total < MIX_MESSAGES:
            return not limits.usual_countries
        share = number >= USUAL_MESSAGES and number >= USUAL_SHARE * total
        return share or number * limits.window_s >= MIX_DAYS * DAY_S


@dataclass(frozen=True, slots=True)
class Watched:
    """What a number counts for: its range, or a whole country."""

    kind: str
    name: str

    @property
    def id(self) -> str:
        """As callers of the API name it: `range:+1425555` or `country:FR`."""
        return f"{self.kind}:{self.name}"

    @property
    def shown(self) -> str:
        """For people: the digits in which the range's numbers differ are x."""
        return self.name + "x" * RANGE_DIGITS if self.kind == "range" else self.name

    @classmethod
    def from_id(cls, text: str) -> Watched | None:
        """The inverse of `id`; None for anything else."""
        kind, _, name = text.partition(":")
        digits = name.removeprefix("+")
        fits = (
            kind == "range" and name.startswith("+") and digits.isascii() and digits.isdigit() and len(digits) < 15
        ) or (kind == "country" and name.isascii() and name.isalnum() and len(name) <= 3)
        return cls(kind, name) if fits else None


def range_of(number: str) -> str:
    """The range of an E.164 number: all but its last digits."""
    return number[:-RANGE_DIGITS]


def watched(number: str, country: str, mix: UsualMix, limits: GuardLimits) -> Watched:
    """What a number counts for at present."""
    if mix.is_usual(country, limits):
        return Watched("range", range_of(number))
    return Watched("country", country or "ZZ")


@dataclass(frozen=True, slots=True)
class Watch:
    """The numbers seen of a range or country (their marks, with the second they were first seen), and its block.

    `blocks` counts the blocks of the last day; until `exempt_until_s` an operator has declared it innocent.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    blocked_until_s: int = 0
    blocks: int = 0
    exempt_until_s: int = 0
    version: int = 0

    def judge(self, number: str, now_s: int, limits: GuardLimits) -> tuple[Watch, bool]:
        """Take in a message to `number`; the watch as it is now, unchanged where there is nothing to write, and whether
        the message may be sent."""
        if now_s < self.exempt_until_s:
            return self, True
        if now_s < self.blocked_until_s:
            return self, False
        seen = {mark: at for mark, at in self.seen.items() if at > now_s - limits.window_s}
        mark = mark_of(number)
        if mark in seen:
            return self, True
        if len(seen) < limits.numbers:
            return replace(self, seen={**seen, mark: now_s}), True
        blocks = self.blocks + 1 if now_s - self.blocked_until_s < DAY_S else 1
        until_s = now_s + min(limits.block_s * 2 ** (blocks - 1), DAY_S)
        return replace(self, seen={}, blocked_until_s=until_s, blocks=blocks), False

    def lift(self, now_s: int, exempt_s: int) -> Watch:
        """Without its block, and exempt for a while, or it would be blocked again at once."""
        return replace(self, seen={}, blocked_until_s=0, blocks=0, exempt_until_s=now_s + exempt_s)

    @classmethod
    def from_item(cls, item: Item | None) -> Watch:
        """Read an item of the rate-limits table."""
        if item is None:
            return cls()
        return cls(
            {str(mark): int(at) for mark, at in item["seen"].items()},
            int(item["blocked_until"]),
            int(item["blocks"]),
            int(item["exempt_until"]),
            int(item["version"]),
        )

    def attributes(self, now_s: int, limits: GuardLimits) -> dict[str, object]:
        """What the item holds, but for its key and version; it goes a day after it last mattered."""
        return {
            "seen": dict(self.seen),
            "blocked_until": self.blocked_until_s,
            "blocks": self.blocks,
            "exempt_until": self.exempt_until_s,
            "ttl": max(now_s + limits.window_s, self.blocked_until_s, self.exempt_until_s) + DAY_S,
        }


def mark_of(number: str) -> str:
    """Stands for a number in a watch: long enough to tell a few dozen apart."""
    return hashlib.sha256(number.encode()).hexdigest()[:8]
