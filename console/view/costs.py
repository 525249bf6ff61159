"""Costs as tables: what is charged, what is estimated, what may come on top."""

from __future__ import annotations

from console.costs import CustomerCosts, Sums
from console.view import format as fmt
from console.view.segments import Line, Role, line, pad, pad_left
from lambdas.core.campaign import CampaignSummary

_TITLES = {"by_channel": "BY CHANNEL", "by_campaign": "BY CAMPAIGN", "by_status": "BY STATUS"}
_NAME = 34
SINGLE = "single messages"


def customer_lines(costs: CustomerCosts) -> list[Line]:
    """The sum, then a table for each way to divide it."""
    lines = [_header("ALL"), _row("together", costs.total)]
    for name, groups in costs.groups.items():
        if groups:
            lines.append(_header(_TITLES[name]))
            lines += [_row(key or SINGLE, sums) for key, sums in sorted(groups.items(), key=_dearest)]
    return lines


def _dearest(entry: tuple[str, Sums]) -> tuple[float, str]:
    return -float(entry[1]["cost_usd"]), entry[0]


def _header(title: str) -> Line:
    return line(
        (
            f"{pad(title, _NAME)} {'MESSAGES':>9} {'COST':>11} {'CHARGED':>11} {'ESTIMATED':>11} {'IN DOUBT':>11}",
            Role.MUTED,
        )
    )


def _row(name: str, sums: Sums) -> Line:
    money = [pad_left(fmt.money(float(sums[each])), 11) for each in ("charged_usd", "estimated_usd", "in_doubt_usd")]
    return line(
        f"{pad(name, _NAME)} {pad_left(fmt.count(float(sums['messages'])), 9)} ",
        (pad_left(fmt.money(float(sums["cost_usd"])), 11), Role.STRONG),
        f" {' '.join(money)}",
    )


def campaign_lines(campaign: CampaignSummary) -> list[Line]:
    """What a campaign has cost by channel, and where its cap stands."""
    header = line((f"{pad('CHANNEL', _NAME)} {'SENT':>9} {'COST':>11} {'A MESSAGE':>11}", Role.MUTED))
    rows = [
        line(
            f"{pad(name, _NAME)} {pad_left(fmt.count(counts.sent), 9)} ",
            (pad_left(fmt.money(counts.cost_usd), 11), Role.STRONG),
            f" {pad_left(fmt.money(counts.cost_usd / counts.sent if counts.sent else None), 11)}",
        )
        for name, counts in sorted(campaign.channels.items())
    ]
    cap = f"{fmt.money(campaign.spent_usd)} settled and {fmt.money(campaign.reserved_usd)} reserved"
    return [
        header,
        *rows,
        line(
            f"{pad('together', _NAME)} {pad_left(fmt.count(campaign.total('sent')), 9)} ",
            (pad_left(fmt.money(campaign.cost_usd), 11), Role.STRONG),
        ),
        line((f"cap {fmt.money(campaign.cap_usd)}: {cap}", Role.MUTED)),
    ]
