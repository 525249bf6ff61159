"""When a campaign's row may be tried again or fall back: within the send window that holds for the row, as its first
message was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.core.lanes import ALWAYS, lane_of_row, lanes_of, opening_of
from lambdas.core.pacing import MICROSECOND
from lambdas.core.send_window import DAY_SECONDS, Opening, SendWindow


def leg_opening(meta: Mapping[str, Any], row: int, at_ms: int) -> Opening:
    """The opening in which a leg of planned row `row` may be sent: the one that holds at a time (epoch ms), else the
    next one of its lane's zone. Where none is in sight, an empty one a day later, at which to look again."""
    lane = lane_of_row(lanes_of(meta), row)
    window = SendWindow.from_json(meta["window"]) if meta.get("window") else None
    opening = ALWAYS if lane is None else opening_of(lane, window, at_ms * 1_000)
    again_us = at_ms * 1_000 + DAY_SECONDS * MICROSECOND
    return Opening(again_us, again_us) if opening is None else opening


def leg_opens_ms(meta: Mapping[str, Any], row: int, at_ms: int) -> int:
    """When such a leg may be sent (epoch): now, or when its opening begins."""
    return max(at_ms, -(-leg_opening(meta, row, at_ms).start_us // 1_000))
