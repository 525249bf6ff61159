"""What the API tells of recipients, asked for by commands."""

from __future__ import annotations

import uuid

from console.exit_codes import ExitCode
from console.services.embedded import Ready
from tests.cloud.campaign_client import StackClient
from tests.console.processes import answer, command, until

NUMBER, MASKED = "+12065550191", "+1******0191"


def test_an_opt_out_is_recorded_seen_and_lifted(cloud: Ready, stack: StackClient) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    assert command("opt-outs", "check", "sms", NUMBER, *where).stdout == f"{MASKED} may be written to on sms\n"
    added = answer("opt-outs", "add", "sms", NUMBER, *where)
    assert (added["opted_out"], added["address"]) == (True, MASKED)
    shown = command("opt-outs", "check", "sms", NUMBER, *where)
    assert f"{MASKED} has opted out of sms" in shown.stdout
    assert "recorded by the API" in shown.stdout
    assert NUMBER not in shown.stdout
    erased = command("opt-outs", "erase", NUMBER, *where)
    assert erased.stdout == f"{MASKED} is forgotten, except on sms\n"
    assert "would be written to again" in erased.stderr
    assert answer("opt-outs", "lift", "sms", NUMBER, *where)["opted_out"] is False
    assert answer("opt-outs", "lift", "sms", NUMBER, *where)["opted_out"] is False
    assert answer("opt-outs", "erase", NUMBER, *where)["opt_outs_kept"] == []

    refused = command("opt-outs", "check", "sms", "ada@example.com", *where)
    assert (refused.returncode, refused.stdout) == (ExitCode.CANNOT, "")
    assert "E.164" in refused.stderr


def test_a_message_is_followed_from_its_order_to_its_receipt(cloud: Ready, stack: StackClient) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    message_id = stack.send_message("sms", phone="+14254147755")
    until(lambda: answer("message", message_id, *where)["status"] == "delivered", "it is delivered")
    told = command("message", message_id, *where).stdout
    for words in (f"delivered  {message_id}", "+1******7755", "sending", "customer"):
        assert words in told
    assert "+14254147755" not in told
    unknown = command("message", "m-nobody-has-sent", *where)
    assert (unknown.returncode, unknown.stdout) == (ExitCode.CANNOT, "")
    assert "there is no message m-nobody-has-sent" in unknown.stderr


def test_nothing_is_held_back_as_pumping_where_nobody_pumps(cloud: Ready) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    assert answer("pumping-guard", "list", *where) == {"blocks": []}
    refused = command("pumping-guard", "lift", "range:+1425555", *where)
    assert (refused.returncode, refused.stdout) == (ExitCode.CANNOT, "")
    assert "lists the blocks" in refused.stderr


def test_a_customers_and_a_campaigns_costs_are_added_up(cloud: Ready, stack: StackClient) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    customer = f"costs-{uuid.uuid4().hex[:8]}"
    orders = [stack.send_message("sms", customer_id=customer, phone="+14254147755") for _ in range(3)]
    until(
        lambda: all(stack.call("GET", f"/api/messages/{each}")[1]["status"] == "delivered" for each in orders),
        "they are delivered",
    )
    found = answer("costs", "customer", customer, *where)
    assert (found["messages"], found["by_status"]["delivered"]["messages"]) == (3, 3)
    assert found["cost_usd"] == found["charged_usd"] > 0
    assert "together" in command("costs", "customer", customer, *where).stdout
    sent = ("campaign", "send", "--recipients", "4", "--tps", "10", "--wait", "--wait-receipts", "60", *where)
    campaign = answer(*sent)
    costs = answer("costs", "campaign", campaign["campaign_id"], *where)
    assert costs["cost_usd"] == campaign["results"]["cost_usd"]
    assert costs["by_channel"]["sms"]["sent"] == campaign["results"]["total_sent"]
