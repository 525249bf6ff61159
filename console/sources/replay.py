"""A recorded stack: answers as it answered at the replayed moment, by itself, without AWS and without any action."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from console.clock import Clock, SystemClock
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
from console.queues import QueueState
from console.sessions.state import SessionDetail, SessionGauges, SessionHour, SessionList
from console.sources.answers import Answers, not_recorded, read_recording, unreadable
from console.sources.base import Connection, Document, Records, Sessions, Source, Telemetry
from console.sources.channel_rates import periods_of
from console.sources.codec import harmless
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
from console.text import safe_line
from lambdas.core.campaign import CampaignSummary
from lambdas.core.outputs import StackOutputs


class ReplayClock:
    """The recording's time: it runs with `clock` from `at` on and stands still at `end`, all in epoch seconds.

    `begin` is where the recording begins, `at` unless it is told.
    """

    def __init__(self, at: float, end: float, clock: Clock | None = None, *, begin: float | None = None) -> None:
        self.begin = at if begin is None else begin
        self.end = end
        self.speed = 1.0
        self._clock = clock or SystemClock()
        self.seek(at)

    def now(self) -> float:
        """The replayed moment."""
        return min(self.end, self._at + (self._clock.monotonic() - self._since) * self.speed)

    def monotonic(self) -> float:
        """Real seconds: beats go on as they do."""
        return self._clock.monotonic()

    def seek(self, at: float) -> None:
        """Go to a moment of the recording."""
        self._at, self._since = min(max(at, self.begin), self.end), self._clock.monotonic()

    def run(self, speed: float) -> None:
        """Go on `speed` times as fast, 0 to stand still."""
        self.seek(self.now())
        self.speed = speed


class ReplaySource:
    """The recorded `Source`."""

    def __init__(self, name: str, answers: Answers) -> None:
        self.name = name
        self._answers = answers

    def alarms(self) -> tuple[Alarm, ...]:
        """As recorded."""
        return self._answers.latest(Source.alarms)

    def campaigns(self) -> tuple[CampaignSummary, ...]:
        """As recorded."""
        return self._answers.latest(Source.campaigns)

    def campaign(self, campaign_id: str) -> CampaignSummary:
        """As recorded by itself or in a list, whichever there is."""
        for found in self._answers.all(Source.campaigns, lambda _: True)[-1:]:
            for campaign in found:
                if campaign.id == campaign_id:
                    return campaign
        return self._answers.latest(Source.campaign, campaign_id=campaign_id)

    def messages(self, campaigns: Sequence[CampaignSummary]) -> tuple[Message, ...]:
        """As recorded, whatever the campaigns were."""
        return self._answers.latest(Source.messages)

    def spend(self) -> Spend:
        """As recorded."""
        return self._answers.latest(Source.spend)

    def use(self) -> ApiUse:
        """Nothing: nobody is asked."""
        return ApiUse()


class ReplayTelemetry:
    """The recorded `Telemetry`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def alarm(self, name: str) -> AlarmDetail:
        """As recorded."""
        return self._answers.latest(Telemetry.alarm, name=name)

    def rules(self, names: Sequence[str]) -> dict[str, AlarmRule]:
        """All that were recorded by now, asked for together or each with its alarm."""
        found = {
            each.alarm.name: each.rule
            for each in self._answers.all(Telemetry.alarm, lambda asked: asked.get("name") in names)
            if each.rule is not None
        }
        for together in self._answers.all(Telemetry.rules, lambda _: True):
            found |= {name: rule for name, rule in together.items() if name in names}
        return found

    def series(self, rule: AlarmRule, start: float, end: float) -> Series:
        """The points of all series that were recorded of the rule, the latest of each period."""
        wanted = msgspec.to_builtins(rule)
        found = self._answers.all(Telemetry.series, lambda asked: bool(asked.get("rule") == wanted))
        if not found:
            raise not_recorded(f"series of {rule.metric}")
        points = {at: value for each in found for at, value in each.points}
        grid = rule.periods(start, end)
        return Series(found[-1].label, rule.period_seconds, tuple((float(at), points.get(at)) for at in grid))

    def rates(self, start: float, end: float) -> tuple[Series, ...]:
        """The points of all that were recorded, the latest of each period; none of other periods than are asked for."""
        found = self._answers.all(Telemetry.rates, lambda _: True)
        if not found:
            raise not_recorded("rates of channels")
        grid, points = periods_of(start, end), dict[str, dict[float, float | None]]()
        for series in (each for answer in found for each in answer if each.period_seconds == grid.step):
            points.setdefault(series.label, {}).update(series.points)
        return tuple(
            Series(label, grid.step, tuple((float(at), known.get(at)) for at in grid))
            for label, known in points.items()
        )

    def log_groups(self) -> tuple[str, ...]:
        """As recorded."""
        return self._answers.latest(Telemetry.log_groups)

    def logs(self, group: str, start: float, end: float, *, cursor: str | None = None, text: str = "") -> LogPage:
        """All lines of the group that were recorded by now, on one page."""
        found = self._answers.all(Telemetry.logs, lambda asked: bool(asked.get("group") == group))
        if not found:
            raise not_recorded(f"log of {group}")
        lines = {line.id: line for page in found for line in page.lines if start <= line.at <= end}
        wanted = (line for line in lines.values() if text in line.message)
        return LogPage(tuple(sorted(wanted, key=lambda line: line.at)), None)

    def deployments(self) -> tuple[Deployment, ...]:
        """As recorded."""
        return self._answers.latest(Telemetry.deployments)

    def resources(self) -> tuple[Resource, ...]:
        """As recorded."""
        return self._answers.latest(Telemetry.resources)

    def queues(self) -> tuple[QueueState, ...]:
        """As recorded."""
        return self._answers.latest(Telemetry.queues)

    def letters(self, queue: str) -> tuple[DeadLetter, ...]:
        """As recorded."""
        return self._answers.latest(Telemetry.letters, queue=queue)

    def bill(self) -> Bill | None:
        """As recorded."""
        return self._answers.latest(Telemetry.bill)


class ReplayRecords:
    """The recorded `Records`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def search(self, wanted: MessageSearch, cursor: str | None = None) -> MessagePage:
        """As recorded."""
        return self._answers.latest(Records.search, wanted=wanted, cursor=cursor)

    def timeline(self, message_id: str) -> Document:
        """As recorded."""
        return self._answers.latest(Records.timeline, message_id=message_id)


class ReplaySessions:
    """The recorded `Sessions`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def roster(self) -> SessionList:
        """As recorded."""
        return self._answers.latest(Sessions.roster)

    def session(self, session_id: str) -> SessionDetail:
        """As recorded."""
        return self._answers.latest(Sessions.session, session_id=session_id)

    def gauges(self) -> SessionGauges:
        """As recorded."""
        return self._answers.latest(Sessions.gauges)

    def hour(self) -> SessionHour:
        """As recorded."""
        return self._answers.latest(Sessions.hour)


class NoApi:
    """A `CampaignApi` that refuses everything: what is replayed is over."""

    def plan(self, request: CampaignRequest) -> CampaignPlan:
        """Refused."""
        _refuse()

    def send(self, request: CampaignRequest) -> AcceptedCampaign:
        """Refused."""
        _refuse()

    def state(self, campaign_id: str) -> CampaignState:
        """Refused: it is asked for before a change."""
        _refuse()

    def change(self, campaign_id: str, change: CampaignChange, version: int) -> CampaignState:
        """Refused."""
        _refuse()

    def ping(self) -> None:
        """Refused."""
        _refuse()


def _refuse() -> NoReturn:
    raise ConsoleError(
        ProblemKind.FORBIDDEN, "this is a replay: nothing can be done in it", "connect to the stack itself"
    )


def open_recording(path: Path, *, at_end: bool = False, clock: Clock | None = None) -> Connection:
    """A connection to a recording, replayed from its beginning or standing at its end; raises `ConsoleError`."""
    head, entries = read_recording(path)
    end = entries[-1].at if entries else head.at
    replayed = ReplayClock(end if at_end else head.at, end, clock, begin=head.at)
    answers = Answers(entries, replayed.now)
    try:
        outputs = StackOutputs.from_mapping(harmless(head.outputs))
    except ValueError as error:
        raise unreadable(path, safe_line(error, 120)) from error
    return Connection(
        outputs=outputs,
        source=ReplaySource(f"recording {safe_line(path.name, 60)}", answers),
        telemetry=ReplayTelemetry(answers),
        records=ReplayRecords(answers),
        sessions=ReplaySessions(answers),
        api=NoApi(),
        clock=replayed,
        note=lambda: f"replay of {safe_line(path.name, 60)}",
    )
