"""A million receipts in the wrong order, twice, late and by wrong clocks: every counter equals the oracle's."""

from __future__ import annotations

import random

import pytest

from lambdas.core.counting import CounterKey
from tests.support.receipt_pipeline import cost, counted, play
from tests.support.receipt_storm import arrivals, expected, stories

EVENTS = 1_000_000
SHARDS = 8
COPIES = 0.25
PERMUTATIONS = 100


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_counter_equals_the_oracle(shard: int) -> None:
    rnd = random.Random(f"receipts {shard}")
    base = int(EVENTS / SHARDS / (1 + COPIES))
    some = stories(rnd, f"storm-{shard}", base)
    order = arrivals(rnd, some, copies=COPIES)
    receipts = [arrival for arrival in order if arrival[1] >= 0]
    assert len(receipts) == EVENTS // SHARDS
    pipeline, unmatched = play(some, order, rnd)

    sums = expected(some)
    assert len(sums) == 3
    found = {(key.campaign_id, key.channel): counts for key, counts in pipeline.counters.items() if key.campaign_id}
    for key, sum_ in sums.items():
        assert counted(found[key]) == {name: n for name, n in sum_.counts.items() if n}, key
        assert cost(found[key]) == sum_.cost_usd.normalize(), key
    by_day = sum((counts.sent for key, counts in pipeline.counters.items() if key.day), 0)
    assert by_day == sum(sum_.counts["sent"] for sum_ in sums.values())

    nobody_s = [arrival for arrival in receipts if some[arrival[0]].told[arrival[1]] not in some[arrival[0]].known()]
    assert len(unmatched) == len(nobody_s), "lost is none: what is left names neither our id nor a known one"
    assert 0 < len(nobody_s) < len(receipts) / 50


def test_a_hundred_orders_of_one_set_give_one_result() -> None:
    rnd = random.Random("permutations")
    some = stories(rnd, "storm", 500)
    results = []
    for _ in range(PERMUTATIONS):
        pipeline, unmatched = play(some, arrivals(rnd, some), rnd)
        counters: dict[CounterKey, object] = dict(pipeline.counters)
        results.append((pipeline.rows, counters, set(unmatched)))
    assert all(result == results[0] for result in results[1:])
