"""Environment of the campaign counters function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCountersSettings(FunctionEnvironment):
    """What summing the tracking table's stream into campaign counters needs."""

    FUNCTION: ClassVar[str] = "campaign_counters"

    campaigns_table: str
    fallback_queue_url: str
