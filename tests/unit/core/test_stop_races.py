"""STOP against send: no call is made on a read that began after the STOP, or longer ago than a second."""

from __future__ import annotations

import pytest

from lambdas.core.attempts import OPT_OUT_MAX_AGE_US
from tests.support.stop_races import race


@pytest.mark.parametrize("seed", range(60))
def test_a_stop_that_is_committed_is_heeded(seed: int) -> None:
    raced = race(seed)
    assert raced.calls
    assert raced.wrong_calls == 0
    assert raced.largest_gap_us <= OPT_OUT_MAX_AGE_US


def test_the_races_are_close() -> None:
    races = [race(seed) for seed in range(60)]
    late = [each for each in races if any(to == each.stopped and at > each.stopped_us for at, to in each.calls)]
    heeded = [each for each in races if all(to != each.stopped for _, to in each.calls)]
    assert late, "some calls were under way, allowed by a read before the STOP"
    assert heeded, "and some were not made"
