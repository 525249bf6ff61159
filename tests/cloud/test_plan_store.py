"""Who plans what, against the emulator's campaigns table: one at a time, and a sweeper that waits for the living."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import pytest

from lambdas.adapters.audiences import Upload
from lambdas.adapters.campaigns import CampaignTable, meta_key
from lambdas.adapters.logs import Log
from lambdas.adapters.plans import PlanState, PlanTable
from lambdas.adapters.queues import Queue
from lambdas.core import keys
from lambdas.core.audience_lines import AudienceFormat
from lambdas.core.campaign import CampaignStatus
from lambdas.core.environment import FunctionEnvironment
from lambdas.sweeper.revival import PLAN_LATE_MS, PLAN_TROUBLE_MS, Revival
from tests.cloud.campaign_client import StackClient

NOW_MS = 1_900_000_000_000
HOLD_MS = 125_000


@pytest.fixture
def plans(stack: StackClient) -> PlanTable:
    return PlanTable(stack.campaigns)


def hold(plans: PlanTable, partition: str, at_ms: int) -> PlanState | None:
    return plans.hold(partition, "me", now_ms=at_ms, until_ms=at_ms + HOLD_MS, expires_s=NOW_MS)


def test_one_process_plans_at_a_time_and_the_next_one_goes_on(plans: PlanTable, unique: str) -> None:
    upload = Upload("audiences/a", AudienceFormat.CSV, 7, '"etag"', 1)
    plans.pin(unique, upload, 1, now_ms=NOW_MS - 1)
    pinned = plans.state(unique)
    assert pinned is not None
    assert pinned.progressed_ms == NOW_MS - 1, "what nobody has begun to plan is not given up either"
    held = hold(plans, unique, NOW_MS)
    assert held is not None
    assert (held.upload, held.checkpoint, held.progressed_ms) == (upload, None, NOW_MS - 1)
    assert hold(plans, unique, NOW_MS + HOLD_MS) is None, "its function may still be running"
    assert hold(plans, unique, NOW_MS + HOLD_MS + 1) is not None
    plans.progress(unique, 3_000)
    plans.hand_over(unique, rows=5_000, checkpoint="checkpoints/x", now_ms=NOW_MS + 1)
    again = hold(plans, unique, NOW_MS + 2)
    assert again is not None
    assert (again.rows, again.checkpoint, again.progressed_ms) == (5_000, "checkpoints/x", NOW_MS + 1)
    plans.let_go(unique, from_scratch=True)
    fresh = hold(plans, unique, NOW_MS + 3)
    assert fresh is not None
    assert fresh.checkpoint is None


def test_what_planning_came_to_is_kept(plans: PlanTable, unique: str) -> None:
    assert plans.state(unique) is None
    assert plans.create({"pk": unique, "sk": keys.PLAN, "body_hash": "one"}) is None
    existing = plans.create({"pk": unique, "sk": keys.PLAN, "body_hash": "two"})
    assert existing is not None
    assert existing["body_hash"] == "one"
    plans.finish(unique, rows=7, summary={"cost_usd": 0.5, "by_country": {}}, report="reports/x.csv", now_ms=NOW_MS)
    state = plans.state(unique)
    assert state is not None
    assert (state.rows, state.summary, state.report) == (7, {"cost_usd": 0.5, "by_country": {}}, "reports/x.csv")
    plans.fail(unique, "one sentence", NOW_MS)
    failed = plans.state(unique)
    assert failed is not None
    assert (failed.problem, failed.held_until_ms) == ("one sentence", 0)


class Asked:
    """A plan queue that keeps what is put."""

    def __init__(self) -> None:
        self.put: list[Mapping[str, Any]] = []

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        self.put.append(body)


def sweep(stack: StackClient, campaign: str, at_ms: int) -> tuple[int, str]:
    """How often the plan is asked for by a sweep at a time, and the campaign's status after it."""
    queue = Asked()
    log = Log(FunctionEnvironment(environment="local", stack="local", project="test"))
    summary, meta = CampaignTable(stack.campaigns).summary(campaign), stack.campaigns.get(meta_key(campaign))
    assert summary is not None
    assert meta is not None
    Revival(stack.campaigns, {}, cast(Queue, queue), log, {}, at_ms).look_after(meta, summary)
    after = CampaignTable(stack.campaigns).summary(campaign)
    assert after is not None
    return len(queue.put), after.status.value


def test_a_plan_that_takes_long_is_neither_asked_for_again_nor_given_up(
    stack: StackClient, plans: PlanTable, unique: str
) -> None:
    item = {
        "pk": keys.campaign(unique), "sk": keys.META, "listing": "test", "created_at": NOW_MS, "version": 1,
        "status": CampaignStatus.CREATED.value, "tps": 10, "rows": 0, "budget_left": Decimal(1),
    }  # fmt: skip
    assert CampaignTable(stack.campaigns).create(item) is None
    assert sweep(stack, unique, NOW_MS + PLAN_LATE_MS + 1) == (1, "created"), "nobody plans it"
    late_ms = NOW_MS + PLAN_TROUBLE_MS
    assert hold(plans, keys.campaign(unique), late_ms - 10_000) is not None
    assert sweep(stack, unique, late_ms + 1) == (0, "created"), "somebody is at it"
    plans.hand_over(keys.campaign(unique), rows=400_000, checkpoint="checkpoints/x", now_ms=late_ms + 60_000)
    assert sweep(stack, unique, late_ms + 120_000) == (0, "created"), "its message is on its way"
    assert sweep(stack, unique, late_ms + 60_001 + PLAN_LATE_MS) == (1, "created"), "its message is lost"
    asked_ms = late_ms + 60_001 + PLAN_LATE_MS
    assert sweep(stack, unique, asked_ms + PLAN_TROUBLE_MS - 1) == (0, "created"), "less often by now"
    assert sweep(stack, unique, asked_ms + PLAN_TROUBLE_MS) == (1, "created"), "but as long as it takes"
