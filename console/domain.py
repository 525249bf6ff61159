"""What the console knows at one moment, as frozen values; sources make them, everything else only reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from lambdas.core.campaign import CampaignSummary, is_paused_by_platform
from lambdas.core.send_window import SendWindow

T_co = TypeVar("T_co", covariant=True)


class ProblemKind(StrEnum):
    """Kinds of trouble that the reader acts on differently."""

    CREDENTIALS = "credentials"
    WRONG_REGION = "wrong_region"
    FORBIDDEN = "forbidden"
    CLOCK_SKEW = "clock_skew"
    THROTTLED = "throttled"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not_found"
    BAD_ANSWER = "bad_answer"
    BAD_INPUT = "bad_input"
    CONFLICT = "conflict"
    CHANGED = "changed"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure as its reader needs it: what happened, and what to do about it; `command` does it, where one can."""

    kind: ProblemKind
    sentence: str
    remedy: str = ""
    command: str = ""

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}" if self.remedy else self.sentence


class ConsoleError(Exception):
    """A failure that was understood; carries its `Problem`."""

    def __init__(self, kind: ProblemKind, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.problem = Problem(kind, sentence, remedy)

    def __str__(self) -> str:
        return str(self.problem)


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T_co]):
    """The last good value of one feed and how it was obtained.

    `at` is the epoch second of `value`, None before the first; `took` is the seconds of the last read, good or bad;
    `error` is the trouble since then and `retry_at` the epoch second of the next attempt.
    """

    value: T_co | None = None
    at: float | None = None
    took: float = 0.0
    source: str = ""
    error: Problem | None = None
    retry_at: float | None = None
    reading_since: float | None = None

    def age(self, now: float) -> float | None:
        """Seconds since the value was read; None when there is none."""
        return None if self.at is None else max(0.0, now - self.at)


NEWEST_CAMPAIGNS = 20
"""As many of a stack's campaigns are listed whatever their state; of the older ones those that are open."""


class AlarmState(StrEnum):
    """CloudWatch's states of an alarm."""

    ALARM = "ALARM"
    OK = "OK"
    NODATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `since` is the epoch second of its last change of state."""

    name: str
    state: AlarmState
    severity: str
    since: float | None
    reason: str
    runbook: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One provider call as the tracking table holds it; never the body, and the destination only masked.

    `created_ms` and `changed_ms` are epoch milliseconds; `changed_ms` is the provider's own time of the last state,
    which WhatsApp tells in whole seconds: there the time to the receipt is up to a second too long, never negative.
    """

    id: str
    customer_id: str
    channel: str
    status: str
    created_ms: int
    changed_ms: int | None = None
    cost_usd: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSpend:
    """Messages that a channel's provider has accepted, and their cost in US dollars."""

    sent: int = 0
    usd: float = 0.0

    def __add__(self, other: ChannelSpend) -> ChannelSpend:
        return ChannelSpend(self.sent + other.sent, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Spend:
    """Money in US dollars: today and each day of this UTC month, by day as YYYY-MM-DD; the month by channel.

    `reserved` is held by open campaigns and not yet spent, `cap` the sum of their caps.
    """

    today: str
    by_day: Mapping[str, float]
    reserved: float = 0.0
    cap: float | None = None
    by_channel: Mapping[str, ChannelSpend] = dataclasses.field(default_factory=dict)

    @property
    def today_usd(self) -> float:
        """Spent since midnight UTC."""
        return self.by_day.get(self.today, 0.0)

    @property
    def month_to_date_usd(self) -> float:
        """Spent since the first of the month, today included."""
        return sum(self.by_day.values())


@dataclass(frozen=True, slots=True)
class RatePoint:
    """Throughput at one beat, messages per second; `achieved` is None where it is not known (a gap, not zero)."""

    at: float
    target: float
    achieved: float | None


@dataclass(frozen=True, slots=True)
class Throughput:
    """Target and achieved messages per second, now and back to the first beat."""

    target: float = 0.0
    achieved: float | None = None
    by_channel: Mapping[str, float] = dataclasses.field(default_factory=dict)
    history: tuple[RatePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiUse:
    """What the console itself has asked of AWS, and its list price in US dollars."""

    calls: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class StackFacts:
    """Which stack is on the screen and what may be done to it; `endpoint_url` is that of an embedded cloud, `profile`
    that of the credentials, empty where none was named."""

    project: str
    stack: str
    environment: str
    account_id: str
    region: str
    version: str
    actions_allowed: bool
    alarm_prefix: str = ""
    endpoint_url: str = ""
    replayed: bool = False
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview shows at `taken_at` (epoch seconds): one value per beat, live, replayed or made up.

    `note` is what the reader should know of the connection all the time, empty for most.
    """

    stack: StackFacts
    taken_at: float
    alarms: Fetched[tuple[Alarm, ...]]
    campaigns: Fetched[tuple[CampaignSummary, ...]]
    messages: Fetched[tuple[Message, ...]]
    spend: Fetched[Spend]
    throughput: Throughput
    api: ApiUse
    paused: bool = False
    slowness: float = 1.0
    note: str = ""

    def feeds(self) -> dict[str, Fetched[object]]:
        """The feeds by name, in the order of the screen."""
        return {name: getattr(self, name) for name in ("alarms", "campaigns", "messages", "spend")}


class ChangeKind(StrEnum):
    """What can be asked of a campaign that exists; `HOLD` is a pause of one that the platform has paused."""

    PAUSE = "pause"
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"
    TPS = "tps"


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """One change of a campaign; `tps` (messages per second) is given exactly for a change of pace."""

    kind: ChangeKind
    tps: float | None = None


@dataclass(frozen=True, slots=True)
class CampaignState:
    """What a change needs to know of a campaign: a write holds only under the `version` that was read, and
    `pause_reason` tells whether somebody paused it or the platform itself."""

    id: str
    status: str
    version: int
    tps: float
    pause_reason: str | None = None

    @property
    def is_paused_by_platform(self) -> bool:
        """Whether it has paused without anybody asking for it."""
        return is_paused_by_platform(self.status, self.pause_reason)


@dataclass(frozen=True, slots=True)
class ChangedCampaign:
    """A campaign before and after a change; the two are equal where it was so already."""

    before: CampaignState
    after: CampaignState

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """A test campaign as a person asks for it; `key` is the Idempotency-Key that makes asking twice safe.

    Its recipients take turns on `channels`.
    """

    recipients: int
    tps: float
    body: str
    key: str
    channels: tuple[str, ...] = ("sms",)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The most that a campaign may cost in US dollars, without and with every retry and fallback, its cap, and whether
    each of the two exceeds it."""

    usd: float
    with_fallback_usd: float
    cap_usd: float
    over_cap: bool
    over_cap_with_fallback: bool


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """The answer of a dry run: what would be sent, to how many, for how much and how long (None without an end);
    `limited_by` names the limit that binds, `worst` is None where the API does not tell it, `window` without
    hours of the recipient's day in which alone it is sent.
    """

    recipients: int
    parts: int
    cost_usd: float
    duration_seconds: float | None
    excluded_by_reason: Mapping[str, int]
    by_country: Mapping[str, int]
    by_channel: Mapping[str, int]
    limited_by: str = ""
    pauses_at: str = ""
    """When the account's monthly SMS limit pauses it, empty if it does not."""
    worst: WorstCase | None = None
    window: SendWindow | None = None


@dataclass(frozen=True, slots=True)
class AcceptedCampaign:
    """The answer of a send: the campaign exists; `url` is relative to the API."""

    id: str
    status: str
    url: str
