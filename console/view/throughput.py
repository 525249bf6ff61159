"""Throughput by channel, against what each channel's identity may send."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain import Throughput
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad, pad_left


def channel_rows(throughput: Throughput, ceilings: Mapping[str, float]) -> list[Line]:
    """Each channel that is on: messages per second now, and the rate that its identity is configured for."""
    head = line(
        (pad("channel", 12), Role.MUTED),
        *((pad_left(name, 12), Role.MUTED) for name in ("achieved", "identity", "used")),
    )
    rows = []
    for channel, ceiling in ceilings.items():
        achieved = throughput.by_channel.get(channel) if throughput.achieved is not None else None
        if achieved is None and throughput.achieved is not None:
            achieved = 0.0
        rows.append(
            line(
                pad(channel, 12),
                (pad_left(fmt.rate(achieved), 12), Role.ACHIEVED),
                (pad_left(fmt.rate(ceiling), 12), Role.TARGET),
                pad_left(fmt.MISSING if achieved is None else fmt.percent(achieved, ceiling), 12),
            )
        )
    return [head, *rows]
