"""Write units per message, counted by the host, against the budget of docs/data-model.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

RECIPIENTS = 400
TPS = 80
TO_ACCEPTANCE = 4.2
PER_CHANGING_RECEIPT = 1.1


@pytest.mark.timeout(120)
def test_a_message_costs_what_the_data_model_says(
    cloud: LocalCloud, stack: StackClient, wait_until: Callable[..., Any]
) -> None:
    cloud.control.set_carrier_profile(
        CarrierProfile(seed=11, latency_ms=(5, 20), receipt_delay_ms=(20, 400), duplicate_rate=1.0)
    )
    cloud.control.clear_meters()
    campaign_id = stack.send_campaign(RECIPIENTS, TPS, key="write-budget")
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=60)

    writes = cloud.control.meters()["writes"]
    by_caller: dict[str, float] = {}
    for write in writes:
        by_caller[write["caller"]] = by_caller.get(write["caller"], 0.0) + write["units"]
    campaigns, messaging = stack.outputs.campaigns, stack.outputs.messaging
    processor = by_caller.pop(messaging.delivery_processor_function)
    counters = by_caller.pop(campaigns.campaign_counters_function)
    by_caller.pop(campaigns.sweeper_function, None)

    assert sum(by_caller.values()) / RECIPIENTS <= TO_ACCEPTANCE, by_caller
    changes = sum(len(row.state.history) - 1 for row in stack.rows(campaign_id, RECIPIENTS))
    assert changes >= RECIPIENTS
    assert processor / RECIPIENTS <= 2 * PER_CHANGING_RECEIPT, "interim and final; duplicates write nothing"
    assert counters / RECIPIENTS <= 0.5, "one transaction per batch of the stream, not per row"
