"""Pausing, resuming, retuning and cancelling over the API, at the awkward moments too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lambdas.adapters.campaigns import CampaignTable
from lambdas.core.campaign import PauseReason
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient

Wait = Callable[..., Any]


@pytest.fixture(autouse=True)
def smooth(cloud: LocalCloud) -> None:
    cloud.control.set_carrier_profile(CarrierProfile(seed=4, latency_ms=(5, 20), receipt_delay_ms=(20, 100)))


def change(stack: StackClient, campaign_id: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    version = stack.show(campaign_id)["version"]
    return stack.call("PATCH", f"/api/campaigns/{campaign_id}", {**fields, "expected_version": version})


def test_a_pause_before_planning_loses_neither_plan_nor_cap(stack: StackClient, unique: str, wait_until: Wait) -> None:
    """The API accepts a pause while the planner is still at it; resumed, the campaign runs by its plan and its cap."""
    campaign_id = stack.send_campaign(1_500, 100, key=unique, options={"spend_cap_usd": 0.05})
    status, answer = change(stack, campaign_id, status="paused")
    assert status in (200, 409), answer
    if status == 200:
        # Between the look at its version and the change the planner may have finished, which makes a new one.
        wait_until(lambda: change(stack, campaign_id, status="running")[0] == 200, what="it is resumed")
    wait_until(lambda: stack.show(campaign_id)["status"] == "stopped", timeout=40)
    shown = stack.show(campaign_id)
    assert shown["stop_reason"] == "spend_cap"
    assert 0 < shown["spend"]["spent_usd"] <= shown["spend"]["cap_usd"] == 0.05
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=20)
    shown = stack.show(campaign_id)
    assert shown["processed"] + shown["unsent"] == shown["recipients"]


def test_pause_resume_faster_cancel(cloud: LocalCloud, stack: StackClient, unique: str, wait_until: Wait) -> None:
    recipients = 900
    campaign_id = stack.send_campaign(recipients, 20, key=unique)

    def sent() -> int:
        return int(stack.show(campaign_id)["results"]["total_sent"])

    wait_until(lambda: sent() > 10, timeout=30)
    assert change(stack, campaign_id, status="paused")[0] == 200
    wait_until(lambda: stack.show(campaign_id)["spend"]["reserved_usd"] >= 0 and _quiet(cloud, wait_until), timeout=30)
    paused_at = sent()
    assert change(stack, campaign_id, throughput_tps=80)[0] == 200
    assert change(stack, campaign_id, status="running")[0] == 200
    wait_until(lambda: sent() > paused_at + 100, timeout=40)
    assert change(stack, campaign_id, status="cancelled")[0] == 200
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=40)
    shown = stack.show(campaign_id)
    assert shown["status"] == "cancelled"
    assert shown["results"]["total_sent"] + shown["unsent"] == recipients
    status, answer = stack.call(
        "PATCH",
        f"/api/campaigns/{campaign_id}",
        {"status": "running", "expected_version": shown["version"]},
    )
    assert (status, answer["error"]["code"]) == (409, "transition")


def test_what_the_platform_has_paused_can_be_held(stack: StackClient, unique: str, wait_until: Wait) -> None:
    campaign_id = stack.send_campaign(500, 5, key=unique)
    wait_until(lambda: stack.show(campaign_id)["status"] == "running", timeout=20)
    assert CampaignTable(stack.campaigns).pause(campaign_id, PauseReason.PUMPING)
    status, held = change(stack, campaign_id, status="paused")
    assert (status, held["status"], held["pause_reason"]) == (200, "paused", "operator")
    status, answer = change(stack, campaign_id, status="paused")
    assert (status, answer["error"]["code"]) == (409, "transition")
    assert change(stack, campaign_id, status="running")[1]["pause_reason"] is None
    assert change(stack, campaign_id, status="cancelled")[0] == 200


def _quiet(cloud: LocalCloud, wait_until: Wait) -> bool:
    """No provider call between two looks at the carrier's record, a lease's length apart in the record's own terms."""
    seen: list[int] = []

    def unchanged() -> bool:
        seen.append(len(cloud.control.carrier_calls()))
        return len(seen) > 100 and len(set(seen[-100:])) == 1

    wait_until(unchanged, timeout=30)
    return True


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": "running"}, "expected_version"),
        ({"status": "deleted", "expected_version": 1}, "status must be one of"),
        ({"throughput_tps": 1e-300, "expected_version": 1}, "throughput_tps must be a number from"),
        ({"throughput_tps": True, "expected_version": 1}, "throughput_tps must be a number from"),
        ({"status": "paused", "throughput_tps": 1, "expected_version": 1}, "exactly one"),
        ([], "JSON object"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(stack: StackClient, body: object, words: str, unique: str) -> None:
    campaign_id = stack.send_campaign(1, 1, key=unique)
    status, answer = stack.call("PATCH", f"/api/campaigns/{campaign_id}", body)
    assert status == 400
    assert words in answer["error"]["message"]


def test_unsigned_unknown_and_repeated(stack: StackClient, unique: str) -> None:
    assert stack.call("GET", "/api/campaigns", sign=False)[0] == 403
    assert stack.call("GET", f"/api/campaigns/{unique}")[0] == 404
    users = [{"customer_id": unique, "selected_channel": "sms", "phone": "+14254147755"}]
    body = {"eligible_users": users, "throughput_tps": 1, "body": "hello"}
    first = stack.call("POST", "/api/send-campaign", body)
    assert first[0] == 202
    again = stack.call("POST", "/api/send-campaign", body)
    assert (again[0], again[1]["error"]["url"]) == (409, first[1]["url"])
    keyed = [stack.call("POST", "/api/send-campaign", body, headers={"Idempotency-Key": unique}) for _ in range(2)]
    assert keyed[0][1]["campaign_id"] == keyed[1][1]["campaign_id"]
    other = stack.call("POST", "/api/send-campaign", {**body, "body": "bye"}, headers={"Idempotency-Key": unique})
    assert (other[0], other[1]["error"]["code"]) == (409, "key_reused")
