"""What the simulated channels share: calls judged and messages fated by number, receipts by both paths, the record.

Used on the host's event loop only.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lambdas.core.channels import Channel
from localcloud.outcomes import ReceiptPath
from localcloud.profile import CarrierProfile, Fate, fate, verdict

_CALLS_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Origin:
    """The service receipts come from: the `source` of its events, and the principal that topic policies let in."""

    source: str
    principal: str


class ReceiptPublisher(Protocol):
    """Where receipts go; both are called on the event loop and return quickly."""

    def event_bridge(self, origin: Origin, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish a receipt on the account's default event bus."""

    def sns(self, origin: Origin, source_arn: str, topic_arn: str, event: Mapping[str, Any]) -> None:
        """Publish a receipt to a topic, if its policy lets the service in; `source_arn` is what publishes there."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to send as received. `outcome`: `accepted`, `dry_run`, or the error's code.

    `context` is what the caller sent along: `Context` (SMS), `biz_opaque_callback_data` (WhatsApp), `EmailTags`.
    """

    at: float
    channel: str
    message_id: str | None
    context: Mapping[str, str]
    destination: str
    parts: int
    outcome: str


class Calls:
    """Every call to send since the last `forget`, of all channels, oldest first."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_CALLS_KEPT)

    def listed(self) -> list[Call]:
        """The calls."""
        return list(self._calls)

    def add(self, call: Call) -> None:
        """Keep one more."""
        self._calls.append(call)

    def forget(self) -> None:
        """Empty the record."""
        self._calls.clear()


class Traffic:
    """One channel's calls and messages; `profile` is the behaviour in force on it."""

    def __init__(
        self,
        channel: Channel,
        origin: Origin,
        publisher: ReceiptPublisher,
        calls: Calls,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.now = now
        self._channel = channel
        self._origin = origin
        self._publisher = publisher
        self._calls = calls
        self.set_profile(CarrierProfile())

    def set_profile(self, profile: CarrierProfile) -> None:
        """Behave so from the next call on; the sequence of outcomes starts anew."""
        self._profile = profile
        self.profile = profile.on(self._channel)
        self._calls_judged = 0
        self._messages_accepted = 0

    async def refusal(self) -> str | None:
        """Judge the next call and let its latency pass: `throttle`, `error`, or None."""
        self._calls_judged += 1
        judged = verdict(self._profile, self._calls_judged, self._channel)
        if judged.latency:
            await asyncio.sleep(judged.latency)
        return judged.refusal

    def accepted(self, forced: str | None = None) -> Fate:
        """The fate of the next accepted message."""
        self._messages_accepted += 1
        return fate(self._profile, self._messages_accepted, forced=forced, channel=self._channel)

    def record(
        self, message_id: str | None, context: Mapping[str, str], destination: str, outcome: str, *, parts: int = 1
    ) -> None:
        """Write down one call."""
        self._calls.add(Call(self.now(), self._channel, message_id, context, destination, parts, outcome))

    def later(self, delay: float, emit: Callable[..., None], *args: Any) -> None:
        """Call `emit` after `delay` seconds."""
        asyncio.get_running_loop().call_later(delay, emit, *args)

    def event_bridge(self, paths: tuple[str, ...], detail_type: str, detail: Mapping[str, Any]) -> None:
        """Publish on the event bus, if that path is among `paths`."""
        if ReceiptPath.EVENTBRIDGE in paths:
            self._publisher.event_bridge(self._origin, detail_type, detail)

    def sns(self, paths: tuple[str, ...], source_arn: str, topic_arn: str, event: Mapping[str, Any]) -> None:
        """Publish to a topic, if that path is among `paths`."""
        if ReceiptPath.SNS in paths:
            self._publisher.sns(self._origin, source_arn, topic_arn, event)
