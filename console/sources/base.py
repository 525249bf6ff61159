"""What a source is: AWS, a recording and a made-up stack all answer the same questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from console.calls import Usage
from console.clock import SteeredClock
from console.domain import (
    AcceptedCampaign,
    Alarm,
    ApiUse,
    CampaignChange,
    CampaignPlan,
    CampaignRequest,
    CampaignState,
    ConsoleError,
    Message,
    ProblemKind,
    Spend,
)
from console.queues import QueueState, StackQueue
from console.sessions.state import SessionDetail, SessionGauges, SessionHour, SessionList
from console.sources.clients import Clients
from console.sources.letters import Letters
from console.telemetry import (
    AlarmDetail,
    AlarmRule,
    Bill,
    DeadLetter,
    Deployment,
    LogPage,
    MessagePage,
    MessageSearch,
    Resource,
    Series,
)
from lambdas.core.campaign import CampaignSummary
from lambdas.core.outputs import StackOutputs

Document = dict[str, Any]
"""A JSON object of the API, its texts foreign until shown."""


class Source(Protocol):
    """Reads one stack. Methods block, may be called from any thread, and return frozen values with safe text."""

    name: str

    def alarms(self) -> tuple[Alarm, ...]:
        """All alarms of the stack."""
        ...

    def campaigns(self) -> tuple[CampaignSummary, ...]:
        """The newest campaigns and every older one that is open, newest first."""
        ...

    def campaign(self, campaign_id: str) -> CampaignSummary:
        """One campaign as it stands; raises `ConsoleError` when there is none."""
        ...

    def messages(self, campaigns: Sequence[CampaignSummary]) -> tuple[Message, ...]:
        """The last messages of the newest of `campaigns` that has sent any, newest first."""
        ...

    def spend(self) -> Spend:
        """Money of this UTC month by day."""
        ...

    def use(self) -> ApiUse:
        """What reading has cost so far."""
        ...


class Telemetry(Protocol):
    """What a stack's monitoring tells. Methods block, may be called from any thread, and return safe text."""

    def alarm(self, name: str) -> AlarmDetail:
        """One alarm with rule and history; raises `ConsoleError` of the kind NOT_FOUND when there is none."""
        ...

    def rules(self, names: Sequence[str]) -> dict[str, AlarmRule]:
        """The rules of those of these alarms that are there and have one, by name."""
        ...

    def series(self, rule: AlarmRule, start: float, end: float) -> Series:
        """What the alarm compares with its threshold, between two epoch seconds."""
        ...

    def rates(self, start: float, end: float) -> tuple[Series, ...]:
        """Messages that each channel has sent a second between two epoch seconds, labelled with the channel."""
        ...

    def log_groups(self) -> tuple[str, ...]:
        """The log groups of the stack's functions."""
        ...

    def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
        """One page of a group's lines between two epoch seconds; `text` is a literal that lines must hold."""
        ...

    def deployments(self) -> tuple[Deployment, ...]:
        """What the last deployments changed, newest first."""
        ...

    def resources(self) -> tuple[Resource, ...]:
        """All resources that carry the stack's tags, by ARN."""
        ...

    def queues(self) -> tuple[QueueState, ...]:
        """All queues with their depths."""
        ...

    def letters(self, queue: str) -> tuple[DeadLetter, ...]:
        """The first messages of the dead-letter queue of this name: a look that takes nothing out."""
        ...

    def bill(self) -> Bill | None:
        """AWS's own account of the month, at most half a day old; None where there is no Cost Explorer."""
        ...


class Records(Protocol):
    """Single messages of a stack. Methods block, may be called from any thread, and return safe text."""

    def search(self, wanted: MessageSearch, cursor: str | None = None) -> MessagePage:
        """A page of messages, newest first."""
        ...

    def timeline(self, message_id: str) -> Document:
        """All legs of a message as the API tells them; raises `ConsoleError` of the kind NOT_FOUND."""
        ...


class Sessions(Protocol):
    """A stack's WebSocket sessions. Methods block, may be called from any thread, return safe text, and raise
    `ConsoleError` of the kind NOT_FOUND where the stack has no sessions."""

    def roster(self) -> SessionList:
        """All sessions that are active or closing."""
        ...

    def session(self, session_id: str) -> SessionDetail:
        """One session with its connections; raises `ConsoleError` of the kind NOT_FOUND when there is none."""
        ...

    def gauges(self) -> SessionGauges:
        """Sessions, listeners and refusals of the last hour by the minute."""
        ...

    def hour(self) -> SessionHour:
        """Latencies and refusals of the last hour."""
        ...


class CampaignApi(Protocol):
    """The campaign API of one stack. Methods block and raise `ConsoleError` with a sentence for the reader."""

    def plan(self, request: CampaignRequest) -> CampaignPlan:
        """A dry run: nothing is sent."""
        ...

    def send(self, request: CampaignRequest) -> AcceptedCampaign:
        """Create the campaign; the same request again gives the same campaign."""
        ...

    def state(self, campaign_id: str) -> CampaignState:
        """A campaign as it is now."""
        ...

    def change(self, campaign_id: str, change: CampaignChange, version: int) -> CampaignState:
        """Make one change if the campaign is still at `version`, else raise `ConsoleError` of the kind CHANGED."""
        ...

    def ping(self) -> None:
        """One harmless call that needs the same permission as the others."""
        ...


def _nothing() -> None:
    return None


def _no_use() -> Usage:
    return Usage()


def _no_note() -> str:
    return ""


def _no_letters(queue: StackQueue) -> Letters:
    raise ConsoleError(ProblemKind.BAD_INPUT, f"{queue.dead_letters_name} cannot be reached: this stack is nowhere")


@dataclass(frozen=True, slots=True)
class Connection:
    """A stack that has been found: its outputs, how to read it, how to act on it, and what to do at the end.

    `letters` gives a queue's dead letters, to be read and moved, `usage` what was asked by API. `clients` is None for a
    stack that is nowhere (made up, replayed), `clock` is the stack's own time where that is not this machine's
    (replayed). `note` tells what the reader should know of it all the time, empty for most.
    """

    outputs: StackOutputs
    source: Source
    telemetry: Telemetry
    records: Records
    sessions: Sessions
    api: CampaignApi
    clients: Clients | None = None
    letters: Callable[[StackQueue], Letters] = _no_letters
    usage: Callable[[], Usage] = _no_use
    close: Callable[[], None] = field(default=_nothing)
    clock: SteeredClock | None = None
    note: Callable[[], str] = field(default=_no_note)


Progress = Callable[[str], None]
"""Told one short line per step while connecting."""

Connect = Callable[[Progress], Connection]
"""Finds and opens a stack; slow (it may import botocore or start a child), so it never runs on the screen's thread."""
