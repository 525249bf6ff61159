"""A campaign that was cancelled in the middle: each row is accounted for once, and no money stays reserved."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lambdas.core.work import HOLD_SECONDS
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

RECIPIENTS = 400


def change(stack: StackClient, campaign_id: str, **fields: Any) -> None:
    version = stack.show(campaign_id)["version"]
    status, answer = stack.call("PATCH", f"/api/campaigns/{campaign_id}", {**fields, "expected_version": version})
    assert status == 200, answer


@pytest.mark.timeout(200)
@pytest.mark.parametrize("kill", [False, True], ids=["let go", "killed"])
def test_a_cancelled_campaign_settles_with_every_row_accounted_for(
    cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Any, kill: bool
) -> None:
    cloud.control.set_carrier_profile(CarrierProfile(seed=9, latency_ms=(20, 60), receipt_delay_ms=(20, 100)))
    campaign_id = stack.send_campaign(RECIPIENTS, 60, key=unique)
    wait_until(lambda: stack.show(campaign_id)["results"]["total_sent"] > 40, timeout=60)
    if kill:
        cloud.control.kill_function(stack.outputs.campaigns.sms_worker_function)
    else:
        change(stack, campaign_id, status="paused")
        change(stack, campaign_id, throughput_tps=5)
        change(stack, campaign_id, status="running")
    change(stack, campaign_id, status="cancelled")

    def settled() -> bool:
        cloud.control.advance_clock(60)  # the sweep's next tick
        shown = stack.show(campaign_id)
        return bool(shown["settled"] or shown["processed"] == _claimed(stack, campaign_id))

    deadline = time.monotonic() + HOLD_SECONDS + 90
    wait_until(settled, timeout=deadline - time.monotonic(), what="its chunks are closed")
    rows = stack.rows(campaign_id, RECIPIENTS)
    accepted = sum(row.state.is_accepted for row in rows)
    in_doubt = sum(row.state.status.value == "in_doubt" for row in rows)
    wait_until(lambda: stack.show(campaign_id)["results"]["total_sent"] == accepted, timeout=30)
    shown = stack.show(campaign_id)
    assert accepted + in_doubt + shown["unsent"] + shown["suppressed"] == RECIPIENTS
    assert shown["spend"]["reserved_usd"] == 0
    booked = sum(float(row.reserved_usd) for row in rows if row.state.is_accepted or row.state.status == "in_doubt")
    assert shown["spend"]["spent_usd"] == pytest.approx(booked, abs=1e-6)


def _claimed(stack: StackClient, campaign_id: str) -> int:
    item = stack.campaigns.get({"pk": f"CAMPAIGN#{campaign_id}", "sk": "META"})
    assert item is not None
    return int(item["claimed_rows"])
