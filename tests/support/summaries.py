"""A campaign as the console reads it, half way."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from lambdas.core.campaign import CampaignStatus, CampaignSummary, ChannelCounts

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()


def campaign(**changes: Any) -> CampaignSummary:
    """A campaign of a hundred SMS that began at `NOW`, with some of its fields as told."""
    base = CampaignSummary(
        id="c-1",
        status=CampaignStatus.RUNNING,
        version=1,
        created_ms=int(NOW * 1000),
        throughput_tps=10.0,
        recipients=100,
        excluded=0,
        suppressed=0,
        unsent=0,
        claimed_rows=50,
        done_rows=40,
        reserved_usd=0.1,
        spent_usd=0.2,
        cap_usd=10.0,
        stop_reason=None,
        channels={
            "sms": ChannelCounts(sent=45, delivered=30, failed=3, in_doubt=1, cost_usd=0.4, delivery_ms_sum=36_000)
        },
    )
    return dataclasses.replace(base, **changes)
