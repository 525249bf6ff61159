"""A campaign's plan and its course as lines: what would be sent, what has become of it."""

from __future__ import annotations

from console.domain import CampaignPlan, CampaignRequest
from console.text import safe_line
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad


def plan_lines(plan: CampaignPlan, request: CampaignRequest) -> list[Line]:
    """What a dry run answered."""
    excluded = sum(plan.excluded_by_reason.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in plan.excluded_by_reason.items())
    countries = ", ".join(f"{name} {fmt.count(count)}" for name, count in plan.by_country.items())
    rows: list[tuple[str, str]] = [
        ("recipients", fmt.count(plan.recipients)),
        ("excluded", f"{fmt.count(excluded)} ({reasons})" if excluded else "none"),
        ("message parts", fmt.count(plan.parts)),
        ("estimated cost", fmt.money(plan.cost_usd)),
        ("duration", f"{fmt.span(plan.duration_seconds)} at {fmt.rate(request.tps)}"),
        ("countries", countries or fmt.MISSING),
        ("body", safe_line(request.body, 60)),
        ("key", request.key),
    ]
    return [line((pad(name, 16), Role.MUTED), (value, Role.STRONG)) for name, value in rows]
