"""The console on a real terminal in front of the embedded stack: a campaign by keys, its result read from the screen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.launch import LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud.campaign_client import StackClient
from tests.console.terminal import Terminal

CONSOLE = str(Path(sys.executable).with_name("cpaas-console"))


@pytest.fixture
def terminal(cloud: LocalCloud) -> Any:
    """The console, attached by the outputs file."""
    cloud.control.set_carrier_profile(CarrierProfile(seed=2, latency_ms=(5, 20), receipt_delay_ms=(20, 200)))
    opened = Terminal([CONSOLE, "--outputs", str(cloud.outputs_file)], columns=120, rows=36)
    yield opened
    opened.close()


def test_a_campaign_by_keys(terminal: Terminal, stack: StackClient, wait_until: Callable[..., Any]) -> None:
    before = {each["campaign_id"] for each in stack.call("GET", "/api/campaigns?limit=100")[1]["campaigns"]}
    terminal.shows("LIVE", seconds=30)
    terminal.press("a")
    terminal.shows("send test campaign")
    terminal.press("\r")
    terminal.shows("messages per second")
    terminal.press("\r")
    terminal.shows("estimated cost", seconds=30)
    terminal.press("\r")

    def new_ids() -> set[str]:
        listed = stack.call("GET", "/api/campaigns?limit=100")[1]["campaigns"]
        return {each["campaign_id"] for each in listed} - before

    (campaign_id,) = wait_until(new_ids, timeout=30)
    terminal.shows(f"COMPLETED {campaign_id}", seconds=60)
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=30)
    results = stack.show(campaign_id)["results"]
    recipients = stack.show(campaign_id)["recipients"]
    assert results["delivered"] + results["total_failed"] == recipients > 0
    terminal.until(lambda text: "all receipts in" in text, seconds=30)
    terminal.press("q")
    assert terminal.ended() == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One console command without a terminal."""
    return subprocess.run(
        [CONSOLE, *arguments], capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )


def test_commands_against_the_stack(cloud: LocalCloud, stack: StackClient) -> None:
    attach = ("--endpoint-url", cloud.endpoint_url)
    dry = run(*attach, "campaign", "send", "--recipients", "7", "--tps", "5", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["recipients"] == 7

    sent = run(*attach, "campaign", "send", "--recipients", "20", "--tps", "20", "--wait-receipts", "60", "--json")
    assert sent.returncode == 0, sent.stderr
    campaign_id = json.loads(sent.stdout)["campaign_id"]
    listed = run(*attach, "campaign", "list")
    assert campaign_id in listed.stdout
    shown = run(*attach, "campaign", "show", campaign_id)
    assert "completed" in shown.stdout

    variables = run(*attach, "outputs", "--format", "env")
    assert f"RATE_LIMITS_TABLE={stack.outputs.messaging.rate_limits_table}" in variables.stdout.replace('"', "")
    doctor = run(*attach, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_the_screen_needs_a_terminal(cloud: LocalCloud) -> None:
    refused = run("--outputs", str(cloud.outputs_file))
    assert refused.returncode == 2
    assert "--once" in refused.stderr
    assert refused.stdout == ""
