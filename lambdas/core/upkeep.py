"""What a run does beside its calls, on threads of its own: looking at the campaign, and keeping what the run holds.

The thread that starts the calls waits for no store while an answer is fresh enough: a slot missed by more than
`MAX_LATE_US` is given up, and it must be, because calls that are made up for later would exceed the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from lambdas.core.claiming import Claims, Look
from lambdas.core.pacing import MICROSECOND
from lambdas.core.ports import CampaignState, Clock

STATUS_MAX_AGE_US = MICROSECOND
"""No call is started on an answer whether the campaign runs that was asked for longer ago than this or half a lease."""
LOOK_US = 300_000
"""What a look may take before a call waits for it; a read of the table takes 5 to 20 ms, a repeated one 100 more."""
THREADS = 2
"""One for looks and one for what is kept, so that neither waits for the other."""


class Upkeep:
    """Used by the thread that starts the calls, and by that one alone.

    `keep` prolongs and closes what the run holds, `is_due` says whether there is anything of that to do.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        claims: Claims,
        clock: Clock,
        *,
        keep: Callable[[], None],
        is_due: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._claims = claims
        self._clock = clock
        self._keep = keep
        self._is_due = is_due
        self._look: Future[Look] | None = None
        self._latest: Look | None = None
        self._kept: Future[None] | None = None
        self._aged: CampaignState | None = None
        self._age_us = 0

    @property
    def ahead_us(self) -> int:
        """How long before it is needed an answer is asked for."""
        return min(LOOK_US, self._max_age_us // 2)

    @property
    def _max_age_us(self) -> int:
        """Reckoned once for each state: it is asked for before each call."""
        state = self._claims.state
        if state is not self._aged:
            self._aged, self._age_us = state, min(STATUS_MAX_AGE_US, self._claims.lease_us // 2)
        return self._age_us

    def ask_ahead(self, at_us: int) -> None:
        """Look at the campaign if what is known will be too old by then, or soon after."""
        self._take_look(wait=False)
        if self._look is None and at_us - self._claims.seen_us >= self._max_age_us - self.ahead_us:
            self._look = self._pool.submit(self._claims.look)

    def state(self, *, alone: bool) -> CampaignState:
        """The campaign by an answer that is not too old: one that was asked for ahead, else one that is waited for.

        `alone` says that nothing is being claimed by what was known before; raises what reading failed with.
        """
        self._take_look(wait=self._is_too_old())
        if self._is_too_old():
            self._learn(self._claims.look())
        latest = self._latest
        if latest is None or latest.asked_us < self._claims.seen_us:
            return self._claims.state
        if alone:
            # Once: a claim that fails after it tells more.
            self._claims.state, self._latest = latest.state, None
        return latest.state

    def _take_look(self, *, wait: bool) -> None:
        if self._look is not None and (wait or self._look.done()):
            look, self._look = self._look, None
            self._learn(look.result())

    def _learn(self, look: Look) -> None:
        if self._claims.learn(look):
            self._latest = look

    def _is_too_old(self) -> bool:
        return self._clock.now_us() - self._claims.seen_us >= self._max_age_us

    def keep(self) -> None:
        """Begin to keep what is held, if that is due and not being done; raises what doing it failed with."""
        if self._kept is not None and self._kept.done():
            self.finish()
        if self._kept is None and self._is_due():
            self._kept = self._pool.submit(self._keep)

    def finish(self) -> None:
        """Wait for what is being kept; raises what it failed with."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.result()
