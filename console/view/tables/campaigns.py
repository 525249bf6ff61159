"""Campaigns as rows."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import StackFacts
from console.invocations import own
from console.tallies import is_sending, tally
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, status_glyph
from console.view.progress import progress_bar
from console.view.segments import Role, plain
from console.view.table import Column, Kind, Look
from lambdas.core.campaign import OPEN_STATUSES, CampaignSummary

BAR_CELLS = 12


def _status(campaign: CampaignSummary, look: Look) -> str:
    return f"{status_glyph(campaign.status.value, look.glyphs)} {campaign.status.value}"


def _final(campaign: CampaignSummary) -> int:
    counts = tally(campaign)
    return counts.delivered + counts.failed + counts.in_doubt + counts.not_sent


def _bar(campaign: CampaignSummary, look: Look) -> str:
    share = _final(campaign) / max(1, campaign.recipients)
    return plain(progress_bar(((share, Role.OK),), BAR_CELLS, look.glyphs))


def _eta(campaign: CampaignSummary, _: Look) -> str:
    seconds = campaign.eta_seconds()
    return fmt.span(seconds) if seconds is not None else "settled" if campaign.settled else fmt.MISSING


def _command(campaign: CampaignSummary, stack: StackFacts) -> Sequence[str]:
    return own(stack, "campaign", "show", campaign.id)


KIND: Kind[CampaignSummary] = Kind(
    name="campaigns",
    columns=(
        Column(
            "status",
            12,
            _status,
            key=lambda campaign: (campaign.status not in OPEN_STATUSES, -campaign.created_ms),
            role=lambda campaign: STATUS_ROLES.get(campaign.status.value, Role.PLAIN),
        ),
        Column("id", 0, lambda campaign, _: campaign.id, least=12),
        Column(
            "created",
            8,
            lambda campaign, _: fmt.clock(campaign.created_ms / 1000),
            key=lambda campaign: campaign.created_ms,
            role=lambda _: Role.MUTED,
            need=130,
        ),
        Column("progress", BAR_CELLS, _bar, key=lambda c: _final(c) / max(1, c.recipients), need=110),
        Column(
            "final",
            7,
            lambda campaign, _: fmt.count(_final(campaign)),
            key=_final,
            right=True,
        ),
        Column("of", 7, lambda c, _: fmt.count(c.recipients), key=lambda c: c.recipients, right=True),
        Column(
            "failed",
            8,
            lambda c, _: fmt.count(c.failures),
            key=lambda c: c.failures,
            role=lambda c: Role.ALARM if c.failures else Role.MUTED,
            right=True,
        ),
        Column(
            "target", 8, lambda c, _: fmt.rate(c.throughput_tps), key=lambda c: c.throughput_tps, right=True, need=90
        ),
        Column(
            "achieved",
            8,
            lambda c, _: fmt.rate(c.achieved_tps),
            key=lambda c: c.achieved_tps,
            role=lambda c: Role.ACHIEVED if is_sending(c) else Role.MUTED,
            right=True,
        ),
        Column("eta", 10, _eta, key=lambda c: c.eta_seconds(), right=True, live=True),
        Column("cost", 9, lambda c, _: fmt.money(c.cost_usd), key=lambda c: c.cost_usd, right=True, need=100),
    ),
    id=lambda campaign: campaign.id,
    sort="status",
    command=_command,
)
