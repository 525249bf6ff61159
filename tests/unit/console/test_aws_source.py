"""The AWS source over canned answers of its clients: shapes, paging, hostile text, no scan, no needless read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from console.domain import NEWEST_CAMPAIGNS, AlarmState, ConsoleError, ProblemKind
from console.sources.aws import NEWEST_ROWS, AwsSource
from console.sources.clients import Target
from console.sources.fake_outputs import fake_outputs
from lambdas.core import keys
from tests.support.canned_dynamo import NOW, Clients, Dynamo, item


def source(now: Callable[[], float] = lambda: NOW, **clients: object) -> AwsSource:
    return AwsSource(fake_outputs(), Clients(**clients), now)  # type: ignore[arg-type]


class CloudWatch:
    """Two pages of alarms."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.requests: list[dict[str, Any]] = []

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        answer = dict(self.pages[len(self.requests) - 1])
        if len(self.requests) < len(self.pages):
            answer["NextToken"] = "next"
        return answer


def raw_alarm(**changes: object) -> dict[str, Any]:
    return {
        "AlarmName": "ai-cpaas-demo-local-dlq",
        "AlarmDescription": "Receipts are parked. severity: warning; runbook: docs/runbooks/dlq.md",
        "StateValue": "ALARM",
        "StateReason": "Threshold Crossed",
        "StateTransitionedTimestamp": datetime(2026, 11, 21, 11, tzinfo=UTC),
        **changes,
    }


def test_alarms_are_paged_and_read() -> None:
    watch = CloudWatch(
        {"MetricAlarms": [raw_alarm()], "CompositeAlarms": []},
        {"MetricAlarms": [], "CompositeAlarms": [raw_alarm(AlarmName="all", StateValue="INSUFFICIENT_DATA")]},
    )
    first, second = source(cloudwatch=watch).alarms()
    assert (first.severity, first.runbook, first.meaning) == ("warning", "docs/runbooks/dlq.md", "Receipts are parked.")
    assert first.since == NOW - 3600
    assert second.state is AlarmState.NODATA
    assert watch.requests[0]["AlarmNamePrefix"] == "ai-cpaas-demo-local-"
    assert watch.requests[1]["NextToken"] == "next"


class ManyAlarms:
    """More alarms than a page holds, in the states of `states`; a call is the state that it asked for."""

    def __init__(self) -> None:
        self.states = {f"alarm-{number:03d}": "OK" for number in range(133)}
        self.calls: list[str] = []

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        wanted = request.get("StateValue", "")
        self.calls.append(wanted)
        found = [name for name, state in self.states.items() if wanted in ("", state)]
        start, end = int(request.get("NextToken", 0)), int(request.get("NextToken", 0)) + request["MaxRecords"]
        page = [raw_alarm(AlarmName=name, StateValue=self.states[name]) for name in found[start:end]]
        return {"MetricAlarms": page, **({"NextToken": str(end)} if end < len(found) else {})}


def test_alarms_that_are_up_are_asked_for_at_each_read_and_the_rest_once_a_minute() -> None:
    watch, moment = ManyAlarms(), [NOW]
    clients = Clients(cloudwatch=watch)
    clients.target = Target("us-east-1")
    reading = AwsSource(fake_outputs(), clients, lambda: moment[0])  # type: ignore[arg-type]

    def read(seconds: float, **states: str) -> dict[str, str]:
        moment[0] += seconds
        watch.states |= {name.replace("_", "-"): state for name, state in states.items()}
        watch.calls.clear()
        return {alarm.name: alarm.state.value for alarm in reading.alarms()}

    assert read(0) == watch.states
    assert watch.calls == ["", ""], "two pages"
    assert read(10, alarm_100="ALARM", alarm_101="ALARM") == watch.states
    assert watch.calls == ["ALARM"], "what rises costs one call"
    assert read(10, alarm_100="INSUFFICIENT_DATA") == watch.states
    assert watch.calls == ["ALARM", "", ""], "what is no longer up has some other state"
    assert read(50, alarm_000="INSUFFICIENT_DATA") != watch.states
    assert read(10) == watch.states, "a minute after the last whole list"


def test_the_embedded_clouds_alarms_are_read_whole() -> None:
    watch = ManyAlarms()
    reading = source(cloudwatch=watch)
    reading.alarms()
    watch.states["alarm-000"] = "INSUFFICIENT_DATA"
    assert {alarm.name: alarm.state.value for alarm in reading.alarms()} == watch.states


def test_hostile_alarms_are_harmless_and_odd_ones_are_named() -> None:
    watch = CloudWatch({"MetricAlarms": [raw_alarm(StateReason="\x1b]52;c;eA==\x07\u202eevil\r\nx")]})
    (alarm,) = source(cloudwatch=watch).alarms()
    assert alarm.reason == "]52;c;eA==evil x"
    with pytest.raises(ConsoleError, match="shape") as caught:
        source(cloudwatch=CloudWatch({"MetricAlarms": [raw_alarm(StateValue="BOGUS")]})).alarms()
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_campaigns_come_newest_first_with_their_counters_and_without_chunks(page: int) -> None:
    dynamo = Dynamo(page)
    dynamo.campaign("old", created=NOW - 100)
    dynamo.campaign("new")
    new, old = source(dynamodb=dynamo).campaigns()
    assert (new.id, old.id) == ("new", "old")
    assert new.total("sent") == 55
    assert new.cost_usd == 0.48
    assert new.claimed_rows == 60


def test_a_settled_campaign_is_not_read_each_beat() -> None:
    dynamo, moment = Dynamo(), [NOW]
    dynamo.campaign("done", status="completed", rows=42, claimed_rows=42, done_rows=42)
    reading = source(lambda: moment[0], dynamodb=dynamo)
    reading.campaigns()
    before = len(dynamo.queries)
    reading.campaigns()
    assert len(dynamo.queries) == before + 1
    moment[0] += 61
    reading.campaigns()
    assert len(dynamo.queries) == before + 3


class Throttled(Dynamo):
    """Refuses the first reading of a single campaign."""

    refused = False

    def query(self, **request: Any) -> dict[str, Any]:
        if "IndexName" not in request and not self.refused:
            self.refused = True
            raise ConnectionError("throttled")
        return super().query(**request)


@pytest.mark.parametrize("page", [7, 1000])
def test_an_open_campaign_is_listed_behind_any_number_of_newer_ones(page: int) -> None:
    dynamo, moment = Dynamo(page), [NOW]
    dynamo.campaign("sending", created=NOW - 9_000)
    dynamo.campaign("over", created=NOW - 8_000, status="completed", rows=42, claimed_rows=42, done_rows=42)
    for number in range(NEWEST_CAMPAIGNS + 5):
        dynamo.campaign(f"new-{number:02d}", created=NOW - number, status="cancelled")
    reading = source(lambda: moment[0], dynamodb=dynamo)
    listed = [campaign.id for campaign in reading.campaigns()]
    assert len(listed) == NEWEST_CAMPAIGNS + 1
    assert listed[-1] == "sending"
    spend = reading.spend()
    assert spend.reserved == pytest.approx(0.1)
    assert spend.cap == 5
    before = len(dynamo.queries)
    assert [campaign.id for campaign in reading.campaigns()] == listed
    walks = [each for each in dynamo.queries[before:] if each.get("IndexName") and "Limit" not in each]
    assert not walks, "the list is walked once in a minute"


def test_a_failed_look_does_not_lose_the_open_campaigns_that_were_found() -> None:
    dynamo = Throttled()
    dynamo.campaign("sending", created=NOW - 9_000)
    for number in range(NEWEST_CAMPAIGNS):
        dynamo.campaign(f"new-{number:02d}", created=NOW - number)
    reading = source(dynamodb=dynamo)
    with pytest.raises(ConnectionError):
        reading.campaigns()
    assert reading.campaigns()[-1].id == "sending"


def test_an_open_campaign_stays_when_newer_ones_push_it_out_and_leaves_when_it_has_ended() -> None:
    dynamo = Dynamo()
    dynamo.campaign("sending", created=NOW - 9_000)
    for number in range(NEWEST_CAMPAIGNS):
        dynamo.campaign(f"old-{number:02d}", created=NOW - 100 - number, status="cancelled")
    reading = source(dynamodb=dynamo)
    reading.campaigns()
    for number in range(NEWEST_CAMPAIGNS):
        dynamo.campaign(f"new-{number:02d}", created=NOW - number)
    assert "sending" in {campaign.id for campaign in reading.campaigns()}
    ended = next(i for i in dynamo.items if i["pk"]["S"] == keys.campaign("sending") and i["sk"]["S"] == keys.META)
    ended["status"] = {"S": "cancelled"}
    assert "sending" not in {campaign.id for campaign in reading.campaigns()}


def test_an_unknown_campaign_is_one_sentence() -> None:
    with pytest.raises(ConsoleError, match="no campaign nope") as caught:
        source(dynamodb=Dynamo()).campaign("nope")
    assert caught.value.problem.kind is ProblemKind.NOT_FOUND


def test_a_campaign_of_another_version_is_a_bad_answer() -> None:
    dynamo = Dynamo()
    dynamo.campaign("odd", status="exploded")
    with pytest.raises(ConsoleError, match="same version") as caught:
        source(dynamodb=dynamo).campaigns()
    assert caught.value.problem.kind is ProblemKind.BAD_ANSWER


def test_messages_are_the_newest_rows_by_their_ids() -> None:
    dynamo = Dynamo()
    dynamo.campaign("c")
    dynamo.unprocessed = 2
    for row in range(58):
        identity = keys.message("c", row)
        dynamo.tracking[identity] = item(
            message_id=identity,
            customer_id="\x1b[31mcust",
            channel="sms",
            status="delivered",
            timestamp=1000 + row,
            history={"delivered": 2000 + row},
            cost=Decimal("0.00881"),
        )
    reading = source(dynamodb=dynamo)
    messages = reading.messages(reading.campaigns())
    assert messages[0].id == "c-0000057"
    assert len(messages) == NEWEST_ROWS - 2
    assert messages[0].customer_id == "[31mcust"
    assert messages[0].changed_ms == 2057
    assert messages[0].cost_usd == pytest.approx(0.00881)


def test_a_throttled_batch_is_no_silent_half() -> None:
    dynamo = Dynamo()
    dynamo.campaign("c")
    dynamo.unprocessed = 100
    reading = source(dynamodb=dynamo)
    with pytest.raises(ConsoleError, match="part of the rows"):
        reading.messages(reading.campaigns())


def test_no_campaign_means_no_read() -> None:
    dynamo = Dynamo()
    assert source(dynamodb=dynamo).messages(()) == ()
    assert not dynamo.queries


def test_spend_is_summed_by_day_of_this_month() -> None:
    dynamo = Dynamo()
    dynamo.campaign("running")
    dynamo.day("2026-11-21", "0.48")
    dynamo.day("2026-11-20", "0.5")
    dynamo.day("2026-10-31", "9")
    reader = source(dynamodb=dynamo)
    spend = reader.spend()
    assert spend.today == "2026-11-21"
    assert spend.today_usd == 0.48
    assert spend.month_to_date_usd == pytest.approx(0.98)
    assert sum(channel.usd for channel in spend.by_channel.values()) == pytest.approx(0.98)
    assert spend.reserved == pytest.approx(0.1)
    assert spend.cap == 5
    queries = len(dynamo.queries)
    reader.spend()
    assert len(dynamo.queries) - queries <= 3, "past days are kept for an hour"


def test_what_reads_consume_is_counted() -> None:
    dynamo = Dynamo()
    dynamo.campaign("c")
    reading = source(dynamodb=dynamo)
    reading.campaigns()
    assert reading.use().usd == pytest.approx(2 * 0.5 * 0.125e-6)
