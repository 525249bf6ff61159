"""A campaign's plan and its course as lines: what would be sent, what has become of it."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import AcceptedCampaign, CampaignPlan, CampaignRequest, WorstCase
from console.tallies import tally
from console.text import safe_line
from console.view import format as fmt
from console.view.reasons import status_words
from console.view.segments import Line, Role, line, pad
from lambdas.core.campaign import CampaignSummary


def plan_lines(plan: CampaignPlan, request: CampaignRequest) -> list[Line]:
    """What a dry run answered, and what was asked for."""
    asked = _rows([("body", safe_line(request.body, 54)), ("key", request.key)])
    return [*preflight_lines(plan, request.tps), *asked]


def preflight_lines(plan: CampaignPlan, tps: float) -> list[Line]:
    """The plan of an uploaded audience."""
    excluded = sum(plan.excluded_by_reason.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in plan.excluded_by_reason.items())
    channels = ", ".join(f"{name} {fmt.count(count)}" for name, count in plan.by_channel.items())
    countries = ", ".join(f"{name} {fmt.count(count)}" for name, count in plan.by_country.items())
    lasts = "no end" if plan.duration_seconds is None else fmt.span(plan.duration_seconds)
    counted = [
        ("recipients", fmt.count(plan.recipients)),
        ("excluded", f"{fmt.count(excluded)} ({reasons})" if excluded else "none"),
        ("message parts", fmt.count(plan.parts)),
        ("estimated cost", fmt.money(plan.cost_usd)),
    ]
    course = [
        ("duration", f"{lasts} at {fmt.rate(tps)}"),
        ("limited by", plan.limited_by.replace("_", " ") or fmt.MISSING),
        *_pause_rows(plan.pauses_at),
        ("channels", channels or fmt.MISSING),
        ("countries", countries or fmt.MISSING),
    ]
    if plan.window is not None:
        hours = plan.window.to_json()
        course.append(("send window", f"{hours['start']} to {hours['end']} of the recipient's day"))
    return [*_rows(counted), *([] if plan.worst is None else _worst_lines(plan.worst)), *_rows(course)]


def accepted_words(accepted: AcceptedCampaign) -> str:
    """What became of a send."""
    return f"campaign {accepted.id} is {accepted.status}"


def _worst_lines(worst: WorstCase) -> list[Line]:
    """The most it may cost, and what of that the cap does not hold."""
    most = fmt.money(worst.usd)
    if worst.with_fallback_usd > worst.usd:
        most += f", {fmt.money(worst.with_fallback_usd)} with retries and fallbacks"
    if worst.over_cap:
        words, role = "less than it may cost at most", Role.WARN
    elif worst.over_cap_with_fallback:
        words, role = "less than it may cost with retries and fallbacks", Role.WARN
    else:
        words, role = "enough for all of it", Role.STRONG
    cap = line((pad("spend cap", 16), Role.MUTED), (f"{fmt.money(worst.cap_usd)}: {words}", role))
    return [*_rows([("at most", most)]), cap]


def _pause_rows(pauses_at: str) -> list[tuple[str, str]]:
    """Where the account's monthly SMS limit will pause the campaign, and what makes it go on."""
    if not pauses_at:
        return []
    return [
        ("pauses", f"{pauses_at[:16]}Z: the month's SMS limit is spent"),
        ("", "resume it when the limit is raised, or on the 1st"),
    ]


def _rows(rows: Sequence[tuple[str, str]]) -> list[Line]:
    return [line((pad(name, 16), Role.MUTED), (value, Role.STRONG)) for name, value in rows]


def outcome_lines(campaign: CampaignSummary) -> list[Line]:
    """One campaign as it stands, for a terminal or a log."""
    counts = tally(campaign)
    reason = status_words(campaign)
    sent = campaign.total("sent")
    rows: list[tuple[str, str]] = [
        ("campaign", campaign.id),
        ("status", f"{campaign.status.value}{reason}{', all receipts in' if campaign.settled else ''}"),
        ("recipients", f"{fmt.count(campaign.recipients)}, {excluded_words(campaign)}"),
        ("sent", fmt.count(sent)),
        ("delivered", f"{fmt.count(counts.delivered)} ({fmt.percent(counts.delivered, campaign.recipients)})"),
        ("failed", fmt.count(counts.failed)),
        ("in doubt", fmt.count(counts.in_doubt)),
        ("awaiting", f"{fmt.count(counts.awaiting_receipt)} receipts, {fmt.count(counts.queued)} still to be sent"),
        ("not sent", fmt.count(counts.not_sent)),
        ("throughput", f"{fmt.rate(campaign.achieved_tps)} of {fmt.rate(campaign.throughput_tps)} asked for"),
        ("cost", fmt.money(campaign.cost_usd)),
        *_by_channel(campaign),
    ]
    return [line((pad(name, 16), Role.MUTED), (value, Role.STRONG)) for name, value in rows]


def excluded_words(campaign: CampaignSummary) -> str:
    """How many recipients were left out before sending, and why."""
    reasons = ", ".join(f"{fmt.count(n)} {safe_line(name, 40)}" for name, n in campaign.excluded_by_reason.items())
    return f"{fmt.count(campaign.excluded)} excluded before" + (f" ({reasons})" if reasons else "")


def _by_channel(campaign: CampaignSummary) -> list[tuple[str, str]]:
    """A row for each channel of a campaign that has several."""
    if len(campaign.channels) < 2:
        return []
    return [
        (f"  {name}", f"{fmt.count(c.delivered)} delivered, {fmt.count(c.failed)} failed, {fmt.money(c.cost_usd)}")
        for name, c in sorted(campaign.channels.items())
    ]


def campaign_table(campaigns: Sequence[CampaignSummary]) -> list[Line]:
    """Campaigns, one per line under a header."""
    header = line(
        (
            f"{'ID':<26} {'STATUS':<10} {'CREATED':<20} {'RECIPIENTS':>10} {'DELIVERED':>10} {'FAILED':>8} {'TPS':>8}",
            Role.MUTED,
        )
    )
    return [
        header,
        *(
            line(
                f"{pad(c.id, 26)} {pad(c.status.value, 10)} {fmt.stamp(c.created_ms / 1000)[:19]}Z "
                f"{fmt.count(c.recipients):>10} {fmt.count(c.total('delivered')):>10} "
                f"{fmt.count(c.total('failed')):>8} {fmt.si(c.achieved_tps):>8}"
            )
            for c in campaigns
        ),
    ]
