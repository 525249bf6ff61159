"""One campaign as lines: its course, its channels, and whom it does not send to and why."""

from __future__ import annotations

from collections.abc import Iterator

from console.domain import is_open, tally
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.reasons import status_words
from console.view.segments import Line, Role, line, pad, pad_left
from lambdas.core.campaign import CampaignSummary

LABEL = 16


def _row(name: str, value: str, role: Role = Role.STRONG, note: str = "") -> Line:
    return line((pad(name, LABEL), Role.MUTED), (value, role), (f"  {note}" if note else "", Role.MUTED))


def course_lines(campaign: CampaignSummary, now: float, glyphs: Glyphs) -> list[Line]:
    """Status, pace, end, money."""
    status = campaign.status.value
    eta = campaign.eta_seconds(round(now * 1000))
    waiting = campaign.deferral(round(now * 1000))
    lines = [
        _row("status", f"{status_glyph(status, glyphs)} {status}{status_words(campaign)}", STATUS_ROLES[status]),
        _row("target", fmt.rate(campaign.throughput_tps), Role.TARGET),
        _row("achieved", fmt.rate(campaign.achieved_tps), Role.ACHIEVED, "over its whole course, rests left out"),
        _row("ends in", fmt.span(eta) if eta is not None else "all receipts in" if campaign.settled else fmt.MISSING),
        _row("cost", fmt.money(campaign.cost_usd), note=f"of {fmt.money(campaign.estimate_usd)} estimated"),
        _row("cap", fmt.money(campaign.cap_usd), note=f"{fmt.money(campaign.reserved_usd)} reserved"),
        _row("created", fmt.stamp(campaign.created_ms / 1000)),
    ]
    if campaign.window is not None:
        window = campaign.window
        opens = "" if waiting.opens_ms is None else f", opens {fmt.stamp(waiting.opens_ms / 1000)[11:16]}Z"
        hours = window.to_json()
        lines.append(_row("send window", f"{hours['start']} to {hours['end']}", note=f"in the recipient's zone{opens}"))
        lines.append(_row("wait for it", fmt.count(waiting.rows)))
    return lines


def state_lines(campaign: CampaignSummary, glyphs: Glyphs) -> list[Line]:
    """Where its messages stand."""
    counts = tally(campaign)
    states = (
        ("delivered", "delivered", counts.delivered),
        ("sent", "awaiting receipt", counts.awaiting_receipt),
        ("queued", "to be sent", counts.queued),
        ("failed", "failed", counts.failed),
        ("in_doubt", "in doubt", counts.in_doubt),
        ("cancelled", "not sent", counts.not_sent),
    )
    return [
        line(
            (f"{status_glyph(status, glyphs)} {pad(words, LABEL)}", STATUS_ROLES[status] if number else Role.MUTED),
            (pad_left(fmt.count(number), 8), Role.STRONG if number else Role.MUTED),
            (pad_left(fmt.percent(number, counts.total), 8), Role.MUTED),
        )
        for status, words, number in states
    ]


def channel_lines(campaign: CampaignSummary) -> list[Line]:
    """Each channel's counters, money for 1,000 messages among them."""
    head = line(
        (pad("channel", 9), Role.MUTED),
        *((pad_left(name, 9), Role.MUTED) for name in ("accepted", "arrived", "failed", "receipt")),
        (pad_left("per 1,000", 11), Role.MUTED),
    )
    lines = [head]
    for name, counts in sorted(campaign.channels.items()):
        mean = counts.delivery_ms_sum / counts.delivered / 1000 if counts.delivered else None
        per_thousand = 1000 * counts.cost_usd / counts.sent if counts.sent else None
        lines.append(
            line(
                pad(name, 9),
                pad_left(fmt.count(counts.sent), 9),
                (pad_left(fmt.count(counts.delivered), 9), Role.OK),
                (pad_left(fmt.count(counts.failed), 9), Role.ALARM if counts.failed else Role.MUTED),
                pad_left(fmt.span(mean), 9),
                pad_left(fmt.money(per_thousand), 11),
            )
        )
    return lines if campaign.channels else [line(("nothing was accepted yet", Role.MUTED))]


def why_lines(campaign: CampaignSummary) -> list[Line]:
    """Who gets nothing, and why."""
    return list(_why(campaign)) or [line(("nobody is left out", Role.MUTED))]


def _why(campaign: CampaignSummary) -> Iterator[Line]:
    reasons = sorted(campaign.excluded_by_reason.items(), key=lambda each: -each[1])
    rows = [(f"left out: {name.replace('_', ' ')}", number) for name, number in reasons]
    rows.append(("opted out when their turn came", campaign.suppressed))
    if not is_open(campaign):
        rows.append(("left when it ended", campaign.never_sent))
    for words, number in rows:
        if number:
            yield line((pad_left(fmt.count(number), 9), Role.WARN), f"  {words}")
    for each in campaign.suspicious_ranges:
        yield line(
            (pad_left(fmt.count(int(each["numbers"])), 9), Role.WARN),
            f"  numbers in a row from {each.get('range', 'one range')}: it may be SMS pumping",
        )
