"""Claimed rows that no chunk records, found in one pass over any chunks."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.lanes import Lane, unrecorded_rows

PRICE = Decimal("0.01")


@st.composite
def lanes_and_chunks(draw: st.DrawFn) -> tuple[list[Lane], list[tuple[int, int]]]:
    """Lanes one behind the other, claimed in part, and chunks over some of the claimed rows."""
    lanes: list[Lane] = []
    chunks: list[tuple[int, int]] = []
    row = draw(st.integers(0, 5))
    for number in range(draw(st.integers(1, 4))):
        end = row + draw(st.integers(1, 20))
        claimed = draw(st.integers(row, end))
        lanes.append(Lane("sms", row, end, PRICE, claimed, number=number))
        while row < claimed:
            chunk_end = draw(st.integers(row + 1, claimed))
            if draw(st.booleans()):
                chunks.append((row, chunk_end))
            row = chunk_end
        row = end
    return lanes, chunks


@given(lanes_and_chunks())
def test_each_claimed_row_is_in_a_chunk_or_in_one_gap(drawn: tuple[list[Lane], list[tuple[int, int]]]) -> None:
    lanes, chunks = drawn
    gaps = list(unrecorded_rows(lanes, iter(chunks)))
    assert all(lane.first_row <= first < end <= lane.claimed.stop for lane, first, end in gaps)
    found = sorted(
        row for first, end in [*chunks, *((first, end) for _, first, end in gaps)] for row in range(first, end)
    )
    assert found == [row for lane in lanes for row in lane.claimed]
    assert {first for _, first, _ in gaps} <= {end for _, end in chunks} | {lane.first_row for lane in lanes}
    assert {end for _, _, end in gaps} <= {first for first, _ in chunks} | {lane.claimed.stop for lane in lanes}
