"""One campaign through everything: the signed API, planner, workers, carrier, receipts, counters, alarms, console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lambdas.core import keys
from localcloud.launch import CarrierCall, LocalCloud
from localcloud.profile import CarrierProfile, fate
from tests.cloud.campaign_client import StackClient

RECIPIENTS = 600
TPS = 60
ROUGH = CarrierProfile(
    seed=20261121,
    latency_ms=(10, 60),
    receipt_delay_ms=(20, 800),
    failure_rate=0.2,
    duplicate_rate=0.25,
    reorder_rate=0.25,
)


@pytest.fixture(scope="module")
def campaign(cloud: LocalCloud, stack: StackClient, wait_until: Any) -> str:
    """The campaign under test, settled."""
    cloud.control.set_carrier_profile(ROUGH)
    cloud.control.forget_carrier_calls()
    campaign_id = stack.send_campaign(RECIPIENTS, TPS, key="end-to-end")
    wait_until(lambda: stack.show(campaign_id)["status"] == "completed", timeout=60)
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=60)
    return campaign_id


@pytest.fixture(scope="module")
def calls(cloud: LocalCloud, campaign: str) -> list[CarrierCall]:
    """The carrier's own record of the campaign's calls."""
    return [call for call in cloud.control.carrier_calls() if call.context["message_id"].startswith(f"{campaign}-")]


def test_every_message_is_called_exactly_once(calls: list[CarrierCall], campaign: str) -> None:
    called = Counter(call.context["message_id"] for call in calls)
    assert called == Counter(keys.message(campaign, row) for row in range(RECIPIENTS))


def test_every_row_is_final_and_says_what_the_carrier_decided(stack: StackClient, campaign: str) -> None:
    rows = stack.rows(campaign, RECIPIENTS)
    assert len(rows) == RECIPIENTS
    fates = Counter(fate(ROUGH, number).final_status for number in range(1, RECIPIENTS + 1))
    delivered = fates.pop("DELIVERED")
    assert 60 < fates.total() < 180, "the profile fails a fifth"
    by_status = Counter(row.state.status.value for row in rows)
    assert by_status == {"delivered": delivered, "failed": fates.total()}
    assert Counter(row.state.code for row in rows if row.state.code) == fates


def test_counters_equal_the_rows(stack: StackClient, campaign: str) -> None:
    rows = stack.rows(campaign, RECIPIENTS)
    results = stack.show(campaign)["results"]
    by_status = Counter(row.state.status.value for row in rows)
    assert results["total_sent"] == RECIPIENTS
    assert (results["delivered"], results["total_failed"]) == (by_status["delivered"], by_status["failed"])
    assert results["in_doubt"] == 0
    cost = sum(float(row.state.cost_usd or 0) for row in rows)
    assert results["cost_usd"] == pytest.approx(cost, abs=1e-5)


def test_slots_are_disjoint_and_no_call_is_before_its_slot(
    stack: StackClient, calls: list[CarrierCall], campaign: str
) -> None:
    items = stack.tracking.batch_get(
        ({"message_id": keys.message(campaign, row)} for row in range(RECIPIENTS)), consistent=True
    )
    slots = {item["message_id"]: int(item["slot_us"]) for item in items}
    in_order = sorted(slots.values())
    gaps = [later - earlier for earlier, later in pairwise(in_order)]
    assert min(gaps) >= 1_000_000 / TPS - 2
    early = [call for call in calls if call.at * 1_000_000 < slots[call.context["message_id"]] - 1_000]
    assert early == []


def test_the_budget_is_settled(stack: StackClient, campaign: str) -> None:
    spend = stack.show(campaign)["spend"]
    assert spend["reserved_usd"] == 0
    assert 0 < spend["spent_usd"] <= spend["cap_usd"]


def test_the_snapshot_says_the_same_as_the_tables(cloud: LocalCloud, stack: StackClient, campaign: str) -> None:
    console = str(Path(sys.executable).with_name("cpaas-console"))
    finished = subprocess.run(
        [console, "--once", "--json", "--outputs", str(cloud.outputs_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    assert finished.returncode == 0, finished.stderr
    snapshot = json.loads(finished.stdout)
    shown = next(each for each in snapshot["campaigns"] if each["id"] == campaign)
    by_status = stack.statuses(campaign, RECIPIENTS)
    assert shown["status"] == "completed"
    assert shown["recipients"] == shown["sent"] == RECIPIENTS
    assert (shown["delivered"], shown["failed"], shown["in_doubt"]) == (by_status["delivered"], by_status["failed"], 0)


def test_the_failed_deliveries_alarm_rises_and_recovers(
    cloud: LocalCloud, stack: StackClient, campaign: str, wait_until: Any
) -> None:
    cloudwatch = stack.client("cloudwatch")

    def state() -> str:
        found = cloudwatch.describe_alarms(AlarmNamePrefix=stack.outputs.monitoring.alarm_name_prefix)["MetricAlarms"]
        (alarm,) = [each for each in found if "failed-deliveries" in each["AlarmName"]]
        return str(alarm["StateValue"])

    cloud.control.advance_clock(60)
    wait_until(lambda: state() == "ALARM", timeout=30)
    cloud.control.advance_clock(700)
    assert state() == "OK"
