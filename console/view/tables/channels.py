"""The channels of a campaign as rows."""

from __future__ import annotations

from dataclasses import dataclass

from console.view import format as fmt
from console.view.segments import Role
from console.view.table import Column, Kind
from lambdas.core.campaign import ChannelCounts


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel of one campaign with its counters."""

    name: str
    counts: ChannelCounts

    @property
    def receipt_seconds(self) -> float | None:
        """Mean time from the provider's acceptance to the delivered receipt; None before the first."""
        counts = self.counts
        return counts.delivery_ms_sum / counts.delivered / 1000 if counts.delivered else None

    @property
    def usd_per_thousand(self) -> float | None:
        """What a thousand accepted messages have cost; None before the first."""
        return 1000 * self.counts.cost_usd / self.counts.sent if self.counts.sent else None


KIND: Kind[ChannelRow] = Kind(
    name="channels",
    columns=(
        Column("channel", 8, lambda row, _: row.name),
        Column("accepted", 8, lambda row, _: fmt.count(row.counts.sent), key=lambda row: row.counts.sent, right=True),
        Column(
            "arrived",
            7,
            lambda row, _: fmt.count(row.counts.delivered),
            key=lambda row: row.counts.delivered,
            role=lambda _: Role.OK,
            right=True,
        ),
        Column(
            "failed",
            7,
            lambda row, _: fmt.count(row.counts.failed),
            key=lambda row: row.counts.failed,
            role=lambda row: Role.ALARM if row.counts.failed else Role.MUTED,
            right=True,
        ),
        Column(
            "receipt",
            9,
            lambda row, _: fmt.span(row.receipt_seconds),
            key=lambda row: row.receipt_seconds,
            right=True,
            need=47,
        ),
        Column(
            "per 1,000",
            9,
            lambda row, _: fmt.money(row.usd_per_thousand),
            key=lambda row: row.usd_per_thousand,
            right=True,
            need=58,
        ),
    ),
    id=lambda row: row.name,
    sort="channel",
)
