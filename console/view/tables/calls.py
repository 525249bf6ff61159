"""The console's own calls as rows, by API."""

from __future__ import annotations

from console.calls import ApiStats
from console.view import format as fmt
from console.view.segments import Role
from console.view.table import Column, Kind


def milliseconds(value: float | None) -> str:
    """Three significant digits below ten milliseconds, whole ones above."""
    return fmt.MISSING if value is None else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _loud(stats: ApiStats) -> Role:
    return Role.WARN if stats.errors else Role.MUTED


KIND: Kind[ApiStats] = Kind(
    name="calls",
    columns=(
        Column("api", 0, lambda stats, _: stats.name),
        Column("calls", 8, lambda stats, _: fmt.count(stats.calls), key=lambda stats: stats.calls, right=True),
        Column("errors", 7, lambda s, _: fmt.count(s.errors), key=lambda s: s.errors, role=_loud, right=True),
        Column("p50 ms", 7, lambda s, _: milliseconds(s.p50_ms), key=lambda s: s.p50_ms, right=True),
        Column("p95 ms", 7, lambda s, _: milliseconds(s.p95_ms), key=lambda s: s.p95_ms, right=True),
        Column("cost", 10, lambda s, _: fmt.money(s.usd), key=lambda s: s.usd, role=lambda _: Role.MUTED, right=True),
        Column("last error", 26, lambda s, _: s.last_error, key=lambda s: s.last_error or None, role=_loud, need=110),
    ),
    id=lambda stats: stats.name,
    sort="calls",
    descending=True,
)
