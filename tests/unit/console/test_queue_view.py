"""Queues as a table: what belongs to whom, in columns that stand."""

from __future__ import annotations

from collections import Counter

from console.queues import Depth, QueueState, StackQueue
from console.view.queues import queue_table, reason_lines
from console.view.segments import Role, text_of

RECEIPTS = StackQueue("receipts", "http://x/receipts", "http://x/receipts-dlq")
COUNTERS = StackQueue("campaign-counters", "", "http://x/campaign-counters-dlq")


def test_each_queue_stands_beside_its_dead_letters() -> None:
    states = [
        QueueState(RECEIPTS, Depth(3, 1, 0, 61.0), Depth(1_050, 1, 0, 7_300.0)),
        QueueState(COUNTERS, None, Depth(0, 0, 0, None)),
    ]
    lines = queue_table(states)
    rows = text_of(lines).splitlines()
    assert rows[1].split() == ["receipts", "3", "1", "0", "1m", "1,051", "2h"]
    assert rows[2].split() == ["campaign-counters", "-", "-", "-", "-", "0", "-"]
    assert len({len(row) for row in rows}) == 1
    assert [row[-1].role for row in lines[1:]] == [Role.ALARM, Role.PLAIN]


def test_a_rehearsal_counts_by_reason() -> None:
    text = text_of(reason_lines(Counter({"one": 3, "another": 1_041}), 1_050, RECEIPTS))
    assert text.splitlines() == [
        "1,044 would go from receipts-dlq to receipts, 6 would stay",
        "   1,041  another",
        "       3  one",
    ]
