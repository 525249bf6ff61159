"""Environment of the sweeper function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class SweeperSettings(FunctionEnvironment):
    """What the once-a-minute sweep needs: gauges, abandoned chunks, overdue receipts and unattended chains."""

    FUNCTION: ClassVar[str] = "sweeper"

    region: str
    campaigns_table: str
    delivery_tracking_table: str
    rate_limits_table: str
    plan_queue_url: str
    fallback_queue_url: str
    daily_cap_usd: float
    channels: str
