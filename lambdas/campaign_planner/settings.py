"""Environment of the campaign planner function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlannerSettings(FunctionEnvironment):
    """What turning an audience into part files and work tokens needs; `channels` holds the routes of all channels,
    `prices` the stack's own prices as JSON."""

    FUNCTION: ClassVar[str] = "campaign_planner"

    campaigns_table: str
    content_bucket: str
    channels: str
    prices: str
