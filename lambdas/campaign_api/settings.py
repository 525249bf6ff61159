"""Environment of the campaign API function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignApiSettings(FunctionEnvironment):
    """What the HTTP API needs: where campaigns and messages live, and the channels that preflight plans with.

    `promotional_window` is the JSON of a send window, empty without one; `whatsapp_business_account_id` keeps the
    templates of WhatsApp, and is empty where the stack does not have it.
    """

    FUNCTION: ClassVar[str] = "campaign_api"

    version: str
    region: str
    campaigns_table: str
    content_bucket: str
    plan_queue_url: str
    outbox_queue_url: str
    delivery_tracking_table: str
    rate_limits_table: str
    channels: str
    prices: str
    campaign_spend_cap_usd: float
    campaign_pause_error_rate: float
    retention_days: int
    allowed_countries: str
    email_daily_quota: int = 0
    sms_monthly_spend_usd: float = 0.0
    campaigns_daily_cap_usd: float = 0.0
    promotional_window: str = ""
    whatsapp_business_account_id: str = ""
