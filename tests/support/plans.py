"""A whole plan in memory, as tests look at it: planned as it streams, numbered as part files are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from lambdas.core.campaign_request import Recipient
from lambdas.core.plan import LaneRow, OptedOut, batches, new_planning
from lambdas.core.plan_row import ExcludedRow, RowRules
from lambdas.core.plan_totals import PlanTotals
from lambdas.core.planned_row import PlannedRow
from lambdas.core.prices import LIST_PRICES, PriceList
from lambdas.core.zones import NO_WINDOW, LaneZones


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to send under the campaign's numbers, the rows left out, and the totals."""

    rows: tuple[PlannedRow, ...]
    excluded: tuple[ExcludedRow, ...]
    totals: PlanTotals


def make_plan(
    recipients: Iterable[Recipient],
    *,
    channels: Collection[str],
    opted_out: OptedOut,
    max_price_usd: float | None = None,
    prices: PriceList = LIST_PRICES,
    zones: LaneZones = NO_WINDOW,
) -> Plan:
    """Plan all of `recipients`."""
    planning = new_planning(RowRules(channels, max_price_usd, prices, zones), opted_out)
    outcomes = [outcome for batch in batches(recipients) for outcome in planning.plan(batch)]
    rows = [
        replace(outcome.row, row=lane.first_row + outcome.row.row)
        for lane in planning.totals.lanes
        for outcome in outcomes
        if isinstance(outcome, LaneRow) and outcome.lane == lane.name
    ]
    excluded = [outcome for outcome in outcomes if isinstance(outcome, ExcludedRow)]
    return Plan(tuple(rows), tuple(excluded), planning.totals)
