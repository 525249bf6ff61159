"""What the API tells of recipients, asked for by commands."""

from __future__ import annotations

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
