"""How the simulated carrier behaves: a seeded profile, and the outcome of each message as a pure function of it."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class ProfileError(ValueError):
    """A profile cannot be used; the message is one sentence."""


class ReceiptPath(StrEnum):
    """The two ways by which AWS delivers receipts."""

    EVENTBRIDGE = "eventbridge"
    SNS = "sns"


LONGEST_MS = 72 * 3600 * 1000
"""Events arrive up to 72 hours after the message (AWS End User Messaging user guide, event types)."""
FINAL_FAILURES = (
    "INVALID",
    "UNREACHABLE",
    "UNKNOWN",
    "BLOCKED",
    "CARRIER_UNREACHABLE",
    "SPAM",
    "INVALID_MESSAGE",
    "CARRIER_BLOCKED",
    "TTL_EXPIRED",
    "PROTECT_BLOCKED",
)
"""Final `messageStatus` values of a text that was not delivered (AWS End User Messaging user guide, event types)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierProfile:
    """What the carrier does to messages; rates are probabilities from 0 to 1, times are [lowest, highest] in ms.

    `throttle_rate` and `error_rate` refuse calls, `outage` refuses all of them; the others act on accepted messages:
    `failure_rate` ends in one of `failure_mix` (status: weight), `duplicate_rate` repeats the final receipt,
    `reorder_rate` sends it before the interim one, `lost_rate` never sends it. `paths` are the ways receipts take.
    """

    seed: int = 1
    latency_ms: tuple[float, float] = (2.0, 2.0)
    receipt_delay_ms: tuple[float, float] = (20.0, 60.0)
    failure_rate: float = 0.0
    failure_mix: Mapping[str, float] = field(default_factory=lambda: {"UNREACHABLE": 1.0})
    throttle_rate: float = 0.0
    error_rate: float = 0.0
    outage: bool = False
    duplicate_rate: float = 0.0
    reorder_rate: float = 0.0
    lost_rate: float = 0.0
    paths: tuple[str, ...] = (ReceiptPath.EVENTBRIDGE, ReceiptPath.SNS)

    def __post_init__(self) -> None:
        for name in ("failure_rate", "throttle_rate", "error_rate", "duplicate_rate", "reorder_rate", "lost_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ProfileError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if self.throttle_rate + self.error_rate > 1:
            raise ProfileError("throttle_rate and error_rate together exceed 1")
        for name in ("latency_ms", "receipt_delay_ms"):
            low, high = getattr(self, name)
            if not 0 <= low <= high <= LONGEST_MS:
                raise ProfileError(
                    f"{name} must be [lowest, highest] in milliseconds up to {LONGEST_MS}, not [{low}, {high}]"
                )
        unknown = sorted(set(self.failure_mix) - set(FINAL_FAILURES))
        if unknown or not self.failure_mix or min(self.failure_mix.values()) <= 0:
            raise ProfileError(f"failure_mix must weigh statuses of {', '.join(FINAL_FAILURES)}; found {unknown}")
        strange = sorted(set(self.paths) - set(ReceiptPath))
        if strange:
            raise ProfileError(f"paths are {', '.join(ReceiptPath)}; found {', '.join(strange)}")

    def to_mapping(self) -> dict[str, Any]:
        """The profile as JSON values; `from_mapping` reads it back."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()} | {
            "failure_mix": dict(self.failure_mix)
        }

    @classmethod
    def from_mapping(cls, values: object) -> CarrierProfile:
        """A profile from JSON values, defaults for what is absent; raises `ProfileError`."""
        if not isinstance(values, dict):
            raise ProfileError("a carrier profile is a JSON object")
        defaults = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(defaults))
        if unknown:
            raise ProfileError(f"a carrier profile has no {unknown[0]!r}; it has {', '.join(defaults)}")
        return cls(**{name: _checked(name, value) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one SendTextMessage call: its latency in seconds and, if it is refused, how."""

    latency: float
    refusal: str | None
    """`throttle`, `error` or None."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one accepted message; delays are seconds after acceptance."""

    final_status: str
    interim_after: float
    final_after: float
    duplicated: bool
    lost: bool


def verdict(profile: CarrierProfile, call: int) -> Verdict:
    """The verdict on the `call`-th SendTextMessage (from 1) since the profile was set."""
    chance = random.Random(f"{profile.seed}:call:{call}")
    latency = chance.uniform(*profile.latency_ms) / 1000
    roll = chance.random()
    if profile.outage or roll < profile.error_rate:
        return Verdict(latency, "error")
    if roll < profile.error_rate + profile.throttle_rate:
        return Verdict(latency, "throttle")
    return Verdict(latency, None)


def fate(profile: CarrierProfile, message: int, *, forced: str | None = None) -> Fate:
    """The fate of the `message`-th accepted message (from 1) since the profile was set.

    `forced` is the final status of a simulator destination, which the profile cannot change.
    """
    chance = random.Random(f"{profile.seed}:message:{message}")
    delays = sorted((chance.uniform(*profile.receipt_delay_ms), chance.uniform(*profile.receipt_delay_ms)))
    fails, status = chance.random() < profile.failure_rate, _drawn(chance, profile.failure_mix)
    duplicated = chance.random() < profile.duplicate_rate
    reordered = chance.random() < profile.reorder_rate
    lost = chance.random() < profile.lost_rate
    interim, final = (delay / 1000 for delay in (reversed(delays) if reordered else delays))
    return Fate(forced or (status if fails else "DELIVERED"), interim, final, duplicated, lost)


def _drawn(chance: random.Random, mix: Mapping[str, float]) -> str:
    return chance.choices(list(mix), weights=list(mix.values()))[0]


def _checked(name: str, value: Any) -> Any:
    if name in ("latency_ms", "receipt_delay_ms"):
        if not (isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))):
            raise ProfileError(f"{name} must be two numbers, [lowest, highest] in milliseconds")
        return (float(value[0]), float(value[1]))
    if name == "paths":
        if not (isinstance(value, list | tuple) and all(isinstance(path, str) for path in value)):
            raise ProfileError(f"paths must be a list of {', '.join(ReceiptPath)}")
        return tuple(value)
    if name == "failure_mix":
        if not (isinstance(value, dict) and all(map(_is_number, value.values()))):
            raise ProfileError("failure_mix must map statuses to weights")
        return dict(value)
    if name == "outage":
        if not isinstance(value, bool):
            raise ProfileError("outage must be true or false")
        return value
    if name == "seed":
        if isinstance(value, bool) or not isinstance(value, int):
            raise ProfileError("seed must be a whole number")
        return value
    if not _is_number(value):
        raise ProfileError(f"{name} must be a number from 0 to 1")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


BUILT_IN: dict[str, CarrierProfile] = {
    "smooth": CarrierProfile(),
    "everyday": CarrierProfile(
        latency_ms=(20.0, 60.0),
        receipt_delay_ms=(200.0, 2500.0),
        failure_rate=0.03,
        failure_mix={"UNREACHABLE": 5, "CARRIER_UNREACHABLE": 2, "INVALID": 2, "BLOCKED": 1},
        throttle_rate=0.002,
        duplicate_rate=0.02,
        reorder_rate=0.02,
    ),
    "rough": CarrierProfile(
        latency_ms=(20.0, 250.0),
        receipt_delay_ms=(100.0, 5000.0),
        failure_rate=0.12,
        failure_mix={"UNREACHABLE": 4, "CARRIER_UNREACHABLE": 3, "SPAM": 2, "UNKNOWN": 1, "TTL_EXPIRED": 1},
        throttle_rate=0.05,
        error_rate=0.02,
        duplicate_rate=0.25,
        reorder_rate=0.2,
        lost_rate=0.02,
    ),
}


def load(name_or_file: str) -> CarrierProfile:
    """A built-in profile by name, or a JSON file; raises `ProfileError`."""
    if name_or_file in BUILT_IN:
        return BUILT_IN[name_or_file]
    try:
        text = Path(name_or_file).read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(
            f"no carrier profile {name_or_file!r}: name one of {', '.join(BUILT_IN)} or a JSON file ({error.strerror})"
        ) from error
    try:
        return CarrierProfile.from_mapping(json.loads(text))
    except ValueError as error:
        raise ProfileError(f"{name_or_file}: {error}") from error
