"""What the API tells of recipients, asked for by commands."""

from __future__ import annotations

from console.exit_codes import ExitCode
from console.services.embedded import Ready
from tests.cloud.campaign_client import StackClient
from tests.console.processes import answer, command

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
