"""A campaign scheduled for a moment ahead, whose window is open for some of its recipients and closed for others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.core import keys
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient, destination

Wait = Callable[..., Any]
OPEN, CLOSED = "Etc/UTC", "Etc/GMT-8"
"""Clocks eight hours apart, so that a window of two hours around one's present time is closed by the other."""


@pytest.fixture(autouse=True)
def smooth(cloud: LocalCloud) -> None:
    cloud.control.set_carrier_profile(CarrierProfile(seed=4, latency_ms=(5, 20), receipt_delay_ms=(20, 100)))


def change(stack: StackClient, campaign_id: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    version = stack.show(campaign_id)["version"]
    return stack.call("PATCH", f"/api/campaigns/{campaign_id}", {**fields, "expected_version": version})


def users(*zones: str) -> list[dict[str, Any]]:
    return [
        {"customer_id": f"customer-{row}", "selected_channel": "sms", "timezone": zone, **destination("sms", row)}
        for row, zone in enumerate(zones)
    ]


def around(now: datetime) -> dict[str, str]:
    """A window that opened an hour ago and closes in an hour, by UTC."""
    return {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=1):%H:%M}"}


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_it_starts_on_time_and_defers_whom_it_would_disturb(stack: StackClient, unique: str, wait_until: Wait) -> None:
    audience = users(OPEN, CLOSED, OPEN, CLOSED, CLOSED, OPEN, OPEN)
    options = {"send_at": in_seconds(6), "send_window": around(datetime.now(UTC))}
    campaign_id = stack.send_campaign(0, 20, key=unique, eligible_users=audience, options=options)
    wait_until(lambda: stack.show(campaign_id)["status"] == "scheduled", timeout=6)
    shown = stack.show(campaign_id)
    assert (shown["results"]["total_sent"], shown["deferred"], shown["settled"]) == (0, 0, False)
    assert shown["send_window"] == options["send_window"]

    wait_until(lambda: stack.show(campaign_id)["results"]["delivered"] == 4, timeout=30)
    assert time.time() * 1_000 >= shown["start_at_ms"]
    calls = stack.rows(campaign_id, 7)
    assert sorted(row.message_id for row in calls) == [keys.message(campaign_id, row) for row in range(4)]
    assert all(row.created_ms >= shown["start_at_ms"] - 1_000 for row in calls)
    shown = stack.show(campaign_id)
    assert (shown["status"], shown["deferred"], shown["processed"], shown["settled"]) == ("running", 3, 4, False)
    hours_left = (shown["next_opening_at_ms"] / 1_000 - time.time()) / 3_600
    assert 14 <= hours_left <= 15.1
    assert shown["eta_seconds"] >= hours_left * 3_600 - 5

    assert change(stack, campaign_id, status="cancelled")[0] == 200
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=30)
    assert stack.show(campaign_id)["unsent"] == 3


@pytest.fixture
def quiet_hours(stack: StackClient) -> Iterator[dict[str, str]]:
    """The stack's window of promotional campaigns, which is never closed, so that the time of day does not matter."""
    window = {"start": "00:00", "end": "24:00", "timezone": OPEN}
    functions, name = stack.client("lambda"), stack.outputs.campaigns.campaign_api_function
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = {"Variables": {**variables, "PROMOTIONAL_WINDOW": json.dumps(window)}}
    functions.update_function_configuration(FunctionName=name, Environment=changed)
    yield window
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_promotional_campaign_keeps_the_stacks_quiet_hours(
    stack: StackClient, unique: str, wait_until: Wait, quiet_hours: dict[str, str]
) -> None:
    body = {"eligible_users": users(OPEN, CLOSED), "throughput_tps": 20, "body": "Half price"}
    promotional = {**body, "options": {"message_type": "PROMOTIONAL"}}
    own = {**body, "options": {"message_type": "PROMOTIONAL", "send_window": None}}
    for asked, window in ((promotional, quiet_hours), (own, None), (body, None)):
        status, plan = stack.call("POST", "/api/send-campaign", {**asked, "dry_run": True})
        assert (status, plan["send_window"]) == (200, window)
    headers = {"Idempotency-Key": unique}
    answers = [stack.call("POST", "/api/send-campaign", promotional, headers=headers) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202], "asked for twice, it is one campaign"
    campaign_id = answers[0][1]["campaign_id"]
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=60, what="all messages are sent")
    shown = stack.show(campaign_id)
    assert shown["send_window"] == shown["plan"]["plan"]["send_window"] == quiet_hours
    assert shown["results"]["delivered"] == 2


def test_a_scheduled_campaign_can_be_paused_put_back_retuned_and_started(
    stack: StackClient, unique: str, wait_until: Wait
) -> None:
    campaign_id = stack.send_campaign(10, 20, key=unique, options={"send_at": in_seconds(3_600)})
    wait_until(lambda: stack.show(campaign_id)["status"] == "scheduled", timeout=20)
    assert change(stack, campaign_id, status="completed")[0] == 400
    status, paused = change(stack, campaign_id, status="paused")
    assert (status, paused["status"], paused["pause_reason"]) == (200, "paused", "operator")
    status, back = change(stack, campaign_id, status="scheduled")
    assert (status, back["status"], back["pause_reason"]) == (200, "scheduled", None)
    assert change(stack, campaign_id, throughput_tps=50)[1]["throughput_tps"] == 50
    assert change(stack, campaign_id, status="running")[0] == 200
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=30)
    shown = stack.show(campaign_id)
    assert (shown["status"], shown["results"]["delivered"]) == ("completed", 10)


def test_a_start_in_the_past_is_refused_but_not_the_same_request_again(stack: StackClient, unique: str) -> None:
    body = {"eligible_users": users(OPEN), "throughput_tps": 5, "body": "hello", "options": {"send_at": in_seconds(2)}}
    headers = {"Idempotency-Key": unique}
    first = stack.call("POST", "/api/send-campaign", body, headers=headers)
    assert first[0] == 202
    late = {**body, "options": {"send_at": in_seconds(-3_600)}}
    for dry_run in (True, False):
        status, answer = stack.call("POST", "/api/send-campaign", {**late, "dry_run": dry_run})
        assert (status, answer["error"]["code"]) == (400, "invalid_request")
        assert "has passed" in answer["error"]["message"]
    status, answer = stack.call("POST", "/api/send-campaign", {**late, "options": {"send_at": in_seconds(1e8)}})
    assert status == 400
    assert "days ahead" in answer["error"]["message"]
    assert stack.call("POST", "/api/send-campaign", body, headers=headers)[1]["campaign_id"] == first[1]["campaign_id"]
    campaign_id = first[1]["campaign_id"]
    status, answer = change(stack, campaign_id, status="scheduled")
    assert status == 409, "only a paused campaign goes back to its schedule"
