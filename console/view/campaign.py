"""One campaign as lines: its course, its channels, and whom it does not send to and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.tallies import is_open, tally
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, Glyphs, status_glyph
from console.view.reasons import status_words
from console.view.segments import Line, Role, line, pad, pad_left, width
from console.view.table import Column, Table
from console.view.table_lines import header, layout, layout_all, row
from console.view.tables.channels import KIND, ChannelRow
from console.view.wrap import wrap
from lambdas.core.campaign import CampaignSummary

LABEL = 12
STATE = 16
_LEAST_SAID = ("created", "target", "achieved", "cap")
"""What of a campaign's course gives way first: its pace stands beside it in the chart."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A figure by name, and what is said of it where that fits whole."""

    name: str
    value: str
    role: Role = Role.STRONG
    note: str = ""

    def line(self, columns: int) -> Line:
        pieces = line((pad(self.name, LABEL), Role.MUTED), (self.value, self.role))
        noted = (*pieces, *line((f"  {self.note}", Role.MUTED)))
        return noted if self.note and width(noted) <= columns else pieces


def course_lines(
    campaign: CampaignSummary, now: float, glyphs: Glyphs, *, columns: int = 1_000, rows: int = 1_000
) -> list[Line]:
    """Status, pace, end, money; where `rows` are too few, what says least is left out first."""
    head = _status_lines(campaign, glyphs, columns)
    figures = _course(campaign, now)
    for name in _LEAST_SAID:
        if len(head) + len(figures) > rows:
            figures = [row for row in figures if row.name != name]
    return [*head, *(row.line(columns) for row in figures)]


def _status_lines(campaign: CampaignSummary, glyphs: Glyphs, columns: int) -> list[Line]:
    """The status with its reason, which has lines of its own where it does not fit beside it."""
    status, reason = campaign.status.value, status_words(campaign)
    role = STATUS_ROLES[status]
    alone = line((pad("status", LABEL), Role.MUTED), (f"{status_glyph(status, glyphs)} {status}", role))
    whole = (*alone, *line((reason, role)))
    return [whole] if width(whole) <= columns else [alone, *wrap(line((reason.strip(), role)), columns)]


def _course(campaign: CampaignSummary, now: float) -> list[_Row]:
    eta = campaign.eta_seconds(round(now * 1000))
    rows = [
        _Row("target", fmt.rate(campaign.throughput_tps), Role.TARGET),
        _Row("achieved", fmt.rate(campaign.achieved_tps), Role.ACHIEVED, "over its course, rests left out"),
        _Row("ends in", fmt.span(eta) if eta is not None else "all receipts in" if campaign.settled else fmt.MISSING),
        _Row("cost", fmt.money(campaign.cost_usd), note=f"estimate {fmt.money(campaign.estimate_usd)}"),
        _Row("cap", fmt.money(campaign.cap_usd), note=f"{fmt.money(campaign.reserved_usd)} reserved"),
        _Row("created", fmt.stamp(campaign.created_ms / 1000)),
    ]
    if campaign.window is not None:
        waiting = campaign.deferral(round(now * 1000))
        opens = "" if waiting.opens_ms is None else f"opens {fmt.stamp(waiting.opens_ms / 1000)[11:16]}Z"
        hours = campaign.window.to_json()
        rows.append(_Row("send window", f"{hours['start']} to {hours['end']}", note="in the recipient's zone"))
        rows.append(_Row("wait for it", fmt.count(waiting.rows), note=opens))
    return rows


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
            (f"{status_glyph(status, glyphs)} {pad(words, STATE)}", STATUS_ROLES[status] if number else Role.MUTED),
            (pad_left(fmt.count(number), 8), Role.STRONG if number else Role.MUTED),
            (pad_left(fmt.percent(number, counts.total), 8), Role.MUTED),
        )
        for status, words, number in states
    ]


def channel_lines(campaign: CampaignSummary, *, columns: int, rows: int) -> list[Line]:
    """Each channel's counters; what has no column stands in lines of its own below, as long as there are `rows`."""
    if not campaign.channels:
        return [line(("nothing was accepted yet", Role.MUTED))]
    table = Table(KIND)
    table.put([ChannelRow(name, counts) for name, counts in campaign.channels.items()])
    shown = layout(KIND.columns, columns)
    lines = _table_lines(table, shown)
    rest = [column for column in KIND.columns if column.name not in {each.name for each, _ in shown}]
    if rest and 2 * len(lines) <= rows:
        lines += _table_lines(table, layout_all([KIND.columns[0], *rest], columns, 0))
    return lines


def _table_lines(table: Table[ChannelRow], columns: Sequence[tuple[Column[ChannelRow], int]]) -> list[Line]:
    head = header(columns, "", False, "", table.look.glyphs)
    return [head, *(row(table, item, columns) for item in table.shown)]


def why_lines(campaign: CampaignSummary, rows: int = 1_000) -> list[Line]:
    """Who gets nothing, and why; the last row says how many reasons are left out."""
    lines = list(_why(campaign)) or [line(("nobody is left out", Role.MUTED))]
    if len(lines) <= rows:
        return lines
    kept = lines[: max(0, rows - 1)]
    return [*kept, line((f"{len(lines) - len(kept)} more reasons", Role.WARN))]


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
