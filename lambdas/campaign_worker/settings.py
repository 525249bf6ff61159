"""Environment of the campaign worker function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignWorkerSettings(FunctionEnvironment):
    """What sending one channel of a campaign needs.

    `origination_identity` is what the channel sends from and `configuration_set` where its events go, empty for
    WhatsApp, which has none; `parts_per_second` is the identity's rate, `requests_per_second` the account's.
    """

    FUNCTION: ClassVar[str] = "campaign_worker"

    region: str
    channel: str
    campaigns_table: str
    delivery_tracking_table: str
    rate_limits_table: str
    content_bucket: str
    work_queue_url: str
    fallback_queue_url: str
    configuration_set: str
    origination_identity: str
    parts_per_second: float
    requests_per_second: float
    daily_cap_usd: float
    retention_days: int
    threads: int
