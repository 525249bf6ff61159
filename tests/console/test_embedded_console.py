"""The whole: the console's own commands in front of an embedded cloud that they start and end themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.exit_codes import ExitCode
from console.services.embedded import Ready
from tests.console.processes import CONSOLE, START_SECONDS, command
from tests.console.terminal import Terminal
from tests.console.terminal_grammar import text_of


def test_a_campaign_from_a_script_is_accounted_for(cloud: Ready) -> None:
    done = command(
        *("campaign", "send", "--recipients", "60", "--tps", "30", "--wait", "--wait-receipts", "60", "--json"),
        *("--endpoint-url", cloud.endpoint_url),
    )
    assert done.returncode == ExitCode.OK, done.stderr
    campaign = json.loads(done.stdout)
    assert campaign["status"] == "completed"
    assert campaign["settled"]
    assert (campaign["results"]["delivered"], campaign["results"]["total_failed"]) == (57, 3)

    shown = command("campaign", "show", campaign["campaign_id"], "--json", "--outputs", str(cloud.outputs_file))
    assert json.loads(shown.stdout)["results"] == campaign["results"]

    once = command("--once", "--json", "--outputs", str(cloud.outputs_file))
    assert once.returncode == ExitCode.OK, once.stderr
    snapshot = json.loads(once.stdout)
    assert snapshot["delivery"]["by_status"]["delivered"] >= 57, "others may have sent messages in this cloud before"
    assert snapshot["campaigns"][0]["id"] == campaign["campaign_id"]
    assert snapshot["cost"]["today_usd"] == pytest.approx(campaign["results"]["cost_usd"])
    assert {alarm["runbook"].split("/")[0] for alarm in snapshot["alarms"]} == {"docs"}


def test_a_campaign_is_paused_retuned_resumed_and_cancelled(cloud: Ready) -> None:
    where = ("--json", "--endpoint-url", cloud.endpoint_url)
    sent = command("campaign", "send", "--recipients", "4000", "--tps", "10", *where)
    campaign_id = json.loads(sent.stdout)["campaign_id"]

    def change(*words: str) -> dict[str, Any]:
        done = command("campaign", words[0], campaign_id, *words[1:], *where)
        assert done.returncode == ExitCode.OK, done.stderr
        return dict(json.loads(done.stdout))

    assert change("pause")["after"]["status"] == "paused"
    assert change("pause")["changed"] is False
    assert change("tps", "20")["after"]["tps"] == 20
    assert change("resume")["after"]["status"] == "running"
    assert change("cancel")["after"]["status"] == "cancelled"
    refused = command("campaign", "resume", campaign_id, *where)
    assert (refused.returncode, refused.stdout) == (ExitCode.CANNOT, "")
    assert "has ended" in refused.stderr


def test_a_dry_run_sends_nothing(cloud: Ready) -> None:
    before = command("campaign", "list", "--json", "--endpoint-url", cloud.endpoint_url)
    done = command(
        *("campaign", "send", "--recipients", "10", "--tps", "5", "--dry-run", "--json"),
        *("--endpoint-url", cloud.endpoint_url),
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert json.loads(done.stdout)["recipients"] == 10
    after = command("campaign", "list", "--json", "--endpoint-url", cloud.endpoint_url)
    ids = [[campaign["campaign_id"] for campaign in json.loads(each.stdout)] for each in (before, after)]
    assert ids[0] == ids[1]


def test_the_people_of_a_file_are_planned_and_sent_to(cloud: Ready, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    rows = [f"c-{row},{'+1425414' + ('7755' if row % 9 else 'x')},Ada" for row in range(40)]
    people.write_text("\n".join(["customer_id,phone,name", *rows]))
    words = ("campaign", "send", "--audience", str(people), "--tps", "20", "--channels", "sms")
    where = ("--endpoint-url", cloud.endpoint_url)
    dry = command(*words, "--body", "Hello {{ name }}", "--dry-run", *where)
    assert dry.returncode == ExitCode.OK, dry.stderr
    assert "uploading people.csv" in dry.stderr
    assert "35" in dry.stdout
    assert "5 (5 invalid_number)" in dry.stdout
    assert "limited by" in dry.stdout
    sent = command(*words, "--body", "Hello {{ name }}", "--wait", "--json", *where)
    assert sent.returncode == ExitCode.OK, sent.stderr
    campaign = json.loads(sent.stdout)
    assert (campaign["status"], campaign["recipients"], campaign["excluded"]) == ("completed", 35, 5)
    refused = command(*words, "--body", "Hello {{ town }}", "--wait", *where)
    assert (refused.returncode, refused.stdout) == (ExitCode.FAILED, "")
    assert "the file has no such column" in refused.stderr


def test_the_doctor_finds_a_healthy_stack(cloud: Ready) -> None:
    done = command("doctor", "--json", "--endpoint-url", cloud.endpoint_url)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    words = {check["name"]: check["word"] for check in json.loads(done.stdout)["checks"]}
    assert {name for name, word in words.items() if word != "ok"} == {"right: the bill", "rights on messages"}
    assert set(words.values()) == {"ok", "skip"}


def test_an_unknown_campaign_is_one_sentence(cloud: Ready) -> None:
    done = command("campaign", "show", "nope", "--endpoint-url", cloud.endpoint_url)
    assert done.returncode == ExitCode.CANNOT
    assert done.stdout == ""
    assert "there is no campaign nope" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_person_sends_a_campaign_and_leaves_nothing_running() -> None:
    terminal = Terminal([*CONSOLE, "--local"], columns=120, rows=30)
    try:
        terminal.shows("LIVE", "quit", seconds=START_SECONDS)
        assert "connecting to an embedded cloud" in text_of(bytes(terminal.written))
        children = _children(terminal.process.pid)
        assert len(children) == 1
        terminal.press("a")
        terminal.shows("send test campaign")
        terminal.press("\r")
        terminal.shows("messages per second")
        terminal.press("\r")
        terminal.shows("estimated cost")
        terminal.press("100\r")
        terminal.shows("all receipts in")
        terminal.press("1")
        terminal.shows("COMPLETED c-", "100/100 100.0 %", "delivered")
        terminal.press("q")
        assert terminal.ended() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    finally:
        terminal.close()


def test_the_demo_without_a_terminal_is_a_summary() -> None:
    done = command("demo")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "delivered       114 (95.0 %)" in done.stdout
    assert "failed          6" in done.stdout
    assert "0 receipts, 0 still to be sent" in done.stdout


def _children(pid: int) -> set[int]:
    """Processes that any thread of `pid` has started (Linux)."""
    lists = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
    return {int(child) for each in lists for child in each.read_text().split()}
