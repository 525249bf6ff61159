"""Environment of the campaign API function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignApiSettings(FunctionEnvironment):
    """What the HTTP API needs: where campaigns live and the limits that preflight plans with."""

    FUNCTION: ClassVar[str] = "campaign_api"

    version: str
    region: str
    campaigns_table: str
    content_bucket: str
    plan_queue_url: str
    sms_parts_per_second: float
    sms_requests_per_second: float
    campaign_spend_cap_usd: float
    retention_days: int
