"""Environment of the fallback function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackSettings(FunctionEnvironment):
    """What deciding about the next legs of chains needs."""

    FUNCTION: ClassVar[str] = "fallback"

    campaigns_table: str
    delivery_tracking_table: str
    outbox_queue_url: str
    legs_queue_url: str
    fallback_queue_url: str
