"""What the sender asks of the outside world; adapters implement these, tests put fakes behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lambdas.core.campaign import CampaignStatus, PauseReason, StopReason
from lambdas.core.intents import IntentOutcome
from lambdas.core.lanes import Lane, by_channel, sending_rows
from lambdas.core.pacing import Booking, Wait
from lambdas.core.send_window import SendWindow

if TYPE_CHECKING:
    from lambdas.core.identity_calendar import IdentityLease
    from lambdas.core.planned_row import PlannedRow


class Clock(Protocol):
    """Wall time that never steps back: anchored once, then carried on by the monotonic clock."""

    def now_us(self) -> int:
        """Microseconds since the epoch."""

    def sleep_us(self, microseconds: int) -> None:
        """Wait; returns at once for zero and below."""


class SendTerms(NamedTuple):
    """What holds for every message of a campaign, or for one single message, whose `campaign_id` is empty."""

    campaign_id: str
    message_type: str
    max_price_usd: str | None = None
    validity_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CampaignState:
    """The part of a campaign's META item that the sender of one channel decides with; money in US dollars, times in
    microseconds.

    `tps`, `rows` and `done_rows` are the whole campaign's; `lanes` are the channel's own, `booked_until_us` is the end
    of the time it has booked, `others` are the lanes of the campaign's other channels, and `window` says when their
    zones may be sent to. `plan` names the part files that belong to this campaign, None until it has been planned;
    `expires_at_s` is when the store forgets the campaign (epoch seconds). More than `pause_error_rate` of the latest
    messages may not fail, since the campaign was last resumed (`resumed_ms`, None for since its start). `legs` are the
    retries and fallback legs that have been decided, which pay from the same budget.
    """

    id: str
    status: CampaignStatus
    tps: float
    rows: int
    done_rows: int
    booked_until_us: int | None
    budget_left_usd: Decimal
    reserved_usd: Decimal
    message_type: str
    max_price_usd: str | None
    validity_seconds: int | None
    plan: str | None = ""
    expires_at_s: int | None = None
    lanes: tuple[Lane, ...] = ()
    others: tuple[Lane, ...] = ()
    window: SendWindow | None = None
    pause_error_rate: float = 1.0
    resumed_ms: int | None = None
    legs: int = 0

    def pace(self, now_us: int) -> float:
        """Messages per second that the channel may send: the campaign's rate, divided in proportion to their rows among
        the channels that send now."""
        others = sum(sending_rows(lanes, self.window, now_us) for lanes in by_channel(self.others).values())
        rows = sending_rows(self.lanes, self.window, now_us) or sum(lane.rows for lane in self.lanes)
        return self.tps * rows / (rows + others) if rows and others else self.tps

    @property
    def terms(self) -> SendTerms:
        """What holds for every message."""
        return SendTerms(self.id, self.message_type, self.max_price_usd, self.validity_seconds)


@dataclass(frozen=True, slots=True)
class Claim:
    """`rows` rows from `first_row`, their cost reserved, and the campaign's state with the booked time in it.

    `day` is the UTC day whose cap pays for them (`day_cap.py`).
    """

    state: CampaignState
    first_row: int
    rows: int
    reserved_usd: Decimal
    start_us: int
    end_us: int
    day: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A claimed run of rows and who holds it: `fence` grows with every take-over, so that a zombie's writes fail.

    `day` is the UTC day whose cap pays for it; nobody knows that of a claim whose worker died before it recorded it.
    """

    campaign_id: str
    first_row: int
    rows: int
    reserved_usd: Decimal
    owner: str
    fence: int
    lease_until_us: int
    day: str = ""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """How a chunk ended: `spent_usd` is the estimate of what was handed to the provider."""

    sent: int
    refused: int
    in_doubt: int
    suppressed: int
    unsent: int
    spent_usd: Decimal


class OutboundMessage(NamedTuple):
    """One provider call."""

    message_id: str
    row: PlannedRow
    terms: SendTerms


class CampaignPort(Protocol):
    """The campaigns table, as the workers of one channel see it."""

    def load(self, campaign_id: str) -> CampaignState:
        """Current state of a campaign; raises LookupError if it does not exist."""

    def claim(
        self, campaign_id: str, booking: Booking, lane: Lane | None, rows: int, reserve_usd: Decimal
    ) -> Claim | CampaignState:
        """One conditional write for chunk, budget, pace and status; the current state where a condition failed.

        Only a whole run of `rows` of the lane is claimed; without a lane the claim books time alone.
        """

    def open_chunk(self, claim: Claim, owner: str, lease_until_us: int) -> Chunk | None:
        """Record a claimed chunk; None if a successor already took it."""

    def hold_chunk(self, chunk: Chunk, lease_until_us: int) -> Chunk | None:
        """Prolong the lease of a chunk; None if another worker has taken it over."""

    def abandoned_chunks(self, campaign_id: str, now_us: int) -> Sequence[Chunk]:
        """Chunks whose lease has passed, and claimed rows that no chunk records."""

    def take_over(self, chunk: Chunk, owner: str, lease_until_us: int) -> Chunk | None:
        """Fence the old owner off; None if it or someone else was faster."""

    def release_chunk(self, chunk: Chunk) -> None:
        """Let go of a chunk so that any worker may take it over at once."""

    def close_chunk(self, chunk: Chunk, result: ChunkResult) -> CampaignState | None:
        """Close a chunk and settle its reservation in one transaction; None if it was taken over."""

    def complete(self, campaign_id: str) -> None:
        """running -> completed; no error if the campaign has ended otherwise."""

    def pause(self, campaign_id: str, reason: PauseReason, code: str | None = None) -> bool:
        """running -> paused, with the reason and a provider's code; False if the campaign was not running."""

    def stop(self, campaign_id: str, reason: StopReason | str) -> None:
        """open -> stopped, with the reason; no error if the campaign has ended otherwise."""


class WatchPort(Protocol):
    """Whoever looks after messages that have a deadline."""

    def watch(self, message_ids: Sequence[str], due_ms: int) -> None:
        """Have the messages looked at when that time (epoch) has come; asking twice changes nothing."""


class AudiencePort(Protocol):
    """Part files in the content bucket."""

    def rows(self, plan: str, first_row: int, count: int) -> list[PlannedRow]:
        """The rows of a plan, `first_row` .. `first_row + count - 1`."""


class TrackingPort(Protocol):
    """The delivery-tracking table, from the sender's side."""

    def intend(
        self, campaign_id: str, row: PlannedRow, message_id: str, owner: str, now_ms: int, slot_us: int
    ) -> IntentOutcome:
        """Put the row `sending` unless the message has one; `slot_us` is when its call is due."""

    def has_row(self, message_id: str) -> bool:
        """Whether the message has a row, read now."""

    def accepted(self, message_id: str, provider_id: str, at_ms: int) -> None:
        """The provider took the message; `at_ms` is when it was called, which no receipt can precede."""

    def refused(self, message_id: str, code: str, at_ms: int) -> None:
        """The provider refused the message for good."""

    def in_doubt(self, message_id: str, at_ms: int) -> None:
        """Nobody knows whether the provider took the message; a receipt will tell."""

    def withdraw(self, message_id: str, owner: str) -> bool:
        """Take back an intent whose provider call was never made; False if another writer has changed the row."""


class LimiterPort(Protocol):
    """The rate-limits table."""

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        """Book time on the channel's origination identity (`Calendar.reserve`).

        `wanted_us` is when the caller first wanted it: the wait since then is what AvailableCapacity tells. None says
        nothing: a campaign's leg waits for its campaign's own pace, whatever the identity has left.
        """


class OptOutPort(Protocol):
    """Who must not be written to on the channel."""

    def opted_out(self, destinations: Collection[str]) -> frozenset[str]:
        """Those of `destinations` that have opted out, read now."""

    def remember(self, destination: str) -> None:
        """Record that the provider reports `destination` as opted out."""


class ProviderPort(Protocol):
    """The channel's provider."""

    def send(self, message: OutboundMessage) -> str:
        """Make the call once; returns the provider's id or raises `ProviderError`."""
