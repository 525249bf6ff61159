"""Part files: whatever lanes write in whatever order, the campaign's rows come back under their numbers."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.adapters import part_files
from lambdas.adapters.part_files import PartReader, PartWriter, index_key
from lambdas.core.content import Content
from lambdas.core.lanes import Lane
from tests.support.campaigns import planned_row
from tests.support.memory_bucket import Bucket


def lanes(counts: dict[str, int]) -> list[Lane]:
    firsts = itertools.accumulate(counts.values(), initial=0)
    return [
        Lane(name, first, first + rows, Decimal(1)) for (name, rows), first in zip(counts.items(), firsts, strict=False)
    ]


@given(st.lists(st.sampled_from(["sms", "whatsapp", "email"]), max_size=60), st.integers(0, 59), st.integers(1, 60))
def test_rows_come_back_under_the_campaigns_numbers(order: list[str], first: int, count: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_files, "MAX_PART_ROWS", 4)
        patch.setattr(part_files, "MAX_OPEN_BYTES", 900)
        bucket: Any = Bucket()
        writer = PartWriter(bucket, "content", "plan")
        counts: dict[str, int] = {name: 0 for name in ("sms", "whatsapp", "email") if name in order}
        for name in order:
            writer.add(name, planned_row(counts[name], channel=name))
            counts[name] += 1
        writer.finish(lanes(counts))
        written = [
            replace(planned_row(place, channel=lane.channel), row=lane.first_row + place)
            for lane in lanes(counts)
            for place in range(lane.rows)
        ]
        assert PartReader(bucket, "content").rows("plan", first, count) == written[first : first + count]


def test_a_part_file_is_full_by_bytes_too() -> None:
    bucket: Any = Bucket()
    writer = PartWriter(bucket, "content", "plan")
    row = replace(planned_row(0), content=Content("x" * 1_000_000))
    for place in range(9):
        writer.add("sms", replace(row, row=place))
    writer.finish([Lane("sms", 0, 9, Decimal(1))])
    assert max(map(len, bucket.objects.values())) <= part_files.MAX_PART_BYTES
    assert json.loads(bucket.objects[index_key("plan")]) == [[0, "sms", 0], [4, "sms", 4], [8, "sms", 8]]
    assert [each.row for each in PartReader(bucket, "content").rows("plan", 3, 9)] == [3, 4, 5, 6, 7, 8]


def test_a_plan_goes_on_where_another_process_left_it() -> None:
    bucket: Any = Bucket()
    first = PartWriter(bucket, "content", "plan")
    for place in range(3):
        first.add("sms", planned_row(place))
    first.flush()
    second = PartWriter(bucket, "content", "plan", first.written)
    for place in range(3, 5):
        second.add("sms", planned_row(place))
    second.finish([Lane("sms", 0, 5, Decimal(1))])
    assert PartReader(bucket, "content").rows("plan", 0, 10) == [planned_row(place) for place in range(5)]
