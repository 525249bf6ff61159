"""Sends the single messages of the outbox, each in its channel's priority lane, and the legs of campaigns."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.campaign_budget import CampaignBudget, CampaignHalted
from lambdas.adapters.campaign_day import CampaignDay
from lambdas.adapters.campaigns import CampaignTable
from lambdas.adapters.chains import ChainTable
from lambdas.adapters.clock import AnchoredClock, now_ms
from lambdas.adapters.content import Content
from lambdas.adapters.day_budget import DayBudget
from lambdas.adapters.dynamo import Table
from lambdas.adapters.limiter import Limiter
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.part_files import PartReader
from lambdas.adapters.providers import make_provider
from lambdas.adapters.pumping import MixReader, PumpingGuard
from lambdas.adapters.queues import (
    PostponedMessage,
    Queue,
    batch_failures,
    first_seen_ms,
    fits_again,
    retry_delay_s,
    wanted_ms,
)
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.attempts import Attempts, Lead
from lambdas.core.campaign_request import RequestError
from lambdas.core.channels import Channel, routes_from_text
from lambdas.core.identity_calendar import IdentityLease
from lambdas.core.metrics import OUTBOX_AGE, PARKED_EVENTS, PUMPING_BLOCKED, Datum
from lambdas.core.pacing import MICROSECOND, Wait
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import Clock, ProviderPort
from lambdas.core.prices import PriceList
from lambdas.core.pumping_guard import GuardLimits
from lambdas.core.send_metrics import send_metrics
from lambdas.core.single_sending import (
    DayBudgetPort,
    LegSender,
    MessageSender,
    PriorityLimiterPort,
    SingleOutcome,
    SinglePorts,
    SingleSender,
    postponed_s,
)
from lambdas.core.watch import Watch
from lambdas.message_sender.campaign_legs import CampaignLegs
from lambdas.message_sender.settings import MessageSenderSettings
from lambdas.message_sender.tasks import NotNow, Task, Tasks, UnsendableOrder

RUN_SECONDS = 20
"""How long a message may wait for a slot in one run, before it goes back to the queue."""
AGAIN_SECONDS = 5
STOPPED_AGAIN_SECONDS = 30
HALTED_AGAIN_SECONDS = 120
"""When a message comes again: without a slot, while the provider refuses everything, while its campaign is paused."""
BATCH = 10
"""Messages of one invocation, sent side by side."""
WAITING_OR_SENT = frozenset({SingleOutcome.SENT, SingleOutcome.REFUSED, SingleOutcome.IN_DOUBT, SingleOutcome.LATER})
"""Outcomes of messages whose age says how long the outbox takes: an order of long ago that is repeated has none, one
beyond its customer's share waits for that customer alone."""
COMING_AGAIN = frozenset({SingleOutcome.LATER, SingleOutcome.BEYOND_SHARE})
HANDED_OVER = frozenset({SingleOutcome.SENT, SingleOutcome.IN_DOUBT, SingleOutcome.DONE_BEFORE})
"""Outcomes of messages that the provider has, or may have."""

SETTINGS = MessageSenderSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ROUTES = routes_from_text(SETTINGS.channels)
_DYNAMO = client("dynamodb", connections=2 * BATCH)
CAMPAIGNS = Table(_DYNAMO, SETTINGS.campaigns_table)
OPT_OUTS = ChannelOptOuts(CAMPAIGNS)
_MONEY = Table(client("dynamodb", connections=2 * BATCH, attempts=1), SETTINGS.campaigns_table)
BUDGET = DayBudget(_MONEY, cap_usd=SETTINGS.daily_cap_usd, now_ms=now_ms)
TRACKING = TrackingTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table), retention_days=SETTINGS.retention_days)
GUARD = PumpingGuard(
    Table(_DYNAMO, SETTINGS.rate_limits_table),
    MixReader(CAMPAIGNS, now_ms),
    GuardLimits.from_text(SETTINGS.pumping_guard),
    now_ms,
)
DAY = CampaignDay(_MONEY, cap_usd=SETTINGS.campaigns_daily_cap_usd, now_ms=now_ms)
_SQS = client("sqs")
OUTBOX, LEGS = Queue(_SQS, SETTINGS.outbox_queue_url), Queue(_SQS, SETTINGS.legs_queue_url)
FALLBACK = Queue(_SQS, SETTINGS.fallback_queue_url)
TASKS = Tasks(
    ChainTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table), CAMPAIGNS),
    Content(client("s3"), SETTINGS.content_bucket),
    CampaignLegs(CampaignTable(CAMPAIGNS), PartReader(client("s3"), SETTINGS.content_bucket)),
    ROUTES,
    PriceList.from_text(SETTINGS.prices),
    allowed_countries=SETTINGS.allowed_countries,
)
LEAD, PAYING = Lead(), Lead()
CONFIGURATION_SETS = {Channel.SMS: SETTINGS.sms_configuration_set, Channel.EMAIL: SETTINGS.email_configuration_set}


class Turns:
    """A limiter used by one thread at a time: what it knows of the calendar is shared by the batch. Time spent waiting
    for one's turn comes on top of the lead that was asked for, or the slot would have passed when it is granted."""

    def __init__(self, limiter: PriorityLimiterPort, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._lock = threading.Lock()

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int | None
    ) -> IdentityLease | Wait:
        """As `LimiterPort.reserve`."""
        asked_us = self._clock.now_us()
        with self._lock:
            not_before_us += self._clock.now_us() - asked_us
            return self._limiter.reserve(
                owner, parts, not_before_us=not_before_us, milli_rate=milli_rate, wanted_us=wanted_us
            )

    def share_wait(self, owner: str) -> Wait | None:
        """As `PriorityLimiterPort.share_wait`."""
        with self._lock:
            return self._limiter.share_wait(owner)


@dataclass(frozen=True, slots=True)
class _Handled:
    """What became of one record; without an outcome it stays in the queue.

    `age_s` is how long its message has waited if it still does or was just sent, `stopped` the channel that takes
    nothing at present, and why. `slot_since_ms` is since when it has lacked a slot, `group` its customer's, a leg's
    campaign's.
    """

    record: Mapping[str, Any]
    outcome: SingleOutcome | None = None
    data: tuple[Datum, ...] = ()
    age_s: float | None = None
    stopped: tuple[Channel, str] | None = None
    slot_since_ms: int | None = None
    group: str | None = None
    halted: bool = False

    @property
    def stays(self) -> bool:
        """It stays in the queue: without an outcome, or too large to be put back with the attribute that this takes."""
        too_large = self.outcome in COMING_AGAIN and not fits_again(self.record["body"])
        return self.outcome is None or too_large


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Send each message of the batch; what cannot be read or recorded stays in the queue, what found no slot in time
    comes again."""
    queue = _source(event["Records"])
    clock = AnchoredClock()
    limiters = {channel: Turns(_limiter(channel, clock), clock) for channel in ROUTES}

    def handle(record: Mapping[str, Any]) -> _Handled:
        try:
            return _send(record, clock, limiters, owner=f"{context.aws_request_id}:{record['messageId']}")
        except (NotNow, CampaignHalted):
            return _Handled(record, SingleOutcome.LATER, halted=True)
        except (UnsendableOrder, RequestError) as error:
            LOG.line("WARNING", "order parked", reason=str(error), queue_message=record["messageId"])
            first = record["attributes"].get("ApproximateReceiveCount", "1") == "1"
            return _Handled(record, None, (Datum(PARKED_EVENTS, 1),) if first else ())
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            LOG.line("ERROR", "send failed", error=reason, queue_message=record["messageId"])
            return _Handled(record, age_s=_age_s(first_seen_ms(record)) if queue is OUTBOX else None)

    with ThreadPoolExecutor(BATCH) as pool:
        handled = list(pool.map(handle, event["Records"]))
    queue.send_again([_again(each) for each in handled if each.outcome in COMING_AGAIN and not each.stays])
    kept = [each.record for each in handled if each.stays]
    _bring_back_soon(queue, kept)
    _tell(handled)
    return batch_failures(record["messageId"] for record in kept)


def _source(records: Sequence[Mapping[str, Any]]) -> Queue:
    """The queue that a batch comes from: a mapping reads from one alone."""
    name = records[0]["eventSourceARN"].rpartition(":")[2]
    return LEGS if SETTINGS.legs_queue_url.rpartition("/")[2] == name else OUTBOX


def _again(handled: _Handled) -> PostponedMessage:
    seen_ms = first_seen_ms(handled.record)
    delay_s = STOPPED_AGAIN_SECONDS if handled.stopped else AGAIN_SECONDS
    if handled.halted:
        delay_s = HALTED_AGAIN_SECONDS
    elif handled.outcome is SingleOutcome.BEYOND_SHARE:
        delay_s = postponed_s(_age_s(seen_ms))
    return PostponedMessage(handled.record["body"], seen_ms, delay_s, handled.slot_since_ms, handled.group)


def _bring_back_soon(queue: Queue, records: Iterable[Mapping[str, Any]]) -> None:
    """Let what has failed come again within seconds; where that fails too, after the queue's visibility time-out."""
    for record in records:
        try:
            queue.hold(record["receiptHandle"], retry_delay_s(record))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            LOG.line("WARNING", "order comes back late", error=reason, queue_message=record["messageId"])


def _tell(handled: Sequence[_Handled]) -> None:
    """Metrics and the log of a batch."""
    ages_s = [each.age_s for each in handled if each.age_s is not None]
    data = [datum for each in handled for datum in each.data]
    LOG.metrics([*data, Datum(OUTBOX_AGE, max(ages_s))] if ages_s else data)
    for (channel, code), messages in Counter(each.stopped for each in handled if each.stopped).items():
        LOG.line("ERROR", "the provider refuses everything", channel=channel, code=code, messages=messages)
    outcomes = Counter(each.outcome.value if each.outcome else "kept" for each in handled)
    LOG.line("INFO", "batch ended", **outcomes)


def _age_s(since_ms: int) -> float:
    return max(0, now_ms() - since_ms) / 1_000


def _limiter(channel: Channel, clock: AnchoredClock) -> Limiter:
    route = ROUTES[channel]
    key = keys.limiter(channel, SETTINGS.region, route.identity)
    return Limiter(Table(_DYNAMO, SETTINGS.rate_limits_table), key, parts_per_second=route.rate, clock=clock)


_MAKING = threading.Lock()


def _provider(channel: Channel) -> ProviderPort:
    """Made on first use, by one thread: most stacks send single messages on one channel."""
    with _MAKING:
        return _new_provider(channel)


@cache
def _new_provider(channel: Channel) -> ProviderPort:
    return make_provider(
        channel,
        stack=SETTINGS.stack,
        identity=ROUTES[channel].identity,
        configuration_set=CONFIGURATION_SETS.get(channel, ""),
        connections=BATCH,
    )


def _send(
    record: Mapping[str, Any],
    clock: AnchoredClock,
    limiters: Mapping[Channel, PriorityLimiterPort],
    *,
    owner: str,
) -> _Handled:
    task = TASKS.read(record, now_ms())
    channel, row = Channel(task.row.channel), task.row
    attempts = Attempts(TRACKING, _provider(channel), OPT_OUTS[channel], clock, owner=owner, lead=LEAD)
    single = not task.terms.campaign_id
    ports = SinglePorts(TRACKING, limiters[channel], OPT_OUTS[channel], _budget(task), clock)
    sender = _sender(task, ports, attempts, owner)
    wanted = wanted_ms(record, now_ms())
    if task.refusal is not None:
        outcome = sender.record_not_sent(task.message_id, row, task.refusal)
    else:
        outcome = sender.send(
            task.message_id,
            row,
            task.terms,
            wanted_us=wanted * 1_000,
            until_us=clock.now_us() + RUN_SECONDS * MICROSECOND,
            closes_us=task.closes_us,
        )
    if outcome is SingleOutcome.LATER and attempts.stop_code is not None and task.has_next:
        # Where another channel is left, nobody waits for this one to be put right.
        outcome = sender.record_not_sent(task.message_id, row, attempts.stop_code)
    _watch(task, outcome)
    return _Handled(
        record,
        outcome,
        tuple(_metrics(channel, outcome, row, attempts.throttled)),
        age_s=_age_s(task.since_ms) if single and outcome in WAITING_OR_SENT else None,
        stopped=(channel, attempts.stop_code) if attempts.stop_code is not None else None,
        slot_since_ms=wanted if single and sender.lacked_slot else None,
        group=task.terms.campaign_id or keys.customer_tag(row.customer_id),
    )


def _sender(task: Task, ports: SinglePorts, attempts: Attempts, owner: str) -> SingleSender:
    campaign_id = task.terms.campaign_id
    if not campaign_id:
        return MessageSender(ports, attempts, owner=owner, guard=GUARD)
    return LegSender(ports, attempts, owner=owner, campaign_id=campaign_id, milli_rate=task.milli_rate, paying=PAYING)


def _budget(task: Task) -> DayBudgetPort:
    """Whose money a message takes; raises `CampaignHalted` for a leg that the campaigns' day could not pay."""
    if not task.terms.campaign_id:
        return BUDGET
    budget = CampaignBudget(_MONEY, task.terms.campaign_id, DAY)
    if task.refusal is None:
        budget.require_day(task.row.reserved_usd)
    return budget


def _watch(task: Task, outcome: SingleOutcome) -> None:
    """See to it that somebody looks at the chain at the deadline of what was just handed over; an order that was
    handed over before may have lost its watch with its sender."""
    if task.deadline_s is not None and outcome in HANDED_OVER:
        at_ms = now_ms()
        watch = Watch((task.chain_id,), at_ms + task.deadline_s * 1_000)
        FALLBACK.send_later(watch.to_json(), watch.delay_s(at_ms))


def _metrics(channel: Channel, outcome: SingleOutcome, row: PlannedRow, throttled: int) -> list[Datum]:
    guarded = [Datum(PUMPING_BLOCKED, 1)] if outcome is SingleOutcome.GUARDED else []
    return guarded + send_metrics(
        channel,
        sent=int(outcome is SingleOutcome.SENT),
        failed=int(outcome in (SingleOutcome.REFUSED, SingleOutcome.NOT_SENT)),
        throttled=throttled,
        spent_usd=row.price_usd if outcome in (SingleOutcome.SENT, SingleOutcome.IN_DOUBT) else Decimal(0),
    )
