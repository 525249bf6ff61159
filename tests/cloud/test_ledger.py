"""The ledger: what is open is found by its age, given up after three days, and delivered after all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from lambdas.adapters.aws import ConfigurationError
from lambdas.adapters.dynamo import Table
from lambdas.adapters.open_messages import OpenMessages
from lambdas.adapters.tracked_message import TrackedMessage
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.channels import Channel
from lambdas.core.lifecycle import Status, StatusEvent, contribution
from lambdas.core.overdue import GIVE_UP_MS, HOUR_MS, MINUTE_MS
from lambdas.sweeper.ledger import Ledger
from lambdas.sweeper.recount import Recount
from tests.cloud.campaign_client import StackClient
from tests.support.campaigns import planned_row

NOW_MS = time.time_ns() // 1_000_000


class Silence:
    """A log that nobody reads."""

    def line(self, level: str, message: str, **fields: Any) -> None:
        pass


SILENCE: Any = Silence()


@pytest.fixture
def tracking(stack: StackClient) -> TrackingTable:
    return TrackingTable(stack.tracking, retention_days=30)


def put(tracking: TrackingTable, campaign_id: str, message_id: str, age_ms: int, *, sent: bool = True) -> None:
    at_ms = NOW_MS - age_ms
    tracking.intend(campaign_id, planned_row(0), message_id, "test", at_ms, 0)
    if sent:
        tracking.accepted(message_id, f"provider-of-{message_id}", at_ms)


def ledger(stack: StackClient, tracking: TrackingTable, reads: int = 10_000) -> Ledger:
    left = iter(range(reads))
    return Ledger(
        OpenMessages(stack.tracking),
        tracking,
        stack.campaigns,
        channels=[Channel.SMS],
        now_ms=NOW_MS,
        time_left=lambda: next(left, None) is not None,
    )


def campaign(campaign_id: str, rows: int, *counts: Mapping[str, Any], **meta: Any) -> CampaignSummary:
    """A campaign of SMS of which all rows were claimed and their chunks closed, and counted as `counts` says."""
    lane = {"first": 0, "end": rows, "price": Decimal("0.01")}
    item = {
        "pk": keys.campaign(campaign_id), "status": "running", "version": 1, "created_at": NOW_MS, "tps": 1,
        "rows": rows, "claimed_rows": rows, "done_rows": rows, "lanes": {"sms": lane}, "next_sms": rows, **meta,
    }  # fmt: skip
    return CampaignSummary.from_items(item, counts)


def overdue(stack: StackClient) -> dict[str, Any]:
    status, answer = stack.call("GET", "/api/receipts/overdue")
    assert status == 200, answer
    return answer


def listed(stack: StackClient, age: str) -> set[str]:
    groups = [group for group in overdue(stack)["groups"] if (group["channel"], group["age"]) == ("sms", age)]
    return {each["message_id"] for group in groups for each in group["oldest"]}


def test_a_single_message_is_in_the_ledger_until_it_is_final(
    stack: StackClient, tracking: TrackingTable, unique: str
) -> None:
    young_ms = (
        NOW_MS - time.time_ns() // 1_000_000 + MINUTE_MS
    )  # the API reckons by its clock, not from the tests' start
    for name, age_ms in (("young", young_ms), ("late", 20 * MINUTE_MS), ("older", 2 * HOUR_MS), ("done", 2 * HOUR_MS)):
        put(tracking, "", f"{unique}-{name}", age_ms)
    tracking.fold(f"{unique}-done", [StatusEvent(Status.DELIVERED, NOW_MS)])
    refused = f"{unique}-refused"
    put(tracking, "", refused, 2 * HOUR_MS, sent=False)
    tracking.refused(refused, "ValidationException", NOW_MS)
    assert {each for each in listed(stack, "10m-1h") if unique in each} == {f"{unique}-late"}
    assert {each for each in listed(stack, "1h-24h") if unique in each} == {f"{unique}-older"}
    shown = overdue(stack)
    assert sum(shown["by_age"].values()) == shown["messages"] == sum(shown["by_channel"].values())
    for name in ("late", "older"):
        tracking.fold(f"{unique}-{name}", [StatusEvent(Status.FAILED, NOW_MS, code="UNREACHABLE")])
    assert not [each for age in ("10m-1h", "1h-24h") for each in listed(stack, age) if unique in each]


def test_rows_of_a_campaign_enter_once_they_are_ten_minutes_old_over_as_many_sweeps_as_it_takes(
    stack: StackClient, tracking: TrackingTable, unique: str
) -> None:
    ids = [keys.message(unique, row) for row in range(250)]
    open_rows, young_row, missing = {3, 120, 201}, 220, 7
    for row, message_id in enumerate(ids):
        if row != missing:
            put(tracking, unique, message_id, MINUTE_MS if row >= young_row else 2 * HOUR_MS)
        if row not in open_rows and row != missing:
            tracking.fold(message_id, [StatusEvent(Status.DELIVERED, NOW_MS)])
    summary = campaign(unique, 250)
    found = [ledger(stack, tracking, reads=1).look_at(summary, None) for _ in range(4)]
    assert found == [1, 1, 1, 0]
    assert {each for each in listed(stack, "1h-24h") if unique in each} == {ids[row] for row in open_rows}
    shown = next(each for each in overdue(stack)["groups"] if each["age"] == "1h-24h" and each["channel"] == "sms")
    assert shown["by_campaign"][unique] == 3
    place = stack.campaigns.get({"pk": keys.campaign(unique), "sk": keys.LEDGER})
    assert place is not None
    assert place["looked_0"] == young_row
    for row in open_rows:
        tracking.fold(ids[row], [StatusEvent(Status.DELIVERED, NOW_MS)])
    assert not [each for each in listed(stack, "1h-24h") if unique in each]


def test_rows_that_may_still_be_sent_are_waited_for(stack: StackClient, tracking: TrackingTable, unique: str) -> None:
    put(tracking, unique, keys.message(unique, 0), 2 * HOUR_MS)
    summary = campaign(unique, 3, done_rows=0)
    assert ledger(stack, tracking).look_at(summary, None) == 0, "nothing is known to be handed over"
    counted = campaign(unique, 3, done_rows=2)
    assert ledger(stack, tracking).look_at(counted, None) == 1
    put(tracking, unique, keys.message(unique, 2), 2 * HOUR_MS)
    assert ledger(stack, tracking).look_at(campaign(unique, 3), None) == 1
    tracking.fold(keys.message(unique, 0), [StatusEvent(Status.DELIVERED, NOW_MS)])
    tracking.fold(keys.message(unique, 2), [StatusEvent(Status.DELIVERED, NOW_MS)])


@pytest.mark.parametrize("doubted", [False, True])
def test_after_three_days_it_is_unknown_and_a_later_delivery_still_wins(
    stack: StackClient, tracking: TrackingTable, unique: str, doubted: bool
) -> None:
    put(tracking, "", unique, GIVE_UP_MS + 1, sent=not doubted)
    if doubted:
        tracking.in_doubt(unique, NOW_MS - GIVE_UP_MS)
    put(tracking, "", f"{unique}-2", GIVE_UP_MS - HOUR_MS)
    # The rows of other tests are as old, and the stack's own sweep may be faster.
    ledger(stack, tracking).give_up()
    row = TrackedMessage.from_item(tracking.rows([unique])[0])
    assert (row.state.status, row.state.code, set(row.state.flags)) == (Status.FAILED, "UNKNOWN", {"no_final_receipt"})
    counts = contribution(row.state, called_ms=row.created_ms, estimate_usd=row.estimate_usd)
    assert (counts.failed, counts.in_doubt, counts.cost_usd) == (1, 0, row.estimate_usd)
    assert (counts.sent, counts.refused) == (int(not doubted), int(doubted))
    assert ledger(stack, tracking).give_up() == 0
    assert unique not in listed(stack, "over-72h")
    folded = tracking.fold(unique, [StatusEvent(Status.DELIVERED, NOW_MS)])
    assert folded is not None
    assert folded.after.status is Status.DELIVERED
    tracking.fold(f"{unique}-2", [StatusEvent(Status.DELIVERED, NOW_MS)])


def test_a_recount_goes_on_where_it_stopped_and_counts_legs_and_what_it_gives_up(
    stack: StackClient, tracking: TrackingTable, unique: str
) -> None:
    rows = 1_500
    # Rows that name no campaign: the stack's own counters stay out of what is counted here.
    for row in (0, 1, 1_400):
        put(tracking, "", keys.message(unique, row), GIVE_UP_MS + HOUR_MS)
    stack.tracking.update(
        {"message_id": keys.message(unique, 1)},
        "SET #legs = :legs",
        {"legs": [{"choice": 1, "cause": "failed", "at": 1, "not_before": 1}]},
    )
    put(tracking, "", f"{keys.message(unique, 1)}_1", GIVE_UP_MS - HOUR_MS)
    tracking.fold(keys.message(unique, 0), [StatusEvent(Status.DELIVERED, NOW_MS)])
    summary = campaign(unique, rows, status="completed")

    def recount(batches: int) -> Decimal | None:
        left = iter(range(batches))
        return Recount(
            stack.campaigns,
            stack.money,
            tracking,
            SILENCE,
            now_ms=NOW_MS,
            time_left=lambda: next(left, None) is not None,
        ).run(summary)

    assert recount(1) is None
    assert recount(1) == 4 * planned_row(0).price_usd
    counts = stack.campaigns.get({"pk": keys.campaign(unique), "sk": keys.count("sms")})
    assert counts is not None
    assert {name: counts[name] for name in ("sent", "delivered", "failed")} == {"sent": 4, "delivered": 1, "failed": 2}
    given_up = [TrackedMessage.from_item(each) for each in tracking.rows([keys.message(unique, n) for n in (1, 1_400)])]
    assert {row.state.code for row in given_up} == {"UNKNOWN"}
    tracking.fold(f"{keys.message(unique, 1)}_1", [StatusEvent(Status.DELIVERED, NOW_MS)])


class LostAnswers:
    """Spoils a client: the first `number` of its updates take effect, and nobody hears of it."""

    def __init__(self, client: Any, number: int) -> None:
        self.left = number
        self._http = URLLib3Session()
        client.meta.events.register("before-send.dynamodb.UpdateItem", self._send)

    def _send(self, request: AWSPreparedRequest, **_: Any) -> None:
        if self.left:
            self.left -= 1
            self._http.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)


def test_a_correction_whose_answer_is_lost_is_not_made_twice(
    stack: StackClient, tracking: TrackingTable, unique: str
) -> None:
    put(tracking, "", keys.message(unique, 0), HOUR_MS)
    once = stack.client("dynamodb", config=Config(retries={"mode": "standard", "total_max_attempts": 1}))
    lost = LostAnswers(once, 1)
    counters = Table(once, stack.campaigns.name)

    def recount(*counts: Mapping[str, Any]) -> Decimal | None:
        each = Recount(stack.campaigns, counters, tracking, SILENCE, now_ms=NOW_MS, time_left=lambda: True)
        return each.run(campaign(unique, 1, *counts, status="completed"))

    def counted() -> Mapping[str, Any]:
        return stack.campaigns.get({"pk": keys.campaign(unique), "sk": keys.count("sms")}) or {}

    with pytest.raises(ReadTimeoutError):
        recount()
    assert not lost.left
    assert recount(counted()) == planned_row(0).price_usd
    assert (counted()["sent"], counted()["cost"]) == (1, planned_row(0).price_usd)
    with pytest.raises(ConfigurationError, match="attempts=1"):
        Recount(
            stack.campaigns,
            stack.campaigns,
            tracking,
            SILENCE,
            now_ms=NOW_MS,
            time_left=lambda: True,
        )
