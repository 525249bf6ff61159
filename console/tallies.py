"""Where a campaign's messages stand, and whether it may still send."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lambdas.core.campaign import OPEN_STATUSES, CampaignStatus, CampaignSummary


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a set of messages stands; the six figures add up to the recipients.

    `not_sent` holds the rows that will never be sent: opted out when their turn came, or left when the campaign ended.
    """

    queued: int = 0
    awaiting_receipt: int = 0
    delivered: int = 0
    failed: int = 0
    in_doubt: int = 0
    not_sent: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """Messages in all states."""
        return sum(dataclasses.astuple(self))


def tally(campaign: CampaignSummary) -> Tally:
    """One campaign's messages by state.

    While it sends or has an open chunk, the counters say what is accepted and not final; afterwards META says what was
    handed out, so that counters that lag behind show as receipts awaited, not as messages never sent.
    """
    delivered, failed, in_doubt = (campaign.total(name) for name in ("delivered", "failed", "in_doubt"))
    known = delivered + failed + in_doubt
    if is_open(campaign) or campaign.done_rows < min(campaign.claimed_rows, campaign.recipients):
        not_sent = campaign.suppressed + campaign.unsent
        awaiting = max(0, campaign.total("sent") - delivered - failed + campaign.total("refused"))
        queued = max(0, campaign.recipients - known - awaiting - not_sent)
        return Tally(queued, awaiting, delivered, failed, in_doubt, not_sent)
    handed_out = campaign.done_rows - campaign.suppressed - campaign.unsent
    awaiting = max(0, handed_out - known)
    return Tally(0, awaiting, delivered, failed, in_doubt, max(0, campaign.recipients - known - awaiting))


def is_open(campaign: CampaignSummary) -> bool:
    """Whether the campaign may still send."""
    return campaign.status in OPEN_STATUSES


def is_sending(campaign: CampaignSummary) -> bool:
    """Whether the campaign is sending now."""
    return campaign.status is CampaignStatus.RUNNING
