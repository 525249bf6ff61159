"""A made-up stack that behaves: campaigns advance with the clock, reads can be slow or fail. For tests and pictures."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import cycle

from console.calls import CallMeter
from console.campaigns import TARGETS
from console.clock import Clock, SystemClock
from console.domain import (
    AcceptedCampaign,
    Alarm,
    AlarmState,
    ApiUse,
    CampaignChange,
    CampaignPlan,
    CampaignRequest,
    CampaignState,
    ChannelSpend,
    ConsoleError,
    Message,
    ProblemKind,
    Spend,
    WorstCase,
)
from console.sources.base import Connection
from console.sources.fake_outputs import fake_outputs
from console.sources.fake_records import FAILS_EVERY, PRICE_USD, RECEIPT_SECONDS, FakeRecords, row_of
from console.sources.fake_sessions import FakeSessions
from console.sources.fake_telemetry import FakeTelemetry
from console.spend import SpendMeter
from lambdas.core.campaign import (
    CampaignError,
    CampaignStatus,
    CampaignSummary,
    ChannelCounts,
    PauseReason,
    require_transition,
)

CAP_USD, HEADROOM = 10.0, 1.25
"""Each campaign's cap, and how many times its price a message may cost at most."""


def _worst_case(recipients: int) -> WorstCase:
    """One channel each, so that nothing follows."""
    most = round(recipients * PRICE_USD * HEADROOM, 5)
    return WorstCase(most, most, CAP_USD, most > CAP_USD, most > CAP_USD)


def earlier_day(number: int) -> ChannelSpend:
    """What a day of the month has sent and cost that is over: never the same two days running."""
    sent = 90 + 13 * (number * 7 % 9)
    return ChannelSpend(sent, round(sent * PRICE_USD, 6))


@dataclasses.dataclass(slots=True)
class _Sending:
    """A campaign; `paces` holds from when on (epoch seconds) how many rows per second follow how many before."""

    id: str
    started: float
    recipients: int
    tps: float
    status: CampaignStatus = CampaignStatus.RUNNING
    version: int = 1
    pause_reason: str | None = None
    paces: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)

    def rows(self, at: float) -> int:
        """How many rows were sent by then."""
        for since, before, rate in reversed([(self.started, 0.0, self.tps), *self.paces]):
            if at >= since:
                return min(self.recipients, int(before + (at - since) * rate + 1e-6))
        return 0

    def change(self, at: float, status: CampaignStatus, tps: float, pause_reason: str | None) -> None:
        """Go on so from `at` on."""
        self.paces.append((at, float(self.rows(at)), tps if status is CampaignStatus.RUNNING else 0.0))
        self.status, self.tps, self.version = status, tps, self.version + 1
        self.pause_reason = pause_reason if status is CampaignStatus.PAUSED else None


class FakeStack:
    """Source and campaign API in one, `telemetry`, `records` and `sessions` beside it; set `error` or `delay` (seconds)
    to make all of them misbehave."""

    name = "fake"

    def __init__(self, clock: Clock | None = None, *, environment: str = "local") -> None:
        self.clock = clock or SystemClock()
        self.environment = environment
        self.error: Exception | None = None
        self.delay = 0.0
        self.alarm_list: tuple[Alarm, ...] = self._alarms()
        self.sent: list[CampaignRequest] = []
        self._sending: list[_Sending] = []
        self._meter = SpendMeter()
        self._calls = CallMeter(self.clock.monotonic)
        self._lock = threading.Lock()
        self.outputs = fake_outputs(environment)
        self.telemetry = FakeTelemetry(
            self.outputs, self.clock, lambda call: self._ask(call), lambda: self.alarm_list, self._rows_sent
        )
        self.records = FakeRecords(self.clock, lambda call: self._ask(call), self._summaries)
        self.sessions = FakeSessions(self.outputs, self.clock, lambda call: self._ask(call))

    def connection(self) -> Connection:
        """This stack as something to connect to."""
        return Connection(
            self.outputs,
            self,
            self.telemetry,
            self.records,
            self.sessions,
            self,
            letters=self.telemetry.letters_of,
            usage=lambda: self._calls.usage(self._meter),
        )

    def _rows_sent(self, at: float) -> int:
        with self._lock:
            return sum(each.rows(at) for each in self._sending)

    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms of `alarm_list`."""
        self._ask("cloudwatch:DescribeAlarms")
        return self.alarm_list

    def campaigns(self) -> tuple[CampaignSummary, ...]:
        """The campaigns sent so far, at the present moment."""
        self._ask("dynamodb:Query")
        return self._summaries()

    def messages(self, campaigns: Sequence[CampaignSummary]) -> tuple[Message, ...]:
        """The newest ten messages of the newest campaign."""
        self._ask("dynamodb:BatchGetItem")
        if not campaigns:
            return ()
        campaign, now = campaigns[0], self.clock.now()
        handed = campaign.claimed_rows
        return tuple(row_of(campaign, row, now) for row in range(handed - 1, max(-1, handed - 11), -1))

    def spend(self) -> Spend:
        """Today's campaigns, and something for each earlier day of the month."""
        self._ask("dynamodb:BatchGetItem")
        today = datetime.fromtimestamp(self.clock.now(), UTC).date()
        days = {number: earlier_day(number) for number in range(1, today.day)}
        with self._lock:
            summaries = [self._summary(sending) for sending in self._sending]
        now = ChannelSpend(sum(c.total("sent") for c in summaries), round(sum(c.cost_usd for c in summaries), 6))
        days[today.day] = now
        by_day = {today.replace(day=number).isoformat(): each.usd for number, each in days.items()}
        sms = sum(days.values(), ChannelSpend())
        return Spend(today.isoformat(), by_day, reserved=0.0, cap=50.0, by_channel={"sms": sms})

    def use(self) -> ApiUse:
        """Calls counted so far."""
        return self._meter.use

    def plan(self, request: CampaignRequest) -> CampaignPlan:
        """One part each at the US sample price."""
        self._ask("execute-api:Invoke")
        return CampaignPlan(
            recipients=request.recipients,
            parts=request.recipients,
            cost_usd=round(request.recipients * PRICE_USD, 5),
            duration_seconds=request.recipients / request.tps,
            excluded_by_reason={},
            by_country={"US": request.recipients},
            by_channel=Counter(channel for channel, _ in zip(cycle(request.channels), range(request.recipients))),
            worst=_worst_case(request.recipients),
        )

    def send(self, request: CampaignRequest) -> AcceptedCampaign:
        """Start a campaign; the same key again is the same campaign."""
        self._ask("execute-api:Invoke")
        with self._lock:
            for place, earlier in enumerate(self.sent):
                if earlier.key == request.key:
                    return AcceptedCampaign(self._sending[place].id, "running", f"/api/campaigns/{earlier.key}")
            campaign_id = f"fake-{len(self.sent) + 1:03d}"
            self.sent.append(request)
            self._sending.append(_Sending(campaign_id, self.clock.now(), request.recipients, request.tps))
        return AcceptedCampaign(campaign_id, "running", f"/api/campaigns/{campaign_id}")

    def campaign(self, campaign_id: str) -> CampaignSummary:
        """One campaign at the present moment."""
        for campaign in self.campaigns():
            if campaign.id == campaign_id:
                return campaign
        raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no campaign {campaign_id}")

    def state(self, campaign_id: str) -> CampaignState:
        """One campaign as the API tells it."""
        self._ask("execute-api:Invoke")
        with self._lock:
            return self._state(self._found(campaign_id))

    def change(self, campaign_id: str, change: CampaignChange, version: int) -> CampaignState:
        """Change it under its version, as the API does."""
        self._ask("execute-api:Invoke")
        with self._lock:
            sending = self._found(campaign_id)
            if sending.version != version:
                raise ConsoleError(ProblemKind.CHANGED, f"the campaign is at version {sending.version}")
            old = self._summary(sending).status
            new = TARGETS.get(change.kind, old)
            if change.kind in TARGETS:
                try:
                    require_transition(old, new, sending.pause_reason)
                except CampaignError as error:
                    raise ConsoleError(ProblemKind.CONFLICT, str(error)) from error
            reason = PauseReason.OPERATOR.value if change.kind in TARGETS else sending.pause_reason
            sending.change(self.clock.now(), new, change.tps or sending.tps, reason)
            return self._state(sending)

    def pause_itself(self, campaign_id: str, reason: PauseReason) -> None:
        """Pause a campaign as the platform does."""
        with self._lock:
            sending = self._found(campaign_id)
            sending.change(self.clock.now(), CampaignStatus.PAUSED, sending.tps, reason.value)

    def _found(self, campaign_id: str) -> _Sending:
        for sending in self._sending:
            if sending.id == campaign_id:
                return sending
        raise ConsoleError(ProblemKind.NOT_FOUND, f"there is no campaign {campaign_id}")

    def _state(self, sending: _Sending) -> CampaignState:
        status = self._summary(sending).status.value
        return CampaignState(sending.id, status, sending.version, sending.tps, sending.pause_reason)

    def ping(self) -> None:
        """Answers."""
        self._ask("execute-api:Invoke")

    def _ask(self, call: str) -> None:
        with self._calls.timed(call):
            if self.delay:
                time.sleep(self.delay)
            if self.error is not None:
                raise self.error
        self._meter.count(call)

    def _summaries(self) -> tuple[CampaignSummary, ...]:
        with self._lock:
            return tuple(self._summary(sending) for sending in reversed(self._sending))

    def _summary(self, sending: _Sending) -> CampaignSummary:
        now = self.clock.now()
        sent, final = sending.rows(now), sending.rows(now - RECEIPT_SECONDS)
        failed = final // FAILS_EVERY
        started_ms = int(sending.started * 1000)
        counts = ChannelCounts(
            sent=sent,
            delivered=final - failed,
            failed=failed,
            cost_usd=round(sent * PRICE_USD, 6),
            delivery_ms_sum=int((final - failed) * 1000 * RECEIPT_SECONDS),
            first_sent_ms=started_ms if sent else None,
            last_sent_ms=started_ms + int(1000 * sent / sending.tps) if sent else None,
        )
        over = sent >= sending.recipients and sending.status is CampaignStatus.RUNNING
        return CampaignSummary(
            id=sending.id,
            status=CampaignStatus.COMPLETED if over else sending.status,
            version=sending.version,
            created_ms=started_ms,
            throughput_tps=sending.tps,
            recipients=sending.recipients,
            excluded=0,
            suppressed=0,
            unsent=0,
            claimed_rows=sent,
            done_rows=sent,
            reserved_usd=0.0,
            spent_usd=counts.cost_usd,
            cap_usd=50.0,
            estimate_usd=round(sending.recipients * PRICE_USD, 6),
            stop_reason=None,
            pause_reason=sending.pause_reason,
            channels={"sms": counts},
        )

    def _alarms(self) -> tuple[Alarm, ...]:
        now = self.clock.now()
        return (
            Alarm(
                name="ai-cpaas-demo-local-delivery-rate-low",
                state=AlarmState.OK,
                severity="warning",
                since=now - 3600,
                reason="Threshold Crossed: 1 datapoint [97.4] was not less than the threshold (90.0).",
                runbook="docs/runbooks/failed-deliveries.md",
            ),
            Alarm(
                name="ai-cpaas-demo-local-receipts-dlq",
                state=AlarmState.ALARM,
                severity="critical",
                since=now - 95,
                reason="Threshold Crossed: 1 datapoint [3.0] was greater than the threshold (0.0).",
                runbook="docs/runbooks/dead-letter-queue.md",
            ),
            Alarm(
                name="ai-cpaas-demo-local-throttled-messages",
                state=AlarmState.NODATA,
                severity="warning",
                since=now - 7200,
                reason="Insufficient Data: 1 datapoint was unknown.",
                runbook="docs/runbooks/sms-throttled.md",
            ),
        )
