"""What a plan comes to: rows by lane, cost by channel and country, who was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from lambdas.core.channels import Channel
from lambdas.core.key_set import KeySet
from lambdas.core.lanes import Lane
from lambdas.core.plan_row import ExcludedRow
from lambdas.core.planned_row import PlannedRow
from lambdas.core.pumping_audience import MAX_SHOWN, AudienceRanges

MAX_EXCLUDED_SHOWN = 100
"""Left-out rows that a summary lists; the report has them all."""


@dataclass(slots=True)
class Group:
    """Messages that have something in common, their parts and their cost."""

    messages: int = 0
    parts: int = 0
    cost_usd: Decimal = Decimal(0)

    def add(self, row: PlannedRow) -> None:
        """Count one more."""
        self.messages += 1
        self.parts += row.parts
        self.cost_usd += row.price_usd

    def to_json(self) -> dict[str, Any]:
        """As a summary shows it."""
        return {"messages": self.messages, "parts": self.parts, "cost_usd": float(round(self.cost_usd, 5))}


@dataclass(slots=True)
class LaneTotals:
    """One lane's rows, parts and cost, the most its dearest row may cost, all of them together, and these with all that
    may follow them; `zone` and `number` as in `Lane`."""

    channel: str
    rows: int = 0
    parts: int = 0
    cost_usd: Decimal = Decimal(0)
    highest_price_usd: Decimal = Decimal(0)
    highest_cost_usd: Decimal = Decimal(0)
    highest_with_fallback_usd: Decimal = Decimal(0)
    zone: str = ""
    number: int | None = None


@dataclass(slots=True)
class PlanTotals:
    """Sums over the rows planned so far; `customers` tells the different ones apart."""

    customers: KeySet
    by_lane: dict[str, LaneTotals] = field(default_factory=dict)
    by_channel: dict[str, Group] = field(default_factory=dict)
    by_country: dict[str, Group] = field(default_factory=dict)
    excluded_by_reason: Counter[str] = field(default_factory=Counter)
    first_excluded: list[ExcludedRow] = field(default_factory=list)
    ranges: AudienceRanges = field(default_factory=AudienceRanges)
    """Of the numbers that get SMS."""
    chained: bool = False
    """Whether anything may follow any of the rows."""

    def lane_of(self, channel: str, zone: str) -> str:
        """The name of the lane for a channel and the zone of its send window, empty without one; lanes are numbered as
        they are first asked for."""
        if not zone:
            return channel
        for name, totals in self.by_lane.items():
            if (totals.channel, totals.zone) == (channel, zone):
                return name
        number = sum(totals.channel == channel for totals in self.by_lane.values())
        lane = Lane(channel, 0, 0, Decimal(0), zone=zone, number=number)
        self.by_lane[lane.name] = LaneTotals(channel, zone=zone, number=number)
        return lane.name

    def rows_of(self, lane: str) -> int:
        """How many rows a lane has so far."""
        return self.by_lane[lane].rows if lane in self.by_lane else 0

    def add(self, lane: str, row: PlannedRow, with_fallback_usd: Decimal) -> None:
        """Count a planned row, which may cost so much with all that may follow it."""
        totals = self.by_lane.setdefault(lane, LaneTotals(row.channel))
        totals.rows += 1
        totals.parts += row.parts
        totals.cost_usd += row.price_usd
        totals.highest_price_usd = max(totals.highest_price_usd, row.reserved_usd)
        totals.highest_cost_usd += row.reserved_usd
        totals.highest_with_fallback_usd += with_fallback_usd
        self.by_channel.setdefault(row.channel, Group()).add(row)
        if row.country:
            self.by_country.setdefault(row.country, Group()).add(row)
        if row.channel == Channel.SMS:
            self.ranges.add(row.destination, row.country)
        self.customers.add(row.customer_id)
        self.chained = self.chained or row.chain is not None

    def exclude(self, row: ExcludedRow) -> None:
        """Count a row left out."""
        self.excluded_by_reason[row.reason.value] += 1
        if len(self.first_excluded) < MAX_EXCLUDED_SHOWN:
            self.first_excluded.append(row)

    @property
    def rows(self) -> int:
        """Messages to send."""
        return sum(lane.rows for lane in self.by_lane.values())

    @property
    def excluded(self) -> int:
        """Recipients left out."""
        return self.excluded_by_reason.total()

    @property
    def parts(self) -> int:
        """Message parts of the whole campaign."""
        return sum(group.parts for group in self.by_channel.values())

    @property
    def cost_usd(self) -> Decimal:
        """Estimated cost of the whole campaign."""
        return sum((group.cost_usd for group in self.by_channel.values()), Decimal(0))

    @property
    def highest_cost_usd(self) -> Decimal:
        """The most that the first message to everybody can cost, which the campaign's cap must hold."""
        return sum((lane.highest_cost_usd for lane in self.by_lane.values()), Decimal(0))

    @property
    def highest_with_fallback_usd(self) -> Decimal:
        """The most the whole campaign can cost: nothing arrives at first, and every retry and fallback follows."""
        return sum((lane.highest_with_fallback_usd for lane in self.by_lane.values()), Decimal(0))

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Each lane's run of the campaign's rows, in the order of channels."""
        order = {channel.value: place for place, channel in enumerate(Channel)}
        runs: list[Lane] = []
        first = 0
        for totals in sorted(self.by_lane.values(), key=lambda lane: order[lane.channel]):
            end, highest = first + totals.rows, totals.highest_price_usd
            if totals.rows:
                run = Lane(totals.channel, first, end, highest, first, zone=totals.zone, number=totals.number)
                runs.append(replace(run, parts=totals.parts))
            first = end
        return tuple(runs)

    def summary(self) -> dict[str, Any]:
        """What a plan shows of them."""
        return {
            "recipients": self.rows,
            "excluded": [
                {"row": row.row, "reason": row.reason.value, "detail": row.detail} for row in self.first_excluded
            ],
            "excluded_by_reason": dict(sorted(self.excluded_by_reason.items())),
            "parts": self.parts,
            "cost_usd": float(round(self.cost_usd, 5)),
            "highest_cost_usd": float(round(self.highest_cost_usd, 5)),
            "highest_cost_with_fallback_usd": float(round(self.highest_with_fallback_usd, 5)),
            "by_country": _shown(self.by_country),
            "suspicious_ranges": [each.to_json() for each in self.ranges.suspicious()[:MAX_SHOWN]],
            "by_channel": _shown(self.by_channel),
        }


def _shown(groups: Mapping[str, Group]) -> dict[str, Any]:
    return {name: group.to_json() for name, group in sorted(groups.items())}
