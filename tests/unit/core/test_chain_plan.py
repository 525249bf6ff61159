"""Several channels for one message: what may be asked for, what a plan makes of it, how orders of legs travel."""

from __future__ import annotations

import json
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.campaign_request import CampaignRequest, RequestError, parse_campaign_request
from lambdas.core.chain_terms import ChainTerms
from lambdas.core.channels import Channel
from lambdas.core.leg_order import LegOrder, is_leg_order, parse_leg_order
from lambdas.core.message_order import parse_message_order
from lambdas.core.plan import LaneRow, Planning, new_planning
from lambdas.core.plan_checkpoint import totals_from_json, totals_to_json
from lambdas.core.plan_row import ExcludedRow, Exclusion, RowRules
from lambdas.core.planned_row import PlannedRow
from lambdas.core.preflight import Terms, preflight
from lambdas.core.send_options import SendOptions
from lambdas.core.watch import LONGEST_DELAY_S, UnreadableWatch, Watch, watches

NUMBER, MAIL = "+14255550100", "ada@example.com"
CONTENT = {"whatsapp": {"template": {"name": "ready", "parameters": ["Ada"]}}, "email": {"subject": "Ready"}}


def user(*channels: str, **fields: Any) -> dict[str, Any]:
    return {"customer_id": "ada", "channels": list(channels), "phone": NUMBER, "email": MAIL, **fields}


def request(*users: dict[str, Any], **options: Any) -> CampaignRequest:
    body = {"eligible_users": list(users), "throughput_tps": 1, "body": "hello", "content": CONTENT}
    return parse_campaign_request({**body, "options": options})


def planned(
    asked: CampaignRequest, *, blocked: Collection[str] = (), channels: Collection[str] = tuple(Channel)
) -> tuple[list[LaneRow | ExcludedRow], Planning]:
    rules = RowRules(channels, asked.options.max_price_usd, options=asked.options)
    planning = new_planning(rules, lambda channel, _addresses: [each for each in (NUMBER, MAIL) if channel in blocked])
    return list(planning.plan(asked.recipients)), planning


def only(outcomes: list[LaneRow | ExcludedRow]) -> PlannedRow:
    (outcome,) = outcomes
    assert isinstance(outcome, LaneRow)
    assert outcome.lane == outcome.row.channel
    return outcome.row


def way(row: PlannedRow) -> list[tuple[str, str]]:
    return [(each.channel, each.destination) for each in (row, *row.fallback)]


def test_a_message_is_planned_on_its_first_channel_with_the_others_behind_it() -> None:
    outcomes, planning = planned(request(user("whatsapp", "sms", "email"), fallback_after_seconds=60, retries=1))
    row = only(outcomes)
    assert way(row) == [("whatsapp", NUMBER), ("sms", NUMBER), ("email", MAIL)]
    assert row.chain == ChainTerms(("whatsapp", "sms", "email"), 60, 1, None)
    assert row.deadline_s == 60
    assert row.content.template is not None
    assert [(each.content.body, each.content.subject) for each in row.fallback] == [("hello", ""), ("hello", "Ready")]
    assert planning.totals.cost_usd == row.price_usd, "what is sent first is what is estimated"
    assert PlannedRow.from_json(json.loads(json.dumps(row.to_json())), row.row) == row
    assert [row.on(choice).channel for choice in range(3)] == ["whatsapp", "sms", "email"]
    assert row.on(0).chain is None


@pytest.mark.parametrize(
    ("fields", "without", "left"),
    [
        ({}, {"blocked": {"whatsapp"}}, ["sms", "email"]),
        ({}, {"blocked": {"sms"}}, ["whatsapp", "email"]),
        ({}, {"channels": ("sms", "email")}, ["sms", "email"]),
        ({"phone": "12"}, {}, ["email"]),
        ({"email": "nobody"}, {}, ["whatsapp", "sms"]),
        ({"body": "x" * 2_000}, {}, ["whatsapp", "email"]),
    ],
)
def test_channels_that_cannot_take_the_message_are_passed_over(
    fields: dict[str, Any], without: dict[str, Any], left: list[str]
) -> None:
    outcomes, _ = planned(request(user("whatsapp", "sms", "email", **fields)), **without)
    row = only(outcomes)
    assert [channel for channel, _ in way(row)] == left
    assert (row.chain.channels if row.chain else ()) == (tuple(left) if len(left) > 1 else ())


def test_who_cannot_be_reached_at_all_is_left_out_for_what_is_wrong_with_the_first_channel() -> None:
    (outcome,), _ = planned(request(user("sms", "email", phone="12", email="nobody")))
    assert isinstance(outcome, ExcludedRow)
    assert outcome.reason is Exclusion.INVALID_NUMBER
    (outcome,), _ = planned(request(user("sms", "email")), blocked={"sms", "email"})
    assert isinstance(outcome, ExcludedRow)
    assert outcome.reason is Exclusion.OPTED_OUT


def test_a_row_of_one_channel_has_a_chain_only_for_retries() -> None:
    one = {"customer_id": "ada", "selected_channel": "sms", "phone": NUMBER}
    assert only(planned(request(one, fallback_after_seconds=60))[0]).chain is None
    assert only(planned(request(one, retries=2))[0]).chain == ChainTerms(("sms",), None, 2, None)


@pytest.mark.parametrize(
    ("options", "calls", "at_most"),
    [
        ({}, 1, None),
        ({"retries": 2}, 3, None),
        ({"retries": 2, "max_price_usd": 0.02}, 3, "0.02"),
        ({"fallback_after_seconds": 60, "max_price_usd": 1}, 1, "1"),
    ],
)
def test_the_worst_case_is_every_call_that_may_follow_within_the_price_of_the_whole_message(
    options: dict[str, Any], calls: int, at_most: str | None
) -> None:
    outcomes, planning = planned(request(user("whatsapp", "sms", "email"), **options))
    row = only(outcomes)
    all_calls = calls * sum((each.reserved_usd for each in (row, *row.fallback)), Decimal(0))
    highest = all_calls if at_most is None else min(all_calls, Decimal(at_most))
    totals = planning.totals
    assert totals.highest_cost_usd == row.reserved_usd < highest == totals.highest_with_fallback_usd
    assert totals.summary()["highest_cost_with_fallback_usd"] == pytest.approx(float(highest))
    read = totals_from_json(json.loads(json.dumps(totals_to_json(totals))), totals.customers, totals.ranges)
    assert read.highest_with_fallback_usd == highest
    assert read.chained


@pytest.mark.parametrize(
    ("channels", "options", "chained"),
    [(("sms",), {}, False), (("sms",), {"retries": 1}, True), (("sms", "email"), {}, True)],
)
def test_a_plan_notes_whether_anything_may_follow_any_of_its_rows(
    channels: tuple[str, ...], options: dict[str, Any], chained: bool
) -> None:
    one = {"customer_id": "bob", "selected_channel": "email", "email": "bob@example.com"}
    _, planning = planned(request(one, user(*channels), one, **options))
    written = totals_to_json(planning.totals)
    read = totals_from_json(json.loads(json.dumps(written)), planning.totals.customers, planning.totals.ranges)
    assert planning.totals.chained is read.chained is chained
    del written["chained"]
    assert totals_from_json(written, planning.totals.customers, planning.totals.ranges).chained, "it may be so"


def test_a_plan_tells_that_the_cap_would_not_hold_what_may_follow() -> None:
    _, planning = planned(request(user("whatsapp", "sms", "email")))
    between = float(planning.totals.highest_cost_usd + planning.totals.highest_with_fallback_usd) / 2
    plan = preflight(planning.totals, {}, Terms(1, between, 0.0))
    assert (plan["over_cap"], plan["over_cap_with_fallback"]) == (False, True)


@pytest.mark.parametrize(
    "channels", [[], ["sms", "sms"], ["fax"], "sms", [["sms"]], None, ["sms", "email", "whatsapp", "sms"]]
)
def test_channels_are_a_list_of_different_ones(channels: Any) -> None:
    with pytest.raises(RequestError, match=r"eligible_users\[0\]\.channels must be a list of different channels"):
        request({**user(), "channels": channels})
    with pytest.raises(RequestError, match="channels must be a list of different channels"):
        parse_message_order({**user(), "channels": channels, "body": "hello"})


def test_channels_take_the_place_of_the_one_channel() -> None:
    with pytest.raises(RequestError, match="in place of selected_channel"):
        request(user("sms", "email", selected_channel="sms"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fallback_after_seconds": 9}, "from 10 to 86400"),
        ({"fallback_after_seconds": 60.5}, "from 10 to 86400"),
        ({"retries": 3}, "from 0 to 2"),
        ({"retries": True}, "from 0 to 2"),
    ],
)
def test_options_have_bounds(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        request(user("sms", "email"), **options)


def test_a_single_message_says_what_each_channel_says() -> None:
    order = parse_message_order({**user("whatsapp", "sms", "email"), "body": "hello", "content": CONTENT})
    assert [choice.channel for choice in order.recipient.choices] == ["whatsapp", "sms", "email"]
    whatsapp, sms, email = (choice.content for choice in order.recipient.choices)
    assert whatsapp.template is not None
    assert (sms.body, email.body, email.subject) == ("hello", "hello", "Ready")


def test_ids_leave_room_for_the_legs_names() -> None:
    one = {"customer_id": "ada", "channel": "sms", "phone": NUMBER, "body": "hello"}
    assert parse_message_order({**one, "message_id": "x" * 64}).message_id == "x" * 64
    with pytest.raises(RequestError, match="at most 62"):
        parse_message_order({**one, "message_id": "x" * 63, "options": {"retries": 1}})
    with pytest.raises(RequestError, match="'_' and one digit"):
        parse_message_order({**one, "message_id": "code_1"})


@given(number=st.integers(1, 9), choice=st.integers(0, 2), at_ms=st.integers(0, 10**14))
def test_an_order_of_a_leg_travels(number: int, choice: int, at_ms: int) -> None:
    order = LegOrder("spring-0000007", number, choice, at_ms)
    document = json.loads(json.dumps(order.to_json()))
    assert is_leg_order(document)
    assert parse_leg_order(document) == order
    assert order.message_id == f"spring-0000007_{number}"


@given(
    leg=st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {},
            optional={
                "chain_id": st.one_of(st.none(), st.sampled_from(["", "a b", "code_1", "code"])),
                "number": st.one_of(st.none(), st.booleans(), st.integers(-1, 11)),
                "choice": st.one_of(st.none(), st.text(max_size=2), st.integers(-2, 3)),
            },
        ),
    ),
    at_ms=st.one_of(st.none(), st.integers(0, 5), st.floats()),
)
def test_what_is_no_order_of_a_leg_is_refused(leg: Any, at_ms: Any) -> None:
    try:
        order = parse_leg_order({"leg": leg, "ordered_at_ms": at_ms})
    except RequestError:
        return
    assert order.chain_id == "code"
    assert (1 <= order.number <= 9, order.choice >= 0) == (True, True)


@given(st.integers(0, 10**6), st.integers(0, 2_000))
def test_a_watch_is_held_back_until_it_is_due_as_far_as_the_queue_can(now_s: int, wait_s: int) -> None:
    watch = Watch(("code",), (now_s + wait_s) * 1_000)
    assert watch.delay_s(now_s * 1_000) == min(wait_s, LONGEST_DELAY_S)
    assert watch.delay_s(now_s * 1_000 - 1) == min(wait_s + 1, LONGEST_DELAY_S)
    assert Watch.from_json(watch.to_json()) == watch


def test_many_chains_are_looked_at_in_several_turns() -> None:
    ids = [f"m-{number}" for number in range(60)]
    put = watches(ids, 5)
    assert [chain_id for watch in put for chain_id in watch.chain_ids] == ids
    assert {watch.due_ms for watch in put} == {5}
    assert max(len(watch.chain_ids) for watch in put) <= 25


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"chain_ids": [1]}', '{"chain_ids": ["a"], "due_ms": true}'])
def test_what_is_no_watch_is_refused(body: str) -> None:
    with pytest.raises(UnreadableWatch):
        Watch.from_json(body)


def test_the_price_of_all_legs_is_bounded_by_one_highest_price() -> None:
    row = only(planned(request(user("whatsapp", "email"), max_price_usd=0.01))[0])
    assert way(row) == [("email", MAIL)], "a channel that is too dear by itself is none"
    assert row.price_usd < Decimal("0.01")
    assert SendOptions().retries == 0
