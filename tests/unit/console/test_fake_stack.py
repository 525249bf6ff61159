"""The made-up stack tells one story: metrics, logs and letters agree with its alarms, messages with its campaigns."""

from __future__ import annotations

import pytest

from console.domain import AlarmState, CampaignRequest, ConsoleError, ProblemKind
from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.telemetry import LogLine, MessageSearch
from tests.support.stopped_clock import StoppedClock


def made_up(environment: str = "local") -> tuple[FakeStack, StoppedClock, Connection]:
    clock = StoppedClock()
    stack = FakeStack(clock, environment=environment)
    return stack, clock, stack.connection()


def test_a_series_is_beyond_its_threshold_exactly_while_its_alarm_was_up() -> None:
    stack, clock, connection = made_up()
    for alarm in stack.alarm_list:
        detail = connection.telemetry.alarm(alarm.name)
        rule = detail.rule
        assert rule is not None
        assert (detail.history[0].at, detail.history[0].new) == (alarm.since, alarm.state)
        points = connection.telemetry.series(rule, clock.now() - 86_000, clock.now()).points
        for at, value in points:
            new = next(change.new for change in detail.history if at + rule.window_seconds >= change.at)
            expected = None if new is AlarmState.NODATA else new is AlarmState.ALARM
            assert (None if value is None else rule.breaches(value)) is expected
        assert connection.telemetry.series(rule, clock.now() - 86_000, clock.now()).points == points


def test_log_lines_come_once_each_and_errors_are_among_them() -> None:
    _, clock, connection = made_up()
    telemetry = connection.telemetry
    assert len(telemetry.log_groups()) > 5
    group = next(each for each in telemetry.log_groups() if each.endswith("/delivery-processor"))
    lines: list[LogLine] = []
    cursor = None
    while True:
        page = telemetry.logs(group, clock.now() - 7_200, clock.now(), cursor=cursor)
        lines += page.lines
        cursor = page.cursor
        if cursor is None:
            break
    assert len(lines) > 1_000
    assert len({line.id for line in lines}) == len(lines)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.level for line in lines} == {"INFO", "WARNING", "ERROR"}
    (found,) = telemetry.logs(group, lines[0].at, lines[0].at, text=lines[0].message).lines
    assert found == lines[0]
    with pytest.raises(ConsoleError, match="no log group"):
        telemetry.logs("/nowhere", 0, 1)


def test_all_hundred_thousand_messages_of_a_campaign_come_by_the_page() -> None:
    stack, clock, connection = made_up()
    sent = stack.send(CampaignRequest(recipients=100_001, tps=5_000.0, body="x", key="k"))
    clock.time += 60
    ids: list[str] = []
    cursor = None
    while True:
        page = connection.records.search(MessageSearch(campaign_id=sent.id), cursor)
        assert page.total == 100_001
        ids += [message.id for message in page.messages]
        cursor = page.cursor
        if cursor is None:
            break
    assert len(set(ids)) == len(ids) == 100_001
    assert ids == sorted(ids, reverse=True)
    (one,) = connection.records.search(MessageSearch(message_id=ids[3])).messages
    assert connection.records.search(MessageSearch(customer_id=one.customer_id)).messages == (one,)


def test_a_message_that_fails_falls_back_as_time_passes() -> None:
    stack, clock, connection = made_up()
    sent = stack.send(CampaignRequest(recipients=40, tps=40.0, body="x", key="k"))
    clock.time += 1.5
    failing = next(
        m for m in connection.records.search(MessageSearch(campaign_id=sent.id)).messages if m.id[-2:] == "19"
    )
    clock.time = failing.created_ms / 1000 + 0.1
    assert connection.records.timeline(failing.id)["status"] == "sent"
    clock.time += 30
    told = connection.records.timeline(failing.id)
    first, second = told["legs"]
    assert (told["status"], first["status"], first["error_code"]) == ("read", "failed", "CARRIER_UNREACHABLE")
    assert (second["channel"], second["decided"]["cause"]) == ("whatsapp", "failed")
    assert connection.records.timeline(second["message_id"]) == told
    assert all(event["gap_ms"] >= 0 for leg in told["legs"] for event in leg["events"])
    with pytest.raises(ConsoleError) as caught:
        connection.records.timeline("nobody")
    assert caught.value.problem.kind is ProblemKind.NOT_FOUND


def test_letters_deployments_resources_and_the_bill_are_there() -> None:
    stack, _, connection = made_up("dev")
    telemetry = connection.telemetry
    (receipts,) = [each for each in telemetry.queues() if each.queue.name == "receipts"]
    letters = telemetry.letters("receipts-dlq")
    assert receipts.dead_letters is not None
    assert len(letters) == receipts.dead_letters.waiting == 3
    assert not any("+14254147755" in letter.body + letter.reason for letter in letters)
    ats = [each.at for each in telemetry.deployments()]
    assert ats == sorted(ats, reverse=True)
    assert {each.service for each in telemetry.resources()} == {"lambda", "sqs", "cloudwatch"}
    bill = telemetry.bill()
    assert bill is not None
    assert sum(bill.by_day.values()) == pytest.approx(sum(bill.by_service.values()))
    assert made_up("local")[2].telemetry.bill() is None
    stack.error = ConsoleError(ProblemKind.THROTTLED, "slow down")
    for ask in (telemetry.queues, telemetry.deployments, telemetry.bill, lambda: connection.records.timeline("m")):
        with pytest.raises(ConsoleError, match="slow down"):
            ask()
