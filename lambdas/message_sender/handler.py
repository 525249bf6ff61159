"""Sends the single messages of the outbox, each in its channel's priority lane."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.clock import AnchoredClock, now_ms
from lambdas.adapters.day_budget import DayBudget
from lambdas.adapters.dynamo import Table
from lambdas.adapters.limiter import Limiter
from lambdas.adapters.logs import Log
from lambdas.adapters.opt_outs import ChannelOptOuts
from lambdas.adapters.providers import make_provider
from lambdas.adapters.queues import PostponedMessage, Queue, batch_failures
from lambdas.adapters.tracking import TrackingTable
from lambdas.core import keys
from lambdas.core.addresses import destination_of
from lambdas.core.attempts import Attempts
from lambdas.core.campaign_request import RequestError, price_text
from lambdas.core.channels import PRICED_BY_RECEIPT, Channel, routes_from_text
from lambdas.core.identity_calendar import IdentityLease
from lambdas.core.message_order import MessageOrder, parse_message_order
from lambdas.core.metrics import (
    FAILED_DELIVERIES,
    MESSAGE_COST,
    MESSAGES_SENT,
    PARKED_EVENTS,
    THROTTLED_MESSAGES,
    TOTAL_COST,
    Datum,
)
from lambdas.core.pacing import MICROSECOND, Wait
from lambdas.core.plan import ExcludedRow, render
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import Clock, LimiterPort, ProviderPort, SendTerms
from lambdas.core.single_sending import EXPIRED, SingleOutcome, SinglePorts, SingleSender
from lambdas.message_sender.settings import MessageSenderSettings

RUN_SECONDS = 20
"""How long a message may wait for a slot in one run, before it goes back to the queue."""
AGAIN_SECONDS = 5
BATCH = 10
"""Messages of one invocation, sent side by side."""

SETTINGS = MessageSenderSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
ROUTES = routes_from_text(SETTINGS.channels)
_DYNAMO = client("dynamodb", connections=2 * BATCH)
OPT_OUTS = ChannelOptOuts(Table(_DYNAMO, SETTINGS.campaigns_table))
BUDGET = DayBudget(Table(_DYNAMO, SETTINGS.campaigns_table), cap_usd=SETTINGS.daily_cap_usd, now_ms=now_ms)
TRACKING = TrackingTable(Table(_DYNAMO, SETTINGS.delivery_tracking_table), retention_days=SETTINGS.retention_days)
OUTBOX = Queue(client("sqs"), SETTINGS.outbox_queue_url)
CONFIGURATION_SETS = {Channel.SMS: SETTINGS.sms_configuration_set, Channel.EMAIL: SETTINGS.email_configuration_set}


class UnsendableOrder(ValueError):
    """An order that can never be sent; the message says why, without the order's texts."""


class Turns:
    """A limiter used by one thread at a time: what it knows of the calendar is shared by the batch. Time spent waiting
    for one's turn comes on top of the lead that was asked for, or the slot would have passed when it is granted."""

    def __init__(self, limiter: LimiterPort, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._lock = threading.Lock()

    def reserve(
        self, owner: str, parts: int, *, not_before_us: int, milli_rate: int, wanted_us: int
    ) -> IdentityLease | Wait:
        """As `LimiterPort.reserve`."""
        asked_us = self._clock.now_us()
        with self._lock:
            not_before_us += self._clock.now_us() - asked_us
            return self._limiter.reserve(
                owner, parts, not_before_us=not_before_us, milli_rate=milli_rate, wanted_us=wanted_us
            )


@dataclass(frozen=True, slots=True)
class _Handled:
    """What became of one record; without an outcome it stays in the queue."""

    record: Mapping[str, Any]
    outcome: SingleOutcome | None = None
    data: tuple[Datum, ...] = ()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Send each message of the batch; what cannot be read or recorded stays in the queue, what found no slot in time
    comes again."""
    clock = AnchoredClock()
    limiters = {channel: Turns(_limiter(channel, clock), clock) for channel in ROUTES}

    def handle(record: Mapping[str, Any]) -> _Handled:
        try:
            return _send(record, clock, limiters, owner=f"{context.aws_request_id}:{record['messageId']}")
        except (UnsendableOrder, RequestError) as error:
            LOG.line("WARNING", "order parked", reason=str(error), queue_message=record["messageId"])
            first = record["attributes"].get("ApproximateReceiveCount", "1") == "1"
            return _Handled(record, None, (Datum(PARKED_EVENTS, 1),) if first else ())
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            LOG.line("ERROR", "send failed", error=reason, queue_message=record["messageId"])
            return _Handled(record)

    with ThreadPoolExecutor(BATCH) as pool:
        handled = list(pool.map(handle, event["Records"]))
    OUTBOX.send_again([_again(each.record) for each in handled if each.outcome is SingleOutcome.LATER])
    LOG.metrics(datum for each in handled for datum in each.data)
    outcomes = Counter(each.outcome.value if each.outcome else "kept" for each in handled)
    LOG.line("INFO", "batch ended", **outcomes)
    return batch_failures(each.record["messageId"] for each in handled if each.outcome is None)


def _limiter(channel: Channel, clock: AnchoredClock) -> Limiter:
    route = ROUTES[channel]
    key = keys.limiter(channel, SETTINGS.region, route.identity)
    return Limiter(Table(_DYNAMO, SETTINGS.rate_limits_table), key, parts_per_second=route.rate, clock=clock)


@cache
def _provider(channel: Channel) -> ProviderPort:
    """Made on first use: most stacks send single messages on one channel."""
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
    limiters: Mapping[Channel, LimiterPort],
    *,
    owner: str,
) -> _Handled:
    order = _read(record["body"])
    assert order.message_id is not None
    channel = order.recipient.channel
    row = _render(order)
    attempts = Attempts(TRACKING, _provider(channel), OPT_OUTS[channel], clock, owner=owner)
    ports = SinglePorts(TRACKING, limiters[channel], OPT_OUTS[channel], BUDGET, clock)
    sender = SingleSender(ports, attempts, owner=owner)
    if order.expired(now_ms(), first_seen_ms=_first_seen_ms(record)):
        outcome = sender.record_not_sent(order.message_id, row, EXPIRED)
    else:
        terms = SendTerms(
            "",
            order.options.message_type,
            price_text(order.options.max_price_usd),
            order.options.validity_seconds,
        )
        until_us = clock.now_us() + RUN_SECONDS * MICROSECOND
        outcome = sender.send(order.message_id, row, terms, until_us=until_us)
    if attempts.stop_code is not None:
        LOG.line("ERROR", "the provider refuses everything", channel=channel, code=attempts.stop_code)
    return _Handled(record, outcome, tuple(_metrics(channel, outcome, row, attempts.throttled)))


def _read(body: str) -> MessageOrder:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnsendableOrder("the order is not JSON") from error
    order = parse_message_order(document)
    if order.message_id is None:
        raise UnsendableOrder("the order has no message_id")
    if order.recipient.channel not in ROUTES:
        raise UnsendableOrder(f"this stack has no channel {order.recipient.channel}")
    return order


def _render(order: MessageOrder) -> PlannedRow:
    destination = destination_of(order.recipient.channel, order.recipient.address)
    if destination is None:
        raise UnsendableOrder(f"{order.message_id} has no valid {order.recipient.channel} destination")
    row = render(order.recipient, destination, 0, order.options.max_price_usd)
    if isinstance(row, ExcludedRow):
        raise UnsendableOrder(f"{order.message_id} cannot be sent: {row.reason.value} {row.detail}".rstrip())
    return row


def _first_seen_ms(record: Mapping[str, Any]) -> int:
    attribute = record.get("messageAttributes", {}).get("first_seen_ms")
    return int(float(attribute["stringValue"] if attribute else record["attributes"]["SentTimestamp"]))


def _again(record: Mapping[str, Any]) -> PostponedMessage:
    return PostponedMessage(record["body"], _first_seen_ms(record), AGAIN_SECONDS)


def _metrics(channel: Channel, outcome: SingleOutcome, row: PlannedRow, throttled: int) -> list[Datum]:
    data = [Datum(THROTTLED_MESSAGES, throttled, channel.metric)] if throttled else []
    if outcome in (SingleOutcome.REFUSED, SingleOutcome.NOT_SENT):
        data.append(Datum(FAILED_DELIVERIES, 1))
    if outcome is SingleOutcome.SENT:
        data.append(Datum(MESSAGES_SENT, 1, channel.metric))
        if channel not in PRICED_BY_RECEIPT:
            cost = float(row.price_usd)
            data += [Datum(MESSAGE_COST, cost, channel.metric), Datum(TOTAL_COST, cost)]
    return data
