"""Time in which a campaign was not meant to send: pauses and closed windows, which its achieved rate leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.core.lanes import booked, by_channel, lanes_of


def rest_until(meta: Mapping[str, Any], until_ms: int) -> dict[str, int]:
    """What META notes when sending goes on at `until_ms` (epoch) after a pause or at an opening: nothing while any
    channel has time booked beyond, or before anything was sent. `rested` is the sum of all rests, `last_rest` the last
    one, which ended at `rested_until`."""
    ends = [int(meta.get(booked(channel), 0)) // 1_000 for channel in by_channel(lanes_of(meta))]
    since_ms = max([*ends, int(meta.get("rested_until", 0))], default=0)
    if not any(ends) or since_ms >= until_ms:
        return {}
    rest = until_ms - since_ms
    return {"rested": int(meta.get("rested", 0)) + rest, "last_rest": rest, "rested_until": until_ms}


def rested_ms(meta: Mapping[str, Any], last_sent_ms: int) -> int:
    """Milliseconds of rest before the last message that was sent."""
    rested = int(meta.get("rested", 0))
    return rested if last_sent_ms >= int(meta.get("rested_until", 0)) else rested - int(meta.get("last_rest", 0))
