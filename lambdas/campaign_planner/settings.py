"""Environment of the campaign planner function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlannerSettings(FunctionEnvironment):
    """What turning an audience into part files and work tokens needs; `channels` holds the routes of all channels,
    `prices` the stack's own prices as JSON.

    `plan_queue_url` takes the rest of a plan that one invocation cannot make. What the account allows only forecasts
    need, and is 0 where nobody has said. `whatsapp_business_account_id` keeps the templates of WhatsApp, and is empty
    where the stack does not have it.
    """

    FUNCTION: ClassVar[str] = "campaign_planner"

    campaigns_table: str
    content_bucket: str
    channels: str
    prices: str
    plan_queue_url: str
    allowed_countries: str
    guard_audiences: bool
    email_daily_quota: int = 0
    sms_monthly_spend_usd: float = 0.0
    campaigns_daily_cap_usd: float = 0.0
    whatsapp_business_account_id: str = ""
