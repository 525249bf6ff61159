"""One campaign over SMS, WhatsApp and email: every outcome each provider can report, by both paths, to the last row."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from lambdas.adapters.opt_outs import OptOuts
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.core import email_receipts, keys, sms_receipts, whatsapp_receipts
from lambdas.core.channels import Channel
from lambdas.core.failures import failure_class
from lambdas.core.lifecycle import Status
from lambdas.core.receipts import ReceiptClass
from localcloud.launch import CarrierCall, LocalCloud
from localcloud.outcomes import FAILURES
from localcloud.profile import CarrierProfile, fate
from tests.cloud.campaign_client import StackClient


def stops(channel: str, failure: str) -> bool:
    """Whether a campaign is paused for a failure of one message."""
    return failure_class(channel, failure) is ReceiptClass.STOP


EACH = 120
TPS = 90
ROUGH = CarrierProfile(
    seed=20261125,
    latency_ms=(5, 40),
    receipt_delay_ms=(20, 600),
    failure_rate=0.6,
    # Codes that pause the campaign have a test of their own (test_receipts.py).
    failure_mix=dict.fromkeys(
        [name for channel, names in FAILURES.items() for name in names if not stops(channel, name)], 1.0
    ),
    throttle_rate=0.03,
    duplicate_rate=0.25,
    reorder_rate=0.25,
    read_rate=0.3,
)
CODE_OF = {
    "bounce_permanent": "Permanent/General",
    "bounce_transient": "Transient/MailboxFull",
    "reject": "Reject",
    "rendering_failure": "Rendering Failure",
}
"""What our rows call an outcome of an email that the profile names otherwise."""
ARRIVE = frozenset({"DELIVERED", "complaint", "delivery_delay"})
"""Outcomes in which the message reaches its mailbox."""


def destination(channel: Channel, number: int) -> dict[str, str]:
    """A recipient of this campaign alone: some of them are suppressed by it."""
    if channel is Channel.EMAIL:
        return {"email": f"reader{number}@example.com"}
    return {"phone": f"+1206{'557' if channel is Channel.SMS else '556'}{number:04d}"}


def request() -> dict[str, Any]:
    return {
        "throughput_tps": TPS,
        "body": "Hello {{ name }}, your order is ready.",
        "content": {
            "whatsapp": {"template": {"name": "order_ready", "parameters": ["{{ name }}"]}},
            "email": {"subject": "Your order, {{ name }}", "html": "<p>Hello {{ name }}</p>"},
        },
        "eligible_users": [
            {
                "customer_id": f"{channel}-{number}",
                "selected_channel": channel.value,
                "variables": {"name": "Ada"},
                **destination(channel, number),
            }
            for number in range(EACH)
            for channel in Channel
        ],
    }


@pytest.fixture(scope="module")
def campaign(cloud: LocalCloud, stack: StackClient, wait_until: Any) -> str:
    """The campaign under test, settled."""
    cloud.control.set_carrier_profile(ROUGH)
    cloud.control.forget_carrier_calls()
    status, answer = stack.call("POST", "/api/send-campaign", request(), headers={"Idempotency-Key": "three-channels"})
    assert status == 202, answer
    campaign_id = str(answer["campaign_id"])
    wait_until(lambda: stack.show(campaign_id)["status"] == "completed", timeout=90)
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=90)
    return campaign_id


@pytest.fixture(scope="module")
def rows(stack: StackClient, campaign: str) -> dict[Channel, list[TrackedMessage]]:
    """The campaign's rows by channel."""
    found: dict[Channel, list[TrackedMessage]] = {channel: [] for channel in Channel}
    for row in stack.rows(campaign, EACH * len(Channel)):
        found[Channel(row.channel)].append(row)
    return found


@pytest.fixture(scope="module")
def calls(cloud: LocalCloud, campaign: str) -> list[CarrierCall]:
    """What the carriers received."""
    return [call for call in cloud.control.carrier_calls() if call.context["message_id"].startswith(f"{campaign}-")]


def decided(channel: Channel) -> Counter[str]:
    """What the carrier of a channel decided about its messages."""
    fates = (fate(ROUGH, number, channel=channel) for number in range(1, EACH + 1))
    return Counter(each.final_status for each in fates)


def test_a_dry_run_tells_the_cost_and_time_of_each_channel(stack: StackClient) -> None:
    status, answer = stack.call("POST", "/api/send-campaign", {**request(), "dry_run": True})
    assert status == 200
    assert {name: group["messages"] for name, group in answer["by_channel"].items()} == dict.fromkeys(Channel, EACH)
    assert answer["by_channel"]["whatsapp"]["cost_usd"] == pytest.approx(EACH * 0.03)
    assert answer["by_channel"]["email"]["cost_usd"] == pytest.approx(EACH * 0.00016, abs=1e-4)
    assert answer["duration_seconds"] >= EACH * 3 / TPS


def test_every_message_is_accepted_exactly_once(calls: list[CarrierCall], campaign: str) -> None:
    accepted = Counter(call.context["message_id"] for call in calls if call.outcome == "accepted")
    assert accepted == Counter(keys.message(campaign, row) for row in range(EACH * len(Channel)))
    assert Counter(call.channel for call in calls if call.outcome == "accepted") == dict.fromkeys(Channel, EACH)
    assert {call.outcome for call in calls} > {"accepted"}, "some calls were throttled and came again"


@pytest.mark.parametrize("channel", Channel)
def test_every_row_says_what_its_carrier_decided(rows: dict[Channel, list[TrackedMessage]], channel: Channel) -> None:
    fates = decided(channel)
    possible = {name for name in FAILURES[channel] if not stops(channel, name)}
    assert set(fates) == {"DELIVERED", *possible}, "each outcome of the channel occurs"
    arrived = sum(count for status, count in fates.items() if status in ARRIVE)
    by_status = Counter(row.state.status for row in rows[channel])
    assert by_status[Status.DELIVERED] + by_status[Status.READ] == arrived
    assert by_status[Status.FAILED] == EACH - arrived
    codes = Counter(row.state.code for row in rows[channel] if row.state.code)
    assert codes == {CODE_OF.get(name, name): count for name, count in fates.items() if name not in ARRIVE}


def test_the_codes_are_of_every_class(rows: dict[Channel, list[TrackedMessage]]) -> None:
    tables = {
        Channel.SMS: sms_receipts.FAILURE_CLASSES,
        Channel.WHATSAPP: whatsapp_receipts.FAILURE_CLASSES,
        Channel.EMAIL: email_receipts.FAILURE_CLASSES,
    }
    found = {
        channel: {tables[channel][row.state.code] for row in rows[channel] if row.state.code} for channel in Channel
    }
    assert found[Channel.SMS] == {ReceiptClass.RETRY, ReceiptClass.FAIL_OVER, ReceiptClass.SUPPRESS}
    assert found[Channel.WHATSAPP] == set(ReceiptClass) - {ReceiptClass.STOP}
    assert found[Channel.EMAIL] == {ReceiptClass.RETRY, ReceiptClass.FAIL_OVER, ReceiptClass.SUPPRESS}


def test_who_must_not_be_written_to_again_is_remembered(
    stack: StackClient, rows: dict[Channel, list[TrackedMessage]], wait_until: Any
) -> None:
    suppressing = {
        Channel.SMS: {"INVALID"},
        Channel.WHATSAPP: {whatsapp_receipts.USER_OPTED_OUT},
        Channel.EMAIL: {"Permanent/General"},
    }
    for channel, codes in suppressing.items():
        opt_outs = OptOuts(stack.campaigns, channel)
        numbers = [
            int(row.customer_id.rpartition("-")[2])
            for row in rows[channel]
            if row.state.code in codes or "complaint" in row.state.flags
        ]
        assert numbers, channel
        expected = {next(iter(destination(channel, number).values())) for number in numbers}
        everybody = [next(iter(destination(channel, number).values())) for number in range(EACH)]
        wait_until(
            lambda found=opt_outs.opted_out, everybody=everybody, expected=expected: found(everybody) == expected
        )
    complaints = sum("complaint" in row.state.flags for row in rows[Channel.EMAIL])
    assert complaints == decided(Channel.EMAIL)["complaint"], "a complaint is a flag beside `delivered`"


@pytest.mark.parametrize("channel", Channel)
def test_counters_equal_the_rows(
    stack: StackClient, campaign: str, rows: dict[Channel, list[TrackedMessage]], channel: Channel
) -> None:
    counts = stack.show(campaign)["results"]["by_channel"][channel]
    by_status = Counter(row.state.status for row in rows[channel])
    assert counts["sent"] == EACH
    assert counts["delivered"] == by_status[Status.DELIVERED] + by_status[Status.READ]
    assert counts["failed"] == by_status[Status.FAILED]
    cost = sum(float(row.state.cost_usd or row.estimate_usd) for row in rows[channel])
    assert counts["cost_usd"] == pytest.approx(cost, abs=1e-5)


def test_each_channel_keeps_its_slots(stack: StackClient, campaign: str) -> None:
    items = stack.tracking.batch_get(
        ({"message_id": keys.message(campaign, row)} for row in range(EACH * len(Channel))), consistent=True
    )
    rates = {"sms": 90.0, "whatsapp": 72.0, "email": 45.0}
    for channel, rate in rates.items():
        slots = sorted(int(item["slot_us"]) for item in items if item["channel"] == channel)
        assert min(later - earlier for earlier, later in pairwise(slots)) >= 1_000_000 / rate - 2, channel


def test_the_budget_is_settled(stack: StackClient, campaign: str) -> None:
    spend = stack.show(campaign)["spend"]
    assert spend["reserved_usd"] == 0
    assert 0 < spend["spent_usd"] <= spend["cap_usd"]
