"""The preflight plan: who gets what for how much, the same each time."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.addresses import Destination
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel, Route
from lambdas.core.content import Content, Template
from lambdas.core.lanes import lane_attributes, lanes_of
from lambdas.core.parts import count_parts
from lambdas.core.phone_numbers import normalise_number
from lambdas.core.plan_row import Exclusion
from lambdas.core.planned_row import PlannedRow
from lambdas.core.preflight import Terms, forecast_of, preflight
from lambdas.core.prices import PriceList, price_of, sms_price
from lambdas.core.simulator import FAILURE_BY_COUNTRY, SUCCESS_BY_COUNTRY, always_fails, is_simulator
from tests.support.plans import Plan
from tests.support.plans import make_plan as plan_for

US = "+14254147755"
SMS = frozenset({Channel.SMS})
make_plan = partial(plan_for, channels=SMS)


def routes(**rates: tuple[float, float]) -> dict[Channel, Route]:
    """Channel -> (parts per second, requests per second)."""
    return {Channel(name): Route("", "", *rate) for name, rate in rates.items()}


def seconds_of(plan: Plan, limits: dict[Channel, Route], tps: float) -> float:
    return forecast_of(plan.totals, limits, Terms(tps, 1e6, 0.0)).seconds


def nobody(_channel: Channel, _addresses: Collection[str]) -> Collection[str]:
    return ()


def everybody_of(*blocked: str) -> Callable[[Channel, Collection[str]], Collection[str]]:
    return lambda _channel, addresses: [address for address in addresses if address in blocked]


def person(row: int, address: str = US, body: str = "hello", **variables: str) -> Recipient:
    return Recipient(row, f"c-{row}", Channel.SMS, address, Content(body), variables)


def reasons(plan: Plan) -> list[tuple[int, Exclusion]]:
    return [(row.row, row.reason) for row in plan.excluded]


def test_the_first_row_of_a_destination_wins() -> None:
    plan = make_plan(
        [person(0, "+14255550100"), person(1, "+1 (425) 555-0100"), person(2, "+14255550101")], opted_out=nobody
    )
    assert [(row.row, row.customer_id, row.destination) for row in plan.rows] == [
        (0, "c-0", "+14255550100"),
        (1, "c-2", "+14255550101"),
    ]
    assert reasons(plan) == [(1, Exclusion.DUPLICATE)]


def test_simulator_destinations_may_come_any_number_of_times() -> None:
    plan = make_plan([person(row) for row in range(1_000)], opted_out=nobody)
    assert len(plan.rows) == 1_000
    assert plan.excluded == ()


@pytest.mark.parametrize("country", sorted(SUCCESS_BY_COUNTRY))
def test_every_simulator_number_can_be_planned(country: str) -> None:
    for numbers, fails in ((SUCCESS_BY_COUNTRY, False), (FAILURE_BY_COUNTRY, True)):
        number = numbers[country]
        assert is_simulator(number)
        assert always_fails(number) is fails
        normalised = normalise_number(number)
        assert normalised == Destination(number, country)
    assert not is_simulator("+14255550100")


@pytest.mark.parametrize(
    "number", ["", "5", "4255550100", "+1", "+999123456789", "hello", "+1425555010012345", "+" * 300]
)
def test_numbers_that_are_none(number: str) -> None:
    plan = make_plan([person(0, number)], opted_out=nobody)
    assert reasons(plan) == [(0, Exclusion.INVALID_NUMBER)]
    assert plan.excluded[0].detail.startswith(("it has letters", "it is no number", "+1 has no such number"))


def test_each_reason_for_leaving_a_row_out() -> None:
    rows = [
        Recipient(0, "c-0", Channel.EMAIL, "a@example.org", Content("hello", "subject")),
        Recipient(1, "c-1", Channel.WHATSAPP, US, Content("hello")),
        person(2, "12"),
        person(3, "+14255550100"),
        person(4, "+14255550101", "hi {{ name }} from {{town}}", name="you"),
        person(5, "+14255550102", "x" * 1_531),
        person(6, "+14255550103", "{{nothing}}", nothing=""),
        person(7, "+442079460018"),
        person(8, "+14255550104"),
    ]
    plan = make_plan(rows, opted_out=everybody_of("+14255550100"), max_price_usd=0.01)
    assert reasons(plan) == [
        (0, Exclusion.CHANNEL_NOT_AVAILABLE),
        (1, Exclusion.CHANNEL_NOT_AVAILABLE),
        (2, Exclusion.INVALID_NUMBER),
        (3, Exclusion.OPTED_OUT),
        (4, Exclusion.MISSING_VARIABLE),
        (5, Exclusion.TOO_LONG),
        (6, Exclusion.EMPTY),
        (7, Exclusion.OVER_PRICE_LIMIT),
    ]
    assert plan.excluded[4].detail == "town"
    assert [row.customer_id for row in plan.rows] == ["c-8"]


def test_variables_are_filled_in_once_and_what_they_hold_is_left_alone() -> None:
    plan = make_plan([person(0, US, "{{a}} {{ b }}{{a}}", a="{{b}}", b="\\1 $")], opted_out=nobody)
    assert plan.rows[0].content.body == "{{b}} \\1 ${{b}}"


def test_an_empty_plan() -> None:
    plan = make_plan([], opted_out=nobody)
    assert (plan.totals.parts, plan.totals.cost_usd, plan.totals.lanes) == (0, Decimal(0), ())
    summary = preflight(plan.totals, routes(sms=(1, 1)), Terms(1, 1.0, 0.0))
    assert (summary["recipients"], summary["duration_seconds"], summary["excluded"]) == (0, 0.0, [])


@pytest.mark.parametrize(
    ("tps", "parts_per_second", "requests_per_second", "seconds"),
    [(10, 1_000, 1_000, 2.0), (1_000, 10, 1_000, 4.0 / 0.9), (1_000, 1_000, 4, 10.0 / 0.9)],
)
def test_the_slowest_of_three_limits_decides(
    tps: float, parts_per_second: float, requests_per_second: float, seconds: float
) -> None:
    plan = make_plan([person(row, US, "x" * 161) for row in range(20)], opted_out=nobody)
    assert plan.totals.parts == 40
    limits = routes(sms=(parts_per_second, requests_per_second))
    assert seconds_of(plan, limits, tps) == pytest.approx(seconds)
    assert lanes_of(lane_attributes(plan.totals.lanes))[0].parts == 40, "kept for the course of the campaign"


def test_the_days_cap_of_all_campaigns_is_among_the_limits() -> None:
    plan = make_plan([person(row, US) for row in range(20)], opted_out=nobody)
    half_usd = float(plan.totals.highest_cost_usd) / 2
    ahead = forecast_of(plan.totals, routes(sms=(1_000, 1_000)), Terms(10, 1e6, 0.0, daily_cap_usd=half_usd))
    assert ahead.limited_by == "daily_cap"
    assert 86_400 <= ahead.seconds < 2 * 86_400


audiences = st.lists(
    st.builds(
        lambda address, body, channel: (address, body, channel),
        st.sampled_from([US, "+14255550100", "+1 425 555 0100", "+442079460018", "+33755512501", "x", "+14255550199"]),
        st.sampled_from(["hello", "{{name}}", "{{town}}", "x" * 200, "\U0001f600" * 40, " "]),
        st.sampled_from(["sms", "sms", "sms", "email"]),
    ),
    max_size=40,
).map(
    lambda rows: [
        Recipient(row, f"c-{row}", Channel(channel), address, Content(body), {"name": "you"})
        for row, (address, body, channel) in enumerate(rows)
    ]
)


@given(audiences)
def test_a_plan_is_the_sum_of_its_rows_and_accounts_for_everybody(audience: list[Recipient]) -> None:
    plan = make_plan(audience, opted_out=everybody_of("+14255550199"))
    again = make_plan(list(audience), opted_out=everybody_of("+14255550199"))
    assert (plan.rows, plan.excluded) == (again.rows, again.excluded)
    assert len(plan.rows) + len(plan.excluded) == len(audience)
    assert [row.row for row in plan.rows] == list(range(len(plan.rows)))
    places = [int(row.customer_id.removeprefix("c-")) for row in plan.rows]
    assert places == sorted(places)
    assert sorted([*places, *(row.row for row in plan.excluded)]) == list(range(len(audience)))
    assert plan.totals.parts == sum(row.parts for row in plan.rows)
    assert plan.totals.cost_usd == sum((row.price_usd for row in plan.rows), Decimal(0))
    assert plan.totals.highest_cost_usd == sum((row.reserved_usd for row in plan.rows), Decimal(0))
    assert plan.totals.highest_with_fallback_usd == plan.totals.highest_cost_usd, "nothing follows any of them"
    summary = plan.totals.summary()
    for grouping in ("by_country", "by_channel"):
        groups = summary[grouping].values()
        assert sum(group["messages"] for group in groups) == len(plan.rows)
        assert sum(group["parts"] for group in groups) == plan.totals.parts
        assert sum(group["cost_usd"] for group in groups) == pytest.approx(float(plan.totals.cost_usd))
    assert summary["excluded_by_reason"] == dict(Counter(row.reason.value for row in plan.excluded))
    assert json.loads(json.dumps(summary)) == summary
    for row in plan.rows:
        assert row.parts == count_parts(row.content.body).parts >= 1
        assert row.price_usd == sms_price(row.country).total_usd * row.parts
        assert row.max_price_usd is not None
        assert row.price_usd < row.max_price_usd <= row.price_usd * Decimal("1.25") + Decimal("0.00001")
    destinations = Counter(row.destination for row in plan.rows if not is_simulator(row.destination))
    assert all(count == 1 for count in destinations.values())
    assert "+14255550199" not in destinations


@given(
    st.builds(
        PlannedRow,
        row=st.integers(0, 10**7),
        customer_id=st.text(min_size=1, max_size=128),
        channel=st.just("sms"),
        destination=st.just(US),
        country=st.sampled_from(["US", "GB", "ZZ"]),
        content=st.builds(
            Content,
            body=st.text(max_size=200),
            subject=st.text(max_size=20),
            html=st.text(max_size=20),
            template=st.none()
            | st.builds(
                Template,
                name=st.text(max_size=9),
                parameters=st.lists(st.text(max_size=9), max_size=3).map(tuple),
                data=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
            ),
        ),
        parts=st.integers(1, 11),
        price_usd=st.decimals(0, 10, places=5),
        max_price_usd=st.none() | st.decimals(0, 10, places=5),
    )
)
def test_a_planned_row_survives_its_part_file(row: PlannedRow) -> None:
    assert PlannedRow.from_json(json.loads(json.dumps(row.to_json())), row.row) == row


def mixed(rows: int) -> list[Recipient]:
    """Recipients of all channels in turn, with a template on WhatsApp and HTML in email."""
    contents = {
        Channel.SMS: Content("hi {{ name }}"),
        Channel.WHATSAPP: Content(template=Template("order_ready", parameters=("{{ name }}",))),
        Channel.EMAIL: Content("hi {{ name }}", "for {{ name }}", "<b>{{ name }}</b>"),
    }
    return [
        Recipient(
            row,
            f"c-{row}",
            channel,
            f"a{row}@example.com" if channel is Channel.EMAIL else f"+1425555{row:04d}",
            contents[channel],
            {"name": "<Ada> & co\n"},
        )
        for row, channel in zip(range(rows), itertools.cycle(contents), strict=False)
    ]


def test_each_channel_has_a_run_of_rows_of_its_own() -> None:
    plan = plan_for(mixed(9), channels=frozenset(Channel), opted_out=nobody)
    assert [(lane.channel, lane.first_row, lane.end_row) for lane in plan.totals.lanes] == [
        ("sms", 0, 3),
        ("whatsapp", 3, 6),
        ("email", 6, 9),
    ]
    assert [row.customer_id for row in plan.rows] == [f"c-{row}" for row in (0, 3, 6, 1, 4, 7, 2, 5, 8)]
    prices = [lane.highest_price_usd for lane in plan.totals.lanes]
    assert prices == [
        Decimal("0.01102"),
        price_of(Channel.WHATSAPP, template=True).total_usd,
        price_of(Channel.EMAIL).total_usd,
    ]


def test_a_lane_reserves_what_its_dearest_row_may_cost_and_the_caller_s_limit_bounds_that() -> None:
    people = [person(0, US), person(1, "+4915112345678"), person(2, US, "x" * 161)]
    own = PriceList.from_text('{"as_of": "2026-11-01", "source": "AWS", "sms": {"DE": "0.08"}}')
    (lane,) = make_plan(people, opted_out=nobody, prices=own).totals.lanes
    assert lane.highest_price_usd == Decimal("0.10000")
    (lane,) = make_plan(people, opted_out=nobody, prices=own, max_price_usd=0.09).totals.lanes
    assert lane.highest_price_usd == Decimal("0.09")
    cheap = make_plan(people, opted_out=nobody, prices=own, max_price_usd=0.02)
    assert reasons(cheap) == [(1, Exclusion.OVER_PRICE_LIMIT)]


def test_variables_are_escaped_where_the_text_is_html_and_kept_to_one_line_in_a_subject() -> None:
    plan = plan_for(mixed(3), channels=frozenset(Channel), opted_out=nobody)
    sms, whatsapp, email = (row.content for row in plan.rows)
    assert sms.body == "hi <Ada> & co\n"
    assert whatsapp.template is not None
    assert whatsapp.template.parameters == ("<Ada> & co\n",)
    assert email == Content("hi <Ada> & co\n", "for <Ada> & co", "<b>&lt;Ada&gt; &amp; co\n</b>")


def test_channels_send_side_by_side_so_the_slowest_decides() -> None:
    plan = plan_for(mixed(90), channels=frozenset(Channel), opted_out=nobody)
    limits = routes(sms=(10, 10), whatsapp=(80, 1_000), email=(1, 1))
    assert seconds_of(plan, limits, 1_000) == pytest.approx(30 / 0.9)
    assert seconds_of(plan, limits, 0.5) == pytest.approx(180)


@pytest.mark.parametrize(
    "address",
    ["", "a", "@example.com", "a@", "a@b", "a b@example.com", "a@example..com", "a@exa mple.com", "a@-x.com",
     "\u00e4@example.com", "a@b\u00fccher.example", "a\r\nBcc: b@example.com", "x" * 65 + "@example.com", "a@@b.com",
     "<a@example.com>", "a@example.com, b@example.com"],
)  # fmt: skip
def test_addresses_that_are_none(address: str) -> None:
    recipient = Recipient(0, "c", Channel.EMAIL, address, Content("x", "y"))
    plan = plan_for([recipient], channels=frozenset(Channel), opted_out=nobody)
    assert reasons(plan) == [(0, Exclusion.INVALID_EMAIL)]


@pytest.mark.parametrize("left", [Channel.SMS, Channel.WHATSAPP])
def test_who_has_left_one_channel_is_written_to_on_the_other(left: Channel) -> None:
    rows = [
        Recipient(row, f"c-{channel}", channel, "+14255550100", Content("hello"))
        for row, channel in enumerate((Channel.SMS, Channel.WHATSAPP))
    ]
    asked: list[tuple[Channel, list[str]]] = []

    def opted_out(channel: Channel, addresses: Collection[str]) -> Collection[str]:
        asked.append((channel, sorted(addresses)))
        return addresses if channel is left else ()

    plan = plan_for(rows, channels=frozenset(Channel), opted_out=opted_out)
    assert [row.channel for row in plan.rows] == [
        channel for channel in (Channel.SMS, Channel.WHATSAPP) if channel != left
    ]
    assert reasons(plan) == [(0 if left is Channel.SMS else 1, Exclusion.OPTED_OUT)]
    assert asked == [(Channel.SMS, ["+14255550100"]), (Channel.WHATSAPP, ["+14255550100"])]


def test_an_address_is_one_in_any_case() -> None:
    rows = [
        Recipient(row, "c", Channel.EMAIL, address, Content("x", "y"))
        for row, address in enumerate(["Ada@Example.COM", "ada@example.com", "ada+x@example.com"])
    ]
    plan = plan_for(rows, channels=frozenset(Channel), opted_out=nobody)
    assert [row.destination for row in plan.rows] == ["ada@example.com", "ada+x@example.com"]
