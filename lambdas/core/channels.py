"""The channels of this product, and what everybody but a channel's own sender needs to know of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How a message travels; `metric` is the value of the dimension `Channel`."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"

    @property
    def metric(self) -> str:
        """The channel as metrics name it."""
        return self.upper()


PRICED_BY_RECEIPT = frozenset({Channel.SMS})
"""Channels whose receipts carry what was charged (End User Messaging user guide, "Messaging events"); neither the
events of WhatsApp nor those of SES name an amount, so what is booked there is the price sheet's."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a channel's work goes and how fast its origination identity may send.

    `identity` is what the channel sends from: a phone number, pool or sender id, a WhatsApp phone-number id, the
    address of an email sender; empty where AWS chooses. Rates are per second: `parts_per_second` of the identity
    (messages, outside SMS), `requests_per_second` of the account's API quota.
    """

    identity: str
    work_queue_url: str
    parts_per_second: float
    requests_per_second: float

    @property
    def rate(self) -> float:
        """Message parts per second that the channel can take in all."""
        return min(self.parts_per_second, self.requests_per_second)


Routes = Mapping[Channel, Route]
"""The channels that a stack has, in the order of `Channel`."""


def routes_to_text(routes: Routes) -> str:
    """The routes as the text of one environment variable."""
    return json.dumps({channel.value: asdict(route) for channel, route in routes.items()}, separators=(",", ":"))


def routes_from_text(text: str) -> Routes:
    """The inverse of `routes_to_text`; raises ValueError for anything else."""
    try:
        found = {Channel(name): _route(**fields) for name, fields in json.loads(text).items()}
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"CHANNELS does not hold the routes of channels: {error}") from error
    return {channel: found[channel] for channel in Channel if channel in found}


def _route(*, identity: object, work_queue_url: object, parts_per_second: object, requests_per_second: object) -> Route:
    if not isinstance(identity, str) or not isinstance(work_queue_url, str):
        raise ValueError("an identity and a queue's address are texts")
    return Route(identity, work_queue_url, _rate(parts_per_second), _rate(requests_per_second))


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"a rate is a number above zero, not {value!r}")
    return value
