"""The whole plan as callers see it: recipients, parts, exclusions, cost, the time it takes and what limits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.core.channels import Channel, Routes
from lambdas.core.forecast import Forecast, ForecastLane, Limits, forecast
from lambdas.core.plan_totals import PlanTotals
from lambdas.core.send_window import SendWindow


@dataclass(frozen=True, slots=True)
class Terms:
    """What a campaign's plan is measured against: its pace, its cap in US dollars, when it starts (epoch seconds), in
    which hours it sends, and what the account allows, empty or None where nobody has said."""

    tps: float
    cap_usd: float
    start_s: float
    daily_quotas: Mapping[Channel, int] = field(default_factory=dict)
    sms_monthly_usd: float | None = None
    daily_cap_usd: float | None = None
    window: SendWindow | None = None


def preflight(totals: PlanTotals, routes: Routes, terms: Terms) -> dict[str, Any]:
    """The plan's summary with its forecast."""
    ahead = forecast_of(totals, routes, terms)
    shown = ahead.to_json()
    return {
        **totals.summary(),
        "duration_seconds": shown["duration_seconds"],
        "forecast": shown,
        "send_window": None if terms.window is None else terms.window.to_json(),
        "spend_cap_usd": terms.cap_usd,
        "over_cap": float(totals.highest_cost_usd) > terms.cap_usd,
        "over_cap_with_fallback": float(totals.highest_with_fallback_usd) > terms.cap_usd,
    }


def daily_quotas(*, email: int) -> dict[Channel, int]:
    """Messages per 24 hours by channel, where an account bounds them; 0 where nobody has said."""
    return {Channel.EMAIL: email} if email else {}


def forecast_of(totals: PlanTotals, routes: Routes, terms: Terms) -> Forecast:
    """When the campaign will be through, under all limits together."""
    lanes = [
        ForecastLane(
            Channel(lane.channel),
            lane.rows,
            lane.parts,
            float(lane.cost_usd),
            float(lane.highest_cost_usd),
            lane.zone,
        )
        for lane in totals.by_lane.values()
    ]
    limits = Limits.of(
        routes,
        terms.tps,
        daily_quotas={channel: quota for channel, quota in terms.daily_quotas.items() if channel in routes},
        spend_cap_usd=terms.cap_usd,
        sms_monthly_usd=terms.sms_monthly_usd,
        daily_cap_usd=terms.daily_cap_usd,
        window=terms.window,
    )
    return forecast(lanes, limits, terms.start_s)
