"""A worker that dies in the middle of a campaign: nothing is lost, nothing is sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.core import keys
from lambdas.core.lifecycle import Status
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

RECIPIENTS = 240
TPS = 40


@pytest.mark.timeout(300)
def test_a_killed_worker_loses_nothing_and_repeats_nothing(
    cloud: LocalCloud, stack: StackClient, wait_until: Callable[..., Any]
) -> None:
    cloud.control.set_carrier_profile(CarrierProfile(seed=3, latency_ms=(80, 160), receipt_delay_ms=(50, 200)))
    campaign_id = stack.send_campaign(RECIPIENTS, TPS, key="killed-worker")

    def calls() -> Counter[str]:
        found = Counter(call.context["message_id"] for call in cloud.control.carrier_calls())
        return Counter({name: n for name, n in found.items() if name.startswith(f"{campaign_id}-")})

    wait_until(lambda: calls().total() > RECIPIENTS // 4, timeout=60)
    assert cloud.control.kill_function(stack.outputs.campaigns.sms_worker_function)

    def handed_over() -> bool:
        return bool(stack.show(campaign_id)["status"] == "completed")

    wait_until(handed_over, timeout=120, what="the successor finishes the campaign")
    called = calls()
    assert max(called.values()) == 1, "no message is called twice"

    def unresolved() -> dict[str, Status | None]:
        statuses = {row.message_id: row.state.status for row in stack.rows(campaign_id, RECIPIENTS)}
        return {name: statuses.get(name) for name in called if statuses.get(name) is not Status.DELIVERED}

    wait_until(lambda: not unresolved(), timeout=60, what=lambda: f"receipts of {unresolved()}")
    statuses = stack.statuses(campaign_id, RECIPIENTS)
    never_called = {keys.message(campaign_id, row) for row in range(RECIPIENTS)} - called.keys()
    assert statuses == Counter({"delivered": len(called), "in_doubt": len(never_called)}) + Counter()
    wait_until(lambda: stack.show(campaign_id)["results"]["delivered"] == len(called), timeout=30)
    results = stack.show(campaign_id)["results"]
    assert results["in_doubt"] == len(never_called)
