"""What an order of the outbox comes to: the row to send, on which terms, with whose money, and until when."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from lambdas.adapters.chains import ChainTable, StoredChain
from lambdas.adapters.content import Content
from lambdas.adapters.queues import first_seen_ms, was_postponed
from lambdas.core.addresses import NoDestination, destination_of
from lambdas.core.campaign import LEG_STATUSES, CampaignStatus
from lambdas.core.chain_plan import chained
from lambdas.core.chain_terms import ChainTerms
from lambdas.core.chains import rest_after
from lambdas.core.channels import Channel
from lambdas.core.countries import allowed_countries
from lambdas.core.identity_calendar import MILLI
from lambdas.core.lanes import ALWAYS
from lambdas.core.leg_order import LegOrder, is_leg_order, parse_leg_order
from lambdas.core.message_order import MessageOrder, parse_message_order
from lambdas.core.own_codes import CAMPAIGN_ENDED, COUNTRY_NOT_ALLOWED, EXPIRED, NOT_NEEDED, SPEND_CAP
from lambdas.core.plan_row import ExcludedRow, render
from lambdas.core.planned_row import PlannedRow
from lambdas.core.ports import SendTerms
from lambdas.core.prices import PriceList
from lambdas.core.send_options import price_text
from lambdas.core.single_sending import ANY_RATE
from lambdas.message_sender.campaign_legs import CampaignLegs

LEAST_VALIDITY_S = 5
"""The shortest `TimeToLive` of SendTextMessage (API reference)."""


class NotNow(Exception):
    """An order that cannot be sent at present, because its campaign is paused or its send window closed."""


class UnsendableOrder(ValueError):
    """An order that can never be sent; the message says why, without the order's texts."""


SLOWEST_LEG = MILLI
"""A leg of a slower campaign takes its identity's time at a part a second: an owner's leases do not overlap, so that
the campaign's rows would wait for as long as one of its legs takes."""


@dataclass(frozen=True, slots=True)
class Task:
    """One message to send: `chain_id` is its chain's, `since_ms` when it was ordered (epoch).

    `refusal` is the code of why it must not be sent any more. `deadline_s` is given where the next channel is taken so
    long after this one, `has_next` where there is one at all. From `closes_us` on (epoch) no call may be made, because
    the send window of its campaign's row has closed. `milli_rate` is the rate at which it takes its identity's time
    (thousandths of a part per second): a campaign's leg keeps the campaign's own, if that is not below `SLOWEST_LEG`.
    """

    message_id: str
    chain_id: str
    row: PlannedRow
    terms: SendTerms
    since_ms: int
    refusal: str | None = None
    deadline_s: int | None = None
    has_next: bool = False
    closes_us: int = ALWAYS.end_us
    milli_rate: int = ANY_RATE


class LegTerms(NamedTuple):
    """What a chain's order or campaign says of every leg; `max_price_usd` is for all of them together."""

    message_type: str
    max_price_usd: Decimal | None


class Tasks:
    """Reads orders of single messages, and of the legs of chains."""

    def __init__(
        self,
        chains: ChainTable,
        content: Content,
        campaigns: CampaignLegs,
        channels: Collection[Channel],
        prices: PriceList,
        *,
        allowed_countries: str = "",
    ) -> None:
        self._chains = chains
        self._content = content
        self._campaigns = campaigns
        self._channels = channels
        self._prices = prices
        self._allowed_countries = allowed_countries

    def read(self, record: Mapping[str, Any], now_ms: int) -> Task:
        """The task of a record of the queue; raises `UnsendableOrder` or `RequestError` for what can never be sent,
        `NotNow` for what has to wait."""
        try:
            document = json.loads(record["body"])
        except (ValueError, RecursionError) as error:
            raise UnsendableOrder("the order is not JSON") from error
        if is_leg_order(document):
            return self._leg(parse_leg_order(document), now_ms)
        order = parse_message_order(document)
        if order.message_id is None:
            raise UnsendableOrder("the order has no message_id")
        row = self._row(order)
        if row.chain is not None and not was_postponed(record):
            self._content.put_order(order.message_id, document)
        task = _first(order, order.message_id, row, first_seen_ms(record), now_ms)
        return self._within_countries(task, order)

    def _within_countries(self, task: Task, order: MessageOrder) -> Task:
        countries = allowed_countries(self._allowed_countries, order.options.allowed_countries)
        allowed = countries is None or task.row.channel == Channel.EMAIL or task.row.country in countries
        return task if allowed or task.refusal is not None else replace(task, refusal=COUNTRY_NOT_ALLOWED)

    def _row(self, order: MessageOrder) -> PlannedRow:
        """The message on all of its channels; one that cannot be sent on one of them is not sent at all."""
        rows = []
        for choice in order.recipient.choices:
            if choice.channel not in self._channels:
                raise UnsendableOrder(f"this stack has no channel {choice.channel}")
            destination = destination_of(choice.channel, choice.address)
            if isinstance(destination, NoDestination):
                raise UnsendableOrder(
                    f"{order.message_id} has no valid {choice.channel} destination: {destination.flaw}"
                )
            row = render(choice, destination, 0, order.options.max_price_usd, self._prices)
            if isinstance(row, ExcludedRow):
                raise UnsendableOrder(f"{order.message_id} cannot be sent: {row.reason.value} {row.detail}".rstrip())
            rows.append(row)
        return chained(rows, order.options)

    def _leg(self, order: LegOrder, now_ms: int) -> Task:
        found = self._chains.load([order.chain_id])
        if not found or len(found[0].chain.decisions) < order.number:
            raise UnsendableOrder(f"there is no chain that asks for {order.message_id}")
        stored = found[0]
        if stored.campaign_id:
            return self._campaign_leg(stored, order, now_ms)
        first = parse_message_order(self._content.get_order(order.chain_id))
        highest = None if first.options.max_price_usd is None else Decimal(str(first.options.max_price_usd))
        terms = LegTerms(first.options.message_type, highest)
        task = _later(stored, order, self._row(first).on(order.choice), terms, now_ms)
        return self._within_countries(task, first)

    def _campaign_leg(self, stored: StoredChain, order: LegOrder, now_ms: int) -> Task:
        leg = self._campaigns.find(order.chain_id, now_ms)
        if leg is None:
            raise UnsendableOrder(f"the plan that {order.message_id} belongs to is gone")
        if leg.status is CampaignStatus.PAUSED or (
            leg.status in LEG_STATUSES and not leg.opening.holds(now_ms * 1_000)
        ):
            raise NotNow(f"the campaign of {order.message_id} is paused, or its send window closed")
        highest = None if leg.max_price is None else Decimal(leg.max_price)
        task = _later(stored, order, leg.row.on(order.choice), LegTerms(leg.message_type, highest), now_ms)
        if leg.status not in LEG_STATUSES:
            return replace(task, refusal=CAMPAIGN_ENDED)
        if task.refusal is None and leg.budget_left_usd < task.row.reserved_usd:
            # Found before it waits for a slot, which others would lack.
            return replace(task, refusal=SPEND_CAP)
        milli_rate = max(SLOWEST_LEG, int(leg.tps * task.row.parts * MILLI))
        return replace(task, closes_us=leg.opening.end_us, milli_rate=milli_rate)


def _first(order: MessageOrder, message_id: str, row: PlannedRow, first_seen_ms: int, now_ms: int) -> Task:
    options, since_ms = order.options, order.since_ms(first_seen_ms)
    terms = SendTerms("", options.message_type, price_text(options.max_price_usd), options.validity_seconds)
    task = Task(message_id, message_id, row, terms, since_ms, **_what_follows(row.chain, 0))
    too_late = order.expired(now_ms, first_seen_ms=first_seen_ms) or _is_past_deadline(task, now_ms)
    return replace(task, refusal=EXPIRED if too_late else None)


def _later(stored: StoredChain, order: LegOrder, row: PlannedRow, terms_of_chain: LegTerms, now_ms: int) -> Task:
    chain, highest_usd = stored.chain, terms_of_chain.max_price_usd
    left = None if highest_usd is None else highest_usd - _spent_usd(stored, order)
    valid_s = None if chain.terms.valid_s is None else max(LEAST_VALIDITY_S, (chain.ends_ms - now_ms) // 1_000)
    highest = None if left is None else price_text(float(max(left, Decimal(0))))
    terms = SendTerms(stored.campaign_id, terms_of_chain.message_type, highest, valid_s)
    if left is not None and row.max_price_usd is not None:
        row = replace(row, max_price_usd=min(row.max_price_usd, left))
    row = replace(row, after_leg=rest_after(chain, order.number, now_ms))
    follows = _what_follows(chain.terms, order.choice)
    task = Task(order.message_id, chain.id, row, terms, order.ordered_at_ms, **follows)
    return replace(task, refusal=_refusal(stored, task, left, now_ms))


def _refusal(stored: StoredChain, task: Task, left: Decimal | None, now_ms: int) -> str | None:
    if any(leg is not None and leg.arrived_ms is not None for leg in stored.chain.legs):
        return NOT_NEEDED
    # A campaign's leg waits for its campaign's pace, pauses and windows: none of that speaks for another channel.
    waited_too_long = not stored.campaign_id and _is_past_deadline(task, now_ms)
    if now_ms >= stored.chain.ends_ms or waited_too_long:
        return EXPIRED
    return SPEND_CAP if left is not None and task.row.price_usd > left else None


def _spent_usd(stored: StoredChain, order: LegOrder) -> Decimal:
    """What the chain's earlier legs cost, or the most that they may come to."""
    handed_over = [
        row
        for row, leg in zip(stored.rows[: order.number], stored.chain.legs[: order.number], strict=True)
        if row is not None and leg is not None and leg.may_arrive
    ]
    costs = (row.reserved_usd if row.state.cost_usd is None else row.state.cost_usd for row in handed_over)
    return sum(costs, Decimal(0))


def _what_follows(terms: ChainTerms | None, choice: int) -> dict[str, Any]:
    has_next = terms is not None and choice + 1 < len(terms.channels)
    return {"has_next": has_next, "deadline_s": terms.fallback_after_s if has_next and terms is not None else None}


def _is_past_deadline(task: Task, now_ms: int) -> bool:
    """Whether a message has waited so long for its slot that it is the next channel's turn."""
    return task.deadline_s is not None and now_ms > task.since_ms + task.deadline_s * 1_000
