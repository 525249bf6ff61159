"""Write units per message, counted by the host, against the budget of docs/data-model.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

RECIPIENTS = 400
CHUNK = 100
TPS = 50
TO_ACCEPTANCE = 4.2
ONE_MORE_LEASE = 2
"""The identity's item and the chunk's: a machine that is too slow for the rate leases again what it could not send in
time, and the budget is not about that."""
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
    campaigns, messaging = stack.outputs.campaigns, stack.outputs.messaging
    later = (messaging.delivery_processor_function, campaigns.campaign_counters_function, campaigns.sweeper_function)

    def units(**where: str) -> float:
        return sum(float(write["units"]) for write in writes if where.items() <= write.items())

    leases = {"caller": campaigns.sms_worker_function, "table": messaging.rate_limits_table}
    again = sum(write["calls"] for write in writes if leases.items() <= write.items()) - RECIPIENTS // CHUNK
    to_acceptance = units() - sum(units(caller=caller) for caller in later)
    assert (to_acceptance - again * ONE_MORE_LEASE) / RECIPIENTS <= TO_ACCEPTANCE, writes

    processor, counters = (units(caller=caller) for caller in later[:2])
    changes = sum(len(row.state.history) - 1 for row in stack.rows(campaign_id, RECIPIENTS))
    assert changes >= RECIPIENTS
    assert processor / RECIPIENTS <= 2 * PER_CHANGING_RECEIPT, "interim and final; duplicates write nothing"
    assert counters / RECIPIENTS <= 0.5, "one transaction per batch of the stream, not per row"
