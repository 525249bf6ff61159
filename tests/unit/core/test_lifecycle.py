"""The lattice of one message, and counters that are sums of its differences."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.chain_terms import ChainTerms
from lambdas.core.counting import CounterDelta, CounterKey, RowChange, RowImage, batch_marker, deltas
from lambdas.core.days import utc_day
from lambdas.core.folding import metrics_of_change
from lambdas.core.lifecycle import ARRIVED, RANK, Counts, MessageState, Status, StatusEvent, contribution, fold
from lambdas.core.metrics import DELIVERY_LATENCY, FAILED_DELIVERIES, TOTAL_COST
from lambdas.core.receipts import Suppression

CALLED_MS = 1_000
ESTIMATE = Decimal("0.00881")
INTENT = MessageState(Status.SENDING, {Status.SENDING: CALLED_MS})

events = st.builds(
    StatusEvent,
    status=st.sampled_from([status for status in Status if status is not Status.SENDING]),
    at_ms=st.integers(CALLED_MS - 50, CALLED_MS + 50),
    code=st.none() | st.sampled_from(["UNKNOWN", "UNREACHABLE", "SPAM", "OPTED_OUT"]),
    price_usd=st.none() | st.decimals(0, 1, places=5, allow_nan=False),
    provider_id=st.none() | st.sampled_from(["p1", "p2"]),
    flags=st.frozensets(st.sampled_from(["price_unit_suspicious", *Suppression])),
)
event_lists = st.lists(events, max_size=8)


def image(state: MessageState, campaign: str = "spring", rest: ChainTerms | None = None) -> RowImage:
    return RowImage(campaign, "sms", CALLED_MS, ESTIMATE, state, rest=rest)


def counts_of(state: MessageState) -> Counts:
    return contribution(state, called_ms=CALLED_MS, estimate_usd=ESTIMATE)


@given(event_lists, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(some: list[StatusEvent], rnd: random.Random) -> None:
    shuffled = some + [event for event in some if rnd.random() < 0.25]
    rnd.shuffle(shuffled)
    assert fold(INTENT, shuffled) == fold(INTENT, some)


@given(event_lists, st.integers(0, 8))
def test_batching_does_not_matter(some: list[StatusEvent], cut: int) -> None:
    assert fold(fold(INTENT, some[:cut]), some[cut:]) == fold(INTENT, some)


@given(event_lists)
def test_folding_again_changes_nothing(some: list[StatusEvent]) -> None:
    once = fold(INTENT, some)
    assert fold(once, some) == once


@given(event_lists, event_lists)
def test_a_status_only_rises_and_delivered_never_leaves(first: list[StatusEvent], then: list[StatusEvent]) -> None:
    before = fold(INTENT, first)
    after = fold(before, then)
    assert RANK[after.status] >= RANK[before.status]
    if before.status in ARRIVED:
        assert after.status in ARRIVED
    assert before.history.keys() <= after.history.keys()
    assert all(after.history[status] <= at for status, at in before.history.items())


def test_a_hundred_orders_of_one_set_give_one_result() -> None:
    rnd = random.Random(20261120)
    some = [
        StatusEvent(Status.SENT, 1_010, provider_id="p1", price_usd=Decimal("0.00581")),
        StatusEvent(Status.SENT, 1_012, provider_id="p1"),
        StatusEvent(Status.IN_DOUBT, 1_005),
        StatusEvent(Status.FAILED, 1_030, code="UNREACHABLE", provider_id="p1"),
        StatusEvent(Status.FAILED, 1_030, code="BLOCKED"),
        StatusEvent(Status.FAILED, 1_030),
        StatusEvent(Status.DELIVERED, 1_040, price_usd=Decimal("0.00881")),
        StatusEvent(Status.DELIVERED, 1_039, flags=frozenset({"late"})),
        StatusEvent(Status.READ, 1_100),
    ]
    results = []
    for _ in range(100):
        rnd.shuffle(some)
        results.append(fold(INTENT, some))
    assert all(result == results[0] for result in results)
    assert results[0].status is Status.READ
    assert results[0].code == "BLOCKED"
    assert results[0].cost_usd == Decimal("0.00881")
    assert results[0].history[Status.DELIVERED] == 1_039


def test_unknown_after_delivered_does_not_take_the_delivery_back() -> None:
    delivered = fold(INTENT, [StatusEvent(Status.DELIVERED, 1_050, provider_id="p1")])
    late = fold(delivered, [StatusEvent(Status.FAILED, 1_050 + 72 * 3_600_000, code="UNKNOWN")])
    assert late.status is Status.DELIVERED
    assert late.code == "UNKNOWN"
    assert counts_of(late).failed == 0
    assert counts_of(late).delivered == 1


def test_a_delivery_after_a_failure_counts_as_delivered() -> None:
    failed = fold(INTENT, [StatusEvent(Status.FAILED, 1_050, code="UNKNOWN", provider_id="p1")])
    assert counts_of(failed).failed == 1
    arrived = counts_of(fold(failed, [StatusEvent(Status.DELIVERED, 1_060)]))
    assert (arrived.failed, arrived.delivered, arrived.sent) == (0, 1, 1)


def test_what_was_not_accepted_costs_nothing() -> None:
    refused = fold(INTENT, [StatusEvent(Status.FAILED, 1_001, code="PRICE_OVER_THRESHOLD")])
    assert counts_of(refused) == Counts(failed=1, refused=1)
    accepted = fold(INTENT, [StatusEvent(Status.SENT, 1_001, provider_id="p1")])
    assert counts_of(accepted) == Counts(sent=1, cost_usd=ESTIMATE)
    charged = fold(accepted, [StatusEvent(Status.DELIVERED, 1_301, price_usd=Decimal("0.0061"))])
    assert counts_of(charged) == Counts(sent=1, delivered=1, delivery_ms_sum=301, cost_usd=Decimal("0.0061"))


def test_what_a_receipt_without_an_id_proves_counts_as_accepted() -> None:
    """An intent in doubt may be resolved by a receipt that does not tell what the call returned."""
    in_doubt = fold(INTENT, [StatusEvent(Status.IN_DOUBT, 1_001)])
    assert (in_doubt.is_accepted, counts_of(in_doubt)) == (False, Counts(in_doubt=1))
    arrived = fold(in_doubt, [StatusEvent(Status.READ, 1_301)])
    assert counts_of(arrived) == Counts(sent=1, delivered=1, cost_usd=ESTIMATE)


def test_a_status_is_never_doubly_counted() -> None:
    for status in Status:
        counts = counts_of(fold(INTENT, [StatusEvent(status, 1_001, provider_id="p1")]))
        assert counts.delivered + counts.failed + counts.in_doubt <= 1
        assert MessageState(status).is_final == (status in {Status.FAILED, Status.DELIVERED, Status.READ})


@given(
    st.lists(event_lists, min_size=1, max_size=6),
    st.sampled_from([None, ChainTerms(("sms", "email")), ChainTerms(("sms",), retries=1)]),
    st.data(),
)
def test_differences_telescope_in_any_batching(
    steps: list[list[StatusEvent]], rest: ChainTerms | None, data: st.DataObject
) -> None:
    states = [INTENT]
    for step in steps:
        states.append(fold(states[-1], step))
    changes = [RowChange("0", None, image(INTENT, rest=rest))]
    for number, (before, after) in enumerate(pairwise(states), start=1):
        changes.append(RowChange(str(number), image(before, rest=rest), image(after, rest=rest)))
    changes.append(RowChange("last", image(states[-1], rest=rest), None))
    total = Counts()
    position = 0
    while position < len(changes):
        size = data.draw(st.integers(1, len(changes) - position))
        batch = deltas(changes[position : position + size])
        campaign = batch.get(CounterKey("spring", "", "sms"), CounterDelta(Counts())).counts
        day = batch.get(CounterKey("", utc_day(CALLED_MS), "sms"), CounterDelta(Counts())).counts
        assert campaign == day
        total += campaign
        position += size
    assert total == image(states[-1], rest=rest).counts()
    assert replace(total, unwanted=0, passed_on=0) == counts_of(states[-1])
    assert 0 <= total.unwanted + total.passed_on <= total.failed


def test_removals_change_no_counter() -> None:
    sent = fold(INTENT, [StatusEvent(Status.DELIVERED, 1_001, provider_id="p1")])
    assert deltas([RowChange("1", image(sent), None)]) == {}


def test_rows_without_a_campaign_count_for_the_day_alone() -> None:
    sent = fold(INTENT, [StatusEvent(Status.SENT, 1_005, provider_id="p1")])
    sums = deltas([RowChange("1", image(INTENT, ""), image(sent, ""))])
    assert list(sums) == [CounterKey("", "1970-01-01", "sms")]


def test_the_span_of_acceptances_covers_the_whole_batch() -> None:
    changes = []
    for number, at_ms in enumerate((1_300, 1_100, 1_200)):
        sent = fold(INTENT, [StatusEvent(Status.SENT, at_ms, provider_id=f"p{number}")])
        changes.append(RowChange(str(number), image(INTENT), image(sent)))
    delta = deltas(changes)[CounterKey("spring", "", "sms")]
    assert (delta.first_sent_ms, delta.last_sent_ms, delta.counts.sent) == (1_100, 1_300, 3)


def test_a_batch_has_one_name_however_often_it_comes() -> None:
    changes = [RowChange("17", None, image(INTENT)), RowChange("18", None, image(INTENT))]
    assert batch_marker(changes) == batch_marker(list(changes))
    assert batch_marker(changes) != batch_marker(changes[:1])
    assert batch_marker([RowChange("1", None, None), RowChange("23", None, None)]) != batch_marker(
        [RowChange("12", None, None), RowChange("3", None, None)]
    )


def test_a_utc_day_changes_at_midnight() -> None:
    midnight_ms = 1_763_683_200_000
    assert (utc_day(midnight_ms - 1), utc_day(midnight_ms)) == ("2025-11-20", "2025-11-21")


@given(st.lists(event_lists, min_size=1, max_size=6))
def test_each_row_is_worth_its_metrics_once_in_any_batching(steps: list[list[StatusEvent]]) -> None:
    state, data = INTENT, []
    for step in steps:
        after = fold(state, step)
        data += metrics_of_change(state, after, channel="sms", called_ms=CALLED_MS)
        state = after
    values = {metric.name: [datum.value for datum in data if datum.metric is metric] for metric in
              (FAILED_DELIVERIES, DELIVERY_LATENCY, TOTAL_COST)}  # fmt: skip
    assert len(values["FailedDeliveries"]) <= 1
    assert len(values["DeliveryLatency"]) == int(Status.DELIVERED in state.history)
    assert all(value >= 0 for value in values["DeliveryLatency"])
    assert abs(sum(values["TotalCost"]) - float(state.cost_usd or 0)) < 1e-9
    if state.status is Status.FAILED:
        assert values["FailedDeliveries"] == [1]
