"""Tokens at openings and starts at their time, over days of sweeps a minute apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from lambdas.adapters.dynamo import Table
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue
from lambdas.core import keys
from lambdas.core.campaign import CampaignSummary
from lambdas.core.channels import Channel, Route
from lambdas.core.deferral import SOON_US
from lambdas.core.environment import FunctionEnvironment
from lambdas.core.lanes import Lane, booked, cursor, lane_attributes, revived
from lambdas.core.pacing import MICROSECOND
from lambdas.sweeper.revival import Revival
from tests.support.window_oracle import at_us, utc

MINUTE_US = 60 * MICROSECOND
BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
OPENS = at_us(utc(2027, 2, 1, 8))
"""Berlin's window on a Monday; Tokyo's opened eight hours before and closes at 11:00 UTC."""


class Item:
    """A table that holds one campaign, whose first chunk nobody has finished."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item

    def get(self, _key: Mapping[str, Any]) -> dict[str, Any]:
        return self.item

    def each(self, *_: Any, only: str | None = None) -> list[dict[str, Any]]:
        chunk = {"rows": 10, "reserved": Decimal(0), "owner": "", "fence": 1, "lease_until": 0}
        return [{**chunk, "first_row": 0}, *([] if only else [{**chunk, "first_row": 10}])]

    def update(self, _key: Mapping[str, Any], _update: str, values: Mapping[str, Any]) -> None:
        self.item |= values


class Kept:
    """A queue that keeps what is put, with the instant at which it comes."""

    def __init__(self) -> None:
        self.now_us = 0
        self.put: list[tuple[dict[str, Any], int]] = []

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        self.put.append((dict(body), self.now_us + delay_s * MICROSECOND))

    def send_all(self, bodies: list[str], *, delay_s: int = 0) -> None:
        for body in bodies:
            self.send(json.loads(body), delay_s=delay_s)


class Minutes:
    """Sweeps a minute apart over one campaign."""

    def __init__(self, **meta: Any) -> None:
        lanes = (
            Lane("sms", 0, 10, Decimal(0), zone=BERLIN, number=0),
            Lane("sms", 10, 20, Decimal(0), zone=TOKYO, number=1),
        )
        self.meta: dict[str, Any] = {
            "pk": keys.campaign("spring"), "sk": keys.META, "status": "running", "version": 1, "created_at": 0,
            "tps": 200, "rows": 20, "claimed_rows": 0, "done_rows": 0, "plan": "spring/1",
            "window": {"start": "09:00", "end": "20:00"}, **lane_attributes(lanes), **meta,
        }  # fmt: skip
        self.work, self.plans = Kept(), Kept()

    def sweep(self, first_us: int, last_us: int) -> None:
        log = Log(FunctionEnvironment(environment="local", stack="local", project="test"))
        routes = {Channel.SMS: Route("", "", 1_000, 1_000)}
        for now_us in range(first_us, last_us + 1, MINUTE_US):
            self.work.now_us = self.plans.now_us = now_us
            work = {Channel.SMS: cast(Queue, self.work)}
            table = cast(Table, Item(self.meta))
            revival = Revival(table, work, cast(Queue, self.plans), log, routes, now_us // 1_000)
            revival.look_after(dict(self.meta), CampaignSummary.from_items(self.meta, ()))

    def begun(self, *lanes: str) -> None:
        """All rows of some lanes are claimed and done."""
        for name in lanes:
            self.meta[cursor(name)] = self.meta["lanes"][name]["end"]
            self.meta["claimed_rows"] += 10
            self.meta["done_rows"] += 10


@pytest.mark.parametrize("offset_s", [0, 7, 30, 59])
def test_a_full_set_of_tokens_comes_when_a_window_opens(offset_s: int) -> None:
    minutes = Minutes()
    minutes.begun("sms_1")
    minutes.meta[booked("sms")] = OPENS - 3_600 * MICROSECOND
    minutes.sweep(OPENS - 3_000 * MICROSECOND + offset_s * MICROSECOND, OPENS + MINUTE_US // 2)
    assert [at - OPENS for _, at in minutes.work.put] == [0, 0], "once, as many as the rate needs, on time"
    assert all(token == {"campaign_id": "spring", "recover": True} for token, _ in minutes.work.put)
    assert (minutes.meta["rested"], minutes.meta["rested_until"]) == (3_600_000, OPENS // 1_000)


def test_nothing_comes_while_every_window_is_closed() -> None:
    minutes = Minutes()
    minutes.begun("sms_1")
    minutes.sweep(OPENS - 12 * 3_600 * MICROSECOND, OPENS - 16 * MINUTE_US)
    assert not minutes.work.put


def test_rows_that_were_given_back_are_taken_up_when_their_window_opens() -> None:
    minutes = Minutes()
    minutes.begun("sms_1")
    minutes.meta |= {cursor("sms_0"): 10, "claimed_rows": 20, booked("sms"): OPENS - 12 * 3_600 * MICROSECOND}
    minutes.sweep(OPENS - 3_000 * MICROSECOND, OPENS - 1)
    assert not minutes.work.put, "the lane that is open has nothing left"
    minutes.sweep(OPENS, OPENS + MINUTE_US)
    assert minutes.work.put


def test_workers_that_are_there_need_no_more_at_another_opening() -> None:
    minutes = Minutes()
    minutes.meta[booked("sms")] = OPENS - MICROSECOND
    minutes.sweep(OPENS - MINUTE_US, OPENS - MINUTE_US)
    minutes.meta[booked("sms")] = OPENS + 30 * MICROSECOND
    minutes.sweep(OPENS, OPENS + MINUTE_US)
    assert not minutes.work.put


def test_an_opening_that_no_sweep_saw_coming_is_made_up_for() -> None:
    minutes = Minutes()
    minutes.begun("sms_1")
    minutes.sweep(OPENS + 3 * MINUTE_US, OPENS + 3 * MINUTE_US)
    assert len(minutes.work.put) == 2
    minutes.sweep(OPENS + 4 * MINUTE_US, OPENS + 4 * MINUTE_US)
    assert len(minutes.work.put) == 3, "and then it is a channel without a worker like any other"


def test_a_near_opening_is_left_to_the_workers_that_wait_for_it() -> None:
    minutes = Minutes()
    minutes.begun("sms_1")
    minutes.sweep(OPENS - SOON_US, OPENS - SOON_US)
    minutes.sweep(OPENS + MICROSECOND, OPENS + MICROSECOND)
    assert not minutes.work.put


def test_a_campaign_of_which_nothing_is_left_is_completed_whatever_its_windows() -> None:
    minutes = Minutes()
    minutes.begun("sms_0", "sms_1")
    minutes.sweep(OPENS - 3_600 * MICROSECOND, OPENS - 3_600 * MICROSECOND)
    assert len(minutes.work.put) == 1
    assert minutes.meta[revived("sms")] > OPENS - 3_600 * MICROSECOND


@pytest.mark.parametrize("offset_s", [0, 1, 29, 59.5])
def test_a_scheduled_campaign_is_started_at_its_time(offset_s: float) -> None:
    start = utc(2027, 3, 1, 9)
    minutes = Minutes(status="scheduled", start_at=at_us(start) // 1_000)
    minutes.sweep(at_us(start - timedelta(hours=2, seconds=offset_s)), at_us(start) - 1)
    assert [body for body, _ in minutes.plans.put] == [{"campaign_id": "spring", "start": True}]
    assert 0 <= minutes.plans.put[0][1] - at_us(start) < MICROSECOND
    assert not minutes.work.put
    minutes.sweep(at_us(start) + MINUTE_US, at_us(start) + MINUTE_US)
    assert len(minutes.plans.put) == 2, "asked again as long as it has not started"


@pytest.mark.parametrize("status", ["created", "running"])
def test_a_plan_is_asked_for_as_long_as_there_is_none(status: str) -> None:
    minutes = Minutes(status=status, created_at=OPENS // 1_000)
    del minutes.meta["plan"]
    hours = 6
    minutes.sweep(OPENS, OPENS + hours * 60 * MINUTE_US)
    waits = [(at - OPENS) // MINUTE_US for _, at in minutes.plans.put]
    assert waits == [*range(3, 16), *range(30, hours * 60 + 1, 15)]
    assert all(body == {"campaign_id": "spring"} for body, _ in minutes.plans.put)
    assert minutes.meta["status"] == status, "whoever mends the planner has them all planned"
    minutes.meta["plan"] = "spring/1"
    minutes.sweep(OPENS + hours * 60 * MINUTE_US, OPENS + (hours + 1) * 60 * MINUTE_US)
    assert len(minutes.plans.put) == len(waits)
