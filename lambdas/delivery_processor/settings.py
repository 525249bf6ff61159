"""Environment of the delivery processor function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lambdas.core.environment import FunctionEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryProcessorSettings(FunctionEnvironment):
    """What folding receipts into tracking rows and recording suppressions needs."""

    FUNCTION: ClassVar[str] = "delivery_processor"

    campaigns_table: str
    delivery_tracking_table: str
    receipts_queue_url: str
