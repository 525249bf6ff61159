"""The cloud's clock: speed, jumps, no way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.clock import Clock


class _Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.floats(0.1, 1000),
    st.lists(st.tuples(st.floats(0, 10_000), st.floats(0, 10_000)), max_size=20),
)
def test_time_is_elapsed_times_speed_plus_jumps(speed: float, steps: list[tuple[float, float]]) -> None:
    wall = _Time()
    clock = Clock(speed, wall=wall, monotonic=wall)
    expected = 1_000.0
    for passed, jump in steps:
        wall.now += passed
        clock.advance(jump)
        expected += passed * speed + jump
        assert clock.now() == pytest.approx(expected)
        assert clock.offset() == pytest.approx(expected - wall.now, abs=1e-3)


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_clock_that_stands_or_goes_back_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(speed)
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().advance(-1)


def test_a_jump_counts_for_what_was_there_before_it() -> None:
    wall = _Time()
    clock = Clock(wall=wall, monotonic=wall)
    early = wall()
    clock.advance(300)
    wall.now += 10
    late = wall()
    clock.advance(60)
    assert clock.jumped_since(early) == 360
    assert clock.jumped_since(late) == 60
    assert clock.jumped_since(late + 1) == 0
