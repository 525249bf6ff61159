"""Messages that fall back: WhatsApp, then SMS, then email, by a deadline that passes and by a failure, to the late
delivery of the first."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest

from lambdas.core import keys
from lambdas.core.correlation import callback_data
from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import CONTENT, StackClient

SILENT_WHATSAPP_FAILING_SMS = CarrierProfile(
    seed=21,
    latency_ms=(2, 5),
    receipt_delay_ms=(20, 60),
    channels={"whatsapp": {"lost_rate": 1.0}, "sms": {"failure_rate": 1.0, "failure_mix": {"UNREACHABLE": 1.0}}},
)
DEADLINE_S = 10
EMAIL = {"email": "ada@example.com"}
EVERYWHERE = {"phone": "+12065560177", "email": "everywhere@example.com"}


@pytest.fixture(scope="module", autouse=True)
def carrier(cloud: LocalCloud) -> None:
    cloud.control.set_carrier_profile(SILENT_WHATSAPP_FAILING_SMS)


@pytest.fixture(scope="module")
def message_id(stack: StackClient, carrier: None) -> str:
    """A single message under way on the first of three channels, none of which but the last delivers."""
    body = {
        "customer_id": "ada",
        "channels": ["whatsapp", "sms", "email"],
        "body": "Your code is 1234",
        "content": CONTENT,
        "options": {"fallback_after_seconds": DEADLINE_S},
        **EVERYWHERE,
    }
    status, answer = stack.call("POST", "/api/messages", body)
    assert status == 202, answer
    return str(answer["message_id"])


@pytest.fixture(scope="module")
def campaign_id(stack: StackClient, carrier: None) -> str:
    """A campaign under way: to one on three channels, to one on two, to one on email alone."""
    users = [
        {"customer_id": "ada", "channels": ["whatsapp", "sms", "email"], "phone": "+12065560180", **EMAIL},
        {"customer_id": "bob", "channels": ["sms", "email"], "phone": "+12065560181", "email": "bob@example.com"},
        {"customer_id": "eve", "selected_channel": "email", "email": "eve@example.com"},
    ]
    options = {"fallback_after_seconds": DEADLINE_S, "spend_cap_usd": 1}
    body = {"eligible_users": users, "throughput_tps": 20, "body": "Hello", "content": CONTENT, "options": options}
    status, answer = stack.call("POST", "/api/send-campaign", body)
    assert status == 202, answer
    return str(answer["campaign_id"])


def timeline(stack: StackClient, message_id: str) -> dict[str, Any]:
    status, answer = stack.call("GET", f"/api/messages/{message_id}/timeline")
    assert status == 200, answer
    return answer


def delivered_late(message_id: str) -> dict[str, Any]:
    """What WhatsApp's topic tells about a message that arrived after all."""
    status = {
        "id": "wamid.late",
        "status": "delivered",
        "timestamp": str(int(time.time())),
        "recipient_id": EVERYWHERE["phone"].removeprefix("+"),
        "biz_opaque_callback_data": callback_data("local", message_id),
    }
    entry = {"id": "1", "changes": [{"field": "messages", "value": {"statuses": [status]}}]}
    return {"whatsAppWebhookEntry": json.dumps(entry), "messageId": "late"}


def test_a_message_goes_from_channel_to_channel_until_it_arrives(
    cloud: LocalCloud, stack: StackClient, message_id: str, wait_until: Any
) -> None:
    wait_until(lambda: timeline(stack, message_id)["status"] == "delivered", timeout=40)
    shown = timeline(stack, message_id)
    assert [(leg["channel"], leg["status"], leg["error_code"]) for leg in shown["legs"]] == [
        ("whatsapp", "sent", None),
        ("sms", "failed", "UNREACHABLE"),
        ("email", "delivered", None),
    ]
    assert [leg["message_id"] for leg in shown["legs"]] == [message_id, f"{message_id}_1", f"{message_id}_2"]
    assert [leg["decided"]["cause"] for leg in shown["legs"][1:]] == ["deadline", "failed"]
    first, second, third = shown["legs"]
    assert second["decided"]["at_ms"] - first["events"][0]["at_ms"] >= DEADLINE_S * 1_000
    assert third["decided"]["error_code"] == "UNREACHABLE"
    assert all(leg["events"] == sorted(leg["events"], key=lambda event: event["at_ms"]) for leg in shown["legs"])
    assert shown["cost_usd"] == pytest.approx(sum(leg["cost_usd"] for leg in shown["legs"]))
    assert shown["next"] == {"step": "none", "explanation": "delivered"}
    assert EVERYWHERE["phone"] not in json.dumps(shown)
    calls = Counter(call.context["message_id"] for call in cloud.control.carrier_calls())
    assert [calls[leg["message_id"]] for leg in shown["legs"]] == [1, 1, 1]
    assert timeline(stack, f"{message_id}_2")["legs"] == shown["legs"]


def test_the_slow_leg_is_on_record_when_it_delivers_after_all(
    stack: StackClient, message_id: str, campaign_id: str, wait_until: Any
) -> None:
    wait_until(lambda: timeline(stack, message_id)["status"] == "delivered", timeout=40)
    url = stack.outputs.messaging.receipts_queue_url
    stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(delivered_late(message_id)))
    wait_until(lambda: timeline(stack, message_id)["legs"][0].get("flags") == ["double", "late"], timeout=30)
    shown = timeline(stack, message_id)
    assert [leg["status"] for leg in shown["legs"]] == ["delivered", "failed", "delivered"]


def test_a_campaign_falls_back_out_of_its_own_budget(
    cloud: LocalCloud, stack: StackClient, campaign_id: str, wait_until: Any
) -> None:
    ids = [keys.message(campaign_id, row) for row in range(3)]

    def ways() -> dict[str, list[tuple[str, str]]]:
        shown = [timeline(stack, message_id) for message_id in ids]
        return {
            str(each["customer_id"]): [(leg["channel"], leg["status"]) for leg in each["legs"]]
            for each in shown
            if each["legs"]
        }

    expected = {
        "ada": [("whatsapp", "sent"), ("sms", "failed"), ("email", "delivered")],
        "bob": [("sms", "failed"), ("email", "delivered")],
        "eve": [("email", "delivered")],
    }
    wait_until(lambda: ways() == expected, timeout=40, what=lambda: str(ways()))
    wait_until(lambda: stack.show(campaign_id)["results"]["delivered"] == 3, what="the receipts are counted")
    shown = stack.show(campaign_id)
    assert (shown["status"], shown["recipients"], shown["fallback_legs"]) == ("completed", 3, 3)
    assert not shown["settled"], "what was sent on WhatsApp may still arrive"
    by_channel = shown["results"]["by_channel"]
    assert {
        name: (each["sent"], each["delivered"], each["failed"], each["passed_on"]) for name, each in by_channel.items()
    } == {
        "whatsapp": (1, 0, 0, 0),
        "sms": (2, 0, 2, 2),
        "email": (3, 3, 0, 0),
    }
    assert shown["results"]["total_failed"] == 0, "each failure was passed on"
    meta = stack.campaigns.get({"pk": keys.campaign(campaign_id), "sk": keys.META})
    assert meta is not None
    legs = [leg for message_id in ids for leg in timeline(stack, message_id)["legs"]]
    assert meta["budget_left"] + meta["reserved"] + meta["spent"] == meta["cap"]
    assert float(meta["spent"]) >= sum(leg["cost_usd"] for leg in legs)
    calls = Counter(call.context["message_id"] for call in cloud.control.carrier_calls())
    assert {leg["message_id"]: calls[leg["message_id"]] for leg in legs} == {leg["message_id"]: 1 for leg in legs}


def test_a_message_of_one_channel_has_a_timeline_of_one_leg(stack: StackClient, unique: str, wait_until: Any) -> None:
    message = {"customer_id": "1", "channel": "sms", "phone": "+12065560178", "body": "once", "message_id": unique}
    assert stack.call("POST", "/api/messages", message)[0] == 202
    wait_until(lambda: timeline(stack, unique)["status"] == "failed")
    shown = timeline(stack, unique)
    assert [leg["asks_for"] for leg in shown["legs"]] == ["retry"]
    assert shown["next"] == {"step": "none", "explanation": "every channel has failed"}


def test_nobody_has_a_timeline_who_has_no_message(stack: StackClient) -> None:
    for unknown in ("m-nobody", keys.message("c-nobody", 0)):
        assert stack.call("GET", f"/api/messages/{unknown}/timeline")[0] == 404
