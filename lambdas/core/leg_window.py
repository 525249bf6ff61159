"""When a campaign's row may be tried again or fall back: within the send window that holds for the row, as its first
message was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.core.lanes import lanes_of
from lambdas.core.send_window import DAY_SECONDS, SendWindow


def leg_opens_ms(meta: Mapping[str, Any], row: int, at_ms: int) -> int:
    """When a leg of planned row `row` may be sent (epoch): now, or when the window of its lane's zone opens next."""
    zone = next((lane.zone for lane in lanes_of(meta) if lane.first_row <= row < lane.end_row), "")
    if not meta.get("window") or not zone:
        return at_ms
    opening = SendWindow.from_json(meta["window"]).next_opening(zone, at_ms * 1_000)
    return at_ms + DAY_SECONDS * 1_000 if opening is None else max(at_ms, -(-opening.start_us // 1_000))
