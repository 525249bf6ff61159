"""Environment of the message sender function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSenderSettings(FunctionEnvironment):
    """What sending single messages of all channels needs; `channels` holds their routes, the configuration sets are
    empty where a channel is off, `allowed_countries` where all are, `pumping_guard` holds the guard's limits."""

    FUNCTION: ClassVar[str] = "message_sender"

    region: str
    campaigns_table: str
    delivery_tracking_table: str
    rate_limits_table: str
    outbox_queue_url: str
    legs_queue_url: str
    fallback_queue_url: str
    content_bucket: str
    channels: str
    prices: str
    sms_configuration_set: str
    email_configuration_set: str
    daily_cap_usd: float
    campaigns_daily_cap_usd: float
    retention_days: int
    allowed_countries: str
    pumping_guard: str
