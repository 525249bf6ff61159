"""What happened to one message as rows."""

from __future__ import annotations

from console.view import format as fmt
from console.view.segments import Role
from console.view.table import Column, Kind, Look
from console.view.timeline import FALLBACK, TimelineEvent, event_role, event_words, gap_words, leg_name


def _date(event: TimelineEvent, _: Look) -> str:
    return fmt.MISSING if event.at is None else fmt.stamp(event.at).partition("T")[0]


def _time(event: TimelineEvent, _: Look) -> str:
    """To the millisecond, UTC."""
    return fmt.MISSING if event.at is None else fmt.stamp(event.at)[11:-1] or fmt.MISSING


KIND: Kind[TimelineEvent] = Kind(
    name="timeline",
    columns=(
        Column("date", 10, _date, key=lambda event: event.at, role=lambda _: Role.MUTED, need=110),
        Column("time", 12, _time, key=lambda event: (event.at is None, event.at or 0.0)),
        Column(
            "gap",
            13,
            lambda event, _: gap_words(event.gap_ms),
            key=lambda event: event.gap_ms,
            role=lambda _: Role.MUTED,
            right=True,
        ),
        Column("leg", 10, lambda event, _: leg_name(event.leg, event.channel), role=lambda _: Role.MUTED),
        Column("event", 11, lambda event, look: event_words(event, look.glyphs), role=event_role),
        Column(
            "detail",
            0,
            lambda event, _: event.detail,
            role=lambda event: Role.WARN if event.event in ("failed", FALLBACK) else Role.MUTED,
        ),
    ),
    id=lambda event: event.id,
    sort="time",
)
