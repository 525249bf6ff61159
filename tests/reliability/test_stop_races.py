"""Test 10 of the catalogue: a thousand races of a STOP against a send."""

from __future__ import annotations

from lambdas.core.attempts import OPT_OUT_MAX_AGE_US
from tests.support.stop_races import race

RACES = 1_000


def test_no_call_follows_a_read_that_began_after_the_stop() -> None:
    calls = wrong = gap_us = 0
    for seed in range(RACES):
        raced = race(seed)
        calls += len(raced.calls)
        wrong += raced.wrong_calls
        gap_us = max(gap_us, raced.largest_gap_us)
    assert calls > RACES
    assert wrong == 0
    assert gap_us <= OPT_OUT_MAX_AGE_US
