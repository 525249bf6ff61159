"""The console without a screen, over a made-up stack."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime

import pytest

from console.campaigns import make_request
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import alarms, demo, once, outputs, watch
from console.headless import campaign as commands
from console.headless.talk import Course
from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.sources.fake_outputs import fake_outputs
from console.sources.faults import Fault, FaultKind, FaultPlan
from console.sources.intercept import intercepted
from lambdas.core.campaign import CampaignStatus


class Clock:
    """Time that passes only when somebody sleeps; it starts now, because snapshots are taken at the machine's time."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).timestamp()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


KEYS = ["stack", "environment", "taken_at", "stale", "alarms", "throughput", "delivery", "cost", "campaigns"]


def test_the_snapshot_has_exactly_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    stack = FakeStack(clock)
    stack.send(make_request(100, 50))
    clock.time += 60
    assert once.run(stack.connection(), as_json=True, allow_actions=False) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert list(document) == KEYS
    assert (document["stack"], document["environment"], document["stale"]) == ("local", "local", False)
    assert set(document["alarms"][0]) == {"name", "state", "severity", "since", "reason", "runbook"}
    assert set(document["throughput"]) == {"target_per_second", "achieved_per_second", "by_channel"}
    assert set(document["cost"]) == {"today_usd", "month_to_date_usd", "forecast_usd", "console_api_usd"}
    (campaign,) = document["campaigns"]
    assert campaign == {
        "id": "fake-001",
        "status": "completed",
        "recipients": 100,
        "sent": 100,
        "delivered": 95,
        "failed": 5,
        "in_doubt": 0,
        "achieved_tps": 49.5,
    }
    assert document["delivery"]["by_channel"]["sms"]["delivered"] == 95
    assert document["delivery"]["by_status"]["delivered"] == 95
    datetime.fromisoformat(document["taken_at"])


def test_the_snapshot_as_text_reads_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    assert once.run(FakeStack().connection(), as_json=False, allow_actions=False) == ExitCode.OK
    text = capsys.readouterr().out
    for word in ("ai-cpaas-demo/local", "ALARM", "receipts-dlq", "THROUGHPUT", "CAMPAIGNS, 24 H", "COST"):
        assert word in text
    assert "\x1b" not in text


def test_a_snapshot_of_nothing_is_a_refusal() -> None:
    stack = FakeStack()
    stack.error = ConsoleError(ProblemKind.CREDENTIALS, "the AWS credentials have expired", "log in")
    with pytest.raises(ConsoleError, match="expired"):
        once.run(stack.connection(), as_json=True, allow_actions=False)


def test_a_feed_that_fails_is_named_and_the_rest_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = FakeStack()

    def fail() -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(stack, "alarms", fail)
    assert once.run(stack.connection(), as_json=True, allow_actions=False) == ExitCode.FAILED
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["stale"] is True
    assert document["cost"]["today_usd"] == 0
    assert "alarms could not be read" in captured.err


def denied(name: str) -> Connection:
    """A stack whose identity may not read this, with a campaign sent."""
    stack = FakeStack()
    stack.send(make_request(100, 50))
    return intercepted(stack.connection(), FaultPlan(Fault(FaultKind.DENIED, name)))


def test_what_could_not_be_read_is_not_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for name, unknown in (("alarms", {"alarms"}), ("campaigns", {"campaigns", "delivery", "throughput"})):
        assert once.run(denied(name), as_json=True, allow_actions=False) == ExitCode.FAILED
        document = json.loads(capsys.readouterr().out)
        assert list(document) == KEYS
        for key in ("alarms", "campaigns"):
            assert (document[key] is None) is (key in unknown)
        assert (document["delivery"]["by_status"] is None) is ("delivery" in unknown)
        assert (document["delivery"]["by_channel"] is None) is ("delivery" in unknown)
        assert (document["throughput"]["target_per_second"] is None) is ("throughput" in unknown)


def test_the_text_says_why_something_could_not_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    once.run(denied("alarms"), as_json=False, allow_actions=False)
    text = capsys.readouterr().out
    assert "could not be read: not allowed" in text
    assert "has no alarms" not in text
    assert "fake-001" in text
    once.run(denied("campaigns"), as_json=False, allow_actions=False)
    text = capsys.readouterr().out
    assert text.count("could not be read: not allowed") == 3
    assert "no campaign yet" not in text
    assert "receipts-dlq" in text


def test_a_watch_has_null_for_what_it_never_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.run(denied("campaigns"), every=0.2, beats=1, as_json=True) == ExitCode.OK
    line = json.loads(capsys.readouterr().out)
    assert (line["campaigns"], line["stale_feeds"]) == (None, {"campaigns": "forbidden"})
    assert watch.run(denied("campaigns"), every=0.2, beats=1, as_json=False) == ExitCode.OK
    assert "of -  delivered - failed -  awaiting - in doubt -  STALE campaigns" in capsys.readouterr().out


def send(stack: FakeStack, **changes: object) -> ExitCode:
    asked = {
        "allow_actions": False,
        "confirm": None,
        "wait": False,
        "wait_receipts": None,
        "as_json": False,
    } | changes
    return commands.send(stack.connection(), make_request(10, 5), **asked)  # type: ignore[arg-type]


def test_sending_prints_the_id_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack()
    assert send(stack) == ExitCode.OK
    captured = capsys.readouterr()
    assert captured.out == "fake-001\n"
    assert stack.sent[0].key in captured.err


def test_a_read_only_console_sends_nothing() -> None:
    stack = FakeStack(environment="dev")
    with pytest.raises(ConsoleError, match="--allow-actions"):
        send(stack)
    assert stack.sent == []


def test_production_wants_its_name() -> None:
    stack = FakeStack(environment="prod")
    with pytest.raises(ConsoleError, match="--confirm prod"):
        send(stack, allow_actions=True)
    with pytest.raises(ConsoleError, match="--confirm prod"):
        send(stack, allow_actions=True, confirm="production")
    assert stack.sent == []
    assert send(stack, allow_actions=True, confirm="prod") == ExitCode.OK


def test_a_dry_run_sends_nothing_and_needs_no_permission(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack(environment="prod")
    assert commands.dry_run(stack.connection(), make_request(10, 5), as_json=True) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["duration_seconds"] == 2.0
    assert told["worst_case"]["over_cap_with_fallback"] is False
    assert commands.dry_run(stack.connection(), make_request(10, 5), as_json=False) == ExitCode.OK
    assert "estimated cost" in capsys.readouterr().out
    assert stack.sent == []


def follow(stack: FakeStack, clock: Clock, wait_receipts: float | None) -> tuple[object, ExitCode]:
    request = make_request(100, 10)
    accepted = stack.send(request)
    return commands.follow(
        stack.connection(), accepted.id, request, wait_receipts, sleep=clock.sleep, monotonic=clock.monotonic
    )


def test_waiting_ends_with_the_last_message_or_the_last_receipt() -> None:
    clock = Clock()
    stack = FakeStack(clock)
    campaign, code = follow(stack, clock, None)
    assert code is ExitCode.OK
    assert not campaign.settled  # type: ignore[attr-defined]
    campaign, code = follow(stack, clock, 30)
    assert code is ExitCode.OK
    assert campaign.settled  # type: ignore[attr-defined]


def test_receipts_that_do_not_come_are_a_timeout(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    _, code = follow(FakeStack(clock), clock, 0)
    assert code is ExitCode.TIMED_OUT
    assert "receipts are missing" in capsys.readouterr().err


def test_a_campaign_that_stands_still_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    stack = FakeStack(clock)
    frozen = clock.time
    monkeypatch.setattr(stack, "clock", type("Frozen", (), {"now": lambda self: frozen})())
    _, code = follow(stack, clock, None)
    assert code is ExitCode.TIMED_OUT
    assert clock.time - frozen > commands.STALL_FLOOR


def test_a_stopped_campaign_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    stack = FakeStack(clock)
    real = stack._summary

    def stopped(sending: object) -> object:
        import dataclasses

        return dataclasses.replace(real(sending), status=CampaignStatus.STOPPED, unsent=100)  # type: ignore[arg-type]

    monkeypatch.setattr(stack, "_summary", stopped)
    _, code = follow(stack, clock, None)
    assert code is ExitCode.FAILED


def test_a_wait_survives_a_few_failing_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    stack = FakeStack(clock)
    real, failures = stack.campaign, [ConnectionResetError("gone")] * 3

    def flaky(campaign_id: str) -> object:
        if failures:
            raise failures.pop()
        return real(campaign_id)

    monkeypatch.setattr(stack, "campaign", flaky)
    _, code = follow(stack, clock, None)
    assert code is ExitCode.OK
    assert capsys.readouterr().err.count("asking again") == 3


def test_lists_and_single_campaigns(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    stack = FakeStack(clock)
    commands.list_all(stack.connection(), as_json=False)
    assert capsys.readouterr().out == ""
    stack.send(make_request(10, 5))
    clock.time += 60
    commands.list_all(stack.connection(), as_json=False)
    assert "fake-001" in capsys.readouterr().out
    commands.list_all(stack.connection(), as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["campaign_id"] == "fake-001"
    commands.show(stack.connection(), "fake-001", as_json=True)
    assert json.loads(capsys.readouterr().out)["results"]["delivered"] == 10
    with pytest.raises(ConsoleError, match="no campaign nope"):
        commands.show(stack.connection(), "nope", as_json=False)


def test_the_demo_accounts_for_every_message() -> None:
    clock = Clock()
    stack = FakeStack(clock)
    request = demo.sample(100, 10)
    accepted = stack.send(request)
    clock.time += 5
    assert demo.unaccounted(stack.campaign(accepted.id), request) == 100 - 38
    clock.time += 60
    assert demo.unaccounted(stack.campaign(accepted.id), request) == 0


def test_outputs_for_a_shell_are_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    outputs.run(fake_outputs(), form="env")
    lines = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["CAMPAIGNS_TABLE"] == "fake-campaigns-table"
    assert shlex.split(lines["ENDPOINT_URL"]) == [fake_outputs().identity.endpoint_url]
    outputs.run(fake_outputs(), form="json")
    assert json.loads(capsys.readouterr().out)["CampaignsTable"] == "fake-campaigns-table"


def test_provisioning_is_told_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    course = Course(clock.monotonic)
    for step in range(100):
        course(f"step {step}")
        clock.time += 0.1
    assert len(capsys.readouterr().err.splitlines()) == 10


def test_alarms_are_an_exit_code_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack()
    assert alarms.run(stack.connection(), as_json=True, exit_code=True) == ExitCode.FAILED
    captured = capsys.readouterr()
    assert [each["state"] for each in json.loads(captured.out)].count("ALARM") == 1
    assert captured.err == "1 of 3 in ALARM\n"
    assert alarms.run(stack.connection(), as_json=False, exit_code=False) == ExitCode.OK
    assert "receipts-dlq" in capsys.readouterr().out
    stack.alarm_list = tuple(alarm for alarm in stack.alarm_list if alarm.state != "ALARM")
    assert alarms.run(stack.connection(), as_json=True, exit_code=True) == ExitCode.OK


def test_a_watch_prints_one_line_per_beat(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack()
    assert watch.run(stack.connection(), every=0.2, beats=3, as_json=True) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(line) for line in lines] == [[*KEYS, "stale_feeds"]] * 3
    assert all(line["stale_feeds"] == {} for line in lines)
    assert lines[0]["taken_at"] < lines[1]["taken_at"] < lines[2]["taken_at"]
    assert watch.run(stack.connection(), every=0.2, beats=1, as_json=False) == ExitCode.OK
    assert "alarms 1 of 3 in ALARM" in capsys.readouterr().out


def test_a_watch_goes_on_over_trouble_and_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack()
    stack.error = ConsoleError(ProblemKind.THROTTLED, "AWS throttles these calls", "wait")
    assert watch.run(stack.connection(), every=0.2, beats=2, as_json=True) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(line["stale_feeds"].values()) for line in lines] == [{"throttled"}] * 2


@pytest.mark.parametrize(("text", "words"), [("0", "seconds"), ("auto", "number of seconds"), ("x", "seconds")])
def test_no_beat_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConsoleError, match=words):
        watch.parse_every(text)
    with pytest.raises(ConsoleError, match="--beats"):
        watch.parse_beats("0")
