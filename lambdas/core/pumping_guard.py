"""SMS pumping: messages ordered only because somebody is paid for receiving them, and how single messages tell.

Whoever pumps has numbers of one range, or a deal in a country where the product has nobody, and asks for as many codes
as the product sends. These signs are looked for before each call:

* *a number* that takes more messages within an hour or a day than a person asks for;
* *a range*: many different numbers that differ in their last three digits only. Ordinary recipients are strewn over a
  country's whole numbering plan, so that even two neighbours within ten minutes are rare;
* *neighbours* in many ranges: numbers whose range has had another one in the window. So many of them in a wide range,
  in which the last five digits differ, block it. So many in a whole country let each of its ranges have one number a
  window for as long as the block lasts: of ordinary recipients hardly any has a neighbour, of a spread attack all have;
* *a country* outside the stack's usual mix that takes messages to many different numbers.

A block holds for a while, longer each time within a day. A number is not blocked, it takes messages again as soon as
its hour and its day have room. What a message writes is an item for its number and one for its range, or for its
country if that is not usual; neighbours, which are rare, write two more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from lambdas.core.attribute_values import Item

RANGE_DIGITS = 3
"""Digits at the end of a number in which those of a range differ: operators assign blocks of a thousand."""
WIDE_DIGITS = 5
"""Those of a wide range, of a hundred ranges."""
WIDE_FACTOR = 2
"""A wide range is blocked at so many times the numbers of a range, all neighbours of others."""
CROWD_FACTOR = 7
"""A country's ranges are held close at so many times the numbers of a range, all neighbours of others.

With 250 messages in ten minutes to a country of 600,000 numbers 52 are neighbours by chance, 9 in each wide range.
"""
HOUR_S = 3_600
DAY_S = 86_400
MIX_DAYS = 8
"""Days, today among them, whose messages make the usual mix."""
MIX_MESSAGES = 200
"""A mix of fewer messages tells nothing about what is usual: then only what the stack names is."""
USUAL_SHARE = 0.05
USUAL_MESSAGES = 100
"""A country is usual with this share of the mix and this many messages."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """When the guard blocks: at the first number beyond `numbers` different ones within `window_s` seconds, for
    `block_s` seconds at first; and how many messages one number takes within an hour and a day.
    `usual_countries` are usual whatever the mix says.

    15 numbers keep an attack below 20 messages where senders work side by side. A team of fifteen on neighbouring
    extensions may ask for its codes at once; of ordinary numbers, a country with 600,000 of them would have to take
    1,500 an hour before its ranges came near. 40 messages a day keep a number's item within one write unit.
    """

    enabled: bool = True
    numbers: int = 15
    window_s: int = 600
    block_s: int = 3_600
    usual_countries: tuple[str, ...] = ()
    messages_per_hour: int = 20
    messages_per_day: int = 40

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


class UsualMix(NamedTuple):
    """How many messages went to each country of late (`MIX_DAYS` days)."""

    messages: Mapping[str, int]

    def is_usual(self, country: str, limits: GuardLimits) -> bool:
        """Whether messages to a country are expected: it has its share of the mix, or about one a window anyway.

        Before there is a mix only the countries that the stack names are.
        """
        if country in limits.usual_countries:
            return True
        total, number = sum(self.messages.values()), self.messages.get(country, 0)
        if total < MIX_MESSAGES:
            return False
        share = number >= USUAL_MESSAGES and number >= USUAL_SHARE * total
        return share or number * limits.window_s >= MIX_DAYS * DAY_S


class Kind(StrEnum):
    """What is watched: `CROWD` are the neighbours of a usual country."""

    RANGE = "range"
    WIDE = "wide"
    CROWD = "crowd"
    COUNTRY = "country"
    NUMBER = "number"


_HIDDEN_DIGITS = {Kind.RANGE: RANGE_DIGITS, Kind.WIDE: WIDE_DIGITS, Kind.NUMBER: 0}
"""Digits that the name of a watch leaves out at the end of a number, where it names one."""


class Watched(NamedTuple):
    """What a message counts for: its number, its range, or a whole country."""

    kind: Kind
    name: str

    @classmethod
    def of(cls, kind: Kind, number: str) -> Watched:
        """What an E.164 number counts for as one of the kinds that numbers name."""
        return cls(kind, number[: len(number) - _HIDDEN_DIGITS[kind]])

    @property
    def id(self) -> str:
        """As callers of the API name it: `range:+1425555` or `country:FR`."""
        return f"{self.kind}:{self.name}"

    @property
    def shown(self) -> str:
        """For people: the digits in which the range's numbers differ are x."""
        return self.name + "x" * _HIDDEN_DIGITS.get(self.kind, 0)

    @property
    def names_digits(self) -> bool:
        """Whether its name is the beginning of a number."""
        return self.kind in _HIDDEN_DIGITS

    def most(self, limits: GuardLimits) -> int:
        """How many different numbers it may have in a window."""
        return limits.numbers * {Kind.WIDE: WIDE_FACTOR, Kind.CROWD: CROWD_FACTOR}.get(self.kind, 1)

    @classmethod
    def from_id(cls, text: str) -> Watched | None:
        """The inverse of `id`; None for anything else."""
        kind, _, name = text.partition(":")
        if kind not in tuple(Kind):
            return None
        found = cls(Kind(kind), name)
        digits = name.removeprefix("+")
        if found.names_digits:
            fits = name.startswith("+") and digits.isascii() and digits.isdigit() and len(digits) <= 15
        else:
            fits = name.isascii() and name.isalnum() and len(name) <= 3
        return found if fits else None


@dataclass(frozen=True, slots=True)
class Watch:
    """The numbers seen of a range or country (their marks, with the second they were first seen), or the messages to a
    number, and its block.

    `blocks` counts the blocks of the last day; until `exempt_until_s` an operator has declared it innocent.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    blocked_until_s: int = 0
    blocks: int = 0
    exempt_until_s: int = 0
    version: int = 0

    def judge(self, number: str, now_s: int, limits: GuardLimits, most: int) -> tuple[Watch, bool]:
        """Take in a message to `number`, of which there may be `most` in a window; the watch as it is now, unchanged
        where there is nothing to write, and whether the message may be sent."""
        if not self.is_watching(now_s):
            return self, now_s < self.exempt_until_s
        seen = self._since(now_s - limits.window_s)
        mark = mark_of(number)
        if mark in seen:
            return self, True
        if len(seen) < most:
            return replace(self, seen={**seen, mark: now_s}), True
        blocks = self.blocks + 1 if now_s - self.blocked_until_s < DAY_S else 1
        until_s = now_s + min(limits.block_s * 2 ** (blocks - 1), DAY_S)
        return replace(self, seen={}, blocked_until_s=until_s, blocks=blocks), False

    def admit(self, message_id: str, now_s: int, limits: GuardLimits) -> tuple[Watch, bool]:
        """As `judge`, for a message to the one number that is watched; one that is asked about again counts once."""
        if now_s < self.exempt_until_s:
            return self, True
        seen = self._since(now_s - DAY_S)
        mark = mark_of(message_id)
        if mark in seen:
            return self, True
        if len(seen) >= limits.messages_per_day or len(self._since(now_s - HOUR_S)) >= limits.messages_per_hour:
            return self, False
        return replace(self, seen={**seen, mark: now_s}), True

    def is_watching(self, now_s: int) -> bool:
        """Whether numbers are counted: it is neither exempt nor blocked."""
        return now_s >= self.exempt_until_s and now_s >= self.blocked_until_s

    def is_blocked(self, now_s: int) -> bool:
        """Whether its messages are held back."""
        return self.exempt_until_s <= now_s < self.blocked_until_s

    def has_others(self, number: str, now_s: int, limits: GuardLimits) -> bool:
        """Whether another number than this has been seen in the window."""
        return bool(self._since(now_s - limits.window_s).keys() - {mark_of(number)})

    def _since(self, after_s: int) -> dict[str, int]:
        return {mark: at for mark, at in self.seen.items() if at > after_s}

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
