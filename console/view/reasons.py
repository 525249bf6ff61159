"""Why a campaign is paused, was stopped or has not begun, in words."""

from __future__ import annotations

from collections.abc import Mapping

from console.view import format as fmt
from lambdas.core.campaign import CampaignStatus, CampaignSummary, PauseReason, StopReason

WORDS: Mapping[str, str] = {
    PauseReason.OPERATOR: "by an operator",
    PauseReason.ERROR_RATE: "too many fail",
    PauseReason.DAY_CAP: "the day's cap is reached",
    PauseReason.PUMPING: "it looks like SMS pumping",
    PauseReason.PROVIDER_STOP: "the provider refuses everything",
    StopReason.SPEND_CAP: "its cap is spent",
    StopReason.PLAN_FAILED: "it could not be planned",
}


def pause_words(reason: str | None) -> str:
    """A reason in words; one that this version does not know as it is."""
    return WORDS.get(reason or "", reason or "")


def status_words(campaign: CampaignSummary) -> str:
    """What stands behind a campaign's status: ` (why)`, the time at which it begins, or nothing."""
    if campaign.status is CampaignStatus.SCHEDULED and campaign.start_ms is not None:
        return f" (begins {fmt.stamp(campaign.start_ms / 1000)[:16]}Z)"
    code = campaign.pause_code if campaign.status is CampaignStatus.PAUSED else None
    return f" ({pause_words(campaign.reason)}{f': {code}' if code else ''})" if campaign.reason else ""
