"""Messages searched in canned tables: every row once, newest first, whatever happens between two pages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError, ProblemKind
from console.sources.aws import AwsSource
from console.sources.fake_outputs import fake_outputs
from console.sources.records import PAGE_ROWS, AwsRecords, newest_first
from console.telemetry import MessagePage, MessageSearch
from lambdas.core import keys
from tests.support.canned_dynamo import NOW, Clients, Dynamo, item


def row(dynamo: Dynamo, message_id: str, number: int, customer: str = "c") -> None:
    dynamo.tracking[message_id] = item(
        message_id=message_id,
        customer_id=customer,
        channel="sms\x1b[5m",
        status="delivered",
        timestamp=int(NOW * 1000) + number,
        cost=Decimal("0.00881"),
    )


def records(dynamo: Dynamo) -> AwsRecords:
    outputs, clients = fake_outputs(), Clients(dynamodb=dynamo)
    outputs = replace(outputs, campaigns=replace(outputs.campaigns, api_url="http://127.0.0.1:1"))
    source = AwsSource(outputs, clients, lambda: NOW)  # type: ignore[arg-type]
    return AwsRecords(outputs, clients, source.campaign)  # type: ignore[arg-type]


def all_pages(console: AwsRecords, wanted: MessageSearch) -> list[MessagePage]:
    pages = [console.search(wanted)]
    while pages[-1].cursor is not None:
        pages.append(console.search(wanted, pages[-1].cursor))
    return pages


def test_a_campaigns_claimed_rows_come_once_each_though_it_goes_on_sending() -> None:
    dynamo = Dynamo()
    lanes = {
        name: {"first": first, "end": end, "price": 1} for name, first, end in (("sms", 0, 400), ("email", 400, 900))
    }
    dynamo.campaign("a", lanes=lanes, next_sms=300, next_email=700, rows=900, claimed_rows=600)
    for number in range(900):
        row(dynamo, keys.message("a", number), number)
    del dynamo.tracking[keys.message("a", 299)]
    console = records(dynamo)
    first = console.search(MessageSearch(campaign_id="a"))
    assert (first.total, len(first.messages)) == (600, PAGE_ROWS - 1)
    assert first.messages[0].channel == "sms[5m"
    assert {int(message.id[-7:]) >= 400 for message in first.messages} == {True, False}, "of both channels"
    dynamo.items.clear()
    dynamo.campaign("a", lanes=lanes, next_sms=400, next_email=900, rows=900, claimed_rows=900)
    second = console.search(MessageSearch(campaign_id="a"), first.cursor)
    third = console.search(MessageSearch(campaign_id="a"), second.cursor)
    assert (second.total, third.total, third.cursor) == (600, 600, None)
    rows = [int(message.id[-7:]) for page in (first, second, third) for message in page.messages]
    assert sorted(rows) == [*range(299), *range(400, 700)]


def test_a_customers_messages_come_newest_first_page_by_page() -> None:
    dynamo = Dynamo(page=150)
    for number in range(2 * PAGE_ROWS + 1):
        row(dynamo, f"m-{number:04d}", number)
    row(dynamo, "m-other", 5, customer="somebody-else")
    pages = all_pages(records(dynamo), MessageSearch(customer_id="c"))
    assert [len(page.messages) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 1]
    assert [message.id for page in pages for message in page.messages] == [
        f"m-{number:04d}" for number in reversed(range(2 * PAGE_ROWS + 1))
    ]
    assert pages[0].total is None
    assert not dynamo.queries[0]["ScanIndexForward"]


def test_a_single_message_is_there_or_not() -> None:
    dynamo = Dynamo()
    row(dynamo, "m-1", 0)
    console = records(dynamo)
    assert [message.id for message in console.search(MessageSearch(message_id="m-1")).messages] == ["m-1"]
    assert console.search(MessageSearch(message_id="m-2")) == MessagePage((), None, 0)


@pytest.mark.parametrize("wanted", [MessageSearch(), MessageSearch(campaign_id="a", message_id="b")])
def test_messages_are_searched_by_exactly_one_thing(wanted: MessageSearch) -> None:
    with pytest.raises(ConsoleError, match="one thing") as caught:
        records(Dynamo()).search(wanted)
    assert caught.value.problem.kind is ProblemKind.BAD_INPUT


@pytest.mark.parametrize("cursor", ["x", "[]", "[1]", "{}", '{"of": 1, "skip": 0}', '{"of": {"sms": "x"}}', "3"])
def test_a_cursor_from_elsewhere_is_refused(cursor: str) -> None:
    dynamo = Dynamo()
    dynamo.campaign("a")
    for wanted in (MessageSearch(campaign_id="a"), MessageSearch(customer_id="c")):
        with pytest.raises(ConsoleError, match="no such page"):
            records(dynamo).search(wanted, cursor)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5))
def test_lanes_are_read_side_by_side_each_row_once_and_backwards(sizes: list[tuple[int, int]]) -> None:
    lanes = [range(1_000 * place + first, 1_000 * place + first + size) for place, (first, size) in enumerate(sizes)]
    found = list(newest_first(lanes))
    assert sorted(found) == sorted(row for lane in lanes for row in lane)
    for lane in lanes:
        of_lane = [row for row in found if row in lane]
        assert of_lane == list(reversed(lane))
        half = found[: len(found) // 2]
        assert abs(sum(row in lane for row in half) - len(lane) / 2) <= len(lanes) + 1
