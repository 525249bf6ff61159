"""How a worker's run ended and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lambdas.core.campaign import PauseReason


class RunEnd(StrEnum):
    """Why a run returned: `TIME_UP` asks for the token to be put back, everything else ends it.

    After `WINDOW_CLOSED` rows wait for their send window, and the sweeper puts tokens when it opens.
    """

    TIME_UP = "time_up"
    NOTHING_LEFT = "nothing_left"
    WINDOW_CLOSED = "window_closed"
    NOT_RUNNING = "not_running"
    STOPPED = "stopped"


@dataclass(slots=True)
class RunReport:
    """What a run did; `slowest_wait_s` is the longest wait for a lease, `chunks_left` the chunks it let go of
    unfinished: the next run has to look for them (`recover`); `spent_usd` is the estimate of what was handed over,
    `not_withdrawn` the intents that a successor has taken as calls before they were withdrawn, `paused` why the run
    itself has paused the campaign, `pause_code` the provider's answer that made it."""

    end: RunEnd = RunEnd.NOTHING_LEFT
    sent: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0
    spent_usd: Decimal = Decimal(0)
    throttled: int = 0
    given_up_slots: int = 0
    slowest_wait_s: float = 0.0
    chunks_left: int = 0
    not_withdrawn: int = 0
    paused: PauseReason | None = None
    pause_code: str | None = None
