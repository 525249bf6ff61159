"""How the simulated carriers behave: a seeded profile, and the outcome of each message as a pure function of it."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdas.core.channels import Channel
from localcloud.outcomes import DELIVERED, FAILURES, USUAL_FAILURE, NotificationId, ReceiptPath


class ProfileError(ValueError):
    """A profile cannot be used; the message is one sentence."""


LONGEST_MS = 72 * 3600 * 1000
"""Events arrive up to 72 hours after the message (AWS End User Messaging user guide, event types)."""
_RATES = ("failure_rate", "throttle_rate", "error_rate", "duplicate_rate", "reorder_rate", "lost_rate", "read_rate")
_NOT_BY_CHANNEL = ("seed", "channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierProfile:
    """What the carriers do to messages; rates are probabilities from 0 to 1, times are [lowest, highest] in ms.

    `throttle_rate` and `error_rate` refuse calls, `outage` refuses all of them; the others act on accepted messages:
    `failure_rate` ends in one of `failure_mix` (`FAILURES`: weight; a channel draws among those it knows),
    `duplicate_rate` repeats the final receipt, `reorder_rate` sends it before the interim one, `lost_rate` never sends
    it, and `read_rate` of delivered WhatsApp messages are read. `paths` are the ways receipts take. `channels` holds
    what differs on one channel: `{"whatsapp": {"outage": true}}`.
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
    read_rate: float = 0.0
    notification_id: str = NotificationId.OWN
    paths: tuple[str, ...] = (ReceiptPath.EVENTBRIDGE, ReceiptPath.SNS)
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _RATES:
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
        known = [failure for failures in FAILURES.values() for failure in failures]
        unknown = sorted(set(self.failure_mix) - set(known))
        if unknown or not self.failure_mix or min(self.failure_mix.values()) <= 0:
            raise ProfileError(f"failure_mix must weigh some of {', '.join(known)}; found {unknown}")
        strange = sorted(set(self.paths) - set(ReceiptPath))
        if strange:
            raise ProfileError(f"paths are {', '.join(ReceiptPath)}; found {', '.join(strange)}")
        if self.notification_id not in set(NotificationId):
            raise ProfileError(f"notification_id is one of {', '.join(NotificationId)}, not {self.notification_id!r}")
        for channel, own in self.channels.items():
            if channel not in set(Channel):
                raise ProfileError(f"channels are {', '.join(Channel)}; found {channel!r}")
            shared = sorted(set(own) & set(_NOT_BY_CHANNEL))
            if shared:
                raise ProfileError(f"{shared[0]} cannot differ by channel")
            self.on(Channel(channel))

    def on(self, channel: Channel) -> CarrierProfile:
        """The behaviour on one channel."""
        own = self.channels.get(channel)
        return dataclasses.replace(self, channels={}, **own) if own else self

    def to_mapping(self) -> dict[str, Any]:
        """The profile as JSON values; `from_mapping` reads it back."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_mapping(cls, values: object) -> CarrierProfile:
        """A profile from JSON values, defaults for what is absent; raises `ProfileError`."""
        return cls(**_checked_all(values, "a carrier profile"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one call to send: its latency in seconds and, if it is refused, how."""

    latency: float
    refusal: str | None
    """`throttle`, `error` or None."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one accepted message; delays are seconds after acceptance.

    `final_status` is `DELIVERED` or one of the channel's `FAILURES`. `read_after` is None for what is not read.
    """

    final_status: str
    interim_after: float
    final_after: float
    duplicated: bool
    lost: bool
    read_after: float | None = None


def verdict(profile: CarrierProfile, call: int, channel: Channel = Channel.SMS) -> Verdict:
    """The verdict on the channel's `call`-th call to send (from 1) since the profile was set."""
    chance = _chance(profile, channel, "call", call)
    profile = profile.on(channel)
    latency = chance.uniform(*profile.latency_ms) / 1000
    roll = chance.random()
    if profile.outage or roll < profile.error_rate:
        return Verdict(latency, "error")
    if roll < profile.error_rate + profile.throttle_rate:
        return Verdict(latency, "throttle")
    return Verdict(latency, None)


def fate(profile: CarrierProfile, message: int, *, forced: str | None = None, channel: Channel = Channel.SMS) -> Fate:
    """The fate of the channel's `message`-th accepted message (from 1) since the profile was set.

    `forced` is the final status of a simulator destination, which the profile cannot change.
    """
    chance = _chance(profile, channel, "message", message)
    profile = profile.on(channel)
    delays = sorted((chance.uniform(*profile.receipt_delay_ms), chance.uniform(*profile.receipt_delay_ms)))
    fails, status = chance.random() < profile.failure_rate, _drawn(chance, _mix(profile, channel))
    duplicated = chance.random() < profile.duplicate_rate
    reordered = chance.random() < profile.reorder_rate
    lost = chance.random() < profile.lost_rate
    read, reading = chance.random() < profile.read_rate, chance.uniform(*profile.receipt_delay_ms) / 1000
    interim, final = (delay / 1000 for delay in (reversed(delays) if reordered else delays))
    ending = forced or (status if fails else DELIVERED)
    read_after = max(interim, final) + reading if read and ending == DELIVERED else None
    return Fate(ending, interim, final, duplicated, lost, read_after)


def _chance(profile: CarrierProfile, channel: Channel, what: str, number: int) -> random.Random:
    scope = "" if channel is Channel.SMS else f"{channel}:"
    return random.Random(f"{profile.seed}:{scope}{what}:{number}")


def _mix(profile: CarrierProfile, channel: Channel) -> Mapping[str, float]:
    own = {failure: weight for failure, weight in profile.failure_mix.items() if failure in FAILURES[channel]}
    return own or {USUAL_FAILURE[channel]: 1.0}


def _drawn(chance: random.Random, mix: Mapping[str, float]) -> str:
    return chance.choices(list(mix), weights=list(mix.values()))[0]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _checked_all(values: object, what: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ProfileError(f"{what} is a JSON object")
    known = [f.name for f in dataclasses.fields(CarrierProfile)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ProfileError(f"{what} has no {unknown[0]!r}; it has {', '.join(known)}")
    return {name: _checked(name, value) for name, value in values.items()}


def _checked(name: str, value: Any) -> Any:
    check: Callable[[str, Any], Any] = _CHECKS.get(name, _rate)
    return check(name, value)


def _range(name: str, value: Any) -> tuple[float, float]:
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))):
        raise ProfileError(f"{name} must be two numbers, [lowest, highest] in milliseconds")
    return (float(value[0]), float(value[1]))


def _paths(name: str, value: Any) -> tuple[str, ...]:
    if not (isinstance(value, list | tuple) and all(isinstance(path, str) for path in value)):
        raise ProfileError(f"{name} must be a list of {', '.join(ReceiptPath)}")
    return tuple(value)


def _weights(name: str, value: Any) -> dict[str, float]:
    if not (isinstance(value, dict) and all(map(_is_number, value.values()))):
        raise ProfileError(f"{name} must map outcomes to weights")
    return dict(value)


def _by_channel(name: str, value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise ProfileError(f"{name} must map channels to what differs on them")
    return {channel: _checked_all(own, f"the profile of the channel {channel}") for channel, own in value.items()}


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ProfileError(f"{name} must be a word")
    return value


def _yes_or_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProfileError(f"{name} must be true or false")
    return value


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProfileError(f"{name} must be a whole number")
    return value


def _rate(name: str, value: Any) -> float:
    if not _is_number(value):
        raise ProfileError(f"{name} must be a number from 0 to 1")
    return float(value)


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "latency_ms": _range,
    "receipt_delay_ms": _range,
    "paths": _paths,
    "failure_mix": _weights,
    "channels": _by_channel,
    "notification_id": _word,
    "outage": _yes_or_no,
    "seed": _whole,
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


BUILT_IN: dict[str, CarrierProfile] = {
    "smooth": CarrierProfile(),
    "everyday": CarrierProfile(
        latency_ms=(20.0, 60.0),
        receipt_delay_ms=(200.0, 2500.0),
        failure_rate=0.03,
        failure_mix={
            "UNREACHABLE": 5,
            "CARRIER_UNREACHABLE": 2,
            "INVALID": 2,
            "BLOCKED": 1,
            "131026": 6,
            "131049": 2,
            "131050": 1,
            "bounce_permanent": 4,
            "bounce_transient": 3,
            "complaint": 1,
            "delivery_delay": 4,
        },
        throttle_rate=0.002,
        duplicate_rate=0.02,
        reorder_rate=0.02,
        read_rate=0.6,
    ),
    "rough": CarrierProfile(
        latency_ms=(20.0, 250.0),
        receipt_delay_ms=(100.0, 5000.0),
        failure_rate=0.12,
        failure_mix={
            "UNREACHABLE": 4,
            "CARRIER_UNREACHABLE": 3,
            "SPAM": 2,
            "UNKNOWN": 1,
            "TTL_EXPIRED": 1,
            "131026": 4,
            "131047": 1,
            "131049": 3,
            "131050": 2,
            "131000": 1,
            "131056": 1,
            "bounce_permanent": 4,
            "bounce_transient": 4,
            "complaint": 2,
            "reject": 1,
            "delivery_delay": 4,
        },
        throttle_rate=0.05,
        error_rate=0.02,
        duplicate_rate=0.25,
        reorder_rate=0.2,
        lost_rate=0.02,
        read_rate=0.5,
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
