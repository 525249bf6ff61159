"""Changing a campaign: asked for twice, changed by others meanwhile, refused, and told."""

from __future__ import annotations

import json

import pytest

from console.campaigns import make_change, make_request
from console.domain import CampaignChange, CampaignState, ChangeKind, ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import changes as commands
from console.services.changes import change_campaign
from console.sources.fake import FakeStack
from lambdas.core.campaign import PauseReason


def running(environment: str = "local") -> tuple[FakeStack, str]:
    """A made-up stack with a campaign that runs for minutes."""
    stack = FakeStack(environment=environment)
    return stack, stack.send(make_request(1_000, 5)).id


def run(stack: FakeStack, campaign_id: str, kind: str, tps: object = None, **options: object) -> ExitCode:
    asked = {"allow_actions": False, "confirm": None, "as_json": True} | options
    return commands.run(stack.connection(), campaign_id, make_change(kind, tps), **asked)  # type: ignore[arg-type]


def test_a_campaign_is_paused_resumed_retuned_and_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    stack, campaign_id = running()
    for kind, tps, status in (
        ("pause", None, "paused"),
        ("tps", "7.5", "paused"),
        ("resume", None, "running"),
        ("cancel", None, "cancelled"),
    ):
        assert run(stack, campaign_id, kind, tps) == ExitCode.OK
        answer = json.loads(capsys.readouterr().out)
        assert (answer["changed"], answer["after"]["status"]) == (True, status)
    before = {"id": campaign_id, "status": "running", "version": 4, "tps": 7.5, "pause_reason": None}
    assert answer["before"] == before
    with pytest.raises(ConsoleError, match="cannot become running") as caught:
        run(stack, campaign_id, "resume")
    assert caught.value.problem.kind is ProblemKind.CONFLICT


def test_what_is_so_already_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stack, campaign_id = running()
    run(stack, campaign_id, "pause")
    run(stack, campaign_id, "tps", 5)
    capsys.readouterr()
    assert run(stack, campaign_id, "pause", as_json=False) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out == f"{campaign_id} is paused at 5.00/s already: nothing was changed\n"
    assert captured.err == ""
    assert stack.state(campaign_id).version == 2


def test_what_the_platform_paused_is_held_by_a_pause_once(capsys: pytest.CaptureFixture[str]) -> None:
    stack, campaign_id = running()
    stack.pause_itself(campaign_id, PauseReason.DAY_CAP)
    assert run(stack, campaign_id, "pause", as_json=False) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out == f"{campaign_id}: paused (the day's cap is reached) -> paused\n"
    assert captured.err == "nothing goes out until somebody resumes it\n"
    assert stack.state(campaign_id).pause_reason == "operator"
    run(stack, campaign_id, "pause", as_json=False)
    assert "nothing was changed" in capsys.readouterr().out
    assert stack.state(campaign_id).version == 3
    with pytest.raises(ConsoleError, match="a paused campaign cannot become paused"):
        stack.change(campaign_id, CampaignChange(ChangeKind.HOLD), 3)


def test_a_change_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    stack, campaign_id = running()
    run(stack, campaign_id, "tps", 20, as_json=False)
    captured = capsys.readouterr()
    assert captured.out == f"{campaign_id}: 5.00/s -> 20.0/s\n"
    assert "next lease" in captured.err


class Busy(FakeStack):
    """A stack whose campaign others change just before each of the first `others` writes."""

    others = 0

    def change(self, campaign_id: str, change: CampaignChange, version: int) -> CampaignState:
        if self.others:
            self.others -= 1
            current = self.state(campaign_id)
            super().change(campaign_id, CampaignChange(ChangeKind.TPS, current.tps + 1), current.version)
        return super().change(campaign_id, change, version)


def test_what_others_change_meanwhile_is_read_again() -> None:
    stack = Busy()
    campaign_id = stack.send(make_request(1_000, 5)).id
    stack.others = 3
    done = change_campaign(stack, campaign_id, CampaignChange(ChangeKind.PAUSE))
    assert (done.after.status, done.after.tps) == ("paused", 8.0)
    stack.others = 100
    with pytest.raises(ConsoleError, match="keeps changing"):
        change_campaign(stack, campaign_id, CampaignChange(ChangeKind.RESUME))


def test_a_write_needs_permission_and_production_its_name() -> None:
    stack, campaign_id = running("dev")
    with pytest.raises(ConsoleError, match="--allow-actions"):
        run(stack, campaign_id, "cancel")
    stack, campaign_id = running("prod")
    with pytest.raises(ConsoleError, match="--confirm prod"):
        run(stack, campaign_id, "cancel", allow_actions=True)
    assert stack.state(campaign_id).status == "running"
    assert run(stack, campaign_id, "cancel", allow_actions=True, confirm="prod") == ExitCode.OK


def test_a_campaign_that_is_not_there_is_one_sentence() -> None:
    stack, _ = running()
    with pytest.raises(ConsoleError, match="no campaign c-none"):
        run(stack, "c-none", "pause")
