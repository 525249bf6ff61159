"""The outcomes of one chunk's rows, and what they come to when it is closed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lambdas.core.attempts import Outcome, ScheduledSend
from lambdas.core.ports import Chunk, ChunkResult

HANDED_OVER = frozenset({Outcome.SENT, Outcome.IN_DOUBT, Outcome.ANSWERED})


class ChunkProgress:
    """The outcomes of one chunk's rows as they come in from many threads."""

    def __init__(self, chunk: Chunk, rows: int) -> None:
        self.chunk = chunk
        self.unsent: list[ScheduledSend] = []
        self.lost = False
        """Another worker has taken the chunk over; its rows are none of ours any more."""
        self._rows = rows
        self._outcomes: Counter[Outcome] = Counter()
        self._deadlines: dict[int, list[str]] = {}
        self._spent = Decimal(0)
        self._lock = threading.Lock()

    def done(self, send: ScheduledSend, outcome: Outcome) -> None:
        """Record the outcome of one row."""
        with self._lock:
            self._outcomes[outcome] += 1
            if outcome in HANDED_OVER:
                self._spent += send.row.reserved_usd
                if (after_s := send.row.deadline_s) is not None:
                    self._deadlines.setdefault(after_s, []).append(send.message_id)

    @property
    def deadlines(self) -> Mapping[int, Sequence[str]]:
        """The messages that were handed over and fall back if they are not delivered in time, by that time (s)."""
        with self._lock:
            return dict(self._deadlines)

    def left_unsent(self, send: ScheduledSend) -> None:
        """Record that a row was not handed over in this run; its chunk stays open unless `count_unsent` follows."""
        with self._lock:
            self.unsent.append(send)

    def count_unsent(self) -> None:
        """Give every row without an outcome the outcome `UNSENT`: the campaign has ended."""
        with self._lock:
            self._outcomes[Outcome.UNSENT] += self._rows - self._outcomes.total()

    @property
    def finished(self) -> bool:
        """Every row has an outcome."""
        with self._lock:
            return self._outcomes.total() >= self._rows

    def result(self) -> ChunkResult:
        """The sums that closing the chunk settles."""
        with self._lock:
            counts = self._outcomes
            return ChunkResult(
                sent=counts[Outcome.SENT],
                refused=counts[Outcome.REFUSED],
                in_doubt=counts[Outcome.IN_DOUBT],
                suppressed=counts[Outcome.SUPPRESSED],
                unsent=counts[Outcome.UNSENT],
                spent_usd=self._spent,
            )
