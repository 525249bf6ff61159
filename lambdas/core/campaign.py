"""A campaign's states, the transitions between them and the summary that the API and the console show."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lambdas.core import keys
from lambdas.core.deferral import Deferral, deferral, seconds_left
from lambdas.core.lanes import Lane, lanes_of
from lambdas.core.rest import rested_ms
from lambdas.core.send_window import SendWindow


class CampaignStatus(StrEnum):
    """Where a campaign is: `scheduled` is planned and waits for its time, `completed` means nothing left to send, not
    that every receipt is in (that is `settled`)."""

    CREATED = "created"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class StopReason(StrEnum):
    """Why the platform itself stopped a campaign."""

    SPEND_CAP = "spend_cap"
    PLAN_FAILED = "plan_failed"


class PauseReason(StrEnum):
    """Why a campaign is paused; all but `operator` are the platform's own."""

    OPERATOR = "operator"
    ERROR_RATE = "error_rate"
    DAY_CAP = "day_cap"
    PUMPING = "pumping"
    PROVIDER_STOP = "provider_stop"


TRANSITIONS: Mapping[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.CREATED: frozenset(
        {
            CampaignStatus.SCHEDULED,
            CampaignStatus.RUNNING,
            CampaignStatus.PAUSED,
            CampaignStatus.CANCELLED,
            CampaignStatus.STOPPED,
        }
    ),
    CampaignStatus.SCHEDULED: frozenset(
        {CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.CANCELLED, CampaignStatus.STOPPED}
    ),
    CampaignStatus.RUNNING: frozenset(
        {CampaignStatus.PAUSED, CampaignStatus.COMPLETED, CampaignStatus.CANCELLED, CampaignStatus.STOPPED}
    ),
    CampaignStatus.PAUSED: frozenset(
        {CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.CANCELLED, CampaignStatus.STOPPED}
    ),
    CampaignStatus.COMPLETED: frozenset(),
    CampaignStatus.CANCELLED: frozenset(),
    CampaignStatus.STOPPED: frozenset(),
}

OPEN_STATUSES = frozenset(
    {CampaignStatus.CREATED, CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED}
)

LEG_STATUSES = frozenset({CampaignStatus.RUNNING, CampaignStatus.COMPLETED})
"""Statuses of a campaign whose messages may be tried again or fall back: one that is paused waits, one that was
cancelled or stopped sends nothing more."""


class CampaignError(ValueError):
    """A change that the campaign's state does not allow."""


def is_paused_by_platform(status: str, pause_reason: str | None) -> bool:
    """Whether the platform has paused a campaign itself: an operator may hold it, so that nothing else resumes it."""
    return status == CampaignStatus.PAUSED and pause_reason not in (None, PauseReason.OPERATOR)


def require_transition(old: CampaignStatus, new: CampaignStatus, pause_reason: str | None = None) -> None:
    """Raise `CampaignError` with the allowed targets unless `old`, paused for `pause_reason`, may become `new`."""
    if new is CampaignStatus.PAUSED and is_paused_by_platform(old, pause_reason):
        return
    if new not in TRANSITIONS[old]:
        if not TRANSITIONS[old]:
            raise CampaignError(f"the campaign is {old}: it has ended and cannot become {new}; start a new one")
        allowed = ", ".join(sorted(TRANSITIONS[old]))
        raise CampaignError(f"a {old} campaign cannot become {new}; it can become {allowed}")


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """One channel's counters: `sent` = accepted by the provider, so `delivered` is inside it; `refused` of the `failed`
    were never accepted, `unwanted` ones nobody wanted sent any more, of `passed_on` ones something follows."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    refused: int = 0
    unwanted: int = 0
    passed_on: int = 0
    in_doubt: int = 0
    cost_usd: float = 0.0
    delivery_ms_sum: int = 0
    first_sent_ms: int | None = None
    last_sent_ms: int | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> ChannelCounts:
        """Read a `COUNT#<channel>` item (numbers as Decimal, int or float)."""
        return cls(
            sent=int(item.get("sent", 0)),
            delivered=int(item.get("delivered", 0)),
            failed=int(item.get("failed", 0)),
            refused=int(item.get("refused", 0)),
            unwanted=int(item.get("unwanted", 0)),
            passed_on=int(item.get("passed_on", 0)),
            in_doubt=int(item.get("in_doubt", 0)),
            cost_usd=round(float(item.get("cost", 0)), 6),
            delivery_ms_sum=int(item.get("delivery_ms_sum", 0)),
            first_sent_ms=_optional_int(item.get("first_sent_ms")),
            last_sent_ms=_optional_int(item.get("last_sent_ms")),
        )


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """What anyone may see of a campaign: its META item and its counters, with the figures derived from them.

    Times are epoch milliseconds; money is US dollars; `rested_ms` is how long the campaign was paused or its windows
    were closed between its first and its last message. `excluded` rows failed preflight, `suppressed` ones had opted
    out when their turn came, `unsent` ones of chunks were left when the campaign ended early; `done_rows` counts the
    rows of closed chunks, `lanes` are the runs of rows that each channel sends, in the zones of `window` where there is
    one, `legs` the retries and fallback messages after them, which count like rows of their own; `chained` says whether
    anything may follow any row, which holds where nobody has noted that nothing may. `pause_code` is what a
    provider that refuses everything has answered. `campaign_rates` are the parts per second that campaigns may take of
    each channel's identity, empty where nobody has said.
    """

    id: str
    status: CampaignStatus
    version: int
    created_ms: int
    throughput_tps: float
    recipients: int
    excluded: int
    suppressed: int
    unsent: int
    claimed_rows: int
    done_rows: int
    reserved_usd: float
    spent_usd: float
    cap_usd: float
    stop_reason: str | None
    channels: Mapping[str, ChannelCounts]
    lanes: tuple[Lane, ...] = ()
    legs: int = 0
    chained: bool = True
    excluded_by_reason: Mapping[str, int] = field(default_factory=dict)
    pause_reason: str | None = None
    pause_code: str | None = None
    start_ms: int | None = None
    window: SendWindow | None = None
    rested_ms: int = 0
    estimate_usd: float = 0.0
    suspicious_ranges: tuple[Mapping[str, Any], ...] = ()
    campaign_rates: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_items(
        cls,
        meta: Mapping[str, Any],
        counts: Iterable[Mapping[str, Any]],
        campaign_rates: Mapping[str, float] | None = None,
    ) -> CampaignSummary:
        """Build the summary from the META item and the COUNT items of one campaign."""
        window = meta.get("window")
        channels = {item["sk"].removeprefix(keys.COUNT_PREFIX): ChannelCounts.from_item(item) for item in counts}
        last_sent_ms = max((counts.last_sent_ms or 0 for counts in channels.values()), default=0)
        return cls(
            id=keys.campaign_id(meta["pk"]),
            status=CampaignStatus(meta["status"]),
            version=int(meta["version"]),
            created_ms=int(meta["created_at"]),
            throughput_tps=float(meta["tps"]),
            recipients=int(meta.get("rows", 0)),
            excluded=int(meta.get("excluded", 0)),
            suppressed=int(meta.get("suppressed", 0)),
            unsent=int(meta.get("unsent", 0)),
            claimed_rows=int(meta.get("claimed_rows", 0)),
            done_rows=int(meta.get("done_rows", 0)),
            reserved_usd=float(meta.get("reserved", 0)),
            spent_usd=float(meta.get("spent", 0)),
            cap_usd=float(meta.get("cap", 0)),
            stop_reason=meta.get("stop_reason"),
            channels=channels,
            lanes=lanes_of(meta),
            legs=int(meta.get("legs", 0)),
            chained=bool(meta.get("chained", True)),
            excluded_by_reason={str(name): int(n) for name, n in meta.get("excluded_by_reason", {}).items()},
            pause_reason=meta.get("pause_reason"),
            pause_code=meta.get("pause_code"),
            start_ms=_optional_int(meta.get("start_at")),
            window=SendWindow.from_json(window) if window else None,
            rested_ms=rested_ms(meta, last_sent_ms),
            estimate_usd=float(meta.get("estimate", 0)),
            suspicious_ranges=tuple(
                {**each, "numbers": int(each["numbers"])} for each in meta.get("suspicious_ranges", ())
            ),
            campaign_rates=campaign_rates or {},
        )

    def total(self, name: str) -> int:
        """Sum of one counter over all channels."""
        return sum(getattr(counts, name) for counts in self.channels.values())

    @property
    def excused(self) -> int:
        """Failed rows that are no failures of the campaign: not wanted any more, or taken up by another leg."""
        return self.total("unwanted") + self.total("passed_on")

    @property
    def failures(self) -> int:
        """Messages that have failed for good; one whose next leg is still to come has not."""
        return self.total("failed") - self.excused

    @property
    def cost_usd(self) -> float:
        """Charged so far according to receipts, else to the price sheet."""
        return round(sum(counts.cost_usd for counts in self.channels.values()), 6)

    @property
    def last_sent_ms(self) -> int | None:
        """When the last message was accepted."""
        return max((c.last_sent_ms for c in self.channels.values() if c.last_sent_ms is not None), default=None)

    @property
    def achieved_tps(self) -> float:
        """Accepted messages per second between the first and the last acceptance, pauses and closed windows left out; 0
        until two are in."""
        first = min((c.first_sent_ms for c in self.channels.values() if c.first_sent_ms is not None), default=None)
        last = self.last_sent_ms
        if first is None or last is None or last - first <= self.rested_ms:
            return 0.0
        return round((self.total("sent") - 1) / ((last - first - self.rested_ms) / 1_000), 2)

    @property
    def reason(self) -> str | None:
        """Why the campaign is paused or was stopped."""
        return self.pause_reason if self.status is CampaignStatus.PAUSED else self.stop_reason

    @property
    def is_paused_by_platform(self) -> bool:
        """Whether it has paused without anybody asking for it."""
        return is_paused_by_platform(self.status, self.pause_reason)

    @property
    def never_sent(self) -> int:
        """Rows that an ended campaign left: of chunks cut short, and never claimed."""
        return self.unsent + (0 if self.status in OPEN_STATUSES else max(0, self.recipients - self.claimed_rows))

    @property
    def open_receipts(self) -> int:
        """Rows handed to the provider that are not final yet."""
        handed_over = self.done_rows + self.legs - self.suppressed - self.unsent
        return max(0, handed_over - self.total("delivered") - self.total("failed"))

    @property
    def settled(self) -> bool:
        """The campaign has ended, its workers have closed their chunks and each row handed over is final."""
        if self.status in OPEN_STATUSES or self.done_rows < min(self.claimed_rows, self.recipients):
            return False
        return self.total("in_doubt") == 0 and self.open_receipts == 0

    @property
    def handled(self) -> int:
        """Rows whose turn has come: accepted, refused, in doubt or suppressed. Legs are no rows of the plan; some may
        not have had their turn, for which the number is a little low while a campaign falls back."""
        rows_and_legs = self.total("sent") + self.total("refused") + self.total("in_doubt") + self.suppressed
        return max(0, rows_and_legs - self.legs)

    def eta_seconds(self, now_ms: int | None = None) -> float | None:
        """Seconds until the last row is sent at the target rate, or at what an identity has for campaigns where that is
        less, with the waits for send windows where `now_ms` (epoch) is given.

        None unless the campaign is running, or if its windows put the end off by more than a week. Other campaigns on
        the same identities are not reckoned.

        Rows count as handled once their call has an answer; claimed rows still wait for their slots.
        """
        if self.status is not CampaignStatus.RUNNING or self.throughput_tps <= 0:
            return None
        left = max(0, self.recipients - self.handled)
        now_us = None if now_ms is None else now_ms * 1_000
        return seconds_left(
            self.lanes, self.window, left, tps=self.throughput_tps, rates=self.campaign_rates, now_us=now_us
        )

    def deferral(self, now_ms: int) -> Deferral:
        """What of a running campaign waits for its send window."""
        if self.status is not CampaignStatus.RUNNING or self.window is None:
            return Deferral()
        return deferral(self.lanes, self.window, self.claimed_rows - self.done_rows, now_ms * 1_000)

    def to_json(self, now_ms: int | None = None) -> dict[str, Any]:
        """The body of `GET /api/campaigns/{id}` at a time (epoch ms), without which windows are left out."""
        waiting = Deferral() if now_ms is None else self.deferral(now_ms)
        return {
            "campaign_id": self.id,
            "status": self.status.value,
            "version": self.version,
            "created_at_ms": self.created_ms,
            "throughput_tps": self.throughput_tps,
            "recipients": self.recipients,
            "excluded": self.excluded,
            "excluded_by_reason": dict(self.excluded_by_reason),
            "suppressed": self.suppressed,
            "unsent": self.never_sent,
            "processed": self.done_rows,
            "fallback_legs": self.legs,
            "stop_reason": self.stop_reason,
            "pause_reason": self.pause_reason,
            "pause_code": self.pause_code,
            "suspicious_ranges": [dict(each) for each in self.suspicious_ranges],
            "start_at_ms": self.start_ms,
            "send_window": None if self.window is None else self.window.to_json(),
            "settled": self.settled,
            "spend": {
                "cap_usd": self.cap_usd,
                "reserved_usd": round(self.reserved_usd, 6),
                "spent_usd": round(self.spent_usd, 6),
            },
            "costs": {
                "estimate_usd": round(self.estimate_usd, 6),
                "charged_usd": self.cost_usd,
                "difference_usd": round(self.cost_usd - self.estimate_usd, 6),
            },
            "deferred": waiting.rows,
            "next_opening_at_ms": waiting.opens_ms,
            "eta_seconds": self.eta_seconds(now_ms),
            "results": {
                "total_sent": self.total("sent"),
                "total_failed": self.failures,
                "delivered": self.total("delivered"),
                "in_doubt": self.total("in_doubt"),
                "cost_usd": self.cost_usd,
                "achieved_tps": self.achieved_tps,
                "by_channel": {name: dataclasses.asdict(counts) for name, counts in sorted(self.channels.items())},
            },
        }
