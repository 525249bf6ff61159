"""The chunks of a run: kept from other workers while their rows are sent, closed and settled once all are through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from lambdas.core.attempts import Attempts
from lambdas.core.campaign import CampaignStatus
from lambdas.core.chunk_progress import ChunkProgress
from lambdas.core.day_cap import CampaignDayPort
from lambdas.core.pacing import MICROSECOND
from lambdas.core.ports import CampaignPort, CampaignState, Chunk, Clock, WatchPort
from lambdas.core.run_report import RunReport

CHUNK_LEASE_US = 30 * MICROSECOND
"""A dead worker's chunk may be taken over after this; the queue message's visibility is kept to the same time."""
KEEP_US = 10 * MICROSECOND
"""How often the token and the chunks of a run that goes on are held anew."""


class HeldChunks:
    """What a run holds of its campaign; the run's threads may all use it. What closed chunks came to is added to
    `report`."""

    def __init__(
        self,
        campaigns: CampaignPort,
        day: CampaignDayPort,
        watches: WatchPort | None,
        clock: Clock,
        report: RunReport,
        keep_token: Callable[[], None],
    ) -> None:
        self._campaigns = campaigns
        self._day = day
        self._watches = watches
        self._clock = clock
        self._report = report
        self._keep_token = keep_token
        self._open: list[ChunkProgress] = []
        self._keeping = threading.Lock()
        self._kept_us = clock.now_us()

    @property
    def lease_until_us(self) -> int:
        """Until when a chunk that is taken now is held."""
        return self._clock.now_us() + CHUNK_LEASE_US

    def add(self, chunk: Chunk, rows: int) -> ChunkProgress:
        """Hold a chunk of so many rows from now on."""
        progress = ChunkProgress(chunk, rows)
        self._open.append(progress)
        return progress

    def _close_finished(self) -> None:
        """Close every chunk whose rows all have an outcome; the last one completes the campaign."""
        for progress in [progress for progress in self._open if progress.finished]:
            self._open.remove(progress)
            result = progress.result()
            self._watch_deadlines(progress)
            state = self._campaigns.close_chunk(progress.chunk, result)
            if state is not None and progress.chunk.day:
                self._day.settle(progress.chunk.day, progress.chunk.reserved_usd, result.spent_usd)
            self._report.sent += result.sent
            self._report.refused += result.refused
            self._report.in_doubt += result.in_doubt
            self._report.suppressed += result.suppressed
            self._report.spent_usd += result.spent_usd
            if state is not None:
                self.complete_if_done(state)

    def _watch_deadlines(self, progress: ChunkProgress) -> None:
        """Before the chunk is closed: whoever takes it over from a worker that died here does it again."""
        now_ms = self._clock.now_us() // 1_000
        for after_s, message_ids in progress.deadlines.items():
            if self._watches is not None:
                self._watches.watch(message_ids, now_ms + after_s * 1_000)

    def complete_if_done(self, state: CampaignState) -> None:
        """A campaign paused while its last chunk was closed has nobody else to complete it later."""
        if state.status is CampaignStatus.RUNNING and state.done_rows >= state.rows:
            self._campaigns.complete(state.id)

    def has_to_keep(self) -> bool:
        """Whether there is anything to do for `keep`."""
        is_old = self._clock.now_us() - self._kept_us >= KEEP_US
        return is_old or any(progress.finished for progress in list(self._open))

    def keep(self) -> None:
        """In waits and long leases: close what is finished (its money may be waited for), hold what is not; nothing if
        another thread is at it."""
        if not self._keeping.acquire(blocking=False):
            return
        try:
            self._close_finished()
            if self._clock.now_us() - self._kept_us >= KEEP_US:
                self._hold_everything()
        finally:
            self._keeping.release()

    def _hold_everything(self) -> None:
        """Keep the token and prolong the chunks whose lease is half over; rows of a chunk taken over are dropped."""
        self._keep_token()
        self._kept_us = self._clock.now_us()
        for progress in list(self._open):
            if progress.chunk.lease_until_us - self._kept_us > CHUNK_LEASE_US // 2:
                continue
            held = self._campaigns.hold_chunk(progress.chunk, self._kept_us + CHUNK_LEASE_US)
            if held is None:
                progress.lost = True
                self._open.remove(progress)
            else:
                progress.chunk = held

    def let_go(self, attempts: Attempts, owner: str, *, ended: bool) -> Sequence[Chunk]:
        """Close what is finished and release the rest, which is returned, for others to go on with; intents that were
        never called are withdrawn first. Of a campaign that has `ended`, rows without an outcome count as unsent."""
        for progress in self._open:
            attempts.withdraw(progress.unsent, owner)
            # Of a chunk that changed hands this run does not know all: whoever reads its rows closes it.
            if ended and progress.chunk.fence == 1:
                progress.count_unsent()
        self._close_finished()
        for progress in self._open:
            self._campaigns.release_chunk(progress.chunk)
        return [progress.chunk for progress in self._open]
