"""Changes of a campaign that exists: read, compared, written under the version that was read."""

from __future__ import annotations

from console.campaigns import TARGETS
from console.domain import (
    CampaignChange,
    CampaignState,
    ChangedCampaign,
    ChangeKind,
    ConsoleError,
    ProblemKind,
)
from console.sources.base import CampaignApi

ATTEMPTS = 5
"""A planner, a worker that completes and another operator may each change the campaign between read and write."""


def change_campaign(api: CampaignApi, campaign_id: str, change: CampaignChange) -> ChangedCampaign:
    """Make `change`; nothing is written where the campaign is so already, which makes asking twice safe.

    Raises `ConsoleError`: of the kind CONFLICT where the campaign's state does not allow it.
    """
    first = before = api.state(campaign_id)
    for _ in range(ATTEMPTS):
        if is_so(before, change):
            return ChangedCampaign(first, before)
        try:
            return ChangedCampaign(before, api.change(campaign_id, change, before.version))
        except ConsoleError as error:
            if error.problem.kind is not ProblemKind.CHANGED:
                raise
        before = api.state(campaign_id)
    raise ConsoleError(
        ProblemKind.CHANGED, f"the campaign {campaign_id} keeps changing while it is changed", "ask again in a moment"
    )


def is_so(state: CampaignState, change: CampaignChange) -> bool:
    """Whether the campaign already is what the change would make of it."""
    if change.kind is ChangeKind.TPS:
        return state.tps == change.tps
    if change.kind in (ChangeKind.PAUSE, ChangeKind.HOLD) and state.is_paused_by_platform:
        return False
    return state.status == TARGETS[change.kind].value
